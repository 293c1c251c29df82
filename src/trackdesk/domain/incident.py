"""Incidents: their life, and which step may follow which."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from trackdesk.domain.errors import Conflict
from trackdesk.domain.instant import Instant
from trackdesk.domain.model import Input, Label, ProcessName, Text, Title, Value, clean

BULK_LIMIT = 1000

CommentText = Annotated[Text, Field(min_length=1)]


class Origin(StrEnum):
    MISSED = "missed"
    FAILED = "failed"
    MISSING = "missing"
    STALLED = "stalled"
    REPORT = "report"
    RULE = "rule"
    ALERT = "alert"


class IncidentStatus(StrEnum):
    OPEN = "OPEN"
    TRIAGED = "TRIAGED"
    IN_PROGRESS = "IN_PROGRESS"
    CLOSED = "CLOSED"


class Severity(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


SEVERITY_ORDER = {severity: rank for rank, severity in enumerate(Severity)}

_FORBIDDEN_STEPS = {
    (IncidentStatus.CLOSED, IncidentStatus.TRIAGED),
    (IncidentStatus.CLOSED, IncidentStatus.IN_PROGRESS),
}


def check_step(now: IncidentStatus, wanted: IncidentStatus) -> None:
    """Raises Conflict `closed` for work on what is closed: it is reopened first."""
    if (now, wanted) in _FORBIDDEN_STEPS:
        raise Conflict(f"The incident is CLOSED; reopen it (status OPEN) before it becomes {wanted}.", code="closed")


def process_cause(process: str) -> str:
    """What all late, failed, stalled and missing runs of a process share."""
    return f"process:{process}"


def run_cause(process: str, run_id: str) -> str:
    """With `incident_per: run`: a later attempt of the same key has the same cause, so that it can clear it."""
    return f"run:{process}/{run_id}"


def incident_ref(number: int) -> str:
    return f"INC-{number}"


class NewIncident(Input):
    title: Title
    description: Text | None = None
    severity: Severity = Severity.MEDIUM
    service: Label | None = None
    process: ProcessName | None = None
    department: Label | None = None
    assignee: Label | None = None


class ChangeIncident(Input):
    """Absent members keep their value; null clears those that may be empty."""

    status: IncidentStatus | None = None
    severity: Severity | None = None
    assignee: Label | None = None
    department: Label | None = None
    title: Title | None = None
    description: Text | None = None


def _distinct(ids: list[int]) -> list[int]:
    if len(set(ids)) != len(ids):
        raise ValueError("expected each id once")
    return ids


class BulkIncidents(Input):
    ids: (
        Annotated[
            list[Annotated[int, Field(ge=1, le=2**53)]],
            Field(min_length=1, max_length=BULK_LIMIT),
            AfterValidator(_distinct),
        ]
        | None
    ) = None
    q: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(clean)] | None = None
    expect: Annotated[int, Field(ge=0, le=BULK_LIMIT)] | None = None
    """With `q`: how many incidents the caller has seen it match; another number changes nothing (409 `changed`)."""
    status: IncidentStatus | None = None
    assignee: Label | None = None
    severity: Severity | None = None
    comment: CommentText | None = None


class BulkResult(Value):
    id: int
    ok: bool
    code: str | None = None
    detail: str | None = None
    version: int | None = None


class BulkResults(Value):
    results: list[BulkResult]


class Incident(Value):
    id: int
    ref: str
    origin: str
    status: IncidentStatus
    severity: Severity
    title: str
    description: str | None = None
    service: str | None = None
    process: str | None = None
    run: str | None = None
    """uid of the run that opened it."""
    tags: dict[str, str] = {}
    """Of the run, rule or alert that opened it; silences match them."""
    rule: str | None = None
    department: str
    assignee: str | None = None
    reported_by: str | None = None
    value: float | None = None
    threshold: float | None = None
    occurrences: int = 1
    seen_late: bool = False
    """True when trackdesk itself was away (down, suspended) as it became true."""
    due_at: Instant | None = None
    """The instant at which it became true; `opened_at` is when it was written."""
    opened_at: Instant
    last_seen_at: Instant
    triaged_at: Instant | None = None
    started_at: Instant | None = None
    closed_at: Instant | None = None
    close_reason: str | None = None
    updated_at: Instant
    version: int


class NewComment(Input):
    content: CommentText


class Comment(Value):
    id: int
    incident: int
    author: str
    content: str
    created_at: Instant


class JournalEntry(Value):
    """One change of state: who changed what, from what to what (`changed`: member → `[before, after]`, or facts)."""

    seq: int
    at: Instant
    topic: str
    kind: str
    ref: str
    actor: str
    changed: dict[str, Any] = {}


class RoutingStep(Value):
    """One reason why somebody was told, or not."""

    at: Instant
    kind: str
    """`cause`, `silence`, `department`, `inbox`, `channel`, `group` or `attempt`."""
    subject: str
    told: bool | None = None
    detail: str


class Routing(Value):
    incident: int
    steps: list[RoutingStep]
