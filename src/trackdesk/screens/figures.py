"""Figures as bars: how runs ended over time, how long they took over time, and how that is spread."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.screens.ranges import bucket_label
from trackdesk.widgets import when
from trackdesk.widgets.bar_chart import Bar, legend
from trackdesk.widgets.glyphs import Toned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.analytics import BucketFigures, Figures
    from trackdesk.domain.process import Outcome, RunCounts
    from trackdesk.domain.run import Run
    from trackdesk.screens.ranges import Range
    from trackdesk.widgets.glyphs import Role

OUTCOMES = (legend("ok", "well"), legend("late", "late"), legend("fail", "failed"))
TIMES = (legend("run", "p50"), legend("new", "p90"), legend("late", "p99"))
_ENDED: dict[str, Role] = {"COMPLETED": "ok", "FAILED": "fail", "SKIPPED": "dim", "ACTIVE": "run"}


def say_span(value: float) -> str:
    """A time (µs) for a scale."""
    return when.span(int(value)) if value else "0"


def say_count(value: float) -> str:
    """A number of runs for a scale."""
    return f"{value:,.0f}" if value < 100_000 else f"{value / 1000:,.0f}k"


def outcome_bars(buckets: Sequence[BucketFigures], chosen: Range) -> list[Bar]:
    bars = []
    for each in buckets:
        failed = each.by_status.get("FAILED", 0)
        late = each.problems - failed
        parts: list[tuple[float, Role]] = [(each.count - each.problems, "ok"), (late, "late"), (failed, "fail")]
        bars.append(Bar(parts if each.count else (), bucket_label(each, chosen)))
    return bars


class TimeScale(NamedTuple):
    """How high a time stands. A steep one goes by its logarithm, above a little less than the least: that way a job of
    seconds is still seen beside one of hours."""

    steep: bool
    low: float

    def height(self, micros: float) -> float:
        return math.log10(max(micros, self.low) / self.low) if self.steep else micros

    def say(self, height: float) -> str:
        return say_span(self.low * 10**height if self.steep else height)


_STEEP = 30
"""How many times the least p50 the greatest p99 is from which on a straight scale shows nothing of the small ones."""


def time_scale(buckets: Sequence[BucketFigures]) -> TimeScale:
    least = min((each.p50 for each in buckets if each.p50), default=1)
    most = max((each.p99 for each in buckets if each.p99), default=1)
    return TimeScale(most > _STEEP * least, max(least / 2, 1.0))


def time_bars(buckets: Sequence[BucketFigures], chosen: Range, scale: TimeScale) -> list[Bar]:
    """p50, and how much more p90 and p99 are."""
    bars = []
    for each in buckets:
        parts: list[tuple[float, Role]] = []
        if each.p50 is not None and each.p90 is not None and each.p99 is not None:
            p50, p90, p99 = map(scale.height, (each.p50, each.p90, each.p99))
            parts = [(p50, "run"), (p90 - p50, "new"), (p99 - p90, "late")]
        bars.append(Bar(parts, bucket_label(each, chosen)))
    return bars


def spread_bars(figures: Figures) -> list[Bar]:
    """How many runs took how long; beneath each the time they took at most."""
    return [
        Bar([(each.count, "run")], when.coarse_span(each.to) if each.to is not None else "more")
        for each in figures.histogram or ()
    ]


def run_bars(runs: Sequence[Run], now: int) -> list[Bar]:
    """How long each of `runs` (newest first) took, or takes already, in the colour of its end; oldest first."""
    late = ("MISSED", "COMPLETED_LATE")
    return [
        _took(run.status, run.started_at, run.duration, now, late=run.deadline_status in late) for run in reversed(runs)
    ]


def recent_bars(recent: Sequence[Outcome], now: int) -> list[Bar]:
    """The same of the last runs as a process tells them."""
    return [_took(each.status, each.started_at, each.duration, now, late=each.late) for each in reversed(recent)]


def _took(status: str, started_at: int, duration: int | None, now: int, *, late: bool) -> Bar:
    role = _ENDED.get(status, "new")
    took = duration if duration is not None else max(now - started_at, 0)
    return Bar([(took, "late" if late and role != "fail" else role)], when.day_clock(started_at, now))


def percentiles(runs: RunCounts) -> list[tuple[str, float]]:
    return [(name, value) for name, value in (("p50", runs.p50), ("p90", runs.p90)) if value]


def percent(value: float | None, role: Role) -> Toned | str:
    """`3.4%`, in the colour of what it counts when there is any; nothing of no runs."""
    if value is None:
        return ""
    return Toned(f"{value:.1f}%", role if value else "dim")


def span(value: int | None) -> str:
    return "" if value is None else when.span(value)
