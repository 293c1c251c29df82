"""What must hold of every database that trackdesk leaves behind, however it was ended: queries that find nothing.

A later part of the program adds its own in one entry.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_LATE = "(r.deadline_status IN ('MISSED', 'COMPLETED_LATE') OR r.overdue_at_finish)"
_COUNTED = f"""
SELECT p.name, p.total, p.active, p.completed, p.failed, p.skipped, p.late, found.*
FROM processes p JOIN (
    SELECT p.id AS id, count(r.seq) AS total, coalesce(sum(r.status = 'ACTIVE'), 0) AS active,
        coalesce(sum(r.status = 'COMPLETED'), 0) AS completed, coalesce(sum(r.status = 'FAILED'), 0) AS failed,
        coalesce(sum(r.status = 'SKIPPED'), 0) AS skipped, coalesce(sum({_LATE}), 0) AS late
    FROM processes p LEFT JOIN runs r ON r.process_id = p.id GROUP BY p.id
) found ON found.id = p.id
WHERE (p.total, p.active, p.completed, p.failed, p.skipped, p.late)
    <> (found.total, found.active, found.completed, found.failed, found.skipped, found.late)
"""

_TROUBLES = """
SELECT j.seq, j.at, j.kind, p.namespace_id, p.name AS process, r.id AS run_id
FROM journal j JOIN runs r ON r.uid = j.ref JOIN processes p ON p.id = r.process_id
WHERE j.topic = 'runs' AND j.kind IN ('missed', 'failed', 'stalled')
UNION ALL
SELECT j.seq, j.at, j.kind, j.namespace_id, j.ref AS process, NULL AS run_id
FROM journal j WHERE j.topic = 'processes' AND j.kind = 'missing'
"""
_LATE_AT_LAST = """
SELECT p.id AS process_id FROM journal j JOIN runs r ON r.uid = j.ref JOIN processes p ON p.id = r.process_id
WHERE j.topic = 'runs' AND j.kind IN ('completed', 'failed', 'skipped', 'superseded') AND r.overdue_at_finish
    AND json_extract(j.changed, '$.deadline_status[0]') <> 'MISSED'
