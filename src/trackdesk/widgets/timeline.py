"""What happened, in order: the hour, the kind in a column of its own, the words wrapped beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip

from trackdesk.domain.safe import safe_lines
from trackdesk.widgets import when
from trackdesk.widgets.cells import fitted
from trackdesk.widgets.glyphs import Role, Toned
from trackdesk.widgets.line_pane import LinePane
from trackdesk.widgets.rule import rule_strip
from trackdesk.widgets.wrap import wrapped

_KIND = 10


@dataclass(frozen=True, slots=True)
class Entry:
    at: int
    kind: str
    """One short word: `opened`, `told`, `comment`."""
    text: str
    role: Role = "new"


class Timeline(LinePane):
    DEFAULT_CSS = """
    Timeline { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    def __init__(
        self,
        *,
        title: str = "Timeline",
        empty: str = "Nothing happened yet",
        now: Callable[[], int] = when.wall_clock,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        super().__init__(id=id)
        self._title = title
        self._empty = empty
        self._now = now
        self._entries: Sequence[Entry] = ()
        self._told = False
        """Before it is, nothing is known: also not that there is nothing."""
        self._lines: list[tuple[Entry, str | None, str]] = []
        self._clock = 0

    def put_entries(self, entries: Sequence[Entry]) -> None:
        """Show these, oldest first. A reader at the end stays at the end."""
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._entries, self._told = tuple(entries), True
        self._wrap()
        if at_end:
            self.action_last()

    def on_resize(self) -> None:
        self._wrap()

    def render_line(self, y: int) -> Strip:
        look, base = self.look, self.base
        width = self.scrollable_content_region.width
        if y == 0:
            count = [Toned(str(len(self._entries)), "dim")] if self._entries else []
            return rule_strip(self._title, count, width, look, focused=self.has_focus).apply_style(base)
        at = y - 1 + self.scroll_offset.y
        if at >= len(self._lines):
            said = f"  {self._empty}" if self._told and not self._lines and y == 2 else ""
            return Strip([Segment(fitted(said, width, "left", look), look.role("dim"))]).apply_style(base)
        entry, clock, text = self._lines[at]
        kind = entry.kind if clock is not None else ""
        parts = [
            Segment(f" {(clock or ''):<{self._clock}}  ", look.role("dim")),
            Segment(f"{fitted(kind, _KIND, 'left', look)}  ", look.role(entry.role, bold=True)),
            Segment(text),
        ]
        return Strip(parts).crop_extend(0, width, Style.null()).apply_style(base)

    def _wrap(self) -> None:
        now = self._now()
        self._clock = max((len(when.day_clock(entry.at, now)) for entry in self._entries), default=0)
        width = max(self.scrollable_content_region.width - self._clock - _KIND - 6, 12)
        self._lines = []
        for entry in self._entries:
            clock: str | None = when.day_clock(entry.at, now)
            for line in safe_lines(entry.text):
                for part in wrapped(line, width):
                    self._lines.append((entry, clock, part))
                    clock = None
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        self.refresh()
