-- A run goes at once, however many lines it has logged; its lines follow in small steps. So lines refer to runs without a
-- foreign key, and a run that is gone with lines left behind it is noted.

CREATE TABLE gone_runs (
    seq INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE kept_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_seq INTEGER NOT NULL, -- a run, or one of gone_runs
    seq INTEGER, -- the sender's own number, for sending again without doubles
    level INTEGER NOT NULL, -- 0 DEBUG to 3 ERROR
    message TEXT NOT NULL,
    data TEXT,
    logged_at INTEGER NOT NULL
) STRICT;

-- Numbers that were given are not given again.
INSERT INTO sqlite_sequence (name, seq) SELECT 'kept_logs', seq FROM sqlite_sequence WHERE name = 'logs';
INSERT INTO kept_logs (id, run_seq, seq, level, message, data, logged_at)
SELECT id, run_seq, seq, level, message, data, logged_at FROM logs;
DROP TABLE logs;
ALTER TABLE kept_logs RENAME TO logs;

CREATE INDEX logs_by_run ON logs (run_seq, id);
CREATE UNIQUE INDEX logs_by_sender ON logs (run_seq, seq) WHERE seq IS NOT NULL;
