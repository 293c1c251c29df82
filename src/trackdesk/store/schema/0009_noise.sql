-- Silences, maintenance windows, and what channels gather before they tell.

CREATE TABLE silences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    match TEXT NOT NULL, -- JSON: {member: [value or prefix*, …]}, of tag {key: […]}; all must hold
    reason TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    begun INTEGER NOT NULL DEFAULT 0,
    next_due_at INTEGER, -- its beginning, then its end until what it held back is told; null: all is done
    ended_by TEXT, -- who ended it before its time
    created_by TEXT NOT NULL,
    departments TEXT NOT NULL DEFAULT '[]', -- JSON list: the maker's, who are told of its end
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE INDEX silences_by_namespace ON silences (namespace_id, id);
CREATE INDEX silences_standing ON silences (namespace_id, id) WHERE next_due_at IS NOT NULL;
CREATE INDEX silences_due ON silences (next_due_at) WHERE next_due_at IS NOT NULL;

CREATE TABLE maintenance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    name TEXT NOT NULL,
    service TEXT, -- this or a department
    department TEXT,
    reason TEXT NOT NULL,
    schedule TEXT, -- JSON: {"cron", "timezone"}; null: once
    duration INTEGER, -- of one window of a schedule
    from_at INTEGER, -- the window that is on or comes next; null: none comes any more
    until_at INTEGER,
    begun INTEGER NOT NULL DEFAULT 0, -- whether that window has begun
    next_due_at INTEGER, -- as that of a silence
    created_by TEXT NOT NULL,
    departments TEXT NOT NULL DEFAULT '[]',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE INDEX maintenance_due ON maintenance (next_due_at) WHERE next_due_at IS NOT NULL;

-- Which incidents a silence or a maintenance window keeps, or kept, from being told.
CREATE TABLE mutes (
    incident_id INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    kind TEXT NOT NULL, -- silence or maintenance
    by_id INTEGER NOT NULL,
    muted_at INTEGER NOT NULL,
    released_at INTEGER, -- null: it is still held back
    outcome TEXT, -- what became of it at the end: told, closed, still_muted (by another) or known
    PRIMARY KEY (incident_id, kind, by_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX mutes_of ON mutes (kind, by_id, released_at);

-- Why a notification was told to nobody: JSON {"kind", "id", "name", "reason", "until"}; null: it was told.
ALTER TABLE notifications ADD COLUMN muted TEXT;

-- Tags of an incident: those of the run, the rule or the alert that it was opened by. Silences match them.
ALTER TABLE incidents ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';

ALTER TABLE channels ADD COLUMN group_window INTEGER NOT NULL DEFAULT 0; -- 0: nothing is gathered

-- The delivery that carries what was gathered; its members have the status GROUPED and nothing due.
ALTER TABLE deliveries ADD COLUMN group_id INTEGER REFERENCES deliveries (id) ON DELETE SET NULL;
CREATE INDEX deliveries_of_group ON deliveries (group_id, id) WHERE group_id IS NOT NULL;

CREATE TABLE delivery_groups (
    delivery_id INTEGER PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    opened_at INTEGER NOT NULL,
    closes_at INTEGER NOT NULL,
    closed_at INTEGER -- nothing joins it any more; null: it is still open
) STRICT;

CREATE INDEX delivery_groups_open ON delivery_groups (channel_id) WHERE closed_at IS NULL;
CREATE INDEX delivery_groups_by_channel ON delivery_groups (channel_id);

-- Neither what arrived nor what another carries is looked for by its status.
DROP INDEX deliveries_by_status;
CREATE INDEX deliveries_by_status ON deliveries (namespace_id, status, id) WHERE status NOT IN ('SENT', 'GROUPED');
