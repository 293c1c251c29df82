"""The fields that `q=` knows, list by list: the list's filters in short form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.domain.incident import IncidentStatus, Origin, Severity
from trackdesk.domain.notification import Kind
from trackdesk.domain.process import ProcessState
from trackdesk.domain.q import Field, FieldKind
from trackdesk.domain.rule import RuleState
from trackdesk.domain.run import DeadlineStatus, RunStatus
from trackdesk.domain.silence import SilenceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TEXT = Field(FieldKind.TEXT)
_AGE = Field(FieldKind.AGE)


def _enum(values: Iterable[str], kind: FieldKind = FieldKind.ENUM, *, shown: Mapping[str, str] | None = None) -> Field:
    return Field(kind, tuple(str(value) for value in values), shown or {})


_SEVERITY = _enum(Severity, FieldKind.RANK)
_RUN_WORDS = {"running": "ACTIVE", "done": "COMPLETED"}
_DEADLINE_WORDS = {"near_due": "WARNING", "on_time": "COMPLETED_ON_TIME", "late": "COMPLETED_LATE"}

RUN_FIELDS: Final = {
    "status": _enum(RunStatus, shown=_RUN_WORDS),
    "deadline": _enum(DeadlineStatus, shown=_DEADLINE_WORDS),
    "process": _TEXT,
    "id": _TEXT,
    "category": _TEXT,
    "service": _TEXT,
    "tag": Field(FieldKind.TAG),
    "started": _AGE,
    "due": Field(FieldKind.UNTIL),
    "duration": Field(FieldKind.DURATION),
    "stalled": Field(FieldKind.FLAG),
    "attempt": Field(FieldKind.NUMBER),
}
INCIDENT_FIELDS: Final = {
    "status": _enum(IncidentStatus, shown={"in_work": "IN_PROGRESS"}),
    "severity": _SEVERITY,
    "origin": _enum(Origin),
    "service": _TEXT,
    "process": _TEXT,
    "rule": _TEXT,
    "department": _TEXT,
    "assignee": _TEXT,
    "reporter": _TEXT,
    "opened": _AGE,
    "updated": _AGE,
    "id": Field(FieldKind.REF),
    "title": Field(FieldKind.WORDS),
}
PROCESS_FIELDS: Final = {
    "name": _TEXT,
    "state": _enum(ProcessState),
    "department": _TEXT,
    "category": _TEXT,
    "service": _TEXT,
    "expected": Field(FieldKind.UNTIL),
    "ran": _AGE,
}
RULE_FIELDS: Final = {
    "id": _TEXT,
    "name": Field(FieldKind.WORDS),
    "metric_type": _TEXT,
    "service": _TEXT,
    "severity": _SEVERITY,
    "department": _TEXT,
    "enabled": Field(FieldKind.FLAG),
    "state": _enum(RuleState),
    "priority": Field(FieldKind.NUMBER),
    "updated": _AGE,
}
NOTIFICATION_FIELDS: Final = {
    "kind": _enum(Kind),
    "unread": Field(FieldKind.FLAG),
    "incident": Field(FieldKind.REF),
    "department": _TEXT,
    "severity": _SEVERITY,
}
_WORDS = Field(FieldKind.WORDS)
SILENCE_FIELDS: Final = {
    "state": _enum(SilenceState),
    "service": _WORDS,
    "process": _WORDS,
    "rule": _WORDS,
    "severity": _WORDS,
    "tag": _WORDS,
    "reason": _WORDS,
    "by": _TEXT,
    "ends": Field(FieldKind.UNTIL),
}
MAINTENANCE_FIELDS: Final = {
    "state": _enum(SilenceState),
    "name": _TEXT,
    "service": _TEXT,
    "department": _TEXT,
    "reason": _WORDS,
    "by": _TEXT,
}
