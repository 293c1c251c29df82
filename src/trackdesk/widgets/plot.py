"""Charts of lines over time: the one place that knows plotext.

By plotext a chart takes 5 to 40 ms: draw it in a thread (`LinePlot` does) and not more than once a second. What moves
while one looks is drawn `live`, by `strokes`, in a few.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from threading import Lock
from typing import Any, NamedTuple

from rich.cells import cell_len

from trackdesk.domain.safe import safe_text
from trackdesk.widgets.axes import DURATIONS, Measure, Scale, Tick, scale, times
from trackdesk.widgets.cell_grid import CellGrid
from trackdesk.widgets.chart_layers import lay_band, lay_span
from trackdesk.widgets.glyphs import Role, Toned
from trackdesk.widgets.strokes import stroke

_AXIS = 8
"""Cells for the scale left of the lines, as all charts have."""
_LONGEST = 14
"""Cells that the name of a line may take right of it."""
_TICK_ROWS, _LOG_TICK_ROWS = 3, 2
_TICK_CELLS = 9
"""How far ticks are apart at least: a label and some room."""
_COLOUR = re.compile("\x1b\\[([0-9;]*)m")
_PLAIN = str.maketrans("─╌┄┈│┤┬┼├", "-----+---")
_FINE = "braille"
# Without colour lines differ by these, besides by their names at their ends.
_PLAIN_MARKERS = ("braille", "·", "hd", "+", "x")
_ASCII_MARKERS = (".", "o", "#", "+", "x")
_SHOWN = {"braille": "⠒⠒", "hd": "▄▄"}
"""How markers that are no single character look in a legend."""
_ALONE, _ASCII_ALONE = "•", "*"

# plotext has one figure for the whole process.
_one_figure = Lock()


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    values: Sequence[float | None]
    """One for each of the times of the chart; None leaves a gap."""
    role: Role


@dataclass(frozen=True, slots=True)
class Band:
    """What lies between two lines, drawn behind them. Each has a value for each of the times of the chart."""

    low: Sequence[float | None]
    high: Sequence[float | None]
    role: Role = "dim"


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which something was so: an open incident."""

    start: int
    end: int | None = None
    """None is still."""
    name: str = ""
    role: Role = "fail"


@dataclass(frozen=True, slots=True)
class Pen:
    """What lines are drawn with. A pen without colours or for ASCII only draws each line in another way."""

    coloured: bool = True
    ascii_only: bool = False

    def marker(self, at: int) -> str:
        markers = _ASCII_MARKERS if self.ascii_only else (_FINE,) if self.coloured else _PLAIN_MARKERS
        return markers[at % len(markers)]

    @property
    def alone(self) -> str:
        """A point between two gaps."""
        return _ASCII_ALONE if self.ascii_only else _ALONE


@dataclass(frozen=True, slots=True)
class Chart:
    """Several lines over the same time. Raises `ValueError` when one has not as many values as there are times."""

    times: Sequence[int]
    """µs, ascending."""
    lines: Sequence[Line]
    measure: Measure = DURATIONS
    log: bool = False
    from_zero: bool = True
    """Whether the scale begins at zero, however far from it all values are."""
    thresholds: Sequence[tuple[str, float]] = ()
    """(name, value): lines straight across, always within the scale."""
    window: tuple[int, int] | None = None
    """From when to when (µs); without it, from the first of the times to the last."""
    bands: Sequence[Band] = ()
    spans: Sequence[Span] = ()

    def __post_init__(self) -> None:
        named = [(f"line {line.name!r}", line.values) for line in self.lines]
        named += [("a band", values) for band in self.bands for values in (band.low, band.high)]
        for name, values in named:
            if len(values) != len(self.times):
                raise ValueError(f"{name}: {len(values)} values for {len(self.times)} times; give one for each")

    @property
    def known(self) -> list[float]:
        return [value for line in self.lines for value in line.values if value is not None]

    @property
    def limits(self) -> tuple[int, int]:
        """From when to when it goes; never empty. There is a time, or a window."""
        first, last = self.window or (self.times[0], self.times[-1])
        return first, max(last, first + 1)


