-- All instants and durations are integer microseconds; instants are UTC.
-- JSON columns hold text that was checked before it came here.

CREATE TABLE namespaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE departments (
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (namespace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE, -- SHA-256 of the secret, hex
    departments TEXT NOT NULL DEFAULT '[]', -- JSON list
    expires_at INTEGER,
    rate_limit INTEGER, -- requests a second
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE TABLE processes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    name TEXT NOT NULL,
    description TEXT,
    category TEXT,
    department TEXT,
    service TEXT,
    runbook_url TEXT,
    default_deadline INTEGER,
    warn_at REAL NOT NULL DEFAULT 0.75,
    heartbeat_timeout INTEGER,
    auto_close INTEGER NOT NULL DEFAULT 1,
    incident_per TEXT NOT NULL DEFAULT 'process',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    last_run_at INTEGER,
    -- Counts over the stored runs, kept by the operations that change them.
    total INTEGER NOT NULL DEFAULT 0,
    active INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    late INTEGER NOT NULL DEFAULT 0,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    namespace_id INTEGER NOT NULL,
    process_id INTEGER NOT NULL REFERENCES processes (id),
    id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL,
    deadline_status TEXT,
    overdue_at_finish INTEGER NOT NULL DEFAULT 0,
    stalled INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL,
    completed_at INTEGER,
    deadline INTEGER,
    warning_at INTEGER,
    duration INTEGER,
    next_due_at INTEGER, -- when time alone changes this run; null: never
    heartbeat_timeout INTEGER,
    last_heartbeat_at INTEGER,
    progress TEXT,
    tags TEXT NOT NULL DEFAULT '{}',
    context TEXT NOT NULL DEFAULT '{}',
    error TEXT,
    category TEXT,
    service TEXT,
    triggered_by TEXT,
    correlation_id TEXT
) STRICT;

-- The key of a run: finds the newest attempt, and holds attempts apart.
CREATE UNIQUE INDEX runs_by_key ON runs (process_id, id, attempt);
-- At most one ACTIVE run of a key.
CREATE UNIQUE INDEX runs_active_by_key ON runs (process_id, id) WHERE status = 'ACTIVE';
-- The agenda.
CREATE INDEX runs_due ON runs (next_due_at) WHERE next_due_at IS NOT NULL;
-- One for each allowed pair of filter and sort; see store/run_plans.py. What a commit costs is the pages it touches: an
-- index by category or service would touch one for each of them, an index that grows at its end can carry them for
-- nothing, to be checked without reading the run.
CREATE INDEX runs_by_start ON runs (namespace_id, started_at, seq, category, service);
CREATE INDEX runs_by_process ON runs (process_id, started_at, seq);
CREATE INDEX runs_by_outcome ON runs (process_id, status, started_at, seq) WHERE status IN ('FAILED', 'SKIPPED');
CREATE INDEX runs_by_status ON runs (namespace_id, status, started_at, seq);
CREATE INDEX runs_by_deadline_status ON runs (namespace_id, deadline_status, status, started_at, seq)
    WHERE deadline_status IS NOT NULL AND deadline_status NOT IN ('ON_TRACK', 'COMPLETED_ON_TIME');
CREATE INDEX runs_by_deadline ON runs (namespace_id, deadline, seq) WHERE status = 'ACTIVE';
CREATE INDEX runs_by_completion ON runs (namespace_id, completed_at, seq, status, deadline_status, category, service)
    WHERE completed_at IS NOT NULL;
CREATE INDEX runs_by_duration ON runs (process_id, duration, seq) WHERE duration IS NOT NULL;
CREATE INDEX runs_stalled ON runs (namespace_id, started_at, seq) WHERE stalled = 1;
-- Tells which processes are late.
CREATE INDEX runs_late ON runs (process_id) WHERE status = 'ACTIVE' AND (deadline_status = 'MISSED' OR stalled = 1);

-- The words of error messages, of failed runs only, so that a run that goes well pays nothing for them.
CREATE VIRTUAL TABLE run_words USING fts5 (message, content = '', tokenize = 'unicode61');

CREATE TRIGGER run_words_added AFTER INSERT ON runs WHEN new.error IS NOT NULL BEGIN
    INSERT INTO run_words (rowid, message) VALUES (new.seq, json_extract(new.error, '$.message'));
END;
CREATE TRIGGER run_words_changed AFTER UPDATE OF error ON runs WHEN new.error IS NOT old.error BEGIN
    INSERT INTO run_words (run_words, rowid, message)
    SELECT 'delete', old.seq, json_extract(old.error, '$.message') WHERE old.error IS NOT NULL;
    INSERT INTO run_words (rowid, message)
    SELECT new.seq, json_extract(new.error, '$.message') WHERE new.error IS NOT NULL;
END;
CREATE TRIGGER run_words_removed AFTER DELETE ON runs WHEN old.error IS NOT NULL BEGIN
    INSERT INTO run_words (run_words, rowid, message)
    VALUES ('delete', old.seq, json_extract(old.error, '$.message'));
END;

CREATE TABLE tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (namespace_id, key, value)
) STRICT;

