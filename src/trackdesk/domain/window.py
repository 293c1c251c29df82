"""What a rule knows of the samples within its window: the aggregate, brought up to date with each sample.

A window reaches back from the newest time that any of its samples names. A sample that comes out of order is counted
where its time falls; one that is older than the window is not in it. A sample at exactly the window's length before the
newest one is out of it.

Everything is exact while a window holds at most `MOST` samples: sums are whole numbers of the smallest unit of a float,
so that nothing is lost next to a large value and nothing stays behind when it leaves; the p95 is that of the sorted
values. Above that, samples closer together than a `MOST`th of the window share a place: they are averaged, the extremes
keep the greatest of them, the p95 looks at one of them. They leave the window with the first.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import deque
from typing import Final, Protocol

from trackdesk.domain.rule import Aggregate

MOST: Final = 4000
_UNIT: Final = 1074
"""Every float is a whole multiple of 2 to the power of minus this."""
_LOOSE: Final = 256
"""Places that may be left behind before the rest is moved up."""


class RollingWindow(Protocol):
    """One aggregate over one window of one series."""

    def add(self, at: int, value: float) -> float | None:
        """Count a sample of the time `at` (µs); gives the aggregate, None when the sample is older than the window."""
        ...

    def set_back(self, now: int) -> None:
        """The clock was set back to `now` (µs): what is of a later time counts as of now, or all that comes until then
        would be older than the window."""
        ...


def make_window(aggregate: Aggregate, width: int) -> RollingWindow:
    """`width` in µs; of any aggregate but `last`, which needs none."""
    match aggregate:
        case Aggregate.AVG:
            return _Average(width)
        case Aggregate.COUNT:
            return _Count(width)
        case Aggregate.P95:
            return _Percentile(width)
        case _:
            return _Extreme(width, -1.0 if aggregate is Aggregate.MIN else 1.0)


class _Reach:
    """How far a window goes back, and which samples share a place when there are many."""

    __slots__ = ("_head", "_place", "_width")

    def __init__(self, width: int) -> None:
        self._width = width
        self._place = max(width // MOST, 1)
        self._head = -(2**63)

    def _crowded(self, count: int, one: int, other: int) -> bool:
        return count >= MOST and one // self._place == other // self._place


class _Ring(_Reach):
    """The samples in the order of time: when, how much, how many of them share the place."""

    __slots__ = ("_counts", "_start", "_times", "_values")

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self._times = array("q")
        self._values = array("d")
        self._counts = array("q")
        self._start = 0
        """The first place that is in the window."""

    def _take(self, at: int, value: float) -> bool:
        """Whether the sample is in the window."""
        times = self._times
        if at > self._head:
            self._head = at
            if times:
                self._let_go(at - self._width)
        elif at <= self._head - self._width:
            return False
        place = len(times)
        while place > self._start and times[place - 1] > at:
            place -= 1
        if place > self._start and self._crowded(len(times) - self._start, times[place - 1], at):
            self._share(place - 1, value)
        else:
            times.insert(place, at)
            self._values.insert(place, value)
            self._counts.insert(place, 1)
            self._came(value, 1)
        return True

    def set_back(self, now: int) -> None:
        self._head = min(self._head, now)
        for place in range(bisect_right(self._times, now, self._start), len(self._times)):
            self._times[place] = now

    def _let_go(self, until: int) -> None:
        """Those up to `until` are out of the window."""
        times, start = self._times, self._start
        while start < len(times) and times[start] <= until:
            self._left(self._values[start], self._counts[start])
            start += 1
        if start > _LOOSE and start * 2 > len(times):
            del self._times[:start], self._values[:start], self._counts[:start]
            start = 0
        self._start = start

    def _share(self, place: int, value: float) -> None:
        raise NotImplementedError

    def _came(self, value: float, count: int) -> None:
        raise NotImplementedError

    def _left(self, value: float, count: int) -> None:
        raise NotImplementedError


class _Sum(_Ring):
    """How many there are, and their sum in whole units."""

    __slots__ = ("_count", "_total")

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self._count = 0
        self._total = 0

    def _share(self, place: int, value: float) -> None:
        mean, count = self._values[place], self._counts[place]
        self._left(mean, count)
        mean = mean * (count / (count + 1)) + value / (count + 1)
        self._values[place], self._counts[place] = mean, count + 1
        self._came(mean, count + 1)

    def _came(self, value: float, count: int) -> None:
        top, bottom = value.as_integer_ratio()
        self._count += count
        self._total += (top << (_UNIT + 1 - bottom.bit_length())) * count

    def _left(self, value: float, count: int) -> None:
        self._came(value, -count)


class _Average(_Sum):
    __slots__ = ()

    def add(self, at: int, value: float) -> float | None:
        return self._total / (self._count << _UNIT) if self._take(at, value) else None


class _Count(_Sum):
    __slots__ = ()

    def add(self, at: int, value: float) -> float | None:  # noqa: ARG002 - a count is of samples, whatever they say
        return float(self._count) if self._take(at, 0.0) else None


class _Percentile(_Ring):
    """The least value that is not under 95 of 100 of all."""

    __slots__ = ("_sorted",)

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self._sorted = array("d")

    def add(self, at: int, value: float) -> float | None:
        if not self._take(at, value):
            return None
        return self._sorted[-(-95 * len(self._sorted) // 100) - 1]

    def _share(self, place: int, value: float) -> None:
        """The one that is there stands for it."""

    def _came(self, value: float, count: int) -> None:  # noqa: ARG002 - none is shared
        insort(self._sorted, value)

    def _left(self, value: float, count: int) -> None:  # noqa: ARG002
        del self._sorted[bisect_left(self._sorted, value)]


class _Extreme(_Reach):
    """Those samples that are the greatest until a greater or a later one comes; of the least, with `sign` -1."""

    __slots__ = ("_ring", "_sign")

    def __init__(self, width: int, sign: float) -> None:
        super().__init__(width)
        self._sign = sign
        self._ring: deque[tuple[int, float]] = deque()
        """(time, value): times rise, values fall."""

    def add(self, at: int, value: float) -> float | None:
        ring, size = self._ring, value * self._sign
        if at > self._head:
            self._head = at
            start = at - self._width
            while ring and ring[0][0] <= start:
                ring.popleft()
        elif at <= self._head - self._width:
            return None
        later: list[tuple[int, float]] = []
        while ring and ring[-1][0] > at:
            later.append(ring.pop())
        if not later or later[-1][1] < size:
            while ring and ring[-1][1] <= size:
                ring.pop()
            if not ring or not self._crowded(len(ring), ring[-1][0], at):
                ring.append((at, size))
        ring.extend(reversed(later))
        return ring[0][1] * self._sign

    def set_back(self, now: int) -> None:
        self._head = min(self._head, now)
        self._ring = deque((min(at, now), size) for at, size in self._ring)
