"""Tallies as they are answered."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from trackdesk.domain.analytics import Bar, Figures
from trackdesk.domain.clock import SECOND
from trackdesk.domain.sketch import bars_of, quantiles_of, seconds_of
from trackdesk.domain.tally import Tally

if TYPE_CHECKING:
    from trackdesk.domain.tally import Flat

_PERCENTS: Final = (50, 90, 95, 99)


def figures(tally: Tally, group: str | None, *, rest: bool = False, histogram: bool = False) -> Figures:
    """Over a whole range."""
    p50, p90, p95, p99 = tally.sketch.quantiles(_PERCENTS)
    return Figures.trusted(
        group=group,
        rest=rest,
        count=tally.count,
        by_status={
            "ACTIVE": tally.overdue,
            "COMPLETED": tally.completed,
            "FAILED": tally.failed,
            "SKIPPED": tally.skipped,
        },
        missed=tally.missed,
        on_time=tally.on_time,
        problems=tally.problems,
        missed_percent=percent(tally.missed, tally.count),
        failed_percent=percent(tally.failed, tally.count),
        avg=average(tally),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        histogram=[Bar.trusted(to=to, count=many) for to, many in tally.sketch.bars()] if histogram else None,
    )


def bucket_row(
    time: str, cell: Flat | Tally, group: str | None, *, rest: bool = False, histogram: bool = False
) -> dict[str, Any]:
    """`BucketFigures` as JSON has it, of the bucket that begins at `time`. In one go, for there may be thousands."""
    if isinstance(cell, Tally):
        completed, on_time, failed, skipped = cell.completed, cell.on_time, cell.failed, cell.skipped
        missed, problems, took, overdue = cell.missed, cell.problems, cell.took, cell.overdue
        p50, p90, p95, p99 = cell.sketch.seconds(_PERCENTS)
    else:
        completed, on_time, _, failed, skipped, missed, problems, took, packed = cell
        overdue = 0
        p50, p90, p95, p99 = quantiles_of(packed, _PERCENTS, seconds_of)
    bars = None
    if histogram:
        found = cell.sketch.bars() if isinstance(cell, Tally) else bars_of(packed)
        bars = [{"to": None if to is None else to / SECOND, "count": many} for to, many in found]
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
        "avg": took // completed / SECOND if completed else None,
        "p50": p50,
        "p90": p90,
        "p95": p95,
        "p99": p99,
        "histogram": bars,
        "time": time,
    }


@lru_cache(maxsize=8192)
def percent(part: int, whole: int) -> float | None:
    """Per cent with two digits behind the point; None of nothing."""
    return round(100 * part / whole, 2) if whole else None


def average(tally: Tally) -> int | None:
    """µs; None where none was completed."""
    return tally.took // tally.completed if tally.completed else None
