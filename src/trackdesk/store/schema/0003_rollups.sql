-- Finished runs counted up, so that no question about them has to read them one by one. What was counted stays when old
-- runs are deleted for their age. Minutes are counted from the runs, hours from minutes, days from hours.

-- How far it is: everything before these instants is counted. Runs that end before `sealed_to`, told afterwards, and
-- those that are taken out by a person, go through the corrections.
CREATE TABLE rollup_cursors (
    namespace_id INTEGER PRIMARY KEY REFERENCES namespaces (id),
    sealed_to INTEGER NOT NULL,
    minutes_to INTEGER NOT NULL,
    hours_to INTEGER NOT NULL,
    days_to INTEGER NOT NULL
) STRICT;

-- What is counted by itself: all runs, those of a process, those with a tag key, those with a tag.
CREATE TABLE rollup_series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    kind TEXT NOT NULL, -- all, process, key, tag
    process_id INTEGER NOT NULL DEFAULT 0,
    key TEXT NOT NULL DEFAULT '',
    value TEXT NOT NULL DEFAULT '',
    UNIQUE (namespace_id, kind, key, value, process_id)
) STRICT;

-- One minute of all series in one row, until its hour is over: most of them have one run in a minute, and a row for
-- each would be as many rows as there are runs.
CREATE TABLE rollup_minutes (
    namespace_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    pack TEXT NOT NULL, -- JSON: {series id: [counts …, [bucket, count, …]]}
    PRIMARY KEY (namespace_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollups (
    level INTEGER NOT NULL, -- 0 minutes, of all runs only; 1 hours; 2 days in UTC
    series_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    on_time INTEGER NOT NULL,
    late INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    problems INTEGER NOT NULL,
    took INTEGER NOT NULL, -- durations of the completed ones together
    sketch TEXT NOT NULL, -- JSON: [bucket, count, …] of these durations
    PRIMARY KEY (level, series_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL,
    completed_at INTEGER NOT NULL,
    sign INTEGER NOT NULL, -- 1 counts it, -1 takes it out again
    process_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    deadline_status TEXT,
    overdue INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    tags TEXT NOT NULL
) STRICT;

CREATE INDEX rollup_corrections_by_time ON rollup_corrections (namespace_id, completed_at);
