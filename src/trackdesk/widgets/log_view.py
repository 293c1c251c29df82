"""Lines of a log as they come: levels, following the tail, and nothing lost of what one reads while scrolled up."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from trackdesk.domain.safe import safe_lines
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.cells import fitted
from trackdesk.widgets.glyphs import LEVELS, Toned
from trackdesk.widgets.line_pane import LinePane
from trackdesk.widgets.look import Look
from trackdesk.widgets.rule import rule_strip

MAX_LINES = 20_000
"""Lines kept; the oldest go first."""
_LEFT = 16
"""Cells before a message: the clock, the level."""


@dataclass(frozen=True, slots=True)
class LogLine:
    at: int
    level: str
    message: str


class _Drawn(NamedTuple):
    level: str
    at: int | None
    """None on the second and later lines of a message."""
    text: str


class LogView(LinePane):
    DEFAULT_CSS = """
    LogView { overflow: auto; scrollbar-size: 1 1; scrollbar-gutter: stable; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow the tail", show=False),
        Binding("l", "level", "level", show=False),
    ]

    class LevelChanged(Message):
        """Only lines of `level` and above are shown; a screen whose log is paged loads it anew."""

        def __init__(self, level: str) -> None:
            super().__init__()
            self.level = level

    class OlderNeeded(Message):
        """The reader is at the top and there is more before it: answer with `put_older`."""

    def __init__(
        self,
        *,
        title: str = "Log",
        empty: str = "No lines yet",
        now: Callable[[], int] = when.wall_clock,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        super().__init__(id=id)
        self.follow = True
        self.level = LEVELS[0]
        self._title = title
        self._empty = empty
        self._now = now
        self._lines: list[LogLine] = []
        self._drawn: list[_Drawn] = []
        self._widest = 0
        self._unseen = 0
        self._older = False
        self._asked = False
        self._told = False
        """Before it is, nothing is known: also not that there is nothing."""

    # -- what the screen tells -------------------------------------------------------------------------------------

    def put_lines(self, lines: Iterable[LogLine], *, older: bool = False) -> None:
        """Show these lines instead of all others; `older` when there are more before the first."""
        self._lines, self._told = list(lines)[-MAX_LINES:], True
        self._older, self._asked, self._unseen = older, False, 0
        self._draw_anew()
        if self.follow:
            self._to_end()

    def set_title(self, title: str) -> None:
        self._title = title
        self.refresh()

    def put_older(self, lines: Iterable[LogLine], *, older: bool = False) -> None:
        """Lines before the first; the reader keeps their place."""
        room = MAX_LINES - len(self._lines)
        before = len(self._drawn)
        self._lines[:0] = list(lines)[-room:] if room else []
        self._older = older and len(self._lines) < MAX_LINES
        self._asked = False
        self._draw_anew()
        self.scroll_to(y=self.scroll_offset.y + len(self._drawn) - before, animate=False, force=True)

    def add_lines(self, lines: Iterable[LogLine]) -> None:
        """New lines at the end. Scrolled up, the view stays and counts them."""
        lines = list(lines)[-MAX_LINES:]
        fresh = [drawn for line in lines for drawn in self._lines_of(line)]
        self._lines += lines
        self._drawn += fresh
        if len(self._lines) > MAX_LINES:
            self._drop_oldest()
        else:
            self._measure(fresh)
        if self.follow:
            self._to_end()
        else:
            self._unseen += len(fresh)
        self.refresh()

    def _drop_oldest(self) -> None:
        # A tenth at once, so that a busy log does not draw everything anew with every line.
        del self._lines[: len(self._lines) - MAX_LINES * 9 // 10]
        before = len(self._drawn)
        self._draw_anew()
        gone = before - len(self._drawn)
        self.scroll_to(y=max(self.scroll_offset.y - gone, 0), animate=False, force=True)

    # -- lines -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        look, base = self.look, self.base
        width = self.scrollable_content_region.width
        if y == 0:
            return rule_strip(self._title, self._caption(), width, look, focused=self.has_focus).apply_style(base)
        if self._unseen and y == self.size.height - 1:
            said = f"{look.pick('↓', 'v')} +{self._unseen} new line{'s' if self._unseen > 1 else ''}, f follows "
            note = Segment(fitted(said, width, "right", look), look.role("late", bold=True))
            return Strip([note]).crop(0, width).apply_style(base)
        at = y - 1 + self.scroll_offset.y
        if at >= len(self._drawn):
            said = f"  {self._empty}" if self._told and not self._drawn and y == 2 else ""
            return Strip([Segment(fitted(said, width, "left", look), look.role("dim"))]).apply_style(base)
        return (
            self._line(self._drawn[at], look)
            .crop_extend(self.scroll_offset.x, self.scroll_offset.x + width, Style.null())
            .apply_style(base)
        )

    def _line(self, drawn: _Drawn, look: Look) -> Strip:
        mark = glyphs.level(drawn.level)
        style = look.role(mark.role)
        if drawn.at is None:
            return Strip([Segment(" " * _LEFT), Segment(drawn.text, style)])
        clock = when.clock(drawn.at)
        return Strip(
            [
                Segment(f" {clock} ", look.role("dim")),
                Segment(f"{mark.word:<6}", style if mark.role == "dim" else style + Style(bold=mark.role != "new")),
                Segment(drawn.text, style),
            ]
        )

    def _caption(self) -> list[Toned]:
        shown = [] if self.level == LEVELS[0] else [Toned(f"{self.level} and above", "late")]
        return [*shown, Toned("following" if self.follow else "held, f follows", "dim")]

    def _lines_of(self, line: LogLine) -> list[_Drawn]:
        if LEVELS.index(line.level) < LEVELS.index(self.level) if line.level in LEVELS else False:
            return []
        first, *rest = safe_lines(line.message)
        return [_Drawn(line.level, line.at, first), *(_Drawn(line.level, None, text) for text in rest)]

    def _draw_anew(self) -> None:
        self._drawn = [drawn for line in self._lines for drawn in self._lines_of(line)]
        self._widest = 0
        self._measure(self._drawn)
        self.refresh()

    def _measure(self, drawn: list[_Drawn]) -> None:
        self._widest = max(self._widest, *(cell_len(line.text) for line in drawn)) if drawn else self._widest
        self.virtual_size = Size(self._widest + _LEFT, len(self._drawn) + 1)

    # -- hands -----------------------------------------------------------------------------------------------------

    def action_follow(self) -> None:
        self.follow = not self.follow
        if self.follow:
            self._to_end()
        self.refresh()

    def action_level(self) -> None:
        """The next level up, from the highest back to all."""
        self.level = LEVELS[(LEVELS.index(self.level) + 1) % len(LEVELS)]
        self._draw_anew()
        if self.follow:
            self._to_end()
        self.post_message(self.LevelChanged(self.level))

    def action_last(self) -> None:
        self.follow = True
        self._to_end()
        self.refresh()

    def on_mouse_scroll_up(self, _event: events.MouseScrollUp) -> None:
        self._hold()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value >= self.max_scroll_y and self._unseen:
            self._unseen = 0
            self.refresh()
        if new_value == 0 and self._older and not self._asked and len(self._drawn):
            self._asked = True
            self.post_message(self.OlderNeeded())

    def go_to(self, y: int) -> None:
        if y < self.scroll_offset.y:
            self._hold()
        super().go_to(y)

    def _hold(self) -> None:
        if self.follow and self.max_scroll_y > 0:
            self.follow = False
            self.refresh()

    def _to_end(self) -> None:
        self._unseen = 0
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
