"""Rows as they come from SQLite, made into values. Each SELECT list stands beside the function that reads it.

Rows were checked before they were written, so values are built without checking them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.identity import Key, Role
from trackdesk.domain.incident import Comment, Incident, IncidentStatus, JournalEntry, Severity, incident_ref
from trackdesk.domain.notification import (
    Attempt,
    Channel,
    Delivery,
    DeliveryStatus,
    Department,
    Kind,
    Match,
    Notification,
)
from trackdesk.domain.page import COUNT_CAP
from trackdesk.domain.run import DeadlineStatus, LogLevel, LogLine, Progress, Run, RunError, RunStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = Any
"""A tuple, or sqlite3.Row, in the order of the SELECT list."""

RUN_COLUMNS = (
    "r.seq, r.uid, p.name, r.id, r.attempt, r.status, r.deadline_status, r.overdue_at_finish, r.stalled, r.started_at, "
    "r.completed_at, r.deadline, r.duration, r.progress, r.tags, r.context, r.error, r.category, r.service, "
    "r.triggered_by, r.correlation_id, r.heartbeat_timeout, r.last_heartbeat_at"
)
_STATUSES = {each.value: each for each in RunStatus}
_DEADLINE_STATUSES = {each.value: each for each in DeadlineStatus}
RUN_FROM = "runs r JOIN processes p ON p.id = r.process_id"


def run_from(row: Row) -> Run:
    """Of `SELECT RUN_COLUMNS FROM RUN_FROM`."""
    return Run.trusted(
        uid=row[1],
        process=row[2],
        id=row[3],
        attempt=row[4],
        status=_STATUSES[row[5]],
        deadline_status=None if row[6] is None else _DEADLINE_STATUSES[row[6]],
        overdue_at_finish=bool(row[7]),
        stalled=bool(row[8]),
        started_at=row[9],
        completed_at=row[10],
        deadline=row[11],
        duration=row[12],
        progress=Progress.model_construct(**orjson.loads(row[13])) if row[13] else None,
        tags=orjson.loads(row[14]),
        context=orjson.loads(row[15]),
        error=RunError.model_construct(**orjson.loads(row[16])) if row[16] else None,
        category=row[17],
        service=row[18],
        triggered_by=row[19],
        correlation_id=row[20],
        heartbeat_timeout=row[21],
        last_heartbeat_at=row[22],
    )


LOG_COLUMNS = "id, level, message, data, logged_at, seq"
_LEVELS = tuple(LogLevel)


def log_from(row: Row) -> LogLine:
    """Of `SELECT LOG_COLUMNS FROM logs`."""
    return LogLine.model_construct(
        id=row[0],
        level=_LEVELS[row[1]],
        message=row[2],
        data=orjson.loads(row[3]) if row[3] else None,
        logged_at=row[4],
        seq=row[5],
    )


INCIDENT_COLUMNS = (
    "id, origin, status, severity, title, description, service, process, run_uid, rule, department, assignee, "
    "reported_by, value, threshold, occurrences, seen_late, due_at, opened_at, last_seen_at, triaged_at, started_at, "
    "closed_at, close_reason, updated_at, version, tags"
)


def incident_from(row: Row) -> Incident:
    """Of `SELECT INCIDENT_COLUMNS FROM incidents`."""
    return Incident.trusted(
        id=row[0],
        ref=incident_ref(row[0]),
        origin=row[1],
        status=IncidentStatus(row[2]),
        severity=Severity(row[3]),
        title=row[4],
        description=row[5],
        service=row[6],
        process=row[7],
        run=row[8],
        tags=orjson.loads(row[26]) if row[26] != "{}" else {},
        rule=row[9],
        department=row[10],
        assignee=row[11],
        reported_by=row[12],
        value=row[13],
        threshold=row[14],
        occurrences=row[15],
        seen_late=bool(row[16]),
        due_at=row[17],
        opened_at=row[18],
        last_seen_at=row[19],
        triaged_at=row[20],
        started_at=row[21],
        closed_at=row[22],
        close_reason=row[23],
        updated_at=row[24],
        version=row[25],
    )


COMMENT_COLUMNS = "id, incident_id, author, content, created_at"


def comment_from(row: Row) -> Comment:
    return Comment.trusted(id=row[0], incident=row[1], author=row[2], content=row[3], created_at=row[4])


JOURNAL_COLUMNS = "seq, at, topic, kind, ref, actor, changed"


def journal_from(row: Row) -> JournalEntry:
    return JournalEntry.trusted(
        seq=row[0], at=row[1], topic=row[2], kind=row[3], ref=row[4], actor=row[5], changed=orjson.loads(row[6])
    )


NOTIFICATION_COLUMNS = "n.id, n.kind, n.severity, n.title, n.body, n.incident_id, n.run_uid, n.department, n.created_at"


def notification_from(row: Row, read_at: int | None, deliveries: Sequence[Delivery] = ()) -> Notification:
    """Of `SELECT NOTIFICATION_COLUMNS FROM notifications n`."""
    return Notification.trusted(
        id=row[0],
        kind=Kind(row[1]),
        severity=Severity(row[2]) if row[2] is not None else None,
        title=row[3],
        body=row[4],
        incident=row[5],
        run=row[6],
        department=row[7],
        created_at=row[8],
        read_at=read_at,
        deliveries=list(deliveries),
    )


DELIVERY_COLUMNS = (
    "d.id, d.uid, d.notification_id, d.channel_id, c.name, d.status, d.next_due_at, d.created_at, d.group_id, "
    "iif(EXISTS (SELECT 1 FROM delivery_groups WHERE delivery_id = d.id), "
    "(SELECT count(*) FROM deliveries m WHERE m.group_id = d.id), NULL), "
    "(SELECT title FROM notifications WHERE id = d.notification_id)"
)
DELIVERY_FROM = "deliveries d JOIN channels c ON c.id = d.channel_id"


def delivery_from(row: Row, attempts: Sequence[Attempt] = ()) -> Delivery:
    """Of `SELECT DELIVERY_COLUMNS FROM DELIVERY_FROM`."""
    return Delivery.model_construct(
        id=row[0],
        uid=row[1],
        notification=row[2],
        channel=row[3],
        channel_name=row[4],
        status=DeliveryStatus(row[5]),
        next_try_at=row[6],
        created_at=row[7],
        group=row[8],
        gathered=row[9],
        title=row[10],
        attempts=list(attempts),
    )


ATTEMPT_COLUMNS = "at, took, outcome, status, error"


def attempt_from(row: Row) -> Attempt:
    return Attempt.trusted(at=row[0], took=row[1], outcome=row[2], status=row[3], error=row[4])


CHANNEL_COLUMNS = (
    "c.id, c.name, c.url_shown, c.secret_sealed IS NOT NULL, c.department, c.min_severity, c.kinds, c.match, "
    "c.enabled, c.proven_at, c.dead_since, c.last_error, c.created_at, c.updated_at, c.version, c.group_window"
)
# Counted no further than lists are: a channel that has been dead for long has many.
CHANNEL_PENDING = (
    "(SELECT count(*) FROM (SELECT 1 FROM deliveries d INDEXED BY deliveries_due "
    f"WHERE d.channel_id = c.id AND d.next_due_at IS NOT NULL LIMIT {COUNT_CAP}))"
)


def channel_from(row: Row, pending: int = 0) -> Channel:
    """Of `SELECT CHANNEL_COLUMNS FROM channels c`."""
    return Channel.model_construct(
        id=row[0],
        name=row[1],
        url=row[2],
        has_secret=bool(row[3]),
        department=row[4],
        min_severity=Severity(row[5]) if row[5] is not None else None,
        kinds=[Kind(kind) for kind in orjson.loads(row[6])] if row[6] else None,
        match=Match.model_construct(**{"process": None, "service": None, "tag": None, **orjson.loads(row[7])})
        if row[7]
        else None,
        enabled=bool(row[8]),
        proven_at=row[9],
        dead_since=row[10],
        last_error=row[11],
        created_at=row[12],
        updated_at=row[13],
        version=row[14],
        group_window=row[15],
        pending=pending,
    )


KEY_COLUMNS = "id, name, role, departments, expires_at, rate_limit, created_at, last_used_at"


def key_from(row: Row) -> Key:
    return Key.model_construct(
        id=row[0],
        name=row[1],
        role=Role(row[2]),
        departments=orjson.loads(row[3]),
        expires_at=row[4],
        rate_limit=row[5],
        created_at=row[6],
        last_used_at=row[7],
    )


DEPARTMENT_COLUMNS = "id, name, description, created_at"


def department_from(row: Row) -> Department:
    return Department.model_construct(id=row[0], name=row[1], description=row[2], created_at=row[3])
