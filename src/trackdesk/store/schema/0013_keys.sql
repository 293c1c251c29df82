-- Ids that are made begin with the time, so below the namespace those of all processes end up side by side: a commit
-- touches the same few pages of this index for however many processes. It also finds ids by their beginning in one seek.
DROP INDEX runs_by_key;
CREATE UNIQUE INDEX runs_by_key ON runs (namespace_id, id, process_id, attempt);
