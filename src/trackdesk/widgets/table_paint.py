"""Turns rows into strips, each drawn once and kept until the row, its state or the width changes."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from trackdesk.widgets.cells import draw, fitted
from trackdesk.widgets.columns import GAP, Column, fit
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row

GUTTER = 3
"""Cells left of the first column: the cursor, the mark, a blank."""
_STRIPS = 300
"""Some screens full. Each is made of dozens of objects, which garbage is looked for among."""


class RowState(NamedTuple):
    """What the cursor, the marks and the last change make of a row."""

    cursor: bool = False
    focused: bool = False
    marked: bool = False
    changed: bool = False
    old: bool = False
    """Shown though the list could not be loaded anew."""


class RowPainter:
    def __init__(self, columns: Sequence[Column], look: Look, base: Style) -> None:
        self.columns = columns
        self.look = look
        self.base = base
        """What a widget's own background and foreground are; every cell is painted, blanks too."""
        self._width = -1
        self._fitted: list[tuple[Column, int]] = []
        self._strips: LRUCache[tuple[str, int, RowState], Strip] = LRUCache(_STRIPS)

    def resize(self, width: int) -> None:
        if width != self._width:
            self._width = width
            self._fitted = fit(self.columns, width - GUTTER - 1)
            self._strips.clear()

    def row(self, row: Row, version: int, state: RowState, now: int) -> Strip:
        key = (row.key, version, state)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(row, state, now)
        return strip

    def _draw(self, row: Row, state: RowState, now: int) -> Strip:
        cursor = self.look.pick("▌", ">") if state.cursor and state.focused else " "
        mark = self.look.pick("◆", "*") if state.marked else self.look.pick("•", "~") if state.changed else " "
        parts = [
            Segment(cursor, self.look.role("run")),
            Segment(f"{mark} ", self.look.role("run" if state.marked else "late")),
        ]
        for at, (column, width) in enumerate(self._fitted):
            if at:
                parts.append(Segment(" " * GAP))
            parts += draw(row.cells.get(column.key), width, column.align, self.look, now)
        if state.old:
            dim = self.look.role("dim")
            parts = [Segment(part.text, dim) for part in parts]
        return self.finish(parts, self._fill(state))

    def _fill(self, state: RowState) -> Style:
        fills = self.look.fills
        if state.cursor:
            return fills["cursor"] if state.focused else fills["cursor_away"]
        if state.marked:
            return fills["marked"]
        return fills["changed"] if state.changed else Style.null()

    def finish(self, parts: list[Segment], fill: Style | None = None) -> Strip:
        """`parts` over the widget's own colours, as wide as the table."""
        style = self.base + fill if fill else self.base
        return Strip(parts).crop(0, self._width).extend_cell_length(self._width, Style.null()).apply_style(style)

    def titles(self, sort: str | None, *, descending: bool) -> Strip:
        parts = [Segment(" " * GUTTER)]
        for at, (column, width) in enumerate(self._fitted):
            title = column.title
            if column.key == sort:
                arrow = self.look.pick("▾", "v") if descending else self.look.pick("▴", "^")
                title = f"{title} {arrow}" if len(title) + 2 <= width else f"{title[: width - 1]}{arrow}"
            style = self.look.role("run" if column.key == sort else "dim")
            parts += [Segment(" " * GAP if at else ""), Segment(fitted(title, width, column.align, self.look), style)]
        return self.finish(parts)

    def centred(self, line: Toned) -> Strip:
        text = fitted(line.text, min(len(line.text), max(self._width - 4, 1)), "left", self.look)
        left = " " * max((self._width - len(text)) // 2, 0)
        return self.finish([Segment(left), Segment(text, self.look.role(line.role, bold=line.bold))])

    def note(self, text: str, style: Style) -> Strip:
        """One line of plain words across the table."""
        return self.finish([Segment(fitted(f" {text}", self._width, "left", self.look), style)])

    def waiting(self) -> Strip:
        """A row that is not loaded yet."""
        return self.finish([Segment(" " * GUTTER), Segment(self.look.pick("…", "..."), self.look.role("dim"))])

    def column_at(self, x: int) -> Column | None:
        """The column drawn at cell `x`."""
        left = GUTTER
        for column, width in self._fitted:
            if left <= x < left + width + GAP:
                return column
            left += width + GAP
        return None

    @property
    def shown(self) -> list[Column]:
        return [column for column, _ in self._fitted]
