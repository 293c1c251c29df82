"""A chart of upright bars, each of one part or of several above one another, with a scale and marked values.

Drawn to strips in about a millisecond; `plot` is for what blocks can't say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from trackdesk.widgets.budget import number
from trackdesk.widgets.cells import fitted
from trackdesk.widgets.glyphs import Role, Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.rule import rule_strip

_AXIS = 8
"""Cells for the numbers left of the bars."""
_WIDEST = 5
_EIGHTHS = " ▁▂▃▄▅▆▇█"
# Parts differ without colour, too.
_FILLS: dict[Role, tuple[str, str]] = {
    "ok": ("█", "#"),
    "run": ("█", "#"),
    "late": ("▓", "!"),
    "fail": ("▚", "x"),
    "dim": ("░", "."),
    "new": ("▒", "o"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    parts: Sequence[tuple[float, Role]]
    """From the foot up: how high, and in which colour. Without parts it is a gap."""
    label: str = ""
    """Said beneath, where there is room."""

    @property
    def height(self) -> float:
        return sum(part[0] for part in self.parts)


def legend(role: Role, word: str) -> Toned:
    """What the parts of a colour are, for the notes beside the title."""
    return Toned(f"{_FILLS[role][0]} {word}", role)


class BarChart(Widget):
    """Bars, oldest first. Where there are more than fit, the first are left out and the title says so."""

    DEFAULT_CSS = """
    BarChart { height: 8; width: 1fr; }
    """

    def __init__(
        self,
        title: str,
        *,
        empty: str = "Nothing to show yet",
        say: Callable[[float], str] = number,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        """`say` words a height for the scale, in at most seven cells."""
        super().__init__(id=id)
        self._title = title
        self._empty = empty
        self._say = say
        self._bars: Sequence[Bar] = ()
        self._notes: Sequence[Toned] = ()
        self._marks: Sequence[tuple[str, float]] = ()
        self._drawn: tuple[tuple[int, int], list[Strip]] | None = None

    @property
    def bars(self) -> Sequence[Bar]:
        return self._bars

    def put(
        self,
        bars: Sequence[Bar],
        *,
        title: str | None = None,
        notes: Sequence[Toned] = (),
        marks: Sequence[tuple[str, float]] = (),
        say: Callable[[float], str] | None = None,
    ) -> None:
        """`marks` are (word, height): lines drawn across, as far as they are within the scale."""
        self._bars, self._notes, self._marks = tuple(bars), tuple(notes), tuple(marks)
        self._title = self._title if title is None else title
        self._say = say or self._say
        self._drawn = None
        self.refresh()

    def notify_style_update(self) -> None:
        self._drawn = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        look, size = Look.of(self.app), self.size
        if self._drawn is None or self._drawn[0] != (size.width, size.height):
            self._drawn = ((size.width, size.height), self._draw(size.width, size.height, look))
        base = Style(color=self.rich_style.color, bgcolor=self.rich_style.bgcolor)
        lines = self._drawn[1]
        line = lines[y] if y < len(lines) else Strip([])
        return line.crop_extend(0, size.width, Style.null()).apply_style(base)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _draw(self, width: int, height: int, look: Look) -> list[Strip]:
        room, rows = width - _AXIS - 1, height - 2
        cells, gap = _widths(len(self._bars), room)
        bars = self._bars[-(room // (cells + gap)) :] if room > 0 else ()
        notes = [note._replace(text=_plain(note.text)) if look.ascii_only else note for note in self._notes]
        if len(bars) < len(self._bars):
            notes.insert(0, Toned(f"the last {len(bars)}", "late"))
        lines = [rule_strip(self._title, notes, width, look)]
        if not any(bar.parts for bar in bars) or rows < 1:
            said = Segment(fitted(f"  {self._empty}", width, "left", look), look.role("dim"))
            return [*lines, Strip([]), Strip([said])]
        top = max([bar.height for bar in bars] + [0.0]) or 1.0
        columns = [_column(bar, top, rows, look) for bar in bars]
        marks = {min(int(value / top * rows), rows - 1): word for word, value in self._marks if 0 < value <= top}
        drawn = [self._row(row, rows, top, columns, marks, cells, gap, look) for row in reversed(range(rows))]
        return [*lines, *drawn, _labels(bars, cells + gap, room, look)]

    def _row(
        self,
        row: int,
        rows: int,
        top: float,
        columns: Sequence[Sequence[tuple[str, Role]]],
        marks: dict[int, str],
        cells: int,
        gap: int,
        look: Look,
    ) -> Strip:
        said = self._say(top) if row == rows - 1 else self._say(0) if row == 0 else ""
        said = marks.get(row, said)
        blank = look.pick("╌", "-") if row in marks else " "
        dim = look.role("dim")
        parts = [Segment(f"{said:>{_AXIS - 1}} ", look.role("late") if row in marks else dim)]
        for column in columns:
            glyph, role = column[row]
            parts.append(Segment(blank * cells, dim) if glyph == " " else Segment(glyph * cells, look.role(role)))
            if gap:
                parts.append(Segment(blank * gap, dim))
        return Strip(parts).simplify()


def _widths(count: int, room: int) -> tuple[int, int]:
    """The cells of a bar, and those between two."""
    share = room // max(count, 1)
    if share < 2:
        return 1, 0
    return min(share - 1, _WIDEST), 1


def _column(bar: Bar, top: float, rows: int, look: Look) -> list[tuple[str, Role]]:
    """A glyph and its colour for each row from the foot up."""
    parts = [(value, role) for value, role in bar.parts if value > 0]
    if not parts:
        return [(" ", "dim")] * rows
    if len(parts) == 1 and not look.ascii_only:
        value, role = parts[0]
        eighths = max(round(value / top * rows * 8), 1)
        fill = _FILLS[role][0]
        levels = [min(max(eighths - 8 * row, 0), 8) for row in range(rows)]
        return [(fill if level == 8 else _EIGHTHS[level], role) for level in levels]
    # However little there is of a part, it is seen; the largest gives the cells for that.
    counts = [max(round(value / top * rows), 1) for value, _ in parts]
    while sum(counts) > max(round(bar.height / top * rows), len(counts)):
        counts[counts.index(max(counts))] -= 1
    filled: list[tuple[str, Role]] = []
    for (_, role), count in zip(parts, counts, strict=True):
        filled += [(_FILLS[role][1 if look.ascii_only else 0], role)] * count
    return (filled + [(" ", "dim")] * rows)[:rows]


def _labels(bars: Sequence[Bar], step: int, room: int, look: Look) -> Strip:
    line = ""
    for at, bar in enumerate(bars):
        start = at * step
        if bar.label and start >= cell_len(line) + (1 if line else 0) and start + cell_len(bar.label) <= room:
            line = line.ljust(start) + bar.label
    return Strip([Segment(" " * _AXIS), Segment(line, look.role("dim"))])


def _plain(text: str) -> str:
    for fill, plain in _FILLS.values():
        text = text.replace(fill, plain)
    return text
