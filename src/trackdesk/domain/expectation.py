"""When a process is missing: expected at an instant, given its grace, and not started.

A start answers the expectation that stands. For a cron line the next one is its first fire after the start; a start
up to a minute (and a tenth of the period) before a fire is taken for that fire, because clocks of two machines differ.
With `every` the next one is that long after the last start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.clock import MINUTE
from trackdesk.domain.errors import Invalid
from trackdesk.domain.instant import LATEST, format_duration
from trackdesk.domain.schedule import Every, describe, next_after, shortest_period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.schedule import Schedule

USUAL_GRACE = 5 * MINUTE
"""µs that a process may be late when nobody has said otherwise; never more than its period."""
EARLY = MINUTE
"""µs before a fire from which a start counts as the start of that fire, where the period is ten times as long."""


class Blind(NamedTuple):
    """A time (µs) in which trackdesk could see nothing: it was down, or the clock jumped over it."""

    from_at: int
    until_at: int


class Verdict(NamedTuple):
    """What holds of an expectation at some instant."""

    missing: bool
    """It was expected at `expected_at`, had its grace, and has not started."""
    expected_at: int
    """The expectation that stands now: the one looked at, or the next one where that was blind."""
    due_at: int
    """When it is missing unless it starts."""
    blind_at: int | None
    """The last expectation whose whole time, from expected to due, nobody could see; it proves nothing."""


def usual_grace(schedule: Schedule) -> int:
    """µs of grace where none is set."""
    return min(USUAL_GRACE, shortest_period(schedule))


def grace_of(schedule: Schedule, grace: int | None) -> int:
    """µs; the usual one where none is set."""
    return usual_grace(schedule) if grace is None else grace


def check_grace(schedule: Schedule | None, grace: int | None) -> None:
    """Raises Invalid for a grace (µs) longer than the period: one start would then answer two expectations."""
    if schedule is None or grace is None or grace <= (period := shortest_period(schedule)):
        return
    raise Invalid(
        "grace",
        f"expected at most {format_duration(period)}, the shortest time between two starts of {describe(schedule)!r}",
        format_duration(grace),
    )


def first_expected(schedule: Schedule, since: int) -> int:
    """When a process is expected first (µs), having been given its schedule, or resumed, at `since`."""
    return next_after(schedule, since)


def expected_after(schedule: Schedule, started_at: int, standing: int) -> int:
    """What is expected (µs) after a start, where `standing` was expected before it.

    Later than `standing` when this start answers it; else `standing` itself: a start reported afterwards, or one
    between two fires, moves nothing.
    """
    if isinstance(schedule, Every):
        return max(next_after(schedule, started_at), standing)
    if started_at + EARLY < standing:
        return standing
    coming = next_after(schedule, started_at)
    if coming - started_at <= EARLY:
        following = next_after(schedule, coming)
        if (coming - started_at) * 10 <= following - coming:
            coming = following
    return max(coming, standing)


def due_after(expected_at: int, grace: int, blind: Sequence[Blind] = ()) -> int:
    """When (µs) it has had its whole grace, of which what nobody could see does not count."""
    due_at = expected_at + grace
    for time in _merged(blind):
        if time.from_at >= due_at:
            break
        due_at += max(time.until_at - max(time.from_at, expected_at), 0)
    return min(due_at, LATEST)


def judge(schedule: Schedule, grace: int, expected_at: int, now: int, blind: Sequence[Blind] = ()) -> Verdict:
    """What holds at `now` (µs) of a process expected at `expected_at`; `blind` in any order.

    An expectation whose whole time nobody could see is passed over; the next one is the first that somebody can see:
    of a cron line the first fire whose grace outlasts the blind time, with `every` that long after it, because the
    start that counts may have been any moment before.
    """
    unseen, blind_at = _merged(blind), None
    while (seen_again := _covered_until(unseen, expected_at, expected_at + grace)) is not None and seen_again <= now:
        blind_at = expected_at
        since = seen_again if isinstance(schedule, Every) else max(expected_at, seen_again - grace)
        expected_at = next_after(schedule, since)
    due_at = due_after(expected_at, grace, unseen)
    return Verdict(now >= due_at, expected_at, due_at, blind_at)


def _merged(blind: Sequence[Blind]) -> list[Blind]:
    merged: list[Blind] = []
    for time in sorted(blind):
        if merged and time.from_at <= merged[-1].until_at:
            merged[-1] = Blind(merged[-1].from_at, max(merged[-1].until_at, time.until_at))
        else:
            merged.append(Blind(*time))
    return merged


def _covered_until(merged: Sequence[Blind], from_at: int, until_at: int) -> int | None:
    """The end of the blind time in which all from `from_at` to `until_at` lies; None when some of it could be seen."""
    return next((time.until_at for time in merged if time.from_at <= from_at and until_at <= time.until_at), None)
