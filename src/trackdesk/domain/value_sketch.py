"""How any numbers are spread: quantiles of negative, zero and positive values that can be added up over time and never
err by more than one per cent.

The sketch of `domain.sketch`, which counts durations, for all finite floats: a positive value x is counted in the
bucket `ceil(log(x) / log(GAMMA))`, a negative one in the mirror of its bucket, zero in one of its own, and the buckets
are numbered in the order of the values. As published: Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile
Sketch with Relative-Error Guarantees", PVLDB 12(12), 2019, with its two stores and its bound on the number of buckets.

What is stored is a few bytes: either the counts of all buckets from the first to the last, or pairs of (step from the
bucket before, count) where most of them are empty, in the least width that holds the largest number. The former are
added up as one long integer each, with a lane for each bucket, in about two microseconds whatever they hold.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import Counter
from functools import lru_cache
from itertools import accumulate, pairwise
from math import ceil, log
from sys import float_info
from typing import TYPE_CHECKING, Final

from trackdesk.domain.sketch import GAMMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_BUCKETS: Final = 4096
"""Of a stored sketch: 35 powers of ten. Beyond that the buckets nearest to zero are counted as one."""
OFFSET: Final = 40_000
"""Added to the bucket of a positive value, so that all of them are above zero: the least float is in bucket -37,222."""

_PER_LOG: Final = 1 / log(GAMMA)
_MIDDLE: Final = 2 / (GAMMA + 1)
_MOST: Final = float_info.max
_LEAST: Final = 5e-324
_HEAD: Final = struct.Struct("<Bi")
"""What follows, and the first bucket."""
_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}
_PAIRS: Final = 16
"""Beside the width in the first byte: pairs follow, not lanes."""
_FEW: Final = 60
"""Bytes of lanes up to which a dictionary is quicker than long integers."""


def bucket_of(value: float) -> int:
    """The bucket that counts a finite value; buckets are in the order of the values."""
    if value > 0:
        return ceil(log(value) * _PER_LOG) + OFFSET
    return -(ceil(log(-value) * _PER_LOG) + OFFSET) if value else 0


@lru_cache(maxsize=16_384)
def middle_of(bucket: int) -> float:
    """The value that a bucket stands for: finite, of the bucket's sign, in five digits."""
    if not bucket:
        return 0.0
    try:
        size: float = GAMMA ** (abs(bucket) - OFFSET) * _MIDDLE
    except OverflowError:
        size = _MOST
    size = min(max(float(f"{size:.5g}"), _LEAST), _MOST)
    return size if bucket > 0 else -size


