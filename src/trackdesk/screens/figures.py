"""Figures as bars: how runs ended over time, and how long they took."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    return "" if value is None else when.rounded(value)
