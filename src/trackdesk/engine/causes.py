"""From a cause to its one incident, and back: what opens, repeats and clears, inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.deadline import is_past
from trackdesk.domain.incident import Incident, IncidentStatus, Origin, Severity, process_cause, run_cause
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.notification import Kind, Subject
from trackdesk.domain.responsibility import responsible
from trackdesk.domain.run import RunStatus
from trackdesk.engine import words
from trackdesk.store import blind, expectations, incidents, processes, runs, services, troubles
from trackdesk.store.telling import asked_for, tell

if TYPE_CHECKING:
    from trackdesk.domain.run import Run
    from trackdesk.store.incidents import IncidentRow
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx

SELF = "trackdesk"
"""The actor of what happens by itself."""
_PAST = "the run was over before it was reported"


def cause_of(process: ProcessRow, run: Run) -> str:
    return run_cause(process.name, run.id) if process.incident_per == "run" else process_cause(process.name)


def department_of(tx: Tx, process: ProcessRow, service: str | None) -> str:
    """Whose a process or a run of it is."""
    found = None if service is None else services.find(tx, process.namespace_id, service)
    return responsible(service=None if found is None else found.department, process=process.department)


class _Wrong(NamedTuple):
    """What became true of a process, or of one of its runs, at `due_at` (µs)."""

    origin: Origin
    cause: str
    title: str
    due_at: int
    seen_late: bool
    run: Run | None = None


def raise_incident(tx: Tx, process: ProcessRow, run: Run, origin: Origin, *, due_at: int) -> None:
    """A run is late, failed or silent, since `due_at`: open the incident of its cause, or count it on the one that
    stands. One that was closed by hand stands until its cause has cleared.

    A paused process raises nothing; a failure opens one only when enough of them came in a row.
    """
    if process.paused:
        return
    opens = True
    if origin == Origin.FAILED and process.alert_after_failures > 1:
        opens = _failing(tx, process, run if process.incident_per == "run" else None)
    seen_late = blind.was_blind(tx, due_at)
    wrong = _Wrong(origin, cause_of(process, run), words.incident_title(origin, run), due_at, seen_late, run)
    _raise(tx, process, wrong, opens=opens)


def raise_missing(tx: Tx, process: ProcessRow, expected_at: int, *, seen_late: bool) -> None:
    """It was expected at `expected_at` (µs), had its grace, and has not started."""
    assert process.schedule is not None, "nothing else is expected"
    title = words.missing_title(process.name, process.schedule, expected_at)
    _raise(tx, process, _Wrong(Origin.MISSING, process_cause(process.name), title, expected_at, seen_late))


def record_past(tx: Tx, process: ProcessRow, run: Run, reason: str, *, due_at: int) -> None:
    """A run that missed its deadline at `due_at` (µs) came good long before anybody heard of it: its incident is there
    to be found, closed, and nobody is told. Where people close incidents, this one is theirs to close, too."""
    if process.paused:
        return
    wrong = _Wrong(
        Origin.MISSED,
        cause_of(process, run),
        words.incident_title(Origin.MISSED, run),
        due_at,
        blind.was_blind(tx, due_at),
        run,
    )
    if not process.auto_close:
        _raise(tx, process, wrong)
    elif not _repeats(tx, process, wrong.cause):
        incident = _open(tx, process, wrong, nobody=_PAST)
        close_by_itself(tx, process.namespace_id, incident, reason, run=run, process=process, nobody=_PAST)


def _raise(tx: Tx, process: ProcessRow, wrong: _Wrong, *, opens: bool = True) -> None:
    if not _repeats(tx, process, wrong.cause) and opens:
        _open(tx, process, wrong)


def _repeats(tx: Tx, process: ProcessRow, cause: str) -> bool:
    """Whether an incident of the cause stands; then this one counts on it."""
    standing = incidents.open_of_cause(tx, process.namespace_id, cause)
    if standing is None:
        standing = next(iter(incidents.held_of_causes(tx, process.namespace_id, cause)), None)
    if standing is None:
        return False
    incidents.repeat(tx, standing.incident.id)
    if not standing.holds:
        incidents.hold(tx, standing.incident.id)
    return True


def _open(tx: Tx, process: ProcessRow, wrong: _Wrong, *, nobody: str | None = None) -> Incident:
    run = wrong.run
    service = process.service if run is None else run.service or process.service
    incident = incidents.insert(
        tx,
        process.namespace_id,
        wrong.cause,
        {
            "origin": wrong.origin,
            "severity": words.SEVERITY_OF[wrong.origin],
            "title": wrong.title,
            "process": process.name,
            "service": service,
            "run_uid": None if run is None else run.uid,
            "tags": "{}" if run is None or not run.tags else orjson.dumps(run.tags).decode(),
            "department": department_of(tx, process, service),
            "seen_late": int(wrong.seen_late),
            "due_at": wrong.due_at,
        },
    )
    announce_opened(tx, process.namespace_id, incident, SELF)
    tell_incident(tx, process.namespace_id, Kind.OPENED, incident, run=run, process=process, nobody=nobody)
    return incident


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
        if not _still_wrong(tx, process, run, row.cause == causes[1]):
            _clear(tx, process, row, reason, run)


def clear_missing(tx: Tx, process: ProcessRow, reason: str, run: Run | None = None) -> None:
    """The process is not missing any more: it was started, or is not expected."""
    for row in incidents.held_of_causes(tx, process.namespace_id, process_cause(process.name)):
        others = process.incident_per == "process" and (
            troubles.overdue_or_silent(tx, process.id) or _failing(tx, process)
        )
        if not others:
            _clear(tx, process, row, reason, run)


def clear_all(tx: Tx, process: ProcessRow, reason: str) -> None:
    """The process is gone, whatever was wrong with it."""
    for row in incidents.held_of_process(tx, process.namespace_id, process.name):
        _clear(tx, process, row, reason, None, by_itself=True)


def _clear(
    tx: Tx, process: ProcessRow, row: IncidentRow, reason: str, run: Run | None, *, by_itself: bool = False
) -> None:
    """Its cause is over, and it too unless people are to close it."""
    incidents.release(tx, row.incident.id)
    if row.incident.status == IncidentStatus.CLOSED:
        return
    if process.auto_close or by_itself:
        close_by_itself(tx, process.namespace_id, row.incident, reason, run=run, process=process)
    else:
        tx.journal(process.namespace_id, "incidents", "cleared", str(row.incident.id), SELF, {"reason": reason})


def _still_wrong(tx: Tx, process: ProcessRow, run: Run, of_run: bool) -> bool:
    """Whether something else holds the cause up: another run in trouble, a start that did not come, or failures that
    no run has made good. One that was over before it was reported proves nothing about those that came behind it."""
    if not of_run:
        if troubles.overdue_or_silent(tx, process.id):
            return True
        if process.schedule is not None and expectations.standing(tx, process.id).missing_since is not None:
            return True
    if run.status == RunStatus.COMPLETED:
        assert run.completed_at is not None, "it has finished"
        if not is_past(run.status, run.completed_at, tx.now):
            return False
    return _failing(tx, process, run if of_run else None)


def _failing(tx: Tx, process: ProcessRow, run: Run | None = None) -> bool:
    """Did as many runs in a row fail as it takes; of the key of `run`, or of the process."""
    return troubles.failed(tx, process, None if run is None else run.id, process.alert_after_failures)


def close_by_itself(
    tx: Tx,
    namespace_id: int,
    incident: Incident,
    reason: str,
    *,
    run: Run | None,
    process: ProcessRow | None,
    nobody: str | None = None,
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
    tell_incident(tx, namespace_id, Kind.CLOSED, closed, run=run, process=process, nobody=nobody)


def tell_incident(
    tx: Tx,
    namespace_id: int,
    kind: Kind,
    incident: Incident,
    *,
    run: Run | None = None,
    process: ProcessRow | None = None,
    note: str | None = None,
    wait: int = 0,
    nobody: str | None = None,
) -> int:
    """Inbox and channels of the incident's department, the latter after `wait` µs, or `nobody`, for that reason; `note`
    is said first. Gives the notification's id."""
    subject = Subject(
        kind,
        incident.severity,
        incident.department,
        incident.process,
        incident.service,
        tuple((incident.tags if run is None else run.tags).items()),
        incident.rule,
    )
    lines = [] if note is None else [note]
    if incident.close_reason and kind == Kind.CLOSED:
        lines.append(f"Closed: {incident.close_reason}.")
    if incident.description:
        lines.append(incident.description)
    if run is not None and process is not None:
        lines.append(words.run_facts(run, process))
    elif incident.origin == Origin.MISSING and process is not None and incident.due_at is not None:
        lines.append(words.expectation_facts(process, incident.due_at))
    return tell(
        tx,
        namespace_id,
        subject,
        title=_headline(kind, incident),
        body="\n\n".join(lines),
        incident_id=incident.id,
        run_uid=incident.run,
        payload=words.incident_payload(kind, incident, run, tx.now),
        wait=wait,
        nobody=nobody,
    )


