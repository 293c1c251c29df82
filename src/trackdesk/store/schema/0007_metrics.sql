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

-- Samples counted up by minute, hour and day of their own time. Every sample is counted once, in the order of arrival:
-- those up to the id `samples_to` are in what follows, the others are read one by one. What is late
-- goes into its minute, hour and day like everything else.
CREATE TABLE metric_counted (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    samples_to INTEGER NOT NULL, -- an id
    minutes_to INTEGER NOT NULL, -- before this instant minutes are in packs, and counted in their hours
    days_to INTEGER NOT NULL, -- before this instant hours are in packs, and counted in their days
    -- Of before these instants samples, minutes and hours have gone for their age.
    samples_from INTEGER NOT NULL DEFAULT 0,
    minutes_from INTEGER NOT NULL DEFAULT 0,
    hours_from INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Minutes of which no hour tells yet, hours of which no day tells yet. Hours and days there are also of all series of a
-- service and type together, whatever their tags: their `series_id` is the least of these series with a minus before it.
CREATE TABLE metric_cells (
    level INTEGER NOT NULL, -- 0 a minute, 1 an hour
    series_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    total REAL NOT NULL, -- the sum divided by 2 to the power of 40, so that it is finite whatever the values are
    low REAL NOT NULL,
    high REAL NOT NULL,
    last_at INTEGER NOT NULL,
    last REAL NOT NULL,
    sketch BLOB NOT NULL, -- domain/value_sketch.py; empty when low and high say it all
    PRIMARY KEY (level, series_id, at)
) STRICT, WITHOUT ROWID;

-- Minutes of an hour, hours of a day in UTC, days of 32 days: a row for each would take more room than the samples, and
-- reading thousands of them more time than there is. What is in a pack is in no cell of its own.
CREATE TABLE metric_packs (
    level INTEGER NOT NULL, -- of what is in it: 0 minutes, 1 hours, 2 days
    series_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    pack BLOB NOT NULL, -- domain/measures.py; about 1 kB, of which a table without rowids would waste as much again
    PRIMARY KEY (level, series_id, at)
) STRICT;
