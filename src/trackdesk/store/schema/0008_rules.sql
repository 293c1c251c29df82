-- Rules over metrics, and how each stands.

CREATE TABLE rules (
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    metric_type TEXT NOT NULL,
    service TEXT, -- null: every service that has the metric
    tags TEXT NOT NULL DEFAULT '{}', -- JSON object, its names sorted; samples carry all of them
    operator TEXT, -- null with threshold: the rule watches for silence alone
    threshold REAL,
    severity TEXT NOT NULL,
    department TEXT,
    enabled INTEGER NOT NULL,
    aggregate TEXT NOT NULL,
    window_size INTEGER,
    hold_for INTEGER, -- how long the condition holds before it counts
    recover_threshold REAL,
    no_data_after INTEGER,
    auto_close INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT,
    version INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (namespace_id, id)
) STRICT;

CREATE INDEX rules_by_department ON rules (namespace_id, department) WHERE department IS NOT NULL;
