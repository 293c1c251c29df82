"""How the live table looks: its lines, its faces, the marking of what changed. `LiveTable` adds what it does."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Literal

from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from trackdesk.widgets import faces, when
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty, Failure
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import MAX_ROWS, Row, Rows
from trackdesk.widgets.rule import rule_strip
from trackdesk.widgets.table_messages import MoreNeeded
from trackdesk.widgets.table_paint import RowPainter, RowState

if TYPE_CHECKING:
    from textual.timer import Timer

CHANGED_FOR = 2.0
"""Seconds a changed row is marked."""
LOADING_AFTER = 0.15
"""Seconds before a list admits that it is loading; most are faster."""

Face = Literal["rows", "waiting", "loading", "empty", "filtered", "failed"]


class TableSurface(ScrollView):
    """Draws `rows`; of virtual height, with the head staying in place."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        title: str = "",
        empty: Empty | None = None,
        titles: bool = True,
        now: Callable[[], int] = when.wall_clock,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.rows = Rows()
        self.columns = columns
        self.head = 2 if titles else 1
        """Lines above the rows: the rule with the title and, where they are shown, the titles of the columns."""
        self._title = title
        self._empty = empty or Empty()
        self._now = now
        self._painter: RowPainter | None = None
        self._total: int | None = None
        self._capped = False
        self._filter = ""
        self._sort: tuple[str, bool] | None = None
        self._failure: Failure | None = None
        self._face: Face = "waiting"
        self._asked_for_more = False
        self._to_end = False
        self._news_above = 0
        self._changed: dict[str, float] = {}
        self._calm: Timer | None = None
        self._slow: Timer | None = None

    @property
    def face(self) -> Face:
        """What the table shows; `waiting` is a load too young to be admitted."""
        return "filtered" if self._face == "empty" and self._filter else self._face

    @property
    def going_to_end(self) -> bool:
        """Whether the last row is asked for, however many pages that takes."""
        return self._to_end

    @property
    def in_sight(self) -> list[Row]:
        """The rows that are seen."""
        top = self.scroll_offset.y
        return self.rows.loaded[top : top + max(self.size.height - self.head, 0)]

    def shows(self, column: str) -> bool:
        """Whether there is room for the column of that key."""
        return any(each.key == column for each in self._painting().shown)

    # -- lines -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        painter = self._painting()
        if y == 0:
            strip = rule_strip(self._title, self.caption(), self._width(), painter.look, focused=self.has_focus)
            return strip.apply_style(painter.base)
        if y == 1 < self.head:
            sort, descending = self._sort or (None, False)
            return painter.titles(sort, descending=descending)
        if self._failure is not None and len(self.rows) and y == self.size.height - 1:
            return painter.note(self._failure.line(self._now()), painter.look.role("fail", bold=True))
        if len(self.rows):
            return self._row_line(painter, y - self.head + self.scroll_offset.y)
        return self._face_line(painter, y - self.head)

    def _row_line(self, painter: RowPainter, at: int) -> Strip:
        if at >= len(self.rows):
            return painter.waiting() if at == len(self.rows) and self.rows.more else painter.finish([])
        row = self.rows.loaded[at]
        state = RowState(
            cursor=row.key == self.rows.cursor,
            focused=self.has_focus,
            marked=self.rows.is_marked(at),
            changed=row.key in self._changed,
            old=self._failure is not None,
        )
        return painter.row(row, self.rows.version(row.key), state, self._now())

    def _face_line(self, painter: RowPainter, y: int) -> Strip:
        lines = self._face_lines()
        top = max((self.size.height - self.head - len(lines)) * 2 // 5, 0)
        return painter.centred(lines[y - top]) if 0 <= y - top < len(lines) else painter.finish([])

    def _face_lines(self) -> list[Toned]:
        match self.face:
            case "loading":
                return faces.LOADING
            case "empty":
                return faces.empty_lines(self._empty)
            case "filtered":
                return faces.filtered_lines(self._filter)
            case "failed" if self._failure is not None:
                return self._failure.lines(self._now())
        return []

    def caption(self) -> list[Toned]:
        """What the title line says beside the title."""
        notes: list[Toned] = []
        if self._filter:
            notes.append(Toned(f"/{self._filter}", "run"))
        if len(self.rows) or self._face == "empty":
            notes.append(Toned(self._count(), "dim"))
        if self._to_end:
            notes.append(Toned("loading to the end", "late"))
        if marked := len(self.rows.marked()):
            notes.append(Toned(f"{marked} marked", "run", bold=True))
        if self._news_above:
            arrow = "↑" if self._painter is None else self._painter.look.pick("↑", "^")
            notes.append(Toned(f"{arrow} {self._news_above} new", "late"))
        return notes

    def _count(self) -> str:
        loaded = len(self.rows)
        if self.rows.full:
            return f"the first {MAX_ROWS:,}; a filter finds the rest"
        if self._total is None:
            return f"{loaded:,} of >{loaded:,}" if self.rows.more else f"{loaded:,}"
        if self._capped:
            return f"{loaded:,} of >{self._total:,}"
        return f"{loaded:,}" if loaded >= self._total else f"{loaded:,} of {self._total:,}"

    # -- painting --------------------------------------------------------------------------------------------------

    def _painting(self) -> RowPainter:
        if self._painter is None:
            self._painter = RowPainter(self.columns, Look.of(self.app), self._base())
        self._painter.resize(self._width())
        return self._painter

    def _width(self) -> int:
        # Without the scrollbar, which else would stand on the last column.
        return self.scrollable_content_region.width

    def _base(self) -> Style:
        style = self.rich_style
        return Style(color=style.color, bgcolor=style.bgcolor)

    def notify_style_update(self) -> None:
        # Another theme, or the focus changed a colour: every kept strip is of the past.
        self._painter = None
        super().notify_style_update()

    def refresh_row(self, at: int) -> None:
        """Paint the row at position `at` again, if it is in sight."""
        y = at - self.scroll_offset.y
        if 0 <= y < self.size.height - self.head:
            self.refresh_line(at + self.head)

    def refresh_head(self) -> None:
        self.refresh_line(self.scroll_offset.y)

    def _fit_height(self) -> None:
        lines = len(self.rows) + (1 if self.rows.more else 0)
        self.virtual_size = Size(self.size.width, lines + self.head)

    def on_resize(self) -> None:
        self._fit_height()
        self.ask_for_more()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value == 0:
            self._news_above = 0
        self.ask_for_more()

    def ask_for_more(self) -> None:
        """Ask for the next page when less than a screenful is left below; one question at a time."""
        height = self.size.height
        below = len(self.rows) - self.scroll_offset.y - height
        if (
            self.rows.more
            and not self._asked_for_more
            and not self.rows.full
            and height
            and (below < height or self._to_end)
        ):
            self._asked_for_more = True
            self.post_message(MoreNeeded(self))

    # -- what changed ----------------------------------------------------------------------------------------------

    def mark_changed(self, keys: set[str]) -> None:
        """Mark the rows with these keys for two seconds. One timer serves them all."""
        until = monotonic() + CHANGED_FOR
        for key in keys:
            self._changed[key] = until
            at = self.rows.position(key)
            if at is not None:
                self.refresh_row(at)
        if keys and self._calm is None:
            self._calm = self.set_timer(CHANGED_FOR, self._calm_down)

    def _calm_down(self) -> None:
        self._calm = None
        now = monotonic()
        for key in [key for key, until in self._changed.items() if until <= now + 0.02]:
            del self._changed[key]
            at = self.rows.position(key)
            if at is not None:
                self.refresh_row(at)
        if self._changed:
            self._calm = self.set_timer(min(self._changed.values()) - now, self._calm_down)

    # -- faces -----------------------------------------------------------------------------------------------------

    def _start_slow(self) -> None:
        if self._slow is None:
            self._face = "waiting"
            self._slow = self.set_timer(LOADING_AFTER, self._admit_loading)

    def _admit_loading(self) -> None:
        self._slow = None
        if self._face == "waiting":
            self._face = "loading"
            self.refresh()

    def _stop_slow(self) -> None:
        if self._slow is not None:
            self._slow.stop()
            self._slow = None

    def _loaded(self) -> None:
        """A load came to its end well."""
        self._stop_slow()
        self._asked_for_more = False
        self._failure = None
        self._face = "rows" if len(self.rows) else "empty"
        self._fit_height()
        self.refresh()
        self.call_after_refresh(self.ask_for_more)
