"""Where a chart says what its height and its width mean: round values, and times of day or days."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from trackdesk.widgets import when
from trackdesk.widgets.budget import number

Tick = tuple[float, str]
"""A value and how it is said."""

_MILLI = 1000
_ALIKE = 1e-6
"""Share of a value by which others that count as the same may differ."""
_FAR = 0.6
"""Share of the greatest value that the least has to have so that a scale need not begin at zero."""
_WHOLE = re.compile("00[sh]?$")
"""What a whole minute, hour or day need not say."""
_TIMES = (
    *(n * when.MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * when.HOUR for n in (1, 2, 3, 6, 12)),
    *(n * when.DAY for n in (1, 2, 7, 14, 28, 91, 364)),
)


class Measure(NamedTuple):
    """What is measured: how a value is said in at most seven cells, and which values are round."""

    say: Callable[[float], str]
    steps: Sequence[float]
    """Round distances, ascending: the lines of a straight scale."""
    heights: Sequence[float]
    """Round values each some times the one before: the lines of a scale by logarithm."""


NUMBERS = Measure(
    number,
    tuple(n * 10.0**power for power in range(-6, 13) for n in (1, 2, 5)),
    tuple(10.0**power for power in range(-6, 13)),
)
DURATIONS = Measure(
    lambda micros: _WHOLE.sub("", when.span(round(micros))) if micros else "0",
    (
        *(n * _MILLI for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
        *(n * when.SECOND for n in (1, 2, 5, 10, 15, 30)),
        *_TIMES,
    ),
    (
        *(n * _MILLI for n in (1, 10, 100)),
        *(n * when.SECOND for n in (1, 10)),
        *(n * when.MINUTE for n in (1, 10)),
        *(n * when.HOUR for n in (1, 6)),
        *(n * when.DAY for n in (1, 7, 28, 91, 364)),
    ),
)
"""Durations in µs."""


class Scale(NamedTuple):
    """Which values are at the foot and at the top, and which have a tick."""

    low: float
    high: float
    log: bool
    ticks: Sequence[Tick]

    def share(self, value: float) -> float:
        """Where a value stands: 0 at the foot, 1 at the top; beyond these for values outside."""
        if self.log:
            return math.log10(max(value, self.low) / self.low) / math.log10(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def scale(values: Sequence[float], measure: Measure, most: int, *, log: bool = False, from_zero: bool = True) -> Scale:
    """A scale over these values with about `most` ticks: from zero (or the least below it), or by logarithm from the
    least above zero. A logarithm of nothing above zero is a straight scale. Without `from_zero` it begins near the
    least value where all are far from zero and near to one another."""
    above = [value for value in values if value > 0]
    if log and above:
        return _steep(min(above), max(above), measure, most)
    low, high = min([0.0, *values]), max([0.0, *values])
    if not from_zero and values and min(values) > high * _FAR:
        low = min(values)
    if high - low <= abs(high) * _ALIKE:
        high = low + max(measure.steps[0], abs(low) / 10)
    step = next((each for each in measure.steps if (high - low) / each <= most), high - low)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [(n * step, measure.say(n * step)) for n in range(first, last + 1)]
    return Scale(first * step, last * step, False, ticks)


def _steep(low: float, high: float, measure: Measure, most: int) -> Scale:
    low, high = low / 1.2, max(high, low * 1.2)
    inside = [each for each in measure.heights if low <= each <= high]
    if len(inside) < 2:
        inside = [each for each in measure.steps if low <= each <= high]
    every = max(math.ceil(len(inside) / most), 1)
    return Scale(low, high, True, [(each, measure.say(each)) for each in inside[::every]])


def times(first: int, last: int, most: int, zone: tzinfo | None = None) -> list[Tick]:
    """At most about `most` round times from `first` to `last` (µs): clocks, and a day where one begins among them."""
    step = next((each for each in _TIMES if (last - first) // each <= most), max((last - first) // most, 1))
    found: list[Tick] = []
    local = datetime.fromtimestamp(first // when.SECOND, UTC).astimezone(zone)
    # Wall time, not elapsed: noon is noon also on the day the clocks are changed.
    wall = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=zone)
    while True:
        at = round(wall.timestamp()) * when.SECOND
        if at > last:
            return found
        if at >= first:
            day = step >= when.DAY or (wall.hour == wall.minute == 0 and last - first > when.DAY)
            found.append((at, f"{wall:%d %b}" if day else f"{wall:%H:%M}"))
        wall += timedelta(microseconds=step)
