"""What is counted of samples: how many, how large, the last one, and how they are spread."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from itertools import accumulate, pairwise
from math import isfinite
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from trackdesk.domain.value_sketch import ValueSketch, check

if TYPE_CHECKING:
    from collections.abc import Sequence

SCALE: Final = 2.0**-40
"""Sums are kept in this measure, which is exact: so they are finite whatever the values are."""
_LEVEL: Final = 1
"""Of the compression: a higher one saves little and takes long."""


Row: TypeAlias = tuple[int, float, float, float, int, float, bytes]
"""Measures as they are stored: count, total, low, high, when the last one was, the last one, sketch, which is empty
when all values are the same, or there are but two. A plain tuple, because there are thousands of them in a chart."""


class Measures:
    """Of some samples: `count`, `total` (their sum in `SCALE`), `low`, `high`, the one with the greatest instant
    (`last`, `last_at` in µs) and the sketch. Nothing is known of `low`, `high` and `last` while `count` is 0."""

    __slots__ = ("count", "high", "last", "last_at", "low", "sketch", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.low = self.high = self.last = 0.0
        self.last_at = -1
        self.sketch = ValueSketch()

    def add_all(self, samples: Sequence[tuple[int, float]]) -> None:
        """Count one sample or more, each with its instant (µs); of the same instant the later one is the last."""
        values = [value for _, value in samples]
        low, high, total = min(values), max(values), sum(values)
        if not self.count:
            self.low, self.high = low, high
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.count += len(values)
        self.total += total * SCALE if isfinite(total) else sum(value * SCALE for value in values)
        last_at = max(at for at, _ in samples)
        if last_at >= self.last_at:
            self.last_at, self.last = last_at, next(value for at, value in reversed(samples) if at == last_at)
        self.sketch.add_all(values)

    def take(self, count: int, total: float, low: float, high: float, last_at: int, last: float, sketch: bytes) -> None:
        """Count what a `Row` has."""
        if not self.count:
            self.low, self.high = low, high
        else:
            # Some hundred thousand times in a chart: min and max would take a quarter longer.
            if low < self.low:  # noqa: PLR1730
                self.low = low
            if high > self.high:  # noqa: PLR1730
                self.high = high
        self.count += count
        self.total += total
        if last_at >= self.last_at:
            self.last_at, self.last = last_at, last
        self._spread(count, low, high, sketch)

    def take_some(self, columns: Columns, begin: int, end: int) -> None:
        """Count what stands in [begin, end) of these, which is not nothing."""
        counts, lows, highs = columns.counts[begin:end], columns.lows[begin:end], columns.highs[begin:end]
        low, high = min(lows), max(highs)
        if not self.count:
            self.low, self.high = low, high
        self.low, self.high = min(low, self.low), max(high, self.high)
        self.count += sum(counts)
        self.total += sum(columns.totals[begin:end])
        last_at = columns.last_at[end - 1]
        if last_at >= self.last_at:
            self.last_at, self.last = last_at, columns.lasts[end - 1]
        sketches, sketch = columns.sketches[begin:end], self.sketch
        if all(sketches):
            sketch.merge_all(sketches)
        elif not any(sketches) and min(counts) == max(counts) <= _FEW:
            sketch.add_all(lows)
            if counts[0] == _FEW:
                sketch.add_all(highs)
        else:
            for each in zip(counts, lows, highs, sketches, strict=True):
                self._spread(*each)

    def _spread(self, count: int, low: float, high: float, sketch: bytes) -> None:
        if sketch:
            self.sketch.merge_packed(sketch)
        elif count == _FEW:
            self.sketch.add(low)
            self.sketch.add(high)
        elif count == 1:
            self.sketch.add(low)
        else:
            self.sketch.add_many(low, count)

    def row(self) -> Row:
        """As it is stored."""
        sketch = b"" if self.low == self.high or self.count == _FEW else self.sketch.packed()
        return (self.count, self.total, self.low, self.high, self.last_at, self.last, sketch)

    @property
    def average(self) -> float:
        """Of at least one sample."""
        return min(max(self.total / self.count / SCALE, self.low), self.high)

    def quantiles(self, percents: Sequence[int]) -> list[float]:
        """Of at least one sample: within one per cent, never outside of what was measured."""
        low, high = self.low, self.high
        if low == high:
            return [low] * len(percents)
        found = self.sketch.quantiles(percents)
        return [low if value < low else min(value, high) for value in found if value is not None]


def pack(start: int, rows: Sequence[tuple[int, Row]], *, small: bool = True) -> bytes:
    """Rows of one series, each with its number in the pack, put together by column, without what follows from the rest.
    `start` (µs) is the instant that the last samples are counted from. Not `small`: longer, and read in a fraction of
    the time."""
    counts, totals, lows, highs, last_at, lasts, sketches = zip(*(row for _, row in rows), strict=True)
    wheres = [_LOW if row[5] == row[2] else _HIGH if row[5] == row[3] else _OWN for _, row in rows]
    floats = [
        *lows,
        *highs,
        *(total for total, count in zip(totals, counts, strict=True) if count > _FEW),
        *(last for last, where in zip(lasts, wheres, strict=True) if where == _OWN),
    ]
    columns = _columns(len(rows)).pack(
        len(rows),
        *(number for number, _ in rows),
        *counts,
        *wheres,
        *(at - start for at in last_at),
        *map(len, sketches),
    )
    numbers = struct.pack(f"<{len(floats)}d", *floats)
    return zlib.compress(b"".join((columns, numbers, *sketches)), _LEVEL if small else 0)


class Columns(NamedTuple):
    """What is in a pack, number by number."""

    numbers: tuple[int, ...]
    counts: tuple[int, ...]
    totals: list[float]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    last_at: list[int]
    lasts: list[float]
    sketches: list[bytes]

    def rows(self) -> list[tuple[int, Row]]:
        """As `pack` takes them."""
        rows = zip(*self[1:], strict=True)
        return list(zip(self.numbers, rows, strict=True))


def unpack(start: int, packed: bytes) -> Columns:
    """What `pack` put together."""
    content = zlib.decompress(packed)
    n = content[0]
    columns = _columns(n)
    flat = columns.unpack_from(content)
    numbers, counts, wheres, offsets, sizes = (flat[1 + n * column : 1 + n * (column + 1)] for column in range(5))
    sums = n - counts.count(1) - counts.count(_FEW)
    many = 2 * n + sums + wheres.count(_OWN)
    floats = struct.unpack_from(f"<{many}d", content, columns.size)
    lows, highs, own = floats[:n], floats[n : 2 * n], iter(floats[2 * n + sums :])
    if sums == n:
        totals = list(floats[2 * n : 3 * n])
    elif counts.count(_FEW) == n:
        totals = [low * SCALE + high * SCALE for low, high in zip(lows, highs, strict=True)]
    else:
        kept = iter(floats[2 * n : 2 * n + sums])
        totals = [
            next(kept) if count > _FEW else low * SCALE + high * SCALE if count == _FEW else low * SCALE
            for count, low, high in zip(counts, lows, highs, strict=True)
        ]
    lasts = [
        low if where == _LOW else high if where == _HIGH else next(own)
        for where, low, high in zip(wheres, lows, highs, strict=True)
    ]
    if any(sizes):
        ends = accumulate(sizes, initial=columns.size + 8 * many)
        sketches = [content[begin:end] for begin, end in pairwise(ends)]
    else:
        sketches = [b""] * n
    return Columns(numbers, counts, totals, lows, highs, [start + offset for offset in offsets], lasts, sketches)


_FEW: Final = 2
"""Samples of which the least and the greatest say everything but which was the last."""
_LOW, _HIGH, _OWN = range(3)


@cache
def _columns(n: int) -> struct.Struct:
    """How many, their numbers, counts, which value was the last, when that was, lengths of the sketches."""
    return struct.Struct(f"<B{n}B{n}Q{n}B{n}Q{n}I")


_LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a pack that is put into a database by a file."""


