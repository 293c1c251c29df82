"""When a run must be looked at next, and what is true of it at that instant."""

from __future__ import annotations

from typing import NamedTuple

from trackdesk.domain.run import DeadlineStatus, RunStatus

DEFAULT_WARN_AT = 0.75
HOLD_AFTER_JUMP = 60_000_000
"""µs that a verdict waits when its instant lies inside a jump of the wall clock: the report that proves the
opposite may only be late by as much as the machine slept."""

HOLD_LATE_REPORT = 10_000_000
"""µs that a verdict waits on a run whose start is told afterwards: its end is usually told in the next breath, and may
prove that all went well."""


class Watched(NamedTuple):
    """The part of an ACTIVE run that time changes; all instants µs."""

    started_at: int
    deadline: int | None
    deadline_status: DeadlineStatus | None
    warning_at: int | None
    heartbeat_timeout: int | None
    last_heartbeat_at: int
    stalled: bool


class Verdict(NamedTuple):
    """What became true by `now`. `due_at` is the instant at which it did."""

    deadline_status: DeadlineStatus | None
    warned: bool
    missed: bool
    stalled: bool
    stalled_at: int | None


def warning_instant(started_at: int, deadline: int, warn_at: float) -> int | None:
    """The instant at which `warn_at` (a share, 0 to 1) of the budget is used; None when there is no budget to share."""
    if not 0 < warn_at < 1 or deadline <= started_at:
        return None
    return started_at + round((deadline - started_at) * warn_at)


def initial_status(deadline: int | None, warning_at: int | None, now: int) -> DeadlineStatus | None:
    """What a run is born as: its deadline, or its warning, may lie in the past already."""
    if deadline is None:
        return None
    if now >= deadline:
        return DeadlineStatus.MISSED
    if warning_at is not None and now >= warning_at:
        return DeadlineStatus.WARNING
    return DeadlineStatus.ON_TRACK


def first_due(status: DeadlineStatus | None, deadline: int | None, warning_at: int | None) -> int | None:
    """The least instant at which a deadline changes the state of a run that is heard of; None when it doesn't."""
    if status is DeadlineStatus.ON_TRACK:
        return deadline if warning_at is None else warning_at
    return deadline if status is DeadlineStatus.WARNING else None


def next_due(run: Watched) -> int | None:
    """The least instant at which this run's state changes by itself, or None."""
    due_at = first_due(run.deadline_status, run.deadline, run.warning_at)
    if run.heartbeat_timeout is None or run.stalled:
        return due_at
    silent_at = run.last_heartbeat_at + run.heartbeat_timeout
    return silent_at if due_at is None else min(due_at, silent_at)


def judge(run: Watched, now: int) -> Verdict:
    """What holds at `now`. A warning that its deadline has overtaken is not given."""
    status, warned, missed = run.deadline_status, False, False
    if run.deadline is not None and status in {DeadlineStatus.ON_TRACK, DeadlineStatus.WARNING}:
        if now >= run.deadline:
            status, missed = DeadlineStatus.MISSED, True
        elif status == DeadlineStatus.ON_TRACK and run.warning_at is not None and now >= run.warning_at:
            status, warned = DeadlineStatus.WARNING, True
    silent_at = None
    if run.heartbeat_timeout is not None and not run.stalled:
        silent_at = run.last_heartbeat_at + run.heartbeat_timeout
    stalled = silent_at is not None and now >= silent_at
    return Verdict(status, warned, missed, stalled, silent_at if stalled else None)


def is_past(status: RunStatus, completed_at: int, now: int) -> bool:
    """Whether a run that came good had been over for a while when its end was told: nobody can do anything about its
    deadline any more."""
    return status != RunStatus.FAILED and completed_at < now - HOLD_LATE_REPORT


def finished_status(
    status: RunStatus, deadline: int | None, deadline_status: DeadlineStatus | None, completed_at: int
) -> DeadlineStatus | None:
    """The deadline status of a finished run: only a COMPLETED one proves anything, another one keeps what it had,
    raised to MISSED when it ended after its deadline."""
    if deadline is None:
        return None
    if status == RunStatus.COMPLETED:
        return DeadlineStatus.COMPLETED_ON_TIME if completed_at <= deadline else DeadlineStatus.COMPLETED_LATE
    if completed_at > deadline:
        return DeadlineStatus.MISSED
    return deadline_status
