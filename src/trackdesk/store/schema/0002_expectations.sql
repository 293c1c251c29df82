-- What is expected of a process, and what time has made of it.

ALTER TABLE processes ADD COLUMN schedule TEXT; -- JSON: {"cron", "timezone"} or {"every"} in µs; null: nothing is expected
ALTER TABLE processes ADD COLUMN grace INTEGER; -- null: the usual one
ALTER TABLE processes ADD COLUMN alert_after_failures INTEGER NOT NULL DEFAULT 1;
ALTER TABLE processes ADD COLUMN retention INTEGER; -- null: as all others
ALTER TABLE processes ADD COLUMN ping_uuid TEXT; -- its own secret for /ping/{uuid}
ALTER TABLE processes ADD COLUMN expected_at INTEGER; -- when it is expected next; while missing, the start that did not come
ALTER TABLE processes ADD COLUMN next_due_at INTEGER; -- when time alone changes this process; null: never
ALTER TABLE processes ADD COLUMN missing_since INTEGER; -- when it was expected and did not start; null: not missing
ALTER TABLE processes ADD COLUMN paused_at INTEGER;
ALTER TABLE processes ADD COLUMN paused_until INTEGER;
ALTER TABLE processes ADD COLUMN paused_by TEXT;
ALTER TABLE processes ADD COLUMN pause_reason TEXT;
ALTER TABLE processes ADD COLUMN blind_at INTEGER; -- the last time it was expected while nobody could see
-- Durations of its completed runs in the last days, kept by the roll-ups.
ALTER TABLE processes ADD COLUMN p50 INTEGER;
ALTER TABLE processes ADD COLUMN p90 INTEGER;
ALTER TABLE processes ADD COLUMN p99 INTEGER;

UPDATE processes SET ping_uuid = printf(
    '%s-%s-4%s-a%s-%s', hex(randomblob(4)), hex(randomblob(2)), substr(hex(randomblob(2)), 2), substr(hex(randomblob(2)), 2),
    hex(randomblob(6))
);
UPDATE processes SET ping_uuid = lower(ping_uuid);

CREATE UNIQUE INDEX processes_by_ping_uuid ON processes (ping_uuid);
-- The agenda.
CREATE INDEX processes_due ON processes (next_due_at) WHERE next_due_at IS NOT NULL;
