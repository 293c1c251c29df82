"""One line of figures, each with its word. What has no room is left out, the least important first."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from trackdesk.domain.safe import safe_text
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look

Count = tuple[Toned, int]
"""What is said, and its rank: where there is no room the highest goes first."""
_GAP = "   "


class CountsLine(Widget):
    DEFAULT_CSS = """
    CountsLine { height: 1; width: 1fr; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the name Textual gives it
        super().__init__(id=id)
        self._counts: Sequence[Count] = ()

    def put(self, counts: Sequence[Count]) -> None:
        self._counts = tuple(counts)
        self.refresh()

    def render(self) -> Text:
        look = Look.of(self.app)
        line = Text(no_wrap=True, end="", overflow="crop")
        for said in fitting(self._counts, self.content_size.width):
            line.append(f"{_GAP if line.plain else ''}")
            line.append(safe_text(said.text), look.role(said.role, bold=said.bold))
        return line


def fitting(counts: Sequence[Count], width: int) -> list[Toned]:
    """Those that `width` cells have room for, in their order."""
    kept = list(counts)
    while kept and sum(cell_len(said.text) + len(_GAP) for said, _ in kept) - len(_GAP) > width:
        kept.remove(max(kept, key=lambda each: each[1]))
    return [said for said, _ in kept]
