"""What panes of lines have in common: they are read, scrolled with the keys of lists, and show who has the focus."""

from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.scroll_view import ScrollView

from trackdesk.widgets.look import Look


class LinePane(ScrollView, can_focus=True):
    """The first line is a rule and stays; `virtual_size` counts it. Subclasses draw."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "lines(1)", "down", show=False),
        Binding("up,k", "lines(-1)", "up", show=False),
        Binding("ctrl+d", "half(1)", "half a page down", show=False),
        Binding("ctrl+u", "half(-1)", "half a page up", show=False),
        Binding("home,g", "first", "first", show=False),
        Binding("end,G", "last", "last", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the name Textual gives it
        super().__init__(id=id)
        self._look: Look | None = None

    @property
    def look(self) -> Look:
        self._look = self._look or Look.of(self.app)
        return self._look

    @property
    def base(self) -> Style:
        """The pane's own colours, for every cell that is painted."""
        style = self.rich_style
        return Style(color=style.color, bgcolor=style.bgcolor)

    def go_to(self, y: int) -> None:
        """Scroll so that line `y` is the first below the rule, as far as there are lines."""
        self.scroll_to(y=min(max(y, 0), self.max_scroll_y), animate=False, force=True)

    def action_lines(self, by: int) -> None:
        self.go_to(self.scroll_offset.y + by)

    def action_half(self, by: int) -> None:
        self.go_to(self.scroll_offset.y + by * max(self.size.height // 2, 1))

    def action_first(self) -> None:
        self.go_to(0)

    def action_last(self) -> None:
        self.go_to(self.max_scroll_y)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def notify_style_update(self) -> None:
        self._look = None
        super().notify_style_update()
