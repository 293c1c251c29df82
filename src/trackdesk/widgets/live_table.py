"""The list every section is made of: virtual, keyed, paged, live; only lines that changed are painted again.

The table talks to nobody: it posts messages and is told rows. A list screen answers `MoreNeeded` with `append_page`,
`SortRequested` and a new filter with `show_loading` and `put_rows`, and news with `update_row`, `insert_rows` and
`remove_row`. `show_failure` ends a load that went wrong.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Failure
from trackdesk.widgets.rows import Row
from trackdesk.widgets.table_hands import TableHands
from trackdesk.widgets.table_messages import RowSelected


class _Anchor(NamedTuple):
    """A row and the screen line it stands on."""

    key: str
    line: int


class LiveTable(TableHands):
    """See the module."""

    # -- what the screen tells -------------------------------------------------------------------------------------

    def show_loading(self) -> None:
        """A load began. Rows that are shown stay; an empty list says `loading…` after 150 ms."""
        self._asked_for_more = True
        if not len(self.rows):
            self._start_slow()

    def put_rows(
        self, rows: Iterable[Row], *, more: bool = False, total: int | None = None, capped: bool = False
    ) -> None:
        """Show the first page of a list loaded anew; what changed in rows shown before is marked for two seconds.

        `total` counts all rows of the list, or with `capped` at least as many; None when nobody counted.
        """
        anchor = self._anchor()
        before = {row.key: row for row in self.rows.loaded}
        changed = self.rows.replace(rows, more=more)
        self._total, self._capped = total, capped
        self._loaded()
        self._hold(anchor)
        self.mark_changed({key for key in changed if self._is_news(before[key], self.rows.get(key))})
        self.post_message(RowSelected(self))

    def append_page(
        self, rows: Iterable[Row], *, more: bool = False, total: int | None = None, capped: bool = False
    ) -> None:
        """Show the next page below the rows loaded so far."""
        self.rows.append(rows, more=more)
        if total is not None:
            self._total, self._capped = total, capped
        going = self._to_end
        self._to_end = going and more and not self.rows.full
        self._loaded()
        if going:
            self._move_to(len(self.rows) - 1)

    def insert_rows(self, rows: Iterable[Row]) -> None:
        """New rows at the top, marked for two seconds. A reader further down keeps what they look at where it is."""
        rows = list(rows)
        anchor = self._anchor()
        count = self.rows.insert(rows)
        if self._total is not None and not self._capped:
            self._total += count
        self._face = "rows" if len(self.rows) else self._face
        self._fit_height()
        if self._hold(anchor):
            self._news_above += count
        self.mark_changed({row.key for row in rows})
        self.refresh()

    def update_row(self, row: Row) -> bool:
        """Put `row` in place of the one with its key and mark it for two seconds. False when the key isn't loaded."""
        before = self.rows.get(row.key)
        if before is None:
            return False
        at = self.rows.update(row)
        if at is not None and self._is_news(before, row):
            self.mark_changed({row.key})
        elif at is not None:
            self.refresh_row(at)
        return True

    def _is_news(self, before: Row, after: Row | None) -> bool:
        """Whether more differs than what moves all the time."""
        if after is None:
            return False
        quiet = {column.key for column in self.columns if column.quiet}
        names = before.cells.keys() | after.cells.keys()
        return any(before.cells.get(name) != after.cells.get(name) for name in names - quiet)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns of the same rows."""
        if list(columns) != list(self.columns):
            self.columns = columns
            self._painter = None
            self.refresh()

    def remove_row(self, key: str) -> None:
        anchor = self._anchor()
        if self.rows.remove(key) is None:
            return
        if self._total is not None and not self._capped:
            self._total -= 1
        self._fit_height()
        self._hold(anchor)
        self._face = "rows" if len(self.rows) else "empty"
        self.refresh()
        self.post_message(RowSelected(self))

    def show_failure(self, failure: Failure | None) -> None:
        """Grey the rows and say what went wrong, or with None that all is well again."""
        self._stop_slow()
        self._asked_for_more = False
        self._to_end = False
        self._failure = failure
        if not len(self.rows):
            self._face = "failed" if failure is not None else "empty"
        self.refresh()

    def end_loading(self) -> None:
        """The load came to nothing; what was shown stays as it was."""
        self._stop_slow()
        self._asked_for_more = False
        self._to_end = False
        self._face = "rows" if len(self.rows) else "empty"
        self.refresh()

    @property
    def filtered_by(self) -> str:
        return self._filter

    def set_filter(self, expression: str) -> None:
        """What the list is filtered by, for its title and for the face of a filter that matches nothing."""
        self._to_end = self._to_end and expression == self._filter
        self._filter = expression
        self.refresh()

    def set_sort(self, column: str, *, descending: bool = False) -> None:
        self._to_end = False
        self._sort = (column, descending)
        self.refresh()

    def set_title(self, title: str) -> None:
        self._title = title
        self.refresh_head()

    def tick(self) -> None:
        """Let a second pass: lines that say something else by now are painted again."""
        top = self.scroll_offset.y
        for at in self.rows.tick(top, top + self.size.height, self._now()):
            self.refresh_row(at)
        if self._failure is not None:
            self.refresh()

    # -- nothing moves under the hand ------------------------------------------------------------------------------

    def _anchor(self) -> _Anchor | None:
        """The selected row and its line on the screen, or the top row where the selected one is out of sight."""
        top = self.scroll_offset.y
        at = self.rows.position(self.rows.cursor)
        if at is None:
            return None
        if not top <= at < top + self._room():
            at = min(top, len(self.rows) - 1)
        return _Anchor(self.rows.loaded[at].key, at - top)

    def _hold(self, anchor: _Anchor | None) -> bool:
        """After rows moved, scroll so that nothing moves under the hand. Whether that hides rows above.

        At the very top the list is left to flow, so that news is seen, until it would push the cursor out of sight.
        """
        at = self.rows.position(anchor.key) if anchor is not None else None
        if anchor is None or at is None:
            return False
        top = self.scroll_offset.y
        if top == 0 and at < self._room():
            return False
        wanted = max(at - min(anchor.line, self._room() - 1), 0)
        if top == 0:
            wanted = at - self._room() + 1
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)
        return wanted > 0
