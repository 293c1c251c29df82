"""A live line chart in braille dots (two by four to a cell), drawn straight to strips."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from trackdesk.widgets.budget import number
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.rule import rule_strip

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_AXIS = 8
"""Cells for the numbers left of the chart."""


@dataclass(frozen=True, slots=True)
class Scale:
    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[float | None], *also: float) -> "Scale":
        """From zero, or the least value where that is below, to the greatest; never empty."""
        known = [value for value in values if value is not None] + list(also)
        low, high = min([0.0, *known]), max([0.0, *known])
        return cls(low, high if high > low else low + 1)

    def height(self, value: float, steps: int) -> int:
        """Which of `steps` rows, counted from the bottom, `value` is in; values outside stay at the edge."""
        share = (value - self.low) / (self.high - self.low)
        return min(max(round(share * (steps - 1)), 0), steps - 1)


def braille(values: Sequence[float | None], width: int, height: int, scale: Scale) -> list[str]:
    """The last `2 * width` values as a connected line, newest at the right; `None` leaves a gap."""
    cells = [[0] * width for _ in range(height)]
    shown = list(values[-2 * width :])
    left = 2 * width - len(shown)
    before: int | None = None
    for x, value in enumerate(shown, start=left):
        y = None if value is None else scale.height(value, height * 4)
        if y is not None:
            low, high = (y, y) if before is None else (min(before, y), max(before, y))
            for dot in range(low, high + 1):
                line, row = divmod(height * 4 - 1 - dot, 4)
                cells[line][x // 2] |= _DOTS[x % 2][row]
        before = y
    return ["".join(chr(0x2800 + bits) if bits else " " for bits in line) for line in cells]


def plain(values: Sequence[float | None], width: int, height: int, scale: Scale) -> list[str]:
    """The same for ASCII terminals: one value and one star a column."""
    lines = [[" "] * width for _ in range(height)]
    shown = list(values[-width:])
    for x, value in enumerate(shown, start=width - len(shown)):
        if value is not None:
            lines[height - 1 - scale.height(value, height)][x] = "*"
    return ["".join(line) for line in lines]


class LineChart(Widget):
    """One series with its scale at the left, its last value in the title, and a threshold drawn through it."""

    DEFAULT_CSS = """
    LineChart { height: 8; }
    """

    def __init__(self, title: str, *, unit: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._title = title
        self._unit = unit
        self._values: Sequence[float | None] = ()
        self._threshold: float | None = None
        self._drawn: tuple[tuple[int, int], Scale, list[str]] | None = None

    def put_values(self, values: Sequence[float | None], *, threshold: float | None = None) -> None:
        """Show these, oldest first, one a point of time."""
        self._values, self._threshold, self._drawn = tuple(values), threshold, None
        self.refresh()

    def notify_style_update(self) -> None:
        self._drawn = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        look = Look.of(self.app)
        base = Style(color=self.rich_style.color, bgcolor=self.rich_style.bgcolor)
        width, height = self.size.width, self.size.height - 1
        if y == 0:
            last = next((value for value in reversed(self._values) if value is not None), None)
            now = [] if last is None else [Toned(f"now {number(last)}{self._unit}", "run")]
            return rule_strip(self._title, now, width, look).apply_style(base)
        if width <= _AXIS + 2 or height < 1:
            return Strip.blank(width, base)
        scale, lines = self._lines(width - _AXIS - 1, height, look)
        limit = None if self._threshold is None else height - 1 - scale.height(self._threshold, height)
        row = y - 1
        style = look.role("run")
        line = lines[row]
        parts = [Segment(f"{self._label(row, height, scale, limit):>{_AXIS - 1}} ", look.role("dim"))]
        if row == limit:
            dash = look.pick("╌", "-")
            parts += [Segment(cell, style) if cell != " " else Segment(dash, look.role("late")) for cell in line]
        else:
            parts.append(Segment(line, style))
        return Strip(parts).crop_extend(0, width, Style.null()).apply_style(base)

    def _lines(self, width: int, height: int, look: Look) -> tuple[Scale, list[str]]:
        if self._drawn is None or self._drawn[0] != (width, height):
            also = () if self._threshold is None else (self._threshold,)
            scale = Scale.over(self._values, *also)
            draw = plain if look.ascii_only else braille
            self._drawn = ((width, height), scale, draw(self._values, width, height, scale))
        return self._drawn[1], self._drawn[2]

    def _label(self, row: int, height: int, scale: Scale, limit: int | None) -> str:
        if row == limit and self._threshold is not None:
            return number(self._threshold)
        if row == 0:
            return number(scale.high)
        return number(scale.low) if row == height - 1 else ""
