"""One line of tabs: which ways there are to look at a place, and which one it is now."""

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from trackdesk.domain.safe import safe_text
from trackdesk.widgets.look import Look

_APART = 3
"""Blanks between the tabs and what is said of their keys."""


class TabLine(Widget):
    """`tabs` are (name, how it is shown). Posts `Chosen`; `turn` goes to a neighbour."""

    HINT: ClassVar[str] = "[ and ] turn tabs"
    """Which keys choose among them, said behind them where there is room."""

    DEFAULT_CSS = """
    TabLine { height: 1; width: 1fr; }
    """

    class Chosen(Message):
        """Another tab is shown now."""

        def __init__(self, line: "TabLine", name: str) -> None:
            super().__init__()
            self.line = line
            self.name = name

        @property
        def control(self) -> "TabLine":
            return self.line

    def __init__(self, tabs: Sequence[tuple[str, str]], current: str = "") -> None:
        super().__init__()
        self.tabs = list(tabs)
        self.current = current or self.tabs[0][0]
        self._spans: list[tuple[int, int, str]] = []

    @property
    def title(self) -> str:
        """How the tab in sight is shown."""
        return dict(self.tabs)[self.current]

    def choose(self, name: str) -> None:
        if name != self.current:
            self.mark(name)
            self.post_message(self.Chosen(self, name))

    def mark(self, name: str) -> None:
        """Show `name` as the one in sight and tell nobody: for whoever brings it there."""
        self.current = name
        self.refresh()

    def set_tabs(self, tabs: Sequence[tuple[str, str]]) -> None:
        """Other tabs; where the one in sight is none of them, the first is."""
        if list(tabs) != self.tabs:
            self.tabs = list(tabs)
            if self.current not in dict(self.tabs):
                self.current = self.tabs[0][0]
            self.refresh()

    def turn(self, step: int) -> None:
        names = [name for name, _ in self.tabs]
        self.choose(names[(names.index(self.current) + step) % len(names)])

    def render(self) -> Text:
        look = Look.of(self.app)
        line = Text(" ", no_wrap=True, end="", overflow="crop")
        self._spans = []
        for name, shown in self.tabs:
            here = name == self.current
            start = line.cell_len
            # Brackets say without colour which one it is.
            line.append(f"[{safe_text(shown)}]" if here else f" {safe_text(shown)} ", self._style(look, here=here))
            self._spans.append((start, line.cell_len, name))
            line.append(" ")
        hint = f"{' ' * _APART}{self.HINT}"
        if line.cell_len + len(hint) <= self.size.width:
            line.append(hint, look.role("dim"))
        return line

    @staticmethod
    def _style(look: Look, *, here: bool) -> Style:
        return look.role("run", bold=True) if here else look.role("dim")

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.choose(name)
                return
