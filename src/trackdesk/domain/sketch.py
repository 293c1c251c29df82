"""How durations are spread, in a few hundred counters: quantiles that can be added up over time and never err by more
than one per cent.

A value is counted in the bucket `ceil(log(value) / log(GAMMA))`, and a bucket stands for the value in its middle.
Counts of equal buckets add up, so minutes make hours and hours days without a loss, and what was counted can be taken
out again. The algorithm is published: Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
Relative-Error Guarantees", PVLDB 12(12), 2019.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache, partial
from itertools import accumulate, chain, compress, groupby, repeat
from math import ceil, log
from operator import getitem
from typing import TYPE_CHECKING, Final, TypeVar

from trackdesk.domain.clock import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Value = TypeVar("Value")

ERROR: Final = 0.01
"""The greatest relative error of a quantile."""
GAMMA: Final = (1 + ERROR) / (1 - ERROR)
_PER_LOG: Final = 1 / log(GAMMA)
_MIDDLE: Final = 2 / (GAMMA + 1)
_MANY: Final = 120
"""Numbers in the parts but the longest from which a list as long as there are buckets is quicker."""
_FEW: Final = 10
"""Buckets up to which it is quicker to see first whether each has one."""

BOUNDS: Final = tuple(step * 10**power for power in range(3, 13) for step in (1, 2, 5) if step * 10**power <= 10 * DAY)
"""Upper bounds of the bars of a histogram, µs: 1 ms, 2 ms, 5 ms, 10 ms … up to some days."""


def bucket_of(duration: int) -> int:
    """The bucket that counts a duration (µs); 0 has those of at most 1 µs."""
    return ceil(log(duration) * _PER_LOG) if duration > 1 else 0


@lru_cache(maxsize=4096)
def middle_of(bucket: int) -> int:
    """The duration (µs) that a bucket stands for."""
    return round(GAMMA**bucket * _MIDDLE) if bucket > 0 else 0


@lru_cache(maxsize=4096)
def seconds_of(bucket: int) -> float:
    """`middle_of` in seconds, as JSON has durations."""
    return middle_of(bucket) / SECOND


def quantiles_of(
    packed: Sequence[int], percents: tuple[int, ...], value_of: Callable[[int], Value]
) -> list[Value | None]:
    """What `Sketch.quantiles` says, of what `Sketch.packed` gave; what `value_of` makes of each bucket."""
    if not packed:
        return [None] * len(percents)
    if len(packed) == 2:  # as most have that are of few runs
        return [value_of(packed[0])] * len(percents)
    counts = packed[1::2]
    found: list[Value | None] = []
    if len(counts) < _FEW and max(counts) == 1:
        for rank, times in _ranks(len(counts), percents):
            found += [value_of(packed[2 * rank - 2])] * times
        return found
    ends = list(accumulate(counts))
    for rank, times in _ranks(ends[-1], percents):
        found += [value_of(packed[2 * bisect_left(ends, rank)])] * times
    return found


def bars_of(packed: Sequence[int]) -> list[tuple[int | None, int]]:
    """What `Sketch.bars` says, of what `Sketch.packed` gave."""
    counts = [0] * (len(BOUNDS) + 1)
    numbers = iter(packed)
    for bucket, count in zip(numbers, numbers, strict=True):
        counts[_bar_of(bucket)] += count
    used = [index for index, count in enumerate(counts) if count]
    bounds: tuple[int | None, ...] = (*BOUNDS, None)
    return [(bounds[index], counts[index]) for index in range(used[0], used[-1] + 1)] if used else []


@lru_cache(maxsize=4096)
def _ranks(total: int, percents: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(which in the order of all, for how many of `percents`): of few most are the same."""
    ranks = [max(-(-total * percent // 100), 1) for percent in percents]
    return tuple((rank, len(list(same))) for rank, same in groupby(ranks))


@lru_cache(maxsize=4096)
def _bar_of(bucket: int) -> int:
    return bisect_left(BOUNDS, middle_of(bucket))


class Sketch:
    """Counts by bucket. What is merged in is kept as it came until somebody looks: most sketches are of one part."""

    __slots__ = ("_counts", "_less", "_parts")

    def __init__(self, parts: Iterable[Sequence[int]] = (), less: Iterable[Sequence[int]] = ()) -> None:
        """`parts`: what `packed` gave, of any number of sketches; `less`: of those that are to be taken out."""
        self._counts: dict[int, int] = {}
        self._parts = list(parts)
        self._less = list(less)

    def add(self, duration: int, sign: int = 1) -> None:
        """Count a duration (µs); with -1 take it out again, also before it is counted."""
        bucket = bucket_of(duration)
        self._counts[bucket] = self._counts.get(bucket, 0) + sign

    def merge(self, other: Sketch, sign: int = 1) -> None:
        """Count what `other` counts; with -1 take it out again."""
        more, less = (other._parts, other._less) if sign == 1 else (other._less, other._parts)
        self._parts += more
        self._less += less
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + sign * count

    def packed(self) -> list[int]:
        """As it is stored: bucket, count, bucket, count … in the order of the buckets, without what came to nothing."""
        if len(self._parts) == 1 and not self._counts and not self._less:
            return list(self._parts[0])
        if self._counts:
            singly = [number for pair in sorted(self._counts.items()) for number in pair]
            self._parts.append(singly)
            self._counts = {}
            if len(self._parts) == 1 and not self._less and min(singly[1::2]) > 0:
                return singly
        buckets, counts = _together(self._parts, self._less)
        self._parts, self._less, self._counts = [], [], {}
        least = min(counts, default=0)
        if least < 0:  # something is still to come that it is taken out of
            self._counts = dict(zip(buckets, counts, strict=True))
        if least <= 0:
            counts = [max(count, 0) for count in counts] if least else counts
            buckets, counts = list(compress(buckets, counts)), list(filter(None, counts))
        numbers = [0] * (2 * len(buckets))
        numbers[::2], numbers[1::2] = buckets, counts
        if least >= 0:
            self._parts.append(numbers)
        return numbers

    def quantiles(self, percents: tuple[int, ...]) -> list[int | None]:
        """For each of `percents` the least duration (µs) that is not under so many per cent of all; None of nothing."""
        return self._quantiles(percents, middle_of)

    def seconds(self, percents: tuple[int, ...]) -> list[float | None]:
        """`quantiles` in seconds."""
        return self._quantiles(percents, seconds_of)

    def _quantiles(self, percents: tuple[int, ...], value_of: Callable[[int], Value]) -> list[Value | None]:
        if len(self._parts) == 1 and self._less and not self._counts:
            found = _quantiles_without(self._parts[0], self._less, percents, value_of)
            if found:
                return found
        return quantiles_of(self.packed(), percents, value_of)

    def bars(self) -> list[tuple[int | None, int]]:
        """(upper bound in µs, how many are at most that and over the bound before), from the first bar that has any to
        the last; None stands for over the last bound."""
        return bars_of(self.packed())


def _quantiles_without(
    part: Sequence[int],
    less: Sequence[Sequence[int]],
    percents: tuple[int, ...],
    value_of: Callable[[int], Value],
) -> list[Value | None]:
    """The quantiles of a part without those of `less`, which are in it; nothing where more are taken out than it has.

    A bucket has the rank that its end in the part says, less what is taken out up to there: from the bucket that would
    have it if nothing was, one goes on until that is so. Half the price of taking them out.
    """
    total, below = _below(less)
    buckets, ends = part[::2], list(accumulate(part[1::2]))
    if not ends or ends[-1] <= total:
        return []
    found: list[Value | None] = []
    for rank, times in _ranks(ends[-1] - total, percents):
        before, index = -1, bisect_left(ends, rank)
        while before < index < len(ends):
            before, index = index, bisect_left(ends, rank + below(buckets[index]))
        if index == len(ends):
            return []
        found += [value_of(buckets[index])] * times
    return found


def _below(parts: Sequence[Sequence[int]]) -> tuple[int, Callable[[int], int]]:
    """How many are in the parts; and of a bucket, how many are not above it."""
    if sum(map(len, parts)) > 4 * _MANY:
        buckets = [part[::2] for part in parts]
        ends = [list(accumulate(part[1::2], initial=0)) for part in parts]
        total = sum(each[-1] for each in ends)
        return total, lambda bucket: sum(map(getitem, ends, map(bisect_right, buckets, repeat(bucket))))
    numbers = list(chain.from_iterable(parts))
    singly, counts = numbers[::2], numbers[1::2]
    if max(counts, default=1) > 1:
        singly = list(chain.from_iterable(map(repeat, singly, counts)))
    singly.sort()
    return len(singly), partial(bisect_right, singly)


def _together(parts: Sequence[Sequence[int]], less: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """The buckets of all in their order, and the counts of each, without those of `less`."""
    longest = max(parts, key=len, default=())
    if sum(map(len, parts)) + sum(map(len, less)) - len(longest) > _MANY:
        return _in_a_row(parts, less)
    buckets, counts = list(longest[::2]), list(longest[1::2])
    for some, sign in (([part for part in parts if part is not longest], 1), (less, -1)):
        numbers = chain.from_iterable(some)
        for bucket, count in zip(numbers, numbers, strict=True):
            index = bisect_left(buckets, bucket)
            if index < len(buckets) and buckets[index] == bucket:
                counts[index] += sign * count
            else:
                buckets.insert(index, bucket)
                counts.insert(index, sign * count)
    return buckets, counts


def _in_a_row(parts: Sequence[Sequence[int]], less: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """`_together` with a counter for every bucket there may be."""
    every = [part for part in chain(parts, less) if part]
    first, last = min(part[0] for part in every), max(part[-2] for part in every)
    totals = [0] * (last + 1)
    numbers = chain.from_iterable(parts)
    for bucket, count in zip(numbers, numbers, strict=True):
        totals[bucket] += count
    numbers = chain.from_iterable(less)
    for bucket, count in zip(numbers, numbers, strict=True):
        totals[bucket] -= count
    totals = totals[first:]
    return list(compress(range(first, last + 1), totals)), list(filter(None, totals))
