"""Headline counts for the Overview."""

from __future__ import annotations

from trackdesk.domain.instant import Instant
from trackdesk.domain.model import Value


class RunSummary(Value):
    total: int
    active: int
    completed: int
    failed: int
    skipped: int
    on_track: int
    """ACTIVE runs by deadline status."""
    warning: int
    missed: int
    stalled: int
    without_deadline: int
    completed_24h: int
    completed_on_time_24h: int
    completed_late_24h: int
    failed_24h: int


class IncidentSummary(Value):
    open: int
    """Everything that is not CLOSED."""
    by_status: dict[str, int]
    by_severity: dict[str, int]
    """Of what is not CLOSED."""


class Summary(Value):
    at: Instant
    runs: RunSummary
    incidents: IncidentSummary
    unread: int
    processes: dict[str, int]
    """By state."""
    deliveries: dict[str, int]
    """By status, of what is not SENT."""
