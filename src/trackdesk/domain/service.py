"""Services under watch: what may be set, what is answered, and how well one is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from trackdesk.domain.clock import MINUTE
from trackdesk.domain.instant import Instant
from trackdesk.domain.model import Input, Label, Text, Value

NO_DATA_AFTER = 15 * MINUTE
"""µs without a sample after which nothing is known of a service."""


class Health(StrEnum):
    OK = "OK"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    NO_DATA = "NO_DATA"


def health(now: int, last_sample_at: int | None, open_incidents: int, critical: int) -> Health:
    """How well a service is at `now` (µs). `critical` are those of its `open_incidents` that are CRITICAL.

    An incident says more than silence: a service that went down sends nothing.
    """
    if critical:
        return Health.DOWN
    if open_incidents:
        return Health.DEGRADED
    if last_sample_at is None or last_sample_at <= now - NO_DATA_AFTER:
        return Health.NO_DATA
    return Health.OK


def _distinct(names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        raise ValueError("expected each service once")
    return names


ServiceNames = Annotated[list[Label], Field(max_length=100), AfterValidator(_distinct)]


class NewService(Input):
    name: Label
    description: Text | None = None
    department: Label | None = None
    depends_on: ServiceNames = []
    """Names; what they name need not be there yet."""


class ChangeService(Input):
    """Absent members keep their value; null clears those that may be empty."""

    description: Text | None = None
    department: Label | None = None
    depends_on: ServiceNames = []


class Service(Value):
    name: str
    health: Health
    description: str | None = None
    department: str | None = None
    depends_on: list[str] = []
    metric_types: list[str] = []
    last_sample_at: Instant | None = None
    """The newest time that a sample of it names."""
    open_incidents: int = 0
    created_at: Instant
    updated_at: Instant
    version: int
