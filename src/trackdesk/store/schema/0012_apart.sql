-- Of before these instants samples, minutes and hours have gone for their age: of each namespace by itself, so that a
-- cleanup in one leaves the charts of the others as they are.
CREATE TABLE metric_kept (
    namespace_id INTEGER PRIMARY KEY REFERENCES namespaces (id),
    samples_from INTEGER NOT NULL DEFAULT 0,
    minutes_from INTEGER NOT NULL DEFAULT 0,
    hours_from INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO metric_kept SELECT n.id, c.samples_from, c.minutes_from, c.hours_from FROM namespaces n, metric_counted c;
CREATE TABLE metric_counted_now (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    samples_to INTEGER NOT NULL, -- an id
    minutes_to INTEGER NOT NULL, -- before this instant minutes are in packs, and counted in their hours
    days_to INTEGER NOT NULL -- before this instant hours are in packs, and counted in their days
) STRICT;
INSERT INTO metric_counted_now SELECT id, samples_to, minutes_to, days_to FROM metric_counted;
DROP TABLE metric_counted;
ALTER TABLE metric_counted_now RENAME TO metric_counted;

-- Breaches that the occurrences of their incident don't count yet: a row each, so that a write touches what is new.
CREATE TABLE rule_uncounted (
    namespace_id INTEGER NOT NULL REFERENCES namespaces (id),
    rule_id TEXT NOT NULL,
    service TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (namespace_id, rule_id, service)
) STRICT, WITHOUT ROWID;
INSERT INTO rule_uncounted
SELECT json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]'), json_extract(j.value, '$[2]'),
    json_extract(j.value, '$[3]')
FROM facts f CROSS JOIN json_each(f.value) j WHERE f.name = 'rules_uncounted';
DELETE FROM facts WHERE name = 'rules_uncounted';
