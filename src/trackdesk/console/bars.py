"""The lines of the frame: header, crumbs, footer. Each drops what has no room, the least important first."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from trackdesk.domain.safe import safe_text
from trackdesk.widgets.look import Look


class Part(NamedTuple):
    """Some words of a bar, blanks to their neighbours included."""

    text: str
    style: Style
    rank: int = 0
    """When room is short, the part with the highest rank goes first; those of rank 0 never go."""
    press: str = ""
    """What a click on it does, as the argument of `Pressed`."""
    lead: str = ""
    """Words before the others, in the style of a key."""


class Bar(Widget):
    """One line: parts at the left, parts at the right."""

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; }
    """

    RIGHT_GAP: ClassVar[int] = 2

    class Pressed(Message):
        """A part was clicked."""

        def __init__(self, press: str) -> None:
            super().__init__()
            self.press = press

    def __init__(self) -> None:
        super().__init__()
        self._spans: list[tuple[int, int, str]] = []

    def left(self, look: Look) -> list[Part]:
        """The parts at the left."""
        del look
        return []

    def right(self, look: Look) -> list[Part]:
        """The parts at the right."""
        del look
        return []

    def render(self) -> Text:
        look = Look.of(self.app)
        left, right = fit(self.left(look), self.right(look), self.size.width, self.RIGHT_GAP)
        line = Text(no_wrap=True, end="", overflow="crop")
        self._spans = []
        self._lay(line, left)
        line.append(" " * (self.size.width - line.cell_len - width_of(right)))
        self._lay(line, right)
        return line

    def _lay(self, line: Text, parts: Sequence[Part]) -> None:
        for part in parts:
            start = line.cell_len
            if part.lead:
                line.append(part.lead, Look.of(self.app).role("run", bold=True))
            line.append(part.text, part.style)
            if part.press:
                self._spans.append((start, line.cell_len, part.press))

    def on_click(self, event: events.Click) -> None:
        for start, end, press in self._spans:
            if start <= event.x < end:
                self.post_message(self.Pressed(press))
                return


def fit(left: list[Part], right: list[Part], width: int, gap: int) -> tuple[list[Part], list[Part]]:
    """Both sides without the parts `width` has no room for; of equal rank the last goes first."""
    left = [part._replace(text=safe_text(part.text)) for part in left]
    right = [part._replace(text=safe_text(part.text)) for part in right]
    while width_of(left) + width_of(right) + (gap if right else 0) > width:
        ranked = [(part.rank, side, at) for side, parts in ((0, left), (1, right)) for at, part in enumerate(parts)]
        rank, side, at = max(ranked, default=(0, 0, 0))
        if rank == 0:
            break
        del (left if side == 0 else right)[at]
    return left, right


def width_of(parts: Sequence[Part]) -> int:
    """Cells of all of them."""
    return sum(cell_len(part.lead) + cell_len(part.text) for part in parts)
