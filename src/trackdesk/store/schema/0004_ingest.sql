-- Lines of /v1/ingest that were taken, by the name that their sender gave them; kept for a day.

CREATE TABLE ingest_uids (
    namespace_id INTEGER NOT NULL,
    uid TEXT NOT NULL,
    run_uid TEXT, -- of a line that started a run: that run
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (namespace_id, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX ingest_uids_by_age ON ingest_uids (taken_at);
