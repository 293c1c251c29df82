"""Processes: the named kinds of work, and what is expected of their runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from trackdesk.domain.deadline import DEFAULT_WARN_AT
from trackdesk.domain.instant import Duration, Instant, Seconds
from trackdesk.domain.model import Input, Label, ShortText, Text, Value, clean
from trackdesk.domain.run import check_heartbeat

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s]+$"), AfterValidator(clean)]
IncidentPer = Literal["process", "run"]


class ProcessState(StrEnum):
    OK = "OK"
    RUNNING = "RUNNING"
    LATE = "LATE"
    FAILING = "FAILING"


class ChangeProcess(Input):
    """Members that are absent keep their value; null takes the default again."""

    default_deadline: Duration | None = None
    warn_at: Share | None = None
    heartbeat_timeout: Duration | None = None
    auto_close: bool | None = None
    incident_per: IncidentPer | None = None
    department: Label | None = None
    service: Label | None = None
    runbook_url: Url | None = None
    category: ShortText | None = None
    description: Text | None = None

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
    """Durations of the last 1,000 completed runs; null in lists, where only one process at a time is asked for them."""


class Outcome(Value):
    """One of the last runs, as a process shows them."""

    uid: str
    status: str
    late: bool
    duration: Seconds | None = None
    started_at: Instant


class Process(Value):
    name: str
    state: ProcessState
    description: str | None = None
    category: str | None = None
    department: str | None = None
    service: str | None = None
    runbook_url: str | None = None
    default_deadline: Duration | None = None
    warn_at: float = DEFAULT_WARN_AT
    heartbeat_timeout: Duration | None = None
    auto_close: bool = True
    incident_per: IncidentPer = "process"
    created_at: Instant
    updated_at: Instant
    version: int
    last_run_at: Instant | None = None
    runs: RunCounts = RunCounts()
    recent: list[Outcome] = []
    """The last 20 runs, newest first."""
