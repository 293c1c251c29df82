"""Many things at a glance: a tile each with its state and a few sparklines; virtual, so that thousands cost nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from trackdesk.widgets import when
from trackdesk.widgets.cells import Trend, fitted, trend_line
from trackdesk.widgets.faces import LOADING, Empty, empty_lines
from trackdesk.widgets.glyphs import Mark, Toned
from trackdesk.widgets.line_pane import LinePane
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row
from trackdesk.widgets.rule import rule_strip
from trackdesk.widgets.table_messages import RowOpened, RowSelected

LEAST = 34
"""Cells of a tile at least."""
_GAP = 2
_MARGIN = 1
_INDENT = 3
_NOTHING = Toned("", "dim")


@dataclass(frozen=True, slots=True)
class Tile:
    key: str
    mark: Mark
    name: str
    note: Toned = _NOTHING
    """Said at the right of the name."""
    trends: Sequence[Trend] = ()
    data: Any = None


class HealthGrid(LinePane):
    """Arrows move among the tiles; enter opens one (`RowOpened`). Posts `Sighted` when other tiles come into sight."""

    DEFAULT_CSS = """
    HealthGrid { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "beside(0, 1)", "down", show=False),
        Binding("up,k", "beside(0, -1)", "up", show=False),
        Binding("left", "beside(-1, 0)", "left", show=False),
        Binding("right", "beside(1, 0)", "right", show=False),
        Binding("home,g", "first", "first", show=False),
        Binding("end,G", "last", "last", show=False),
        Binding("ctrl+d,pagedown", "half(1)", "down", show=False),
        Binding("ctrl+u,pageup", "half(-1)", "up", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    class Sighted(Message):
        """Other tiles are in sight than before: `keys`."""

        def __init__(self, grid: "HealthGrid", keys: Sequence[str]) -> None:
            super().__init__()
            self.grid = grid
            self.keys = keys

    def __init__(
        self,
        title: str,
        *,
        empty: Empty | None = None,
        lines: int = 2,
        now: Callable[[], int] = when.wall_clock,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        """`lines` are the trends a tile has room for."""
        super().__init__(id=id)
        self._title = title
        self._empty = empty or Empty()
        self._now = now
        self._notes: Sequence[Toned] = ()
        self._lines = lines
        self._tiles: list[Tile] | None = None
        self._sighted: Sequence[str] = ()
        self.cursor: str | None = None

    def put_tiles(self, tiles: Sequence[Tile], *, notes: Sequence[Toned] = ()) -> None:
        place = self._at(self.cursor)
        self._tiles, self._notes = list(tiles), tuple(notes)
        if self._at(self.cursor) is None:
            self.cursor = tiles[min(place or 0, len(tiles) - 1)].key if tiles else None
        self._fit()

    @property
    def tiles(self) -> Sequence[Tile]:
        return self._tiles or ()

    @property
    def selected(self) -> Tile | None:
        at = self._at(self.cursor)
        return None if at is None else self.tiles[at]

    @property
    def in_sight(self) -> list[str]:
        """The keys of the tiles that are seen."""
        across = self._across
        first = self.scroll_offset.y // self._height * across
        count = (self.size.height // self._height + 2) * across
        return [tile.key for tile in self.tiles[first : first + count]]

    # -- geometry --------------------------------------------------------------------------------------------------

    @property
    def _height(self) -> int:
        return self._lines + 2

    @property
    def _across(self) -> int:
        return max((self.scrollable_content_region.width - _MARGIN + _GAP) // (LEAST + _GAP), 1)

    @property
    def _wide(self) -> int:
        across = self._across
        room = self.scrollable_content_region.width - _MARGIN - _GAP * (across - 1)
        return max(room // across, 4)

    def _at(self, key: str | None) -> int | None:
        return next((at for at, tile in enumerate(self.tiles) if tile.key == key), None)

    def _fit(self) -> None:
        rows = -(-len(self.tiles) // self._across)
        self.virtual_size = Size(self.size.width, rows * self._height + 1)
        self.refresh()
        self._tell_sight()

    def _tell_sight(self) -> None:
        keys = self.in_sight
        if keys != self._sighted:
            self._sighted = keys
            self.post_message(self.Sighted(self, keys))

    def on_resize(self) -> None:
        self._fit()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._tell_sight()

    # -- hands -----------------------------------------------------------------------------------------------------

    def action_beside(self, across: int, down: int) -> None:
        at = self._at(self.cursor)
        if at is not None:
            self._go(at + across + down * self._across)

    def action_half(self, by: int) -> None:
        self.action_beside(0, by * max(self.size.height // self._height // 2, 1))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self.tiles) - 1)

    def action_open(self) -> None:
        tile = self.selected
        if tile is not None:
            self.post_message(RowOpened(self, Row(tile.key, {}, tile.data)))

    def _go(self, at: int) -> None:
        if not self.tiles:
            return
        at = min(max(at, 0), len(self.tiles) - 1)
        self.cursor = self.tiles[at].key
        top = at // self._across * self._height
        if top < self.scroll_offset.y:
            self.go_to(top)
        elif top + self._height > self.scroll_offset.y + self.size.height - 1:
            self.go_to(top + self._height - self.size.height + 1)
        self.refresh()
        self.post_message(RowSelected(self))

    def on_click(self, event: events.Click) -> None:
        row, column = (event.y - 1 + self.scroll_offset.y) // self._height, event.x // (self._wide + _GAP)
        at = row * self._across + column
        if event.y and column < self._across and at < len(self.tiles):
            self._go(at)
            if event.chain > 1:
                self.action_open()

    # -- painting --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        look, base, width = self.look, self.base, self.scrollable_content_region.width
        if y == 0:
            count = [Toned(f"{len(self.tiles):,}", "dim")] if self.tiles else []
            return rule_strip(self._title, [*count, *self._notes], width, look, focused=self.has_focus).apply_style(
                base
            )
        if not self.tiles:
            return self._face(y - 1, width, look).apply_style(base)
        row, line = divmod(y - 1 + self.scroll_offset.y, self._height)
        across, wide = self._across, self._wide
        parts = [Segment(" " * _MARGIN)]
        for tile in self.tiles[row * across : (row + 1) * across]:
            parts += [*self._tile_line(tile, line, wide, look), Segment(" " * _GAP)]
        return Strip(parts).crop_extend(0, width, Style.null()).apply_style(base)

    def _tile_line(self, tile: Tile, line: int, wide: int, look: Look) -> list[Segment]:
        if line == 0:
            return self._head(tile, wide, look)
        if line > min(len(tile.trends), self._lines):
            return [Segment(" " * wide)]
        return [Segment(" " * _INDENT), *trend_line(tile.trends[line - 1], wide - _INDENT, look)]

    def _head(self, tile: Tile, wide: int, look: Look) -> list[Segment]:
        here = tile.key == self.cursor
        fill = look.fills["cursor" if self.has_focus else "cursor_away"] if here else Style.null()
        note = fitted(tile.note.text, len(tile.note.text), "left", look)[: max(wide - 8, 0)]
        glyph = look.pick(tile.mark.glyph, tile.mark.ascii)
        room = wide - len(note) - 3
        name = Style(bold=True) + look.role("new" if tile.mark.role in ("ok", "dim") else tile.mark.role)
        pointer = look.pick("▌", "|") if here else " "
        return [
            Segment(pointer, look.role("run") + fill),
            Segment(f"{glyph} ", look.role(tile.mark.role, bold=True) + fill),
            Segment(fitted(tile.name, room, "left", look), name + fill),
            Segment(note, look.role(tile.note.role) + fill),
        ]

    def _face(self, y: int, width: int, look: Look) -> Strip:
        lines = LOADING if self._tiles is None else empty_lines(self._empty)
        top = max((self.size.height - 1 - len(lines)) * 2 // 5, 0)
        said = lines[y - top] if 0 <= y - top < len(lines) else Toned("", "dim")
        return Strip([Segment(said.text.center(width)[:width], look.role(said.role, bold=said.bold))])