def check_pack(packed: bytes, most: int) -> None:
    """Raises ValueError for what `pack` never gives of numbers below `most`."""
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(packed, _LONGEST)
        if not reader.eof or reader.unused_data or not content:
            raise ValueError("expected a pack of measures, not one that is cut off or too long")
        rows = unpack(0, packed).rows()
        if not rows or zlib.decompress(pack(0, rows)) != content:
            raise ValueError("expected a pack of measures, not something else of about its size")
    except (zlib.error, struct.error, StopIteration) as error:
        raise ValueError(f"expected a pack of measures ({error})") from None
    numbers = [number for number, _ in rows]
    if numbers != sorted(set(numbers)) or numbers[-1] >= most:
        raise ValueError(f"expected a pack of at most {most} measures in their order")
    for _, row in rows:
        check_row(row)


def check_row(row: Row) -> None:
    """Raises ValueError for what measures never are."""
    count, total, low, high, last_at, last, sketch = row
    if (
        not 0 < count < 2**63
        or last_at < 0
        or not low <= last <= high
        or not isfinite(total + low * SCALE + high * SCALE)
    ):
        raise ValueError("expected counts above 0, and finite numbers of which the last is not outside of the others")
    check(sketch)
    if not sketch and low != high and count != _FEW:
        raise ValueError("expected a sketch of values that are not all the same")
