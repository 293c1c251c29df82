-- Incidents of an origin, a rule or a reporter are few among many.

CREATE INDEX incidents_by_origin ON incidents (namespace_id, origin, opened_at, id);
CREATE INDEX incidents_by_rule ON incidents (namespace_id, rule, opened_at, id) WHERE rule IS NOT NULL;
CREATE INDEX incidents_by_reporter ON incidents (namespace_id, reported_by, opened_at, id)
    WHERE reported_by IS NOT NULL;
