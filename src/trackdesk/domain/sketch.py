"""How durations are spread, in a few hundred counters: quantiles that can be added up over time and never err by more
than one per cent.

A value is counted in the bucket `ceil(log(value) / log(GAMMA))`, and a bucket stands for the value in its middle.
Counts of equal buckets add up, so minutes make hours and hours days without a loss, and what was counted can be taken
out again. The algorithm is published: Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
Relative-Error Guarantees", PVLDB 12(12), 2019.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from math import ceil, log
from typing import TYPE_CHECKING, Final

from trackdesk.domain.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

ERROR: Final = 0.01
"""The greatest relative error of a quantile."""
GAMMA: Final = (1 + ERROR) / (1 - ERROR)
_PER_LOG: Final = 1 / log(GAMMA)
_MIDDLE: Final = 2 / (GAMMA + 1)
_MANY: Final = 5000
"""Numbers in parts from which a list as long as there are buckets is quicker than a dictionary."""

BOUNDS: Final = tuple(step * 10**power for power in range(3, 13) for step in (1, 2, 5) if step * 10**power <= 10 * DAY)
"""Upper bounds of the bars of a histogram, µs: 1 ms, 2 ms, 5 ms, 10 ms … up to some days."""


def bucket_of(duration: int) -> int:
    """The bucket that counts a duration (µs); 0 has those of at most 1 µs."""
    return ceil(log(duration) * _PER_LOG) if duration > 1 else 0


def middle_of(bucket: int) -> int:
    """The duration (µs) that a bucket stands for."""
    return round(GAMMA**bucket * _MIDDLE) if bucket > 0 else 0


class Sketch:
    """Counts by bucket. What is merged in is kept as it came until somebody looks: most sketches are of one part."""

    __slots__ = ("_counts", "_parts")

    def __init__(self, parts: Sequence[Sequence[int]] = ()) -> None:
        """`parts`: what `packed` gave, of any number of sketches."""
        self._counts: dict[int, int] = {}
        self._parts = list(parts)

    def add(self, duration: int, sign: int = 1) -> None:
        """Count a duration (µs); with -1 take it out again, also before it is counted."""
        bucket = bucket_of(duration)
        self._counts[bucket] = self._counts.get(bucket, 0) + sign

    def merge(self, other: Sketch, sign: int = 1) -> None:
        """Count what `other` counts; with -1 take it out again."""
        if sign == 1:
            self._parts += other._parts
        else:
            for part in other._parts:
                self._count(part, sign)
        if other._counts:
            self._count([number for pair in other._counts.items() for number in pair], sign)

    def packed(self) -> list[int]:
        """As it is stored: bucket, count, bucket, count … in the order of the buckets, without what came to nothing."""
        if len(self._parts) == 1 and not self._counts:
            return list(self._parts[0])
        counts = sorted(self._folded().items())
        numbers = [number for pair in counts if pair[1] > 0 for number in pair]
        if all(count >= 0 for _, count in counts):  # else something is still to come that it is taken out of
            self._parts, self._counts = [numbers], {}
        return numbers

    def quantiles(self, percents: Sequence[int]) -> list[int | None]:
        """For each of `percents` the least duration (µs) that is not under so many per cent of all; None of nothing."""
        numbers = self.packed()
        if not numbers:
            return [None] * len(percents)
        buckets, ends = numbers[::2], list(accumulate(numbers[1::2]))
        return [middle_of(buckets[bisect_left(ends, max(-(-ends[-1] * percent // 100), 1))]) for percent in percents]

    def bars(self) -> list[tuple[int | None, int]]:
        """(upper bound in µs, how many are at most that and over the bound before), from the first bar that has any to
        the last; None stands for over the last bound."""
        counts = [0] * (len(BOUNDS) + 1)
        numbers = self.packed()
        for bucket, count in zip(numbers[::2], numbers[1::2], strict=True):
            counts[bisect_left(BOUNDS, middle_of(bucket))] += count
        used = [index for index, count in enumerate(counts) if count]
        bounds: tuple[int | None, ...] = (*BOUNDS, None)
        return [(bounds[index], counts[index]) for index in range(used[0], used[-1] + 1)] if used else []

    def _folded(self) -> dict[int, int]:
        parts, self._parts = self._parts, []
        if sum(map(len, parts)) < _MANY:
            for part in parts:
                self._count(part)
            return self._counts
        totals = [0] * (max((part[-2] for part in parts if part), default=0) + 1)
        for part in parts:
            for bucket, count in zip(part[::2], part[1::2], strict=True):
                totals[bucket] += count
        self._count([number for pair in enumerate(totals) if pair[1] for number in pair])
        return self._counts

    def _count(self, part: Sequence[int], sign: int = 1) -> None:
        counts, known = self._counts, self._counts.get
        for bucket, count in zip(part[::2], part[1::2], strict=True):
            counts[bucket] = known(bucket, 0) + sign * count
