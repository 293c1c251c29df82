"""What places of figures have in common: the time they are about, chosen by two keys or a click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.screens.place import Place
from trackdesk.screens.ranges import USUAL, Range, RangeLine

if TYPE_CHECKING:
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.tab_line import TabLine


class Ranged(Place):
    """Has `range` among its contexts and yields `range_line` where it composes."""

    PAUSE = 2.0
    """Figures of days need not follow each run at once."""

    def __init__(self, desk: Desk, *, range_name: str = USUAL) -> None:
        super().__init__(desk)
        self.range_line = RangeLine(range_name)

    @property
    def range(self) -> Range:
        return self.range_line.range

    def why_not(self, action: str) -> str | None:
        ends = {"shorter": ("1h", "one hour is the shortest"), "longer": ("90d", "90 days are the longest")}
        if action in ends and self.range_line.current == ends[action][0]:
            return ends[action][1]
        return super().why_not(action)

    def do_shorter(self) -> None:
        self.range_line.move(-1)

    def do_longer(self) -> None:
        self.range_line.move(1)

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        if message.line is self.range_line:
            message.stop()
            self.reload(at_once=True)
