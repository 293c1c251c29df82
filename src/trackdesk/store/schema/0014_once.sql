-- The key first: a line whose name is a random key is looked for in its whole namespace, and by caller that was a seek for
-- each caller of it. A call that names both finds its row as before.
CREATE TABLE idempotency_by_key (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL, -- SHA-256 of endpoint, path and body
    status INTEGER NOT NULL,
    answer BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (key, caller)
) STRICT, WITHOUT ROWID;

INSERT INTO idempotency_by_key SELECT * FROM idempotency ORDER BY key, caller;
DROP TABLE idempotency;
ALTER TABLE idempotency_by_key RENAME TO idempotency;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
