"""From a cause to its one incident, and back: what opens, repeats and clears, inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.incident import Incident, IncidentStatus, Origin, Severity, process_cause, run_cause
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.notification import DEFAULT_DEPARTMENT, Kind, Subject
from trackdesk.domain.run import RunStatus
from trackdesk.engine import words
from trackdesk.store import blind, incidents, runs
from trackdesk.store.telling import asked_for, tell

if TYPE_CHECKING:
    from trackdesk.domain.run import Run
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx

SELF = "trackdesk"
"""The actor of what happens by itself."""


def cause_of(process: ProcessRow, run: Run) -> str:
    return run_cause(process.name, run.id) if process.incident_per == "run" else process_cause(process.name)


def raise_incident(tx: Tx, process: ProcessRow, run: Run, origin: Origin, *, due_at: int) -> None:
    """A run is late, failed or silent, since `due_at`: open the incident of its cause, or count it on the one that
    stands. One that was closed by hand stands until its cause has cleared."""
    cause = cause_of(process, run)
    standing = incidents.open_of_cause(tx, process.namespace_id, cause)
    if standing is None:
        standing = next(iter(incidents.held_of_causes(tx, process.namespace_id, cause)), None)
    if standing is not None:
        incidents.repeat(tx, standing.incident.id)
        if not standing.holds:
            incidents.hold(tx, standing.incident.id)
        return
    incident = incidents.insert(
        tx,
        process.namespace_id,
        cause,
        {
            "origin": origin,
            "severity": words.SEVERITY_OF[origin],
            "title": words.incident_title(origin, run),
            "process": process.name,
            "service": run.service or process.service,
            "run_uid": run.uid,
            "department": process.department or DEFAULT_DEPARTMENT,
            "seen_late": int(blind.was_blind(tx, due_at)),
            "due_at": due_at,
        },
    )
    announce_opened(tx, process.namespace_id, incident, SELF)
    tell_incident(tx, process.namespace_id, Kind.OPENED, incident, run=run, process=process)


def announce_opened(tx: Tx, namespace_id: int, incident: Incident, actor: str) -> None:
    facts: dict[str, Any] = {"origin": incident.origin, "title": incident.title, "severity": incident.severity}
    if incident.run:
        facts["run"] = incident.run
    if incident.due_at is not None:
        facts["due_at"] = format_instant(incident.due_at)
    if incident.seen_late:
        facts["seen_late"] = True
    tx.journal(namespace_id, "incidents", "opened", str(incident.id), actor, facts)


def clear_cause(tx: Tx, process: ProcessRow, run: Run, reason: str) -> None:
    """A run came good. When nothing else of its cause is wrong, its incident is over.

    Both causes it may stand for are looked at: `incident_per` may have been changed since the incident was opened.
    """
    causes = (process_cause(process.name), run_cause(process.name, run.id))
    for row in incidents.held_of_causes(tx, process.namespace_id, *causes):
        assert row.cause is not None, "it was found by its cause"
        if _still_wrong(tx, process, run, row.cause == causes[1]):
            continue
        incidents.release(tx, row.incident.id)
        if row.incident.status == IncidentStatus.CLOSED:
            continue
        if process.auto_close:
            close_by_itself(tx, process.namespace_id, row.incident, reason, run=run, process=process)
        else:
            tx.journal(process.namespace_id, "incidents", "cleared", str(row.incident.id), SELF, {"reason": reason})


def _still_wrong(tx: Tx, process: ProcessRow, run: Run, of_run: bool) -> bool:
    """Whether something else holds the cause up: another run in trouble, or a failure that no run has made good."""
    if not of_run and runs.troubled(tx, process.id):
        return True
    return run.status != RunStatus.COMPLETED and runs.failing(tx, process.id, run.id if of_run else None)


def close_by_itself(
    tx: Tx, namespace_id: int, incident: Incident, reason: str, *, run: Run | None, process: ProcessRow | None
) -> None:
    closed = incidents.update(
        tx, incident.id, {"status": "CLOSED", "closed_at": tx.now, "close_reason": reason, "holds": 0}
    )
    tx.journal(
        namespace_id,
        "incidents",
        "closed",
        str(incident.id),
        SELF,
        {"status": [incident.status, "CLOSED"], "reason": reason},
    )
    tell_incident(tx, namespace_id, Kind.CLOSED, closed, run=run, process=process)


def tell_incident(
    tx: Tx,
    namespace_id: int,
    kind: Kind,
    incident: Incident,
    *,
    run: Run | None = None,
    process: ProcessRow | None = None,
) -> None:
    """Inbox and channels of the incident's department."""
    subject = Subject(
        kind,
        incident.severity,
        incident.department,
        incident.process,
        incident.service,
        tuple(run.tags.items()) if run else (),
    )
    lines = []
    if incident.close_reason and kind == Kind.CLOSED:
        lines.append(f"Closed: {incident.close_reason}.")
    if incident.description:
        lines.append(incident.description)
    if run is not None and process is not None:
        lines.append(words.run_facts(run, process))
    tell(
        tx,
        namespace_id,
        subject,
        title=_headline(kind, incident),
        body="\n\n".join(lines),
        incident_id=incident.id,
        run_uid=incident.run,
        payload=words.incident_payload(kind, incident, run, tx.now),
    )


_VERBS = {Kind.REOPENED: "reopened: ", Kind.SEVERITY_RAISED: "raised: ", Kind.CLOSED: "closed: "}


def _headline(kind: Kind, incident: Incident) -> str:
    return f"{incident.ref} {_VERBS.get(kind, '')}{incident.title}"


def tell_run(tx: Tx, process: ProcessRow, run: Run, kind: Kind) -> None:
    """What happens to a run, for those who ask for that kind; a warning also goes to the inbox."""
    if not asked_for(tx, process.namespace_id, kind):
        return
    subject = Subject(
        kind,
        Severity.MEDIUM if kind == Kind.WARNING else None,
        process.department or DEFAULT_DEPARTMENT,
        process.name,
        run.service or process.service,
        tuple(run.tags.items()),
    )
    tell(
        tx,
        process.namespace_id,
        subject,
        title=_run_headline(kind, run, tx.now),
        body=words.run_facts(run, process),
        run_uid=run.uid,
        payload=words.run_payload(kind, run, tx.now),
    )


def _run_headline(kind: Kind, run: Run, now: int) -> str:
    name = f"{run.process} / {run.id}"
    if kind == Kind.WARNING and run.deadline is not None:
        left = format_duration(words.round_up(max(run.deadline - now, 0)))
        return f"{name} has {left} left before its deadline"
    return f"{name} {kind}"
