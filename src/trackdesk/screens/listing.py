"""The base of list screens: a filter bar over a live table.

A list screen declares its columns and says how it fetches a page and what a row looks like; filter, sort, paging, the
four faces, marks, copying and live updates are here. A section's factory and every place are given the `Desk`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from trackdesk.screens.paging import PagedPlace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from trackdesk.widgets.filter_bar import FilterBar
    from trackdesk.widgets.table_messages import RowOpened, SortRequested
    from trackdesk.widgets.view import View

T = TypeVar("T")


class ListPlace(PagedPlace[T], Generic[T]):
    """What stands around the table, and what keys and mouse do."""

    def place_of(self, item: T) -> View | None:
        """What `enter` opens; without such a place its settings are opened."""
        del item
        return None

    def curl_of(self, items: Sequence[T]) -> str:
        """The curl that does the same, for `Y`."""
        del items
        return ""

    def name_of(self, item: T) -> str:
        """What `y` copies."""
        return self.row(item).key

    # -- the frame of a list ---------------------------------------------------------------------------------------

    @property
    def heading(self) -> str:
        return self.TITLE

    def compose(self) -> ComposeResult:
        if self.FILTERED:
            yield self.filter
        yield self.table
        yield from self.compose_below()

    def compose_below(self) -> ComposeResult:
        """What stands under the table."""
        yield from ()

    @property
    def selected(self) -> T | None:
        """The item under the cursor."""
        return None if (row := self.table.selected) is None else row.data  # type: ignore[return-value]

    @property
    def targets(self) -> list[T]:
        """What an action is about: the marked items, else the one under the cursor."""
        return [row.data for row in self.table.targets]  # type: ignore[misc]

    @property
    def marked(self) -> bool:
        return bool(self.table.rows.marked())

    def can(self, action: str) -> bool:
        return super().can(action) and (self.FILTERED or action != "filter")

    def why_not(self, action: str) -> str | None:
        if action in ("copy", "copy_as") and self.table.selected is None:
            return "the list is empty"
        return super().why_not(action)

    # -- hands -----------------------------------------------------------------------------------------------------

    def do_filter(self) -> None:
        self.filter.open_bar()

    def narrow(self, expression: str) -> None:
        if self.FILTERED:
            self.filter.add_class("-open")
            self.filter.set_expression(expression)

    def retreat(self) -> bool:
        if self.FILTERED and self.expression:
            self.filter.action_clear()
            return True
        return super().retreat()

    def do_copy(self) -> None:
        names = [self.name_of(item) for item in self.targets]
        self.copy("\n".join(names), names[0] if len(names) == 1 else f"{len(names)} ids")

    async def do_copy_as(self) -> None:
        targets: Any = self.targets
        await self.copy_as(targets, self.curl_of(targets))

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        message.stop()
        self.expression = message.expression
        self.table.clear_marks()
        self.table.scroll_home(animate=False)
        self.reload(at_once=True)

    def on_filter_bar_closed(self, message: FilterBar.Closed) -> None:
        message.stop()
        if self.filter.box.has_focus:
            self.focus_on(self.table)

    def on_sort_requested(self, event: SortRequested) -> None:
        event.stop()
        self._sort = (event.column, event.descending)
        self.table.set_sort(event.column, descending=event.descending)
        self.reload(at_once=True)

    def on_row_opened(self, event: RowOpened) -> None:
        if event.table is not self.table:
            return
        event.stop()
        view = self.place_of(event.row.data)  # type: ignore[arg-type]
        if view is not None:
            self.post_message(self.Open(view))
        elif self.can("edit"):
            self.post_message(self.Ask("edit"))
