-- What people attach to incidents. The bytes are files beside the database, named by their SHA-256.
CREATE TABLE attachments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    size INTEGER NOT NULL, -- bytes
    sha256 TEXT NOT NULL, -- hex
    author TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX attachments_by_incident ON attachments (incident_id, id);
CREATE INDEX attachments_by_file ON attachments (sha256, size);

-- Files that may be on the disk without an attachment that needs them: on their way in, or out. Whatever is not named
-- here is never deleted, so that a backup that is put back finds its files.
CREATE TABLE loose_files (
    sha256 TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER attachments_gone AFTER DELETE ON attachments BEGIN
    INSERT OR IGNORE INTO loose_files (sha256) VALUES (old.sha256);
END;

-- Counted without reading them.
DROP INDEX incidents_open_by_severity;
CREATE INDEX incidents_open_by_severity ON incidents (namespace_id, severity_rank, opened_at, id, assignee)
    WHERE status <> 'CLOSED';

-- A range of opening times is checked without reading them.
DROP INDEX incidents_by_update;
CREATE INDEX incidents_by_update ON incidents (namespace_id, updated_at, id, opened_at);

-- Times to acknowledge and to close: of a window, without reading the incidents.
CREATE INDEX incidents_by_triage ON incidents (namespace_id, triaged_at, severity_rank, opened_at)
    WHERE triaged_at IS NOT NULL;
CREATE INDEX incidents_by_closing ON incidents (namespace_id, closed_at, severity_rank, opened_at)
    WHERE closed_at IS NOT NULL;