def tell_as_it_stands(
    tx: Tx, namespace_id: int, kind: Kind, incident: Incident, *, note: str | None = None, wait: int = 0
) -> int:
    """With the facts of its process and run, as far as they are still stored. Gives the notification's id."""
    run, process = None, processes.find(tx, namespace_id, incident.process) if incident.process else None
    if incident.run is not None and (found := runs.find_uid(tx, namespace_id, incident.run)) is not None:
        run = found.run
    return tell_incident(tx, namespace_id, kind, incident, run=run, process=process, note=note, wait=wait)


_VERBS = {Kind.REOPENED: "reopened: ", Kind.SEVERITY_RAISED: "raised: ", Kind.CLOSED: "closed: "}


def _headline(kind: Kind, incident: Incident) -> str:
    return f"{incident.ref} {_VERBS.get(kind, '')}{incident.title}"


def tell_run(tx: Tx, process: ProcessRow, run: Run, kind: Kind) -> None:
    """What happens to a run, for those who ask for that kind; a warning also goes to the inbox. Of a paused process
    nobody is told anything."""
    if process.paused or not asked_for(tx, process.namespace_id, kind):
        return
    subject = Subject(
        kind,
        Severity.MEDIUM if kind == Kind.WARNING else None,
        department_of(tx, process, run.service or process.service),
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


def tell_process(tx: Tx, process: ProcessRow, kind: Kind, expected_at: int, run: Run | None = None) -> None:
    """That it is missing, or has recovered by this run, for those who ask for it."""
    if not asked_for(tx, process.namespace_id, kind):
        return
    subject = Subject(
        kind, None, department_of(tx, process, process.service), process.name, process.service,
        tuple(run.tags.items()) if run else (),
    )  # fmt: skip
    tell(
        tx,
        process.namespace_id,
        subject,
        title=f"{process.name} {'is missing' if kind == Kind.MISSING else 'has recovered'}",
        body=words.expectation_facts(process, expected_at) if run is None else words.run_facts(run, process),
        run_uid=None if run is None else run.uid,
        payload=words.process_payload(kind, process, expected_at, run, tx.now),
    )


def _run_headline(kind: Kind, run: Run, now: int) -> str:
    name = f"{run.process} / {run.id}"
    if kind == Kind.WARNING and run.deadline is not None:
        left = format_duration(words.round_up(max(run.deadline - now, 0)))
        return f"{name} has {left} left before its deadline"
    return f"{name} {kind}"
