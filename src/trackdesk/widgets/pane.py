"""A few lines under a rule, drawn by whoever knows what they say."""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from trackdesk.widgets.look import Look
from trackdesk.widgets.rule import rule_strip


class Pane(Widget):
    """As high as its lines and the blank one after them."""

    DEFAULT_CSS = """
    Pane { height: auto; width: 1fr; }
    """

    def __init__(
        self,
        *,
        title: str = "",
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        super().__init__(id=id)
        self._title = title
        self._draw: Callable[[Look], Sequence[Text]] = lambda _look: ()

    def put(self, title: str, draw: Callable[[Look], Sequence[Text]]) -> None:
        """`draw` gives the lines in the colours of a look; it is asked again when that changes."""
        self._title, self._draw = title, draw
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport, width
        return len(self._draw(Look.of(self.app))) + 2

    def render_line(self, y: int) -> Strip:
        look = Look.of(self.app)
        width = self.size.width
        style = self.rich_style
        base = Style(color=style.color, bgcolor=style.bgcolor)
        if y == 0:
            return rule_strip(self._title, [], width, look).apply_style(base)
        lines = self._draw(look)
        line = lines[y - 1] if y <= len(lines) else Text("")
        segments = [Segment(" "), *(each for each in line.render(self.app.console) if each.text)]
        return Strip(segments).crop_extend(0, width, Style.null()).apply_style(base)
