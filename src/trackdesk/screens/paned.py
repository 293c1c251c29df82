"""Panes beside one another where there is room, else what one tab names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from trackdesk.screens.place import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.widget import Widget

    from trackdesk.widgets.tab_line import TabLine

WIDE_CLASS = "-wide"


class Paned(Place):
    """Has `tabs` among its contexts, and yields `tabs`, which it makes, where it composes."""

    WIDE: ClassVar[int] = 110
    """Cells from which on all panes stand beside one another."""
    tabs: TabLine

    @property
    def wide(self) -> bool:
        """Whether all panes are shown."""
        return self.has_class(WIDE_CLASS)

    @property
    def stops(self) -> Sequence[Widget]:
        """Where the keys of tabs lead, one after the other, while all panes are shown."""
        raise NotImplementedError

    def lay_out(self) -> None:
        """Show what there is room for, else what the tab names."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.lay_out()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= self.WIDE, WIDE_CLASS)
        self.lay_out()

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        if message.line is self.tabs:
            message.stop()
            self.lay_out()
            self.take_focus()

    def do_previous_tab(self) -> None:
        self._turn(-1)

    def do_next_tab(self) -> None:
        self._turn(1)

    def _turn(self, step: int) -> None:
        if not self.wide:
            self.tabs.turn(step)
            return
        stops = self.stops
        here = next((at for at, pane in enumerate(stops) if pane.has_focus), 0)
        if stops:
            self.focus_on(stops[(here + step) % len(stops)])
