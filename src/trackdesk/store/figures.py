"""Tallies as they are answered."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from trackdesk.domain.analytics import Bar, Figures
from trackdesk.domain.clock import SECOND
from trackdesk.domain.sketch import bars_of, quantiles_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.tally import Flat, Tally

_PERCENTS: Final = (50, 90, 95, 99)


def figures(tally: Tally, group: str | None, *, rest: bool = False, histogram: bool = False) -> Figures:
    """Over a whole range."""
    flat = tally.flat()
    bars = [Bar.trusted(to=bound, count=many) for bound, many in bars_of(flat[8])] if histogram else None
    return Figures.trusted(**_members(flat, tally.overdue, group, rest, _times(flat), bars))


def bucket_row(
    time: str, flat: Flat, overdue: int, group: str | None, *, rest: bool = False, histogram: bool = False
) -> dict[str, Any]:
    """`BucketFigures` as JSON has it, of the bucket that begins at `time`; there may be thousands."""
    seconds = [None if micros is None else micros / SECOND for micros in _times(flat)]
    bars = None
    if histogram:
        bars = [{"to": None if to is None else to / SECOND, "count": many} for to, many in bars_of(flat[8])]
    row = _members(flat, overdue, group, rest, seconds, bars)
    row["time"] = time
    return row


@lru_cache(maxsize=8192)
def percent(part: int, whole: int) -> float | None:
    """Per cent with two digits behind the point; None of nothing."""
    return round(100 * part / whole, 2) if whole else None


def average(tally: Tally) -> int | None:
    """µs; None where none was completed."""
    return tally.took // tally.completed if tally.completed else None


def _times(flat: Flat) -> list[int | None]:
    """The average and the percentiles, µs."""
    return [flat[7] // flat[0] if flat[0] else None, *quantiles_of(flat[8], _PERCENTS)]


def _members(
    flat: Flat, overdue: int, group: str | None, rest: bool, times: Sequence[float | None], bars: Any
) -> dict[str, Any]:
    completed, on_time, _, failed, skipped, missed, problems, _, _ = flat
    avg, p50, p90, p95, p99 = times
    count = completed + failed + skipped + overdue
    return {
        "group": group,
        "rest": rest,
        "count": count,
        "by_status": {"ACTIVE": overdue, "COMPLETED": completed, "FAILED": failed, "SKIPPED": skipped},
        "missed": missed,
        "on_time": on_time,
        "problems": problems,
        "missed_percent": percent(missed, count),
        "failed_percent": percent(failed, count),
        "avg": avg,
        "p50": p50,
        "p90": p90,
        "p95": p95,
        "p99": p99,
        "histogram": bars,
    }
