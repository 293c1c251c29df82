"""What people and receivers are told: titles, bodies and payloads. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.clock import SECOND
from trackdesk.domain.expectation import grace_of
from trackdesk.domain.incident import Incident, Origin, Severity
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.notification import Kind
from trackdesk.domain.schedule import Every, clock_time, describe

if TYPE_CHECKING:
    from trackdesk.domain.run import Run
    from trackdesk.domain.schedule import Schedule
    from trackdesk.store.processes import ProcessRow

SEVERITY_OF = {
    Origin.MISSED: Severity.HIGH,
    Origin.FAILED: Severity.HIGH,
    Origin.STALLED: Severity.HIGH,
    Origin.MISSING: Severity.HIGH,
}

_EVENTS = {
    Kind.STARTED: "process.started",
    Kind.COMPLETED: "process.completed",
    Kind.WARNING: "process.deadline_warning",
    Kind.MISSED: "process.deadline_missed",
    Kind.FAILED: "process.failed",
    Kind.STALLED: "process.stalled",
}
_ORIGIN_EVENTS = {
    Origin.MISSED: "process.deadline_missed",
    Origin.FAILED: "process.failed",
    Origin.STALLED: "process.stalled",
    Origin.MISSING: "process.missing",
}
TITLE_LENGTH = 255


def incident_title(origin: Origin, run: Run) -> str:
    """One line that says what is wrong with which run."""
    if origin == Origin.MISSED:
        budget = round_up(run.deadline - run.started_at) if run.deadline is not None else 0
        what = f"missed its deadline of {format_duration(budget)}" if budget > 0 else "missed its deadline"
    elif origin == Origin.STALLED:
        what = f"went silent for {format_duration(run.heartbeat_timeout or 0)}"
    else:
        first_line = run.error.message.strip().splitlines()[0] if run.error and run.error.message.strip() else ""
        what = f"failed: {first_line}" if first_line else "failed"
    title = f"{run.process} {what}"
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1] + "…"


def missing_title(process: str, schedule: Schedule, expected_at: int) -> str:
    """`backup never started (expected 02:00 Europe/Berlin)`."""
    if isinstance(schedule, Every):
        return f"{process} did not start again ({describe(schedule)}, expected {clock_time(expected_at, 'UTC')})"
    return f"{process} never started (expected {clock_time(expected_at, schedule.timezone)})"


def round_up(micros: int) -> int:
    """To whole seconds, so that a budget reads as it was given."""
    return -(-micros // SECOND) * SECOND


def run_facts(run: Run, process: ProcessRow) -> str:
    """The lines that let a person who reads a mail act on it."""
    lines = [f"run       {run.process} / {run.id}, attempt {run.attempt} ({run.uid})"]
    lines.append(f"started   {format_instant(run.started_at)}")
    if run.deadline is not None:
        lines.append(f"deadline  {format_instant(run.deadline)}")
    if run.completed_at is not None:
        lines.append(f"finished  {format_instant(run.completed_at)} as {run.status}")
    if run.service:
        lines.append(f"service   {run.service}")
    if run.tags:
        lines.append("tags      " + " ".join(f"{key}={value}" for key, value in run.tags.items()))
    if run.error:
        lines.append(f"error     {run.error.message.strip()}")
    if process.runbook_url:
        lines.append(f"runbook   {process.runbook_url}")
    return "\n".join(lines)


def expectation_facts(process: ProcessRow, expected_at: int) -> str:
    """The lines that let a person who reads a mail act on a start that did not come."""
    lines = [f"process   {process.name}", f"expected  {format_instant(expected_at)}"]
    if process.schedule is not None:
        lines.append(f"schedule  {describe(process.schedule)}")
        lines.append(f"grace     {format_duration(grace_of(process.schedule, process.grace))}")
    if process.service:
        lines.append(f"service   {process.service}")
    if process.runbook_url:
        lines.append(f"runbook   {process.runbook_url}")
    return "\n".join(lines)


def process_payload(kind: Kind, process: ProcessRow, expected_at: int, run: Run | None, now: int) -> dict[str, Any]:
    """Of a process that is missing or has recovered: as that of a run, which it has when it has recovered."""
    payload: dict[str, Any] = {} if run is None else run_payload(Kind.STARTED, run, now)
    return {
        **payload,
        "event": f"process.{kind}",
        "kind": kind,
        "name": process.name,
        "expected_at": format_instant(expected_at),
        "schedule": None if process.schedule is None else describe(process.schedule),
    }


def run_payload(kind: Kind, run: Run, now: int) -> dict[str, Any]:
    """ToTrackIt's webhook body (times in epoch seconds, tags as a list) with our members beside it."""
    payload: dict[str, Any] = {
        "event": _EVENTS[kind],
        "name": run.process,
        "id": run.id,
        "started_at": run.started_at // SECOND,
        "tags": [{"key": key, "value": value} for key, value in run.tags.items()],
        "context": run.context,
        "kind": kind,
        "run": {
            "uid": run.uid,
            "attempt": run.attempt,
            "status": run.status,
            "deadline_status": run.deadline_status,
            "duration": None if run.duration is None else run.duration / SECOND,
            "error": run.error.message if run.error else None,
        },
    }
    if run.deadline is not None:
        payload["deadline"] = run.deadline // SECOND
        payload["seconds_remaining"] = (run.deadline - now) // SECOND
    return payload


def incident_payload(kind: Kind, incident: Incident, run: Run | None, now: int) -> dict[str, Any]:
    """An opened incident of a run is ToTrackIt's event of that run; everything else is an event of the incident."""
    payload: dict[str, Any] = {"kind": kind}
    origin = Origin(incident.origin)
    if run is not None:
        payload = run_payload(Kind.MISSED, run, now) | payload
    payload["event"] = _ORIGIN_EVENTS.get(origin, "incident.opened") if kind == Kind.OPENED else f"incident.{kind}"
    payload["incident"] = {
        "id": incident.id,
        "ref": incident.ref,
        "origin": incident.origin,
        "status": incident.status,
        "severity": incident.severity,
        "title": incident.title,
        "process": incident.process,
        "service": incident.service,
        "rule": incident.rule,
        "value": incident.value,
        "threshold": incident.threshold,
        "department": incident.department,
        "assignee": incident.assignee,
        "occurrences": incident.occurrences,
        "seen_late": incident.seen_late,
        "due_at": None if incident.due_at is None else format_instant(incident.due_at),
        "opened_at": format_instant(incident.opened_at),
        "close_reason": incident.close_reason,
    }
    return payload
