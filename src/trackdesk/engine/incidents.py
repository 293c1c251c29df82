"""Operations on incidents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import Conflict, Invalid, TrackdeskError
from trackdesk.domain.incident import (
    BULK_LIMIT,
    SEVERITY_ORDER,
    BulkIncidents,
    BulkResult,
    BulkResults,
    ChangeIncident,
    Comment,
    Incident,
    IncidentStatus,
    NewComment,
    check_step,
)
from trackdesk.domain.notification import DEFAULT_DEPARTMENT, TAKEN_BACK_WITHIN, Kind
from trackdesk.domain.responsibility import responsible
from trackdesk.engine import attachments
from trackdesk.engine.causes import announce_opened, tell_as_it_stands, tell_incident
from trackdesk.engine.edits import check_department, check_version, given
from trackdesk.store import departments, incident_lists, incidents, processes, services
from trackdesk.store import once as first_answers
from trackdesk.store.errors import StoreError
from trackdesk.store.telling import take_back

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.incident import NewIncident
    from trackdesk.domain.once import Once
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

_STEP_KINDS = {
    IncidentStatus.OPEN: "handed_back",
    IncidentStatus.TRIAGED: "triaged",
    IncidentStatus.IN_PROGRESS: "started",
    IncidentStatus.CLOSED: "closed",
}
_NEVER_EMPTY = ("status", "severity", "department", "title")


async def report(engine: Engine, caller: Caller, body: NewIncident, once: Once | None = None) -> Incident:
    """Raises Invalid, Conflict `idempotency_key_reused`."""
    return await engine.writer.run(lambda tx: _report(tx, caller, body, once))


def _report(tx: Tx, caller: Caller, body: NewIncident, once: Once | None) -> Incident:
    if once is not None and (answer := first_answers.recall(tx, once)) is not None:
        return Incident.model_validate_json(answer)
    namespace_id = caller.namespace_id
    check_department(tx, namespace_id, body.department)
    process = processes.find(tx, namespace_id, body.process) if body.process else None
    if body.process and process is None:
        raise Invalid("process", "expected a process that exists", body.process)
    service_name = body.service or (process.service if process else None)
    service = services.find(tx, namespace_id, service_name) if service_name else None
    department = body.department or responsible(
        service=service.department if service else None, process=process.department if process else None
    )
    values = {
        "origin": "report",
        "severity": body.severity,
        "title": body.title,
        "description": body.description,
        "service": service_name,
        "process": body.process,
        "department": department,
        "assignee": body.assignee,
        "reported_by": caller.declared or caller.key_name,
    }
    incident = incidents.insert(tx, namespace_id, None, values)
    announce_opened(tx, namespace_id, incident, caller.actor)
    tell_incident(tx, namespace_id, Kind.OPENED, incident)
    if once is not None:
        first_answers.remember(tx, once, 201, incident.model_dump_json().encode())
    return incident


async def patch(
    engine: Engine, caller: Caller, incident_id: int, body: ChangeIncident, if_match: int | None = None
) -> Incident:
    """Raises NotFound, Invalid, Conflict `changed`, `closed` or `cause_open`."""
    return await engine.writer.run(lambda tx: _patch(tx, caller, incident_id, body, if_match))


def _patch(tx: Tx, caller: Caller, incident_id: int, body: ChangeIncident, if_match: int | None) -> Incident:
    values = given(body)
    for name in _NEVER_EMPTY:
        if name in values and values[name] is None:
            raise Invalid(name, "expected a value, not null")
    row = incidents.get(tx, caller.namespace_id, incident_id)
    before = row.incident
    check_version(tx, caller.namespace_id, "incidents", str(incident_id), before.version, if_match)
    check_department(tx, caller.namespace_id, values.get("department"))
    if before.status == IncidentStatus.CLOSED and values.get("status", IncidentStatus.CLOSED) != IncidentStatus.CLOSED:
        values.setdefault("department", _standing_department(tx, caller.namespace_id, before.department))
    changed = {name: [getattr(before, name), value] for name, value in values.items() if getattr(before, name) != value}
    if not changed:
        return before
    update = {name: values[name] for name in changed}
    if "status" in update:
        update |= _step(tx, caller.namespace_id, row, update["status"])
    after = incidents.update(tx, incident_id, update)
    tx.journal(caller.namespace_id, "incidents", _kind(before, changed), str(incident_id), caller.actor, changed)
    _tell_change(tx, caller, before, after)
    return after


def _standing_department(tx: Tx, namespace_id: int, department: str) -> str:
    """Where a closed incident belongs when it is opened again: its department may have been deleted meanwhile."""
    return department if departments.find(tx, namespace_id, department) else DEFAULT_DEPARTMENT


def _step(tx: Tx, namespace_id: int, row: incidents.IncidentRow, wanted: IncidentStatus) -> dict[str, Any]:
    """The columns that follow from a change of status."""
    now = row.incident.status
    check_step(now, wanted)
    if wanted == IncidentStatus.CLOSED:
        seen = row.incident.triaged_at or tx.now  # whoever closes it has seen it
        return {"triaged_at": seen, "closed_at": tx.now, "close_reason": "closed by hand"}
    if now == IncidentStatus.CLOSED:
        if row.cause is not None and incidents.open_of_cause(tx, namespace_id, row.cause) is not None:
            raise Conflict("Another incident is open for the same cause; work on that one.", code="cause_open")
        return {"closed_at": None, "close_reason": None}
    if wanted == IncidentStatus.TRIAGED:
        return {"triaged_at": row.incident.triaged_at or tx.now}
    if wanted == IncidentStatus.IN_PROGRESS:
        return {"triaged_at": row.incident.triaged_at or tx.now, "started_at": row.incident.started_at or tx.now}
    return {}


def _kind(before: Incident, changed: dict[str, Any]) -> str:
    """The one word of the journal: the weightiest of what changed."""
    if "status" in changed:
        if before.status == IncidentStatus.CLOSED:
            return "reopened"
        return _STEP_KINDS[changed["status"][1]]
    if "severity" in changed:
        return "severity"
    return "assigned" if "assignee" in changed else "changed"


def _tell_change(tx: Tx, caller: Caller, before: Incident, after: Incident) -> None:
    """A closing waits a little before it is sent, and is told to nobody when it is taken back meanwhile. Where somebody
    was told already, the reopening waits as well, so that no channel has it before the closing."""
    namespace_id = caller.namespace_id
    if before.status != after.status == IncidentStatus.CLOSED:
        tell_as_it_stands(tx, namespace_id, Kind.CLOSED, after, wait=TAKEN_BACK_WITHIN)
    elif before.status == IncidentStatus.CLOSED != after.status:
        if not take_back(tx, namespace_id, after.id, caller.actor):
            assert before.closed_at is not None, "it was closed"
            wait = max(before.closed_at + TAKEN_BACK_WITHIN - tx.now, 0)
            tell_as_it_stands(tx, namespace_id, Kind.REOPENED, after, wait=wait)
    elif SEVERITY_ORDER[after.severity] > SEVERITY_ORDER[before.severity] and after.status != IncidentStatus.CLOSED:
        tell_as_it_stands(tx, namespace_id, Kind.SEVERITY_RAISED, after)


async def delete(engine: Engine, caller: Caller, incident_id: int) -> None:
    """Raises NotFound."""
    await engine.writer.run(lambda tx: _delete(tx, caller, incident_id))
    await attachments.sweep_at_once(engine)


def _delete(tx: Tx, caller: Caller, incident_id: int) -> None:
    incident = incidents.get(tx, caller.namespace_id, incident_id).incident
    incidents.delete(tx, incident_id)
    tx.journal(caller.namespace_id, "incidents", "deleted", str(incident_id), caller.actor, {"title": incident.title})


async def comment(
    engine: Engine, caller: Caller, incident_id: int, body: NewComment, once: Once | None = None
) -> Comment:
    """Raises NotFound, Conflict `idempotency_key_reused`."""
    return await engine.writer.run(lambda tx: _comment(tx, caller, incident_id, body.content, once))


def _comment(tx: Tx, caller: Caller, incident_id: int, content: str, once: Once | None) -> Comment:
    if once is not None and (answer := first_answers.recall(tx, once)) is not None:
        return Comment.model_validate_json(answer)
    incidents.get(tx, caller.namespace_id, incident_id)
    made = incidents.add_comment(tx, incident_id, caller.actor, content)
    facts = {"comment": made.id, "content": content[:500]}
    tx.journal(caller.namespace_id, "incidents", "commented", str(incident_id), caller.actor, facts)
    if once is not None:
        first_answers.remember(tx, once, 201, made.model_dump_json().encode())
    return made


async def delete_comment(engine: Engine, caller: Caller, incident_id: int, comment_id: int) -> None:
    """Raises NotFound."""
    await engine.writer.run(lambda tx: _delete_comment(tx, caller, incident_id, comment_id))


def _delete_comment(tx: Tx, caller: Caller, incident_id: int, comment_id: int) -> None:
    incidents.get(tx, caller.namespace_id, incident_id)
    gone = incidents.delete_comment(tx, incident_id, comment_id)
    facts = {"comment": comment_id, "by": gone.author}
    tx.journal(caller.namespace_id, "incidents", "comment_deleted", str(incident_id), caller.actor, facts)


async def bulk(engine: Engine, caller: Caller, body: BulkIncidents) -> BulkResults:
    """Each incident succeeds or fails by itself. Raises Invalid; Conflict `changed` when `q` matches another number
    than the caller expects."""
    change = _bulk_change(body)
    ids = body.ids
    if ids is None:
        assert body.q is not None, "checked with the change"
        now = engine.clock.now()
        ids = await incident_lists.ids_matching(engine.readers, caller.namespace_id, body.q, now, BULK_LIMIT + 1)
        if len(ids) > BULK_LIMIT:
            raise Invalid("q", f"expected at most {BULK_LIMIT} matches; narrow it")
        if len(ids) != body.expect:
            raise Conflict(f"The filter matches {len(ids)} incidents now, not {body.expect}.", code="changed")
    each = (_one_of_bulk(engine, caller, incident_id, change, body.comment) for incident_id in ids)
    return BulkResults(results=list(await asyncio.gather(*each)))


def _bulk_change(body: BulkIncidents) -> ChangeIncident | None:
    if (body.ids is None) == (body.q is None):
        raise Invalid("ids", "expected either ids or q")
    if body.q is not None and body.expect is None:
        raise Invalid("expect", "expected, with q, the number of incidents that it is seen to match")
    values = {name: value for name, value in given(body).items() if name in {"status", "assignee", "severity"}}
    if not values and body.comment is None:
        raise Invalid("status", "expected at least one of status, assignee, severity and comment")
    return ChangeIncident(**values) if values else None


async def _one_of_bulk(
    engine: Engine, caller: Caller, incident_id: int, change: ChangeIncident | None, comment_text: str | None
) -> BulkResult:
    def operation(tx: Tx) -> int:
        if change is not None:
            _patch(tx, caller, incident_id, change, None)
        if comment_text is not None:
            _comment(tx, caller, incident_id, comment_text, None)
        return incidents.get(tx, caller.namespace_id, incident_id).incident.version

    try:
        version = await engine.writer.run(operation)
    except TrackdeskError as error:
        return BulkResult(id=incident_id, ok=False, code=error.code, detail=error.detail)
    except StoreError as error:
        return BulkResult(id=incident_id, ok=False, code="not_written", detail=str(error))
    return BulkResult(id=incident_id, ok=True, version=version)
