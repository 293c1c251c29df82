"""A list with tabs above it, each showing another part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from trackdesk.screens.listing import ListPlace
from trackdesk.widgets.tab_line import TabLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.screens.desk import Desk

T = TypeVar("T")


class TabbedList(ListPlace[T]):
    """Has `tabs` among its contexts, and lets `fetch` ask which tab it is."""

    TABS: ClassVar[Sequence[str]] = ()

    def __init__(self, desk: Desk, query: Mapping[str, Any] | None = None, *, tab: str = "") -> None:
        super().__init__(desk, query)
        self.tab = tab or self.TABS[0]
        self._line = TabLine([(each, each) for each in self.TABS], self.tab)

    def compose(self) -> ComposeResult:
        yield self._line
        yield from super().compose()

    def do_previous_tab(self) -> None:
        self._line.turn(-1)

    def do_next_tab(self) -> None:
        self._line.turn(1)

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        message.stop()
        self.tab = message.name
        self.table.clear_marks()
        self.table.scroll_home(animate=False)
        self.reload(at_once=True)
