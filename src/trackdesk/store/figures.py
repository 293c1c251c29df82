"""Tallies as they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.analytics import Bar, BucketFigures, Figures

if TYPE_CHECKING:
    from trackdesk.domain.tally import Tally


def figures(tally: Tally, group: str | None, *, rest: bool = False, histogram: bool = False) -> Figures:
    """Over a whole range."""
    return Figures.trusted(**_members(tally, group, rest=rest, histogram=histogram))


def bucket_figures(
    at: int, tally: Tally, group: str | None, *, rest: bool = False, histogram: bool = False
) -> BucketFigures:
    """Of the bucket that begins at `at` (µs)."""
    return BucketFigures.trusted(**_members(tally, group, rest=rest, histogram=histogram), time=at)


def percent(part: int, whole: int) -> float | None:
    """Per cent with two digits behind the point; None of nothing."""
    return round(100 * part / whole, 2) if whole else None


def average(tally: Tally) -> int | None:
    """µs; None where none was completed."""
    return tally.took // tally.completed if tally.completed else None


def _members(tally: Tally, group: str | None, *, rest: bool, histogram: bool) -> dict[str, Any]:
    count = tally.count
    p50, p90, p95, p99 = tally.sketch.quantiles((50, 90, 95, 99))
    return {
        "group": group,
        "rest": rest,
        "count": count,
        "by_status": {
            "ACTIVE": tally.overdue,
            "COMPLETED": tally.completed,
            "FAILED": tally.failed,
            "SKIPPED": tally.skipped,
        },
        "missed": tally.missed,
        "on_time": tally.on_time,
        "problems": tally.problems,
        "missed_percent": percent(tally.missed, count),
        "failed_percent": percent(tally.failed, count),
        "avg": average(tally),
        "p50": p50,
        "p90": p90,
        "p95": p95,
        "p99": p99,
        "histogram": [Bar.trusted(to=bound, count=many) for bound, many in tally.sketch.bars()] if histogram else None,
    }
