"""How durations are spread, in a few hundred counters: quantiles that can be added up over time and never err by more
than one per cent.

A value is counted in the bucket `ceil(log(value) / log(GAMMA))`, and a bucket stands for the value in its middle.
Counts of equal buckets add up, so minutes make hours and hours days without a loss, and what was counted can be taken
out again. The algorithm is published: Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
Relative-Error Guarantees", PVLDB 12(12), 2019.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, log
from typing import TYPE_CHECKING, Final

from trackdesk.domain.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ERROR: Final = 0.01
"""The greatest relative error of a quantile."""
GAMMA: Final = (1 + ERROR) / (1 - ERROR)
_PER_LOG: Final = 1 / log(GAMMA)
_MIDDLE: Final = 2 / (GAMMA + 1)

Sketch = dict[int, int]
"""Counts by bucket."""

BOUNDS: Final = tuple(step * 10**power for power in range(3, 13) for step in (1, 2, 5) if step * 10**power <= 10 * DAY)
"""Upper bounds of the bars of a histogram, µs: 1 ms, 2 ms, 5 ms, 10 ms … up to some days."""


def bucket_of(duration: int) -> int:
    """The bucket that counts a duration (µs); 0 has those of at most 1 µs."""
    return ceil(log(duration) * _PER_LOG) if duration > 1 else 0


def middle_of(bucket: int) -> int:
    """The duration (µs) that a bucket stands for."""
    return round(GAMMA**bucket * _MIDDLE) if bucket > 0 else 0


def add_up(sketch: Sketch, other: Mapping[int, int], sign: int = 1) -> None:
    """Count what `other` counts; with -1 take it out again, also before that is counted which it is taken out of."""
    for bucket, count in other.items():
        total = sketch.get(bucket, 0) + sign * count
        if total:
            sketch[bucket] = total
        else:
            sketch.pop(bucket, None)


def quantiles(sketch: Mapping[int, int], percents: Sequence[int]) -> list[int | None]:
    """For each of `percents` the least duration (µs) that is not under so many per cent of all; None of nothing."""
    buckets, ends, end = sorted(bucket for bucket, count in sketch.items() if count > 0), [], 0
    if not buckets:
        return [None] * len(percents)
    for bucket in buckets:
        end += sketch[bucket]
        ends.append(end)
    return [middle_of(buckets[bisect_left(ends, max(-(-end * percent // 100), 1))]) for percent in percents]


def bars(sketch: Mapping[int, int]) -> list[tuple[int | None, int]]:
    """(upper bound in µs, how many are at most that and over the bound before), from the first bar that has any to the
    last; None stands for over the last bound."""
    counts = [0] * (len(BOUNDS) + 1)
    for bucket, count in sketch.items():
        counts[bisect_left(BOUNDS, middle_of(bucket))] += max(count, 0)
    used = [index for index, count in enumerate(counts) if count]
    if not used:
        return []
    bounds: tuple[int | None, ...] = (*BOUNDS, None)
    return [(bounds[index], counts[index]) for index in range(used[0], used[-1] + 1)]


def packed(sketch: Mapping[int, int]) -> list[int]:
    """As it is stored: bucket, count, bucket, count …"""
    return [number for pair in sketch.items() if pair[1] for number in pair]


def unpacked(numbers: Iterable[int]) -> Sketch:
    """Of what `packed` gave."""
    pairs = iter(numbers)
    return dict(zip(pairs, pairs, strict=True))
