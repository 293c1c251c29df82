-- Services under watch, their series and samples.

CREATE TABLE services (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    name TEXT NOT NULL,
    description TEXT,
    department TEXT,
    depends_on TEXT NOT NULL DEFAULT '[]', -- JSON list of names
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE INDEX services_by_department ON services (namespace_id, department) WHERE department IS NOT NULL;

-- One for each service, type and set of tags; there are many samples to one of them.
CREATE TABLE series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL,
    service_id INTEGER NOT NULL REFERENCES services (id),
    metric_type TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '{}', -- JSON object, its names sorted
    UNIQUE (service_id, metric_type, tags)
) STRICT;

CREATE INDEX series_by_type ON series (namespace_id, metric_type);

-- In the order of arrival, which is what rules follow. A sample costs this row and its place in one index, nothing else.
CREATE TABLE samples (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    series_id INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    value REAL NOT NULL
) STRICT;

-- Holds all there is to know of a sample: nothing that reads by series reads the table.
CREATE INDEX samples_by_series ON samples (series_id, recorded_at, value);

-- Of a line or a sample that became a sample: that one.
ALTER TABLE ingest_uids ADD COLUMN sample_id INTEGER;

-- How well a service is.
CREATE INDEX incidents_open_by_service ON incidents (namespace_id, service, severity_rank)
    WHERE status <> 'CLOSED' AND service IS NOT NULL;
