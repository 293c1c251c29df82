"""What hands do to the live table: cursor, marks, sorting, opening, by key and by mouse."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from trackdesk.widgets.rows import Row
from trackdesk.widgets.table_messages import MarksChanged, RowOpened, RowSelected, SortRequested
from trackdesk.widgets.table_surface import TableSurface


class TableHands(TableSurface, can_focus=True):
    DEFAULT_CSS = """
    TableHands {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("home,g", "first", "first", show=False),
        Binding("end,G", "last", "last", show=False),
        Binding("ctrl+d", "half(1)", "half a page down", show=False),
        Binding("ctrl+u", "half(-1)", "half a page up", show=False),
        Binding("pagedown", "half(2)", "page down", show=False),
        Binding("pageup", "half(-2)", "page up", show=False),
        Binding("enter", "open", "open", show=False),
        Binding("space", "mark", "mark", show=False),
        Binding("v", "mark_range", "mark a range", show=False),
        Binding("less_than_sign", "sort_by(-1)", "sort by the column before", show=False),
        Binding("greater_than_sign", "sort_by(1)", "sort by the next column", show=False),
        Binding("S", "reverse", "turn the sort around", show=False),
    ]

    # -- what the screen asks --------------------------------------------------------------------------------------

    @property
    def selected(self) -> Row | None:
        return self.rows.get(self.rows.cursor)

    @property
    def targets(self) -> list[Row]:
        """What an action is about: the marked rows, else the selected one."""
        return [row for key in self.rows.targets() if (row := self.rows.get(key)) is not None]

    def clear_marks(self) -> bool:
        """Whether there was a mark to clear: the second of the three things `esc` does."""
        had = self.rows.clear_marks()
        if had:
            self._marks_changed()
        return had

    def select(self, key: str) -> bool:
        """Put the cursor on the row with `key`, if it is loaded."""
        at = self.rows.position(key)
        if at is not None:
            self._move_to(at)
        return at is not None

    # -- keys and mouse --------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        self._to_end = False
        at = self.rows.position(self.rows.cursor)
        self._move_to(0 if at is None else at + by)

    def action_half(self, halves: int) -> None:
        self.action_move(halves * max((self.size.height - self.head) // 2, 1))

    def action_first(self) -> None:
        self._to_end = False
        self._move_to(0)

    def action_last(self) -> None:
        """To the last row; pages not loaded yet are asked for in turn, until another key moves the cursor."""
        self._to_end = self.rows.more and not self.rows.full
        self._move_to(len(self.rows) - 1)
        self.refresh_head()
        self.ask_for_more()

    def action_open(self) -> None:
        row = self.selected
        if row is not None:
            self.post_message(RowOpened(self, row))

    def action_mark(self) -> None:
        if self.rows.cursor is not None:
            self.rows.toggle_mark(self.rows.cursor)
            self._marks_changed()
            self.action_move(1)

    def action_mark_range(self) -> None:
        self.rows.toggle_range()
        self._marks_changed()

    def action_sort_by(self, step: int) -> None:
        sortable = [column.key for column in self._painting().shown if column.sortable]
        if sortable:
            current = self._sort[0] if self._sort else ""
            at = sortable.index(current) + step if current in sortable else 0
            self._request_sort(sortable[at % len(sortable)])

    def action_reverse(self) -> None:
        if self._sort is not None:
            self._request_sort(self._sort[0])

    def on_click(self, event: events.Click) -> None:
        if event.y == 1 < self.head:
            column = self._painting().column_at(event.x)
            if column is not None and column.sortable:
                self._request_sort(column.key)
            return
        at = event.y - self.head + self.scroll_offset.y
        if event.y >= self.head and at < len(self.rows):
            self._to_end = False
            self._move_to(at)
            if event.chain == 2:
                self.action_open()

    def on_focus(self) -> None:
        self._repaint_cursor()

    def on_blur(self) -> None:
        self._repaint_cursor()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _request_sort(self, column: str) -> None:
        descending = self._sort is not None and self._sort[0] == column and not self._sort[1]
        self.post_message(SortRequested(self, column, descending=descending))

    def _move_to(self, at: int) -> None:
        if not len(self.rows):
            return
        before = self.rows.position(self.rows.cursor)
        at = min(max(at, 0), len(self.rows) - 1)
        self.rows.cursor = self.rows.loaded[at].key
        if before is not None:
            self.refresh_row(before)
        self.refresh_row(at)
        if self.rows.range_from is not None:
            self._marks_changed()
        height = self._room()
        top = self.scroll_offset.y
        if at < top:
            self.scroll_to(y=at, animate=False, force=True)
        elif at >= top + height:
            self.scroll_to(y=at - height + 1, animate=False, force=True)
        if at != before:
            self.post_message(RowSelected(self))

    def _room(self) -> int:
        return max(self.size.height - self.head - (1 if self._failure is not None else 0), 1)

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(MarksChanged(self))

    def _repaint_cursor(self) -> None:
        self.refresh_head()
        at = self.rows.position(self.rows.cursor)
        if at is not None:
            self.refresh_row(at)
