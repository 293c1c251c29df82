"""Processes: the named kinds of work, and what is expected of their runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from trackdesk.domain.clock import HOUR, SECOND
from trackdesk.domain.deadline import DEFAULT_WARN_AT
from trackdesk.domain.instant import Duration, Instant, Seconds, format_duration
from trackdesk.domain.model import URL_PATTERN, Input, Label, ShortText, Text, Value, clean
from trackdesk.domain.retention import FOR_EVER
from trackdesk.domain.run import DueInput, check_heartbeat
from trackdesk.domain.schedule import Schedule

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Url = Annotated[str, Field(max_length=2000, pattern=URL_PATTERN), AfterValidator(clean)]
IncidentPer = Literal["process", "run"]
MOST_FAILURES = 100
SHORTEST_RETENTION = HOUR


class ProcessState(StrEnum):
    OK = "OK"
    RUNNING = "RUNNING"
    LATE = "LATE"
    FAILING = "FAILING"
    MISSING = "MISSING"
    """It was expected, had its grace, and has not started."""
    PAUSED = "PAUSED"


class ChangeProcess(Input):
    """Members that are absent keep their value; null takes the default again."""

    schedule: Schedule | None = None
    grace: Duration | None = None
    """How much later than expected it may start; null: five minutes, or the period where that is shorter."""
    default_deadline: Duration | None = None
    warn_at: Share | None = None
    heartbeat_timeout: Duration | None = None
    alert_after_failures: Annotated[int, Field(ge=1, le=MOST_FAILURES)] | None = None
    auto_close: bool | None = None
    incident_per: IncidentPer | None = None
    department: Label | None = None
    service: Label | None = None
    runbook_url: Url | None = None
    category: ShortText | None = None
    description: Text | None = None
    retention: Duration | None = None

    @field_validator("grace")
    @classmethod
    def _grace_is_some_time(cls, value: int | None) -> int | None:
        if value is not None and value < SECOND:
            raise ValueError(f"expected at least 1s, not {format_duration(value)}")
        return value

    @field_validator("retention")
    @classmethod
    def _retention_is_long_enough(cls, value: int | None) -> int | None:
        if value is not None and FOR_EVER < value < SHORTEST_RETENTION:
            raise ValueError(f"expected at least 1h, or 0s to keep its runs for ever, not {format_duration(value)}")
        return value

    @field_validator("heartbeat_timeout")
    @classmethod
    def _heartbeat_is_long_enough(cls, value: int | None) -> int | None:
        check_heartbeat(value)
        return value

    @field_validator("default_deadline")
    @classmethod
    def _deadline_is_some_time(cls, value: int | None) -> int | None:
        if value == 0:
            raise ValueError("expected more than 0s")
        return value


class PauseProcess(Input):
    until: DueInput | None = None
    """When it ends by itself: an instant, or so long from now. Null: when somebody resumes it."""
    reason: ShortText | None = None


class RunCounts(Value):
    """Of all runs that are stored; `late` counts runs that missed their deadline, whatever became of them."""

    total: int = 0
    active: int = 0
    completed: int = 0
    failed: int = 0
    skipped: int = 0
    late: int = 0
    success_rate: float | None = None
    """Completed over completed and failed, 0 to 1; null before the first."""
    p50: Seconds | None = None
    p90: Seconds | None = None
    p99: Seconds | None = None
    """Durations of its completed runs, as the roll-ups know them; null before the first was counted."""


class Outcome(Value):
    """One of the last runs, as a process shows them."""

    uid: str
    status: str
    late: bool
    duration: Seconds | None = None
    started_at: Instant
    unusual: str | None = None
    """`too often`, `too early` or `longer than p99`."""


class Process(Value):
    name: str
    state: ProcessState
    description: str | None = None
    category: str | None = None
    department: str | None = None
    service: str | None = None
    runbook_url: str | None = None
    schedule: Schedule | None = None
    grace: Duration | None = None
    default_deadline: Duration | None = None
    warn_at: float = DEFAULT_WARN_AT
    heartbeat_timeout: Duration | None = None
    alert_after_failures: int = 1
    auto_close: bool = True
    incident_per: IncidentPer = "process"
    retention: Duration | None = None
    created_at: Instant
    updated_at: Instant
    version: int
    last_run_at: Instant | None = None
    next_expected_at: Instant | None = None
    """While MISSING the start that did not come; null without a schedule and while PAUSED."""
    missing_since: Instant | None = None
    """When it was expected and did not start."""
    blind_at: Instant | None = None
    """The last time it was expected while trackdesk could not see whether it started: proves nothing."""
    paused_at: Instant | None = None
    paused_until: Instant | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    ping_uuid: str | None = None
    """Its own secret for `/ping/{uuid}`."""
    runs: RunCounts = RunCounts()
    last_run: Outcome | None = None
    recent: list[Outcome] = []
    """The last 20 runs, newest first."""
    unusual: list[str] = []
    """What is unusual about its last run and its last finished one."""