"""

BROKEN: dict[str, str] = {
    "a run has no process": "SELECT seq FROM runs WHERE process_id NOT IN (SELECT id FROM processes)",
    "a run has a tag that is gone": "SELECT run_seq FROM run_tags WHERE tag_id NOT IN (SELECT id FROM tags)",
    "a page of the file is damaged": "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "a row lacks its parent": "SELECT * FROM pragma_foreign_key_check",
    "the journal has a gap": "SELECT count(*), min(seq), max(seq) FROM journal WHERE seq > "
    "coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'journal_gap'), 0) "
    "HAVING count(*) > 0 AND count(*) <> max(seq) - "
    "coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'journal_gap'), 0)",
    "a process counts other runs than it has": _COUNTED,
    "a request was carried out twice": "SELECT correlation_id FROM runs WHERE correlation_id IS NOT NULL "
    "GROUP BY correlation_id HAVING count(*) > 1",
    "a report was filed twice": "SELECT title FROM incidents WHERE origin = 'report' GROUP BY title HAVING "
    "count(*) > 1",
    "a comment stands twice": "SELECT content FROM comments GROUP BY content HAVING count(*) > 1",
    "a run did not start once": "SELECT r.uid FROM runs r WHERE 1 <> "
    "(SELECT count(*) FROM journal WHERE topic = 'runs' AND kind = 'started' AND ref = r.uid)",
    "a run did not end once": "SELECT r.uid, r.status FROM runs r WHERE (r.status <> 'ACTIVE') <> (SELECT count(*) "
    "FROM journal WHERE topic = 'runs' AND kind IN ('completed', 'failed', 'skipped', 'superseded') AND ref = r.uid)",
    "a run was found late twice": "SELECT ref FROM journal WHERE topic = 'runs' AND kind = 'missed' "
    "GROUP BY ref HAVING count(*) > 1",
    "a finished run waits for something": "SELECT uid FROM runs WHERE status <> 'ACTIVE' AND next_due_at IS NOT NULL",
    "nobody will look at a deadline": "SELECT uid FROM runs WHERE status = 'ACTIVE' AND deadline IS NOT NULL "
    "AND deadline_status IN ('ON_TRACK', 'WARNING') AND (next_due_at IS NULL OR next_due_at > deadline) "
    # A start that is told afterwards is looked at ten seconds later: its end may be under way.
    "AND ifnull(next_due_at > 10000000 + (SELECT at FROM journal WHERE topic = 'runs' AND kind = 'started' "
    "AND ref = uid), TRUE)",
    "tags are not those of their runs": "SELECT * FROM (SELECT coalesce(sum((SELECT count(*) FROM "
    "json_each(tags))), 0) AS a "
    "FROM runs), (SELECT count(*) AS b FROM run_tags) WHERE a <> b",
    "trouble without an incident": f"""
        SELECT t.* FROM ({_TROUBLES}) t WHERE NOT EXISTS (
            SELECT 1 FROM incidents i WHERE i.namespace_id = t.namespace_id
            AND i.cause IN ('process:' || t.process, ifnull('run:' || t.process || '/' || t.run_id, ''))
            AND i.opened_at <= t.at AND (i.closed_at IS NULL OR i.closed_at >= t.at))""",
    "incidents count other troubles than there were": f"""
        SELECT p.name,
            (SELECT count(*) FROM ({_TROUBLES}) t WHERE t.process = p.name AND t.namespace_id = p.namespace_id)
            + (SELECT count(*) FROM ({_LATE_AT_LAST}) l WHERE l.process_id = p.id) AS troubles,
            (SELECT coalesce(sum(i.occurrences), 0) FROM incidents i
             WHERE i.namespace_id = p.namespace_id AND i.process = p.name AND i.origin <> 'report') AS counted
        FROM processes p WHERE troubles <> counted""",
    "two incidents are open for one cause": "SELECT cause FROM incidents WHERE status <> 'CLOSED' AND cause IS "
    "NOT NULL "
    "GROUP BY namespace_id, cause HAVING count(*) > 1",
    "an incident was not opened once": "SELECT i.id FROM incidents i WHERE 1 <> (SELECT count(*) FROM journal "
    "WHERE topic = 'incidents' AND kind = 'opened' AND ref = CAST(i.id AS TEXT))",
    "an incident was not told once": "SELECT i.id FROM incidents i WHERE 1 <> (SELECT count(*) FROM notifications "
    "WHERE kind = 'opened' AND incident_id = i.id AND muted IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM mutes WHERE incident_id = i.id AND (released_at IS NULL OR outcome = 'closed'))",
    "an incident was closed without a word": "SELECT i.id, i.status FROM incidents i WHERE (i.status = 'CLOSED') <> "
    "(SELECT coalesce(sum(CASE kind WHEN 'closed' THEN 1 ELSE -1 END), 0) FROM journal "
    "WHERE topic = 'incidents' AND kind IN ('closed', 'reopened') AND ref = CAST(i.id AS TEXT))",
    "a closed incident was not told": "SELECT i.id FROM incidents i WHERE (SELECT count(*) FROM journal "
    "WHERE topic = 'incidents' AND kind = 'closed' AND ref = CAST(i.id AS TEXT)) <> "
    "(SELECT count(*) FROM notifications WHERE kind = 'closed' AND incident_id = i.id)",
    "a warning was not told once": "SELECT j.ref FROM journal j WHERE j.topic = 'runs' AND j.kind = 'warning' "
    "GROUP BY j.ref "
    "HAVING count(*) <> (SELECT count(*) FROM notifications WHERE kind = 'warning' AND run_uid = j.ref)",
    "a notification is not in the journal": "SELECT n.id FROM notifications n WHERE n.kind NOT IN ('test', 'group') "
    "AND coalesce((SELECT group_concat(kind) FROM (SELECT kind FROM journal WHERE topic = 'notifications' "
    "AND kind IN ('told', 'untold', 'muted', 'taken_back') AND ref = CAST(n.id AS TEXT) ORDER BY seq)), '') NOT IN "
    "(CASE WHEN n.muted IS NOT NULL THEN 'muted' WHEN json_type(n.routing) = 'object' THEN 'untold' ELSE 'told' END, "
    "iif(n.muted IS NULL AND json_type(n.routing) = 'object', 'told,taken_back', 'nothing'))",
    "a chosen channel has no delivery": "SELECT n.id FROM notifications n WHERE n.kind <> 'group' AND "
    "iif(n.muted IS NULL AND json_type(n.routing) = 'array', "
    "(SELECT count(*) FROM json_each(n.routing) WHERE json_extract(value, '$[2]') IS NULL), 0) <> "
    "(SELECT count(*) FROM deliveries d WHERE d.notification_id = n.id)",
    "a delivery is not marked as it went": "SELECT d.id, d.status FROM deliveries d WHERE (d.status = 'SENT') <> "
    "(SELECT count(*) FROM delivery_attempts WHERE delivery_id = d.id AND outcome = 'sent')",
    "a delivery miscounts its attempts": "SELECT d.id FROM deliveries d WHERE d.attempts <> "
    "(SELECT count(*) FROM delivery_attempts WHERE delivery_id = d.id)",
    "a sent delivery is not in the journal": "SELECT d.id FROM deliveries d WHERE (d.status = 'SENT') <> "
    "(SELECT count(*) FROM journal WHERE topic = 'deliveries' AND kind = 'sent' AND ref = CAST(d.id AS TEXT))",
    "something was gathered into nothing": "SELECT d.id FROM deliveries d WHERE (d.status = 'GROUPED') <> "
    "(d.group_id IS NOT NULL) OR NOT EXISTS (SELECT 1 FROM deliveries g JOIN delivery_groups w ON w.delivery_id = g.id "
    "WHERE g.id = d.group_id AND g.channel_id = d.channel_id AND w.opened_at <= d.created_at "
    "AND d.created_at < w.closes_at) AND d.group_id IS NOT NULL",
    "an incident waits for the end of what is over": "SELECT m.* FROM mutes m WHERE m.released_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM silences WHERE m.kind = 'silence' AND id = m.by_id AND next_due_at IS NOT NULL) "
    "AND NOT EXISTS (SELECT 1 FROM maintenance WHERE m.kind = 'maintenance' AND id = m.by_id "
    "AND next_due_at IS NOT NULL)",
    "a delivery is forgotten": "SELECT id FROM deliveries WHERE status IN ('PENDING', 'RETRYING') AND "
    "next_due_at IS NULL",
    "a series is wrong without an incident": "SELECT s.* FROM rule_states s WHERE s.state <> 'PENDING' AND NOT EXISTS "
    "(SELECT 1 FROM incidents i WHERE i.namespace_id = s.namespace_id AND i.holds = 1 "
    "AND i.cause = 'rule:' || s.rule_id || '/' || s.service)",
    "an incident of a rule holds, and no series is wrong": "SELECT i.id FROM incidents i WHERE i.origin = 'rule' "
    "AND i.holds = 1 AND NOT EXISTS (SELECT 1 FROM rule_states s WHERE s.namespace_id = i.namespace_id "
    "AND s.state <> 'PENDING' AND i.cause = 'rule:' || s.rule_id || '/' || s.service)",
    "a line has lost its run": "SELECT l.id FROM logs l WHERE NOT EXISTS (SELECT 1 FROM runs WHERE seq = l.run_seq) "
    "AND NOT EXISTS (SELECT 1 FROM gone_runs WHERE seq = l.run_seq)",
    "a run is gone and is there": "SELECT seq FROM gone_runs WHERE seq IN (SELECT seq FROM runs)",
    "a tag has no run": "SELECT id FROM tags WHERE id NOT IN (SELECT tag_id FROM run_tags)",
    "a line stands twice": "SELECT run_seq, seq FROM logs WHERE seq IS NOT NULL GROUP BY run_seq, seq HAVING "
    "count(*) > 1",
}

HELD = """
SELECT uid FROM deliveries WHERE attempts = 0 AND next_due_at > :now
    AND notification_id IN (SELECT id FROM notifications WHERE kind = 'closed')
"""
"""Closings by hand that may still be taken back at `now`, µs."""
UNFINISHED = f"""
SELECT (SELECT count(*) FROM deliveries WHERE next_due_at IS NOT NULL AND uid NOT IN ({HELD}))
    + (SELECT count(*) FROM runs WHERE next_due_at IS NOT NULL AND next_due_at <= :now)
"""
"""How much is due at `now`, µs."""


def rows(path: Path, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
    """What another program reads in the file; it may belong to a running server."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        return [tuple(row) for row in connection.execute(sql, params)]


def broken(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Each invariant that does not hold, with the first rows that show it. All are read in one transaction."""
    found = {}
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN")
        for name, sql in BROKEN.items():
            if shown := connection.execute(sql).fetchmany(3):
                found[name] = shown
    return found