-- Carries the run's order, so that the newest runs of a tag are read from the end.
CREATE TABLE run_tags (
    tag_id INTEGER NOT NULL REFERENCES tags (id),
    started_at INTEGER NOT NULL,
    run_seq INTEGER NOT NULL,
    PRIMARY KEY (tag_id, started_at, run_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_seq INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    seq INTEGER, -- the sender's own number, for sending again without doubles
    level INTEGER NOT NULL, -- 0 DEBUG to 3 ERROR
    message TEXT NOT NULL,
    data TEXT,
    logged_at INTEGER NOT NULL
) STRICT;

CREATE INDEX logs_by_run ON logs (run_seq, id);
CREATE UNIQUE INDEX logs_by_sender ON logs (run_seq, seq) WHERE seq IS NOT NULL;

CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- unique in the file; "INC-42"
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    origin TEXT NOT NULL,
    cause TEXT, -- null for reports: each is its own cause
    holds INTEGER NOT NULL DEFAULT 0, -- the cause has not cleared since this incident
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    severity_rank INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    service TEXT,
    process TEXT,
    run_uid TEXT,
    rule TEXT,
    department TEXT NOT NULL,
    assignee TEXT,
    reported_by TEXT,
    value REAL,
    threshold REAL,
    occurrences INTEGER NOT NULL DEFAULT 1,
    seen_late INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    opened_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    triaged_at INTEGER,
    started_at INTEGER,
    closed_at INTEGER,
    close_reason TEXT,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

-- One open incident a cause.
CREATE UNIQUE INDEX incidents_one_open ON incidents (namespace_id, cause) WHERE status <> 'CLOSED' AND cause IS NOT NULL;
-- What was closed by hand while its cause held.
CREATE INDEX incidents_held ON incidents (namespace_id, cause) WHERE holds = 1;
CREATE INDEX incidents_by_opening ON incidents (namespace_id, opened_at, id);
CREATE INDEX incidents_by_status ON incidents (namespace_id, status, opened_at, id);
CREATE INDEX incidents_by_update ON incidents (namespace_id, updated_at, id);
CREATE INDEX incidents_by_severity ON incidents (namespace_id, severity_rank, opened_at, id);
CREATE INDEX incidents_open_by_severity ON incidents (namespace_id, severity_rank, opened_at, id)
    WHERE status <> 'CLOSED';
CREATE INDEX incidents_open_by_update ON incidents (namespace_id, updated_at, id) WHERE status <> 'CLOSED';
CREATE INDEX incidents_by_process ON incidents (namespace_id, process, opened_at, id) WHERE process IS NOT NULL;
CREATE INDEX incidents_by_service ON incidents (namespace_id, service, opened_at, id) WHERE service IS NOT NULL;
CREATE INDEX incidents_by_department ON incidents (namespace_id, department, opened_at, id);
CREATE INDEX incidents_by_assignee ON incidents (namespace_id, assignee, opened_at, id) WHERE assignee IS NOT NULL;

-- The words of incidents, for `search=`.
CREATE VIRTUAL TABLE incident_words USING fts5 (
    title, description, process, service, content = 'incidents', content_rowid = 'id', tokenize = 'unicode61'
);

CREATE TRIGGER incident_words_added AFTER INSERT ON incidents BEGIN
    INSERT INTO incident_words (rowid, title, description, process, service)
    VALUES (new.id, new.title, new.description, new.process, new.service);
END;
CREATE TRIGGER incident_words_changed AFTER UPDATE OF title, description, process, service ON incidents
WHEN new.title <> old.title OR new.description IS NOT old.description OR new.process IS NOT old.process
    OR new.service IS NOT old.service BEGIN
    INSERT INTO incident_words (incident_words, rowid, title, description, process, service)
    VALUES ('delete', old.id, old.title, old.description, old.process, old.service);
    INSERT INTO incident_words (rowid, title, description, process, service)
    VALUES (new.id, new.title, new.description, new.process, new.service);
END;
CREATE TRIGGER incident_words_removed AFTER DELETE ON incidents BEGIN
    INSERT INTO incident_words (incident_words, rowid, title, description, process, service)
    VALUES ('delete', old.id, old.title, old.description, old.process, old.service);
END;

CREATE TABLE comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    author TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX comments_by_incident ON comments (incident_id, id);

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    kind TEXT NOT NULL,
    severity TEXT,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    incident_id INTEGER, -- kept when the incident is deleted
    run_uid TEXT,
    department TEXT NOT NULL,
    in_inbox INTEGER NOT NULL DEFAULT 1, -- 0: made only because a channel asks for its kind
    payload TEXT NOT NULL DEFAULT '{}', -- what webhooks are sent
    routing TEXT NOT NULL DEFAULT '[]', -- [[channel id, channel name, why not or null], …] at the time
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX notifications_inbox ON notifications (namespace_id, id) WHERE in_inbox = 1;
CREATE INDEX notifications_inbox_of_department ON notifications (namespace_id, department, id) WHERE in_inbox = 1;
CREATE INDEX notifications_by_incident ON notifications (incident_id, id) WHERE incident_id IS NOT NULL;

CREATE TABLE notification_reads (
    reader TEXT NOT NULL,
    notification_id INTEGER NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (reader, notification_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX notification_reads_by_notification ON notification_reads (notification_id);

-- Everything up to here counts as read for that reader, so that "read all" is one row.
CREATE TABLE inbox_marks (
    reader TEXT NOT NULL,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    up_to INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (reader, namespace_id)
) STRICT, WITHOUT ROWID;

-- The exceptions to it: marked unread again.
CREATE TABLE notification_unreads (
    reader TEXT NOT NULL,
    notification_id INTEGER NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    PRIMARY KEY (reader, notification_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX notification_unreads_by_notification ON notification_unreads (notification_id);

CREATE TABLE channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    name TEXT NOT NULL,
    url_sealed TEXT NOT NULL,
    url_shown TEXT NOT NULL,
    secret_sealed TEXT,
    trusted INTEGER NOT NULL DEFAULT 0, -- made by an ADMIN: may reach private addresses
    department TEXT,
    min_severity TEXT,
    kinds TEXT, -- JSON list; null: the usual ones
    match TEXT, -- JSON object
    enabled INTEGER NOT NULL DEFAULT 1,
    proven_at INTEGER,
    dead_since INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    notification_id INTEGER NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, -- since the last time a person asked for a retry
    next_due_at INTEGER, -- null: nothing to do any more
    created_at INTEGER NOT NULL,
    UNIQUE (notification_id, channel_id)
) STRICT;

CREATE INDEX deliveries_due ON deliveries (channel_id, next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX deliveries_by_status ON deliveries (namespace_id, status, id) WHERE status <> 'SENT';
CREATE INDEX deliveries_by_channel ON deliveries (channel_id, id);
CREATE INDEX deliveries_by_namespace ON deliveries (namespace_id, id);

CREATE TABLE delivery_attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    status TEXT NOT NULL,
    error TEXT
) STRICT;

CREATE INDEX delivery_attempts_by_delivery ON delivery_attempts (delivery_id, id);

CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    namespace_id INTEGER NOT NULL,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    actor TEXT NOT NULL,
    changed TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE INDEX journal_by_ref ON journal (namespace_id, topic, ref, seq);

CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL, -- SHA-256 of endpoint, path and body
    status INTEGER NOT NULL,
    answer BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- Time in which trackdesk could see nothing: it was down, or the machine slept.
CREATE TABLE blind_times (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- Single facts about this database: when it was last alive, a check of the seal key.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO namespaces (id, name, created_at) VALUES (1, 'default', 0);
INSERT INTO departments (namespace_id, id, name, description, created_at)
VALUES (1, 'default', 'Default', 'Gets what nothing else routes.', 0);