class ValueSketch:
    """Counts by bucket. What is put in is kept as it came until somebody looks: most sketches are of one part."""

    __slots__ = ("_counts", "_parts", "_values")

    def __init__(self) -> None:
        self._values: list[float] = []
        self._counts: dict[int, int] = {}
        self._parts: list[bytes] = []

    def add(self, value: float) -> None:
        """Count a finite value."""
        self._values.append(value)

    def add_many(self, value: float, count: int) -> None:
        """Count a finite value so many times."""
        bucket = bucket_of(value)
        self._counts[bucket] = self._counts.get(bucket, 0) + count

    def add_all(self, values: Iterable[float]) -> None:
        """Count finite values."""
        self._values += values

    def merge_packed(self, part: bytes) -> None:
        """Count what a sketch did when it was packed."""
        self._parts.append(part)

    def merge_all(self, parts: Iterable[bytes]) -> None:
        """Count what sketches did when they were packed."""
        self._parts += parts

    def packed(self) -> bytes:
        """As it is stored; empty of nothing."""
        if len(self._parts) == 1 and not self._counts and not self._values:
            return self._parts[0]
        packed = _pack(*self._ordered())
        self._parts, self._counts, self._values = [packed] if packed else [], {}, []
        return packed

    def quantiles(self, percents: Sequence[int]) -> list[float | None]:
        """For each of `percents` the least value that is not under so many per cent of all; None of nothing. Of values
        that were not packed yet it is exact."""
        if self._values and not self._parts and not self._counts:
            ordered = sorted(self._values)
            return [ordered[max(-(-len(ordered) * percent // 100), 1) - 1] for percent in percents]
        buckets, counts = self._ordered()
        if not buckets:
            return [None] * len(percents)
        ends = list(accumulate(counts))
        return [middle_of(buckets[bisect_left(ends, max(-(-ends[-1] * percent // 100), 1))]) for percent in percents]

    def _ordered(self) -> tuple[Sequence[int], Sequence[int]]:
        """Buckets in their order, and the count of each, which may be 0."""
        parts = self._parts
        if parts and not self._counts and not self._values:  # as of most
            if len(parts) == 1:
                return _unpack(parts[0])
            if max(parts)[0] < _PAIRS and sum(map(len, parts)) > _FEW:
                first, sums = _added(parts)
                return range(first, first + len(sums)), sums
        counts = dict(self._counts)
        known = counts.get
        # As `bucket_of` does, without a call for each of the thousands of a minute.
        for bucket, count in Counter(
            [ceil(log(value) * _PER_LOG) + OFFSET if value > 0 else bucket_of(value) for value in self._values]
        ).items():
            counts[bucket] = known(bucket, 0) + count
        lanes = [part for part in parts if part[0] < _PAIRS]
        if sum(map(len, lanes)) <= _FEW:
            lanes = []
        for part in parts:
            if not lanes or part[0] >= _PAIRS:
                for bucket, count in zip(*_unpack(part), strict=True):
                    counts[bucket] = known(bucket, 0) + count
        if lanes:
            first, sums = _added(lanes)
            if not counts:
                return range(first, first + len(sums)), sums
            for bucket, count in enumerate(sums, first):
                if count:
                    counts[bucket] = known(bucket, 0) + count
        ordered = sorted(counts.items())
        return [bucket for bucket, _ in ordered], [count for _, count in ordered]


def _added(parts: Sequence[bytes]) -> tuple[int, Sequence[int]]:
    """Lanes of many parts, bucket by bucket: the first bucket, and the sums from there on."""
    widths, begins = zip(*[_HEAD.unpack_from(part) for part in parts], strict=True)
    first, widest, head = min(begins), max(widths), _HEAD.size
    # So many of the widest can't overflow lanes of twice their width.
    lane = 2 * widest if widest < 8 and len(parts) <= 256**widest else 8
    bits, total, last = 8 * lane, 0, first
    for part, width, begin in zip(parts, widths, begins, strict=True):
        size = (len(part) - head) // width
        wide = bytearray(size * lane)
        if width == 1:
            wide[::lane] = part[head:]
        else:
            for byte in range(width):
                wide[byte::lane] = part[head + byte :: width]
        total += int.from_bytes(wide, "little") << (bits * (begin - first))
        last = max(last, begin + size)
    count = last - first
    return first, struct.unpack(f"<{count}{_CODES[lane]}", total.to_bytes(count * lane, "little"))


def _unpack(part: bytes) -> tuple[Sequence[int], Sequence[int]]:
    form, first = _HEAD.unpack_from(part)
    width = form & ~_PAIRS
    numbers = struct.unpack_from(f"<{(len(part) - _HEAD.size) // width}{_CODES[width]}", part, _HEAD.size)
    if form & _PAIRS:
        return list(accumulate(numbers[2::2], initial=first)), numbers[1::2]
    return range(first, first + len(numbers)), numbers


def _pack(buckets: Sequence[int], counts: Sequence[int]) -> bytes:
    if 0 in counts:
        kept = [(bucket, count) for bucket, count in zip(buckets, counts, strict=True) if count]
        buckets, counts = [bucket for bucket, _ in kept], [count for _, count in kept]
    if not buckets:
        return b""
    if len(buckets) > MOST_BUCKETS:
        buckets, counts = _bounded(buckets, counts)
    first, span, most = buckets[0], buckets[-1] - buckets[0] + 1, max(counts)
    steps = [0, *(after - before for before, after in pairwise(buckets))]
    width, paired = _width(most), _width(max(most, *steps) if steps else most)
    if span * width <= 4 * len(buckets) * paired:  # up to twice as long, because they are added up so much faster
        lanes = [0] * span
        for bucket, count in zip(buckets, counts, strict=True):
            lanes[bucket - first] = count
        return _HEAD.pack(width, first) + struct.pack(f"<{span}{_CODES[width]}", *lanes)
    pairs = [number for pair in zip(steps, counts, strict=True) for number in pair]
    return _HEAD.pack(_PAIRS | paired, first) + struct.pack(f"<{len(pairs)}{_CODES[paired]}", *pairs)


def _width(number: int) -> int:
    return 1 if number < 256 else 2 if number < 65_536 else 4 if number < 2**32 else 8


def _bounded(buckets: Sequence[int], counts: Sequence[int]) -> tuple[list[int], list[int]]:
    """The buckets nearest to zero together in the nearest one that is kept, so that large values stay exact."""
    by_size = sorted(zip(buckets, counts, strict=True), key=lambda pair: -abs(pair[0]))
    kept = dict(by_size[: MOST_BUCKETS - 1])
    rest = by_size[MOST_BUCKETS - 1 :]
    kept[rest[0][0]] = sum(count for _, count in rest)
    ordered = sorted(kept.items())
    return [bucket for bucket, _ in ordered], [count for _, count in ordered]


_FARTHEST: Final = OFFSET + 37_300
"""The greatest floats are in buckets nearer than that."""


def check(part: bytes) -> None:
    """Raises ValueError for what `packed` never gives."""
    if not part:
        return
    width = part[0] & ~_PAIRS
    body = len(part) - _HEAD.size
    if width not in _CODES or body <= 0 or body % (width * (2 if part[0] & _PAIRS else 1)):
        raise ValueError("expected a sketch: its form, first bucket and counts")
    if body // width > 2 * _FARTHEST:
        raise ValueError(f"expected a sketch of at most {MOST_BUCKETS} buckets")
    buckets, counts = _unpack(part)
    if not -_FARTHEST <= buckets[0] <= buckets[-1] <= _FARTHEST or not 0 < sum(counts) < 2**63:
        raise ValueError("expected a sketch whose buckets are of finite numbers and have counts")
