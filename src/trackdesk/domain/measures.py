"""What is counted of samples: how many, how large, the last one, and how they are spread."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from trackdesk.domain.value_sketch import ValueSketch, check

if TYPE_CHECKING:
    from collections.abc import Sequence

SCALE: Final = 2.0**-40
"""Sums are kept in this measure, which is exact: so they are finite whatever the values are."""
_COUNT: Final = struct.Struct("<B")
_LEVEL: Final = 1
"""Of the compression: a higher one saves little and takes long."""


Row: TypeAlias = tuple[int, float, float, float, int, float, bytes]
"""Measures as they are stored: count, total, low, high, when the last one was, the last one, sketch, which is empty
when all values are the same. A plain tuple, because there are thousands of them in a chart."""


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

    def add(self, recorded_at: int, value: float) -> None:
        """Count a sample; of two of the same instant the one that is added later is the last."""
        if not self.count:
            self.low = self.high = value
        elif value < self.low:
            self.low = value
        elif value > self.high:
            self.high = value
        self.count += 1
        self.total += value * SCALE
        if recorded_at >= self.last_at:
            self.last_at, self.last = recorded_at, value
        self.sketch.add(value)

    def take(self, count: int, total: float, low: float, high: float, last_at: int, last: float, sketch: bytes) -> None:
        """Count what a `Row` has."""
        if not self.count:
            self.low, self.high = low, high
        else:
            self.low, self.high = min(self.low, low), max(self.high, high)
        self.count += count
        self.total += total
        if last_at >= self.last_at:
            self.last_at, self.last = last_at, last
        if sketch:
            self.sketch.merge_packed(sketch)
        else:
            self.sketch.add(low, count)

    def merge(self, other: Measures) -> None:
        """Count what `other` counts."""
        if other.count:
            self.take(*other.row())

    def row(self) -> Row:
        """As it is stored."""
        sketch = b"" if self.low == self.high else self.sketch.packed()
        return (self.count, self.total, self.low, self.high, self.last_at, self.last, sketch)

    @property
    def average(self) -> float:
        """Of at least one sample."""
        return min(max(self.total / self.count / SCALE, self.low), self.high)

    def quantiles(self, percents: Sequence[int]) -> list[float]:
        """Of at least one sample: within one per cent, in five digits, never outside of what was measured."""
        if self.low == self.high:
            return [self.low] * len(percents)
        found = self.sketch.quantiles(percents)
        return [min(max(float(f"{value:.5g}"), self.low), self.high) for value in found if value is not None]


def pack(start: int, rows: Sequence[tuple[int, Row]]) -> bytes:
    """Rows of one series, each with its number in the pack, put together by column: equal columns and empty lanes cost
    next to nothing then. `start` (µs) is the instant that the last samples are counted from, an hour or a day at most.
    """
    counts, totals, lows, highs, last_at, lasts, sketches = zip(*(row for _, row in rows), strict=True)
    columns = _columns(len(rows)).pack(
        *(number for number, _ in rows),
        *counts,
        *totals,
        *lows,
        *highs,
        *lasts,
        *(at - start for at in last_at),
        *map(len, sketches),
    )
    return zlib.compress(b"".join((_COUNT.pack(len(rows)), columns, *sketches)), _LEVEL)


def unpack(start: int, packed: bytes) -> list[tuple[int, Row]]:
    """What `pack` put together."""
    content = zlib.decompress(packed)
    n = content[0]
    columns = _columns(n)
    flat: tuple[Any, ...] = columns.unpack_from(content, 1)
    place = 1 + columns.size
    found = []
    for number, count, total, low, high, last, offset, size in zip(
        *(flat[column * n : (column + 1) * n] for column in range(8)), strict=True
    ):
        row = (count, total, low, high, start + offset, last, content[place : place + size])
        found.append((number, row))
        place += size
    return found


@cache
def _columns(n: int) -> struct.Struct:
    """Numbers, counts, sums, lows, highs, lasts, when these were, lengths of the sketches."""
    return struct.Struct(f"<{n}B{n}Q{4 * n}d{n}Q{n}I")


_LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a pack that is put into a database by a file."""


def check_pack(packed: bytes, most: int) -> None:
    """Raises ValueError for what `pack` never gives of numbers below `most`."""
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(packed, _LONGEST)
        if not reader.eof or reader.unused_data or not content or len(content) < 1 + _columns(content[0]).size:
            raise ValueError("it is cut off, or too long")
        rows = unpack(0, packed)
    except (zlib.error, struct.error) as error:
        raise ValueError(f"expected a pack of measures ({error})") from None
    numbers = [number for number, _ in rows]
    if not rows or numbers != sorted(set(numbers)) or numbers[-1] >= most:
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
    if not sketch and low != high:
        raise ValueError("expected a sketch of values that are not all the same")
