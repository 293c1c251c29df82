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

-- Of many incidents of a rule few are open.
CREATE INDEX incidents_open_by_rule ON incidents (namespace_id, rule) WHERE status <> 'CLOSED' AND rule IS NOT NULL;

-- How those series stand that are not OK, as of the sample that the fact `rules_cursor` names.
CREATE TABLE rule_states (
    namespace_id INTEGER NOT NULL,
    rule_id TEXT NOT NULL,
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    state TEXT NOT NULL, -- PENDING, FIRING or NO_DATA
    since INTEGER NOT NULL,
    value REAL, -- what was judged last
    pending_since INTEGER, -- the time that the first breach names
    breaches INTEGER NOT NULL, -- so far, while PENDING
    next_due_at INTEGER, -- when PENDING becomes FIRING
    PRIMARY KEY (namespace_id, rule_id, service, series_id), -- the series of a service are asked for together
    FOREIGN KEY (namespace_id, rule_id) REFERENCES rules (namespace_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX rule_states_by_series ON rule_states (series_id);
