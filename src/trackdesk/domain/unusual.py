"""What is unusual about the last runs of a process: too often, too early, longer than it nearly always takes."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from operator import sub
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple

from trackdesk.domain.clock import SECOND
from trackdesk.domain.expectation import expected_after
from trackdesk.domain.schedule import longest_period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.process import Outcome
    from trackdesk.domain.schedule import Schedule

Unusual = Literal["too often", "too early", "longer than p99"]

HISTORY = 5
"""Runs that must have gone before: less is no habit."""
_EARLY_SHARE = 0.1
"""Of the time between two starts: a start earlier than by this much is unusual, and a habit varies by no more."""
_SLACK = 1.05
"""The roll-ups know a percentile to a few percent."""


class Ran(NamedTuple):
    """One of the last runs; times and durations in µs."""

    started_at: int
    duration: int | None
    status: str


def unusual(recent: Sequence[Ran | Outcome], schedule: Schedule | None, p99: int | None) -> list[Unusual | None]:
    """For each of `recent` (newest first) what is unusual about it, or None.

    Only a run with five before it is looked at. `longer than p99`: completed, and by more than the error of the
    percentile and a second over it. `too often`: started before half the time from the last start to the next expected
    one had passed; `too early`: before nine tenths had. Without a schedule the habit of the process stands in for it,
    where it has one. A start after a failure is a repetition and never unusual; nor is what most of the runs do.
    """
    habit = None if schedule is not None else _habit(recent)
    if p99 is None and schedule is None and habit is None:
        return [None] * len(recent)
    starts = _odd_starts(recent, schedule, habit)
    return [
        (_longer(run, p99) or odd) if index + HISTORY < len(recent) else None
        for index, (run, odd) in enumerate(zip(recent, starts, strict=True))
    ]


def _longer(run: Ran | Outcome, p99: int | None) -> Unusual | None:
    if p99 is None or run.duration is None or run.status != "COMPLETED":
        return None
    return "longer than p99" if run.duration > max(p99 * _SLACK, p99 + SECOND) else None


def _odd_starts(
    recent: Sequence[Ran | Outcome], schedule: Schedule | None, habit: float | None
) -> list[Unusual | None]:
    if schedule is None and habit is None:
        return [None] * len(recent)
    late_enough = 0.0 if schedule is None else longest_period(schedule) * (1 - _EARLY_SHARE)
    odd: list[Unusual | None] = []
    for run, before in pairwise(recent):
        gap = run.started_at - before.started_at
        usual = habit
        if schedule is not None and gap < late_enough:
            usual = _wait_after(schedule, before.started_at)
        if usual is None or before.status == "FAILED" or gap >= usual * (1 - _EARLY_SHARE):
            odd.append(None)
        else:
            odd.append("too often" if gap < usual / 2 else "too early")
    if sum(each is not None for each in odd) * 2 > len(odd):
        odd = [None] * len(odd)
    return [*odd, None][: len(recent)]


@lru_cache(maxsize=32_768)
def _wait_after(schedule: Schedule, started_at: int) -> int:
    """µs from a start to the next expected one. Lists ask it again and again of the same runs."""
    return expected_after(schedule, started_at, started_at) - started_at


def _habit(recent: Sequence[Ran | Outcome]) -> float | None:
    """The usual time (µs) between two starts; None when they come as they come."""
    if len(recent) <= HISTORY:
        return None
    starts = [run.started_at for run in recent]
    gaps = list(map(sub, starts, starts[1:]))
    usual = median(gaps)
    margin = usual * _EARLY_SHARE
    least, most = usual - margin, usual + margin
    regular = sum([least <= gap <= most for gap in gaps])
    return usual if usual > 0 and regular * 4 >= len(gaps) * 3 else None