class Area(NamedTuple):
    """Where in a row the lines are: cells from the left, and how many."""

    left: int
    cells: int

    def column(self, at: int, limits: tuple[int, int]) -> int:
        """The cell of the row that an instant within `limits` is in."""
        return self.left + round((at - limits[0]) / (limits[1] - limits[0]) * (self.cells - 1))


def area(chart: Chart, width: int) -> Area:
    """The cells that are left for the lines between the scale and their names."""
    names = [
        safe_text(name) for name in (*(line.name for line in chart.lines), *(name for name, _ in chart.thresholds))
    ]
    margin = min(max((cell_len(name) for name in names), default=0), _LONGEST) + 1
    return Area(_AXIS, width - _AXIS - margin)


def draw(
    chart: Chart, width: int, height: int, pen: Pen, *, zone: tzinfo | None = None, live: bool = False
) -> list[list[Toned]]:
    """`height` rows of parts, together at most `width` cells: the lines with their names at their ends, and the ticks.
    Without any value, or without room, no rows. `live` takes a few ms, in place of plotext's many."""
    cells, rows = area(chart, width).cells, height - 1
    if not chart.known or cells < 2 or rows < 2:
        return []
    most = max(rows // (_LOG_TICK_ROWS if chart.log else _TICK_ROWS), 2)
    also = [value for _, value in chart.thresholds]
    also += [value for band in chart.bands for value in (*band.low, *band.high) if value is not None]
    over = scale([*chart.known, *also], chart.measure, most, log=chart.log, from_zero=chart.from_zero)
    limits = chart.limits
    below = times(*limits, max(cells // _TICK_CELLS, 1), zone)
    drawn = _layered(chart, over, (cells, rows), pen, live=live)
    beside = {_row(over, value, rows): Toned(f"{said:>{_AXIS - 1}} ", "dim") for value, said in over.ticks}
    ends = _ends(chart, over, rows, "~" if pen.ascii_only else "…")
    found = []
    for row, parts in enumerate(drawn):
        end = [Toned(" ", "dim"), ends[row]] if row in ends else []
        found.append([beside.get(row, Toned(" " * _AXIS, "dim")), *parts, *end])
    return [*found, [Toned(_times_line(below, limits, cells), "dim")]]


def _layered(chart: Chart, over: Scale, size: tuple[int, int], pen: Pen, *, live: bool) -> list[list[Toned]]:
    """The lines, and what lies behind them."""
    grid, limits = CellGrid(*size), chart.limits
    if live:
        _strokes(chart, over, grid, pen)
    else:
        for row, parts in enumerate(_canvas(chart, over, limits, size, pen)):
            grid.put_parts(row, parts)

    def row_of(value: float) -> int:
        return _row(over, value, grid.height)

    for _, value in chart.thresholds:
        for column in range(grid.width):
            grid.under(row_of(value), column, "-" if pen.ascii_only else "╌", "late")
    for span in chart.spans:
        lay_span(grid, span, limits, ascii_only=pen.ascii_only)
    for band in chart.bands:
        lay_band(grid, band, chart.times, limits, row_of, ascii_only=pen.ascii_only)
    return grid.rows()


def _strokes(chart: Chart, over: Scale, grid: CellGrid, pen: Pen) -> None:
    first, last = chart.limits
    # The first line is drawn last, above the others.
    for at, line in reversed(list(enumerate(chart.lines))):
        points = [
            None if y is None or not first <= x <= last else ((x - first) / (last - first), over.share(y))
            for x, y in zip(chart.times, line.values, strict=True)
        ]
        marker = pen.marker(at)
        stroke(grid, points, line.role, plain="" if marker in _SHOWN else marker)


def legend(chart: Chart, pen: Pen) -> list[Toned]:
    """The names of the lines in their colours, for the line above the chart."""
    markers = (pen.marker(at) for at in range(len(chart.lines)))
    return [
        Toned(f"{_SHOWN.get(marker, marker * 2)} {safe_text(line.name)}", line.role)
        for marker, line in zip(markers, chart.lines, strict=True)
    ]


def _row(over: Scale, value: float, rows: int) -> int:
    """The row from the top that a value is in."""
    return min(max(round((1 - over.share(value)) * (rows - 1)), 0), rows - 1)


def _ends(chart: Chart, over: Scale, rows: int, cut: str) -> dict[int, Toned]:
    """The name of each line at the row of its last value, or near it where others stand there already. A longer name
    ends in `cut`."""
    wanted: list[tuple[float, str, Role]] = [(value, name, "late") for name, value in chart.thresholds]
    # Of as high ones the last line stands above: so percentiles are in their order.
    for line in reversed(chart.lines):
        last = next((value for value in reversed(line.values) if value is not None), None)
        if last is not None:
            wanted.append((last, line.name, line.role))
    placed: dict[int, Toned] = {}
    free = rows
    # From the top down, and never so low that those beneath have no row left.
    for below, (value, name, role) in enumerate(sorted(wanted, key=lambda each: -each[0])):
        lowest = rows - len(wanted) + below
        row = max(_row(over, value, rows), rows - free)
        row = min(row, lowest) if lowest >= rows - free else row
        if row >= rows:
            break
        said = safe_text(name)
        placed[row] = Toned(said if len(said) <= _LONGEST else said[: _LONGEST - 1] + cut, role)
        free = rows - row - 1
    return placed


def _times_line(ticks: Sequence[Tick], limits: tuple[int, int], cells: int) -> str:
    line = ""
    for at, said in ticks:
        start = _AXIS + round((at - limits[0]) / (limits[1] - limits[0]) * (cells - 1))
        if start >= len(line) + (1 if line else 0) and start + len(said) <= _AXIS + cells:
            line = line.ljust(start) + said
    return line


def _canvas(chart: Chart, over: Scale, limits: tuple[int, int], size: tuple[int, int], pen: Pen) -> list[list[Toned]]:
    # A tenth of a second to import, and most sessions never look at a chart of this kind.
    import plotext  # noqa: PLC0415

    with _one_figure:
        # Else it clamps every chart to the terminal, which is 80 by 24 where it cannot see one.
        plotext.terminal.limit(False, False)
        figure = plotext.figure
        figure.clear()
        figure.theme("colorless")
        figure.axes(False)
        for axis, lower, upper in (("x", *limits), ("y", 0, 1)):
            figure.ruler(axis).frequency(0)
            figure.ruler(axis).lim(lower, upper)
        # The first line is drawn last, above the others.
        for at, line in reversed(list(enumerate(chart.lines))):
            pixel = plotext.pixel(at + 1)
            for stretch in _stretches(chart.times, line.values):
                marker = plotext.marker(pen.marker(at) if len(stretch) > 1 else pen.alone, pixel)
                xs, ys = [x for x, _ in stretch], [over.share(y) for _, y in stretch]
                figure.draw(figure.signal(xs, ys, marker=marker).lines(len(stretch) > 1))
        figure.plot_size(*size)
        drawn = figure.build().string()
        figure.clear()
    roles = [line.role for line in chart.lines]
    return [list(_parts(row, roles, pen)) for row in drawn.splitlines()[: size[1]]]


def _stretches(at: Sequence[int], values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """What lies between two gaps."""
    found: list[tuple[int, float]] = []
    for x, y in zip(at, values, strict=True):
        if y is not None:
            found.append((x, y))
        elif found:
            yield found
            found = []
    if found:
        yield found


def _parts(row: str, roles: Sequence[Role], pen: Pen) -> Iterator[Toned]:
    """A row as plotext has it, with escapes for colours, as parts in our roles."""
    pieces: list[Any] = _COLOUR.split(row)
    role: Role = "dim"
    for text, escape in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        if text:
            yield Toned(text.translate(_PLAIN) if pen.ascii_only else text, role)
        colour = escape.removeprefix("38;5;")
        role = roles[int(colour) - 1] if colour != escape and colour.isdecimal() else "dim"
