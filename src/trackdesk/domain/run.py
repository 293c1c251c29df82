"""Runs: what may be sent, what is answered, and which status follows from what."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import orjson
from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator

from trackdesk.domain.clock import SECOND
from trackdesk.domain.errors import shorten
from trackdesk.domain.instant import (
    DURATION_HINT,
    INSTANT_HINT,
    Duration,
    Instant,
    Seconds,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
    within,
)
from trackdesk.domain.model import (
    Count,
    Input,
    Json,
    Label,
    LogText,
    LongText,
    RunId,
    ShortText,
    Tags,
    Value,
)

SUPERSEDED = "superseded"
"""The error of an attempt that a later one of the same key took the place of."""


class RunStatus(StrEnum):
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class DeadlineStatus(StrEnum):
    ON_TRACK = "ON_TRACK"
    WARNING = "WARNING"
    MISSED = "MISSED"
    COMPLETED_ON_TIME = "COMPLETED_ON_TIME"
    COMPLETED_LATE = "COMPLETED_LATE"


_DATE = re.compile(r"\d{4}-")
_LEAST_EPOCH = 946_684_800
"""Epoch seconds of the year 2000: a smaller number is meant as a duration, and would be a deadline long missed."""


class Due(NamedTuple):
    """A deadline as given: an instant, or a duration that counts from the start of the run (both µs)."""

    micros: int
    relative: bool

    def resolve(self, started_at: int) -> int:
        """The instant, µs. Raises ValueError when it lies beyond what can be written."""
        return within(started_at + self.micros, self.micros) if self.relative else self.micros

    def __str__(self) -> str:
        """As `parse_due` reads it."""
        return format_duration(self.micros) if self.relative else format_instant(self.micros)


def parse_due(value: object) -> Due:
    """`"30m"`, `"PT30M"`, RFC 3339 or epoch seconds from 2000 on. Raises ValueError."""
    if isinstance(value, Due):
        return value
    if isinstance(value, str) and not _DATE.match(value):
        try:
            return Due(parse_duration(value), relative=True)
        except ValueError:
            raise ValueError(f"expected {INSTANT_HINT}, or {DURATION_HINT}, not {shorten(value)}") from None
    micros = parse_instant(value)
    if micros < _LEAST_EPOCH * SECOND and not isinstance(value, str):
        raise ValueError(f'a number is epoch seconds, and {value:g} is long past; a duration is written "{value:g}s"')
    return Due(micros, relative=False)


DueInput = Annotated[
    Due,
    BeforeValidator(parse_due),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "examples": ["30m", "PT30M", "2026-01-02T03:04:05Z"]},
                {"type": "number", "minimum": _LEAST_EPOCH, "maximum": 253402300799},
            ]
        }
    ),
]


class Progress(Value):
    done: Count = 0
    total: Count | None = None
    ok: Count | None = None
    failed: Count | None = None
    skipped: Count | None = None


class ProgressInput(Input):
    done: Count | None = None
    total: Count | None = None
    ok: Count | None = None
    failed: Count | None = None
    skipped: Count | None = None


class RunError(Input):
    message: LongText
    backtrace: LongText | None = None


class StartRun(Input):
    id: RunId | None = None
    deadline: DueInput | None = None
    tags: Tags = {}
    context: Json = {}
    category: ShortText | None = None
    service: Label | None = None
    triggered_by: ShortText | None = None
    correlation_id: ShortText | None = None
    started_at: Instant | None = None
    on_active: Literal["refuse", "supersede"] = "refuse"
    heartbeat_timeout: Duration | None = Field(default=None)
    total: Count | None = None

    @field_validator("heartbeat_timeout")
    @classmethod
    def _heartbeat_is_long_enough(cls, value: int | None) -> int | None:
        check_heartbeat(value)
        return value


class PatchRun(Input):
    deadline: DueInput | None = None
    tags: Tags | None = None
    context: Json | None = None
    progress: ProgressInput | None = None


class CompleteRun(Input):
    status: Literal["COMPLETED", "FAILED", "SKIPPED"] = "COMPLETED"
    error: RunError | None = None
    context: Json = {}
    completed_at: Instant | None = None


class Run(Value):
    uid: str
    process: str
    id: str
    attempt: int
    status: RunStatus
    deadline_status: DeadlineStatus | None = None
    overdue_at_finish: bool = False
    stalled: bool = False
    """True while the run is silent for longer than its heartbeat timeout."""
    started_at: Instant
    completed_at: Instant | None = None
    deadline: Instant | None = None
    duration: Seconds | None = None
    progress: Progress | None = None
    tags: dict[str, str] = {}
    context: dict[str, Any] = {}
    error: RunError | None = None
    category: str | None = None
    service: str | None = None
    triggered_by: str | None = None
    correlation_id: str | None = None
    heartbeat_timeout: Duration | None = None
    last_heartbeat_at: Instant | None = None

    def to_json(self) -> bytes:
        """The same JSON as the model's own serializer gives, in a third of the time: runs are what is answered most."""
        values: dict[str, Any] = {**self.__dict__}
        for name in _INSTANTS:
            at = values[name]
            if at is not None:
                values[name] = format_instant(at)
        if self.duration is not None:
            values["duration"] = self.duration / SECOND
        if self.heartbeat_timeout is not None:
            values["heartbeat_timeout"] = format_duration(self.heartbeat_timeout)
        if self.progress is not None:
            values["progress"] = self.progress.__dict__
        if self.error is not None:
            values["error"] = self.error.__dict__
        return orjson.dumps(values)


_INSTANTS = ("started_at", "completed_at", "deadline", "last_heartbeat_at")


class LogLevel(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


LEVEL_ORDER: dict[str, int] = {level.value: rank for rank, level in enumerate(LogLevel)}


class NewLog(Input):
    message: LogText
    level: LogLevel = LogLevel.INFO
    data: Json | None = None
    logged_at: Instant | None = None
    seq: Count | None = None
    """The sender's own number of the line; a number that the run has already is not stored again."""


LogInput = NewLog | Annotated[list[NewLog], Field(min_length=1, max_length=10_000)]


class LogLine(Value):
    id: int
    message: str
    level: LogLevel
    data: dict[str, Any] | None = None
    logged_at: Instant
    seq: int | None = None


class LogsAccepted(Value):
    accepted: int


MIN_HEARTBEAT = 1_000_000


def check_heartbeat(timeout: int | None) -> None:
    """Raises ValueError for a timeout under one second, which no network keeps."""
    if timeout is not None and timeout < MIN_HEARTBEAT:
        raise ValueError(f"expected at least 1s, not {format_duration(timeout)}")


class RunAddress(NamedTuple):
    """How a caller names a run: by `uid`, or by process and id (ACTIVE, else newest, or `attempt`)."""

    uid: str | None = None
    process: str = ""
    id: str = ""
    attempt: int | None = None

    def __str__(self) -> str:
        if self.uid is not None:
            return self.uid
        return f"{self.process}/{self.id}" + (f"?attempt={self.attempt}" if self.attempt else "")
