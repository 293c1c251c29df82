"""The line above the footer: what just happened, or the `:` command being typed."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from trackdesk.domain.safe import safe_text
from trackdesk.widgets.glyphs import Role
from trackdesk.widgets.look import Look
from trackdesk.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from textual.timer import Timer

FLASH_FOR = 6.0
"""Seconds a line about what happened stays."""
_REMEMBERED = 50
_GLYPHS: dict[Role, tuple[str, str]] = {"ok": ("✓", "+"), "fail": ("✗", "x"), "late": ("!", "!"), "run": ("▶", ">")}


class _Names(Suggester):
    def __init__(self, names: Callable[[], Sequence[str]]) -> None:
        super().__init__(use_cache=False)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        return next((name for name in self._names() if value and name.startswith(value) and name != value), None)


class PromptLine(Horizontal):
    DEFAULT_CSS = """
    PromptLine { height: 1; }
    PromptLine > .flash { width: 1fr; height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    PromptLine > .colon { width: 2; padding: 0 0 0 1; color: $accent; display: none; }
    PromptLine > Input { width: 1fr; height: 1; border: none; padding: 0; background: transparent; display: none; }
    PromptLine > Input:focus { border: none; }
    PromptLine.-typing > .flash { display: none; }
    PromptLine.-typing > .colon, PromptLine.-typing > Input { display: block; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("tab", "complete", "complete", show=False, priority=True),
        Binding("up", "recall(-1)", "an earlier command", show=False),
        Binding("down", "recall(1)", "a later command", show=False),
    ]

    class Entered(Message):
        """A command was typed; empty when the line was left without one."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    def __init__(self, names: Callable[[], Sequence[str]], history: list[str]) -> None:
        """`names` are what can be typed; `history` is shared by all frames of the console."""
        super().__init__()
        self._names = names
        self._history = history
        self._recalled = 0
        self._timer: Timer | None = None
        self._flash = Static("", classes="flash")
        self._box = SafeInput(suggester=_Names(names), select_on_focus=False)

    def compose(self) -> ComposeResult:
        yield self._flash
        yield Static(":", classes="colon")
        yield self._box

    def flash(self, text: str, role: Role) -> None:
        """Say `text` for six seconds."""
        look = Look.of(self.app)
        glyph, plain = _GLYPHS.get(role, ("", ""))
        said = f"{look.pick(glyph, plain)} {safe_text(text)}".strip()
        self._flash.update(Text(said, look.role(role)))
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(FLASH_FOR, self._fade)

    @property
    def flashed(self) -> str:
        """What is said now."""
        return str(self._flash.visual).strip()

    def open_line(self, text: str = "") -> None:
        self._recalled = len(self._history)
        self.add_class("-typing")
        self._box.value = text
        # At once, so that what is typed right after the key lands here.
        self.screen.set_focus(self._box)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        line = event.value.strip()
        if line:
            self._history[:] = [*(old for old in self._history if old != line), line][-_REMEMBERED:]
        self._close(line)

    def action_leave(self) -> None:
        self._close("")

    def action_complete(self) -> None:
        typed = self._box.value
        match = next((name for name in self._names() if name.startswith(typed) and name != typed), None)
        if match is not None:
            self._put(f"{match} ")

    def action_recall(self, step: int) -> None:
        at = self._recalled + step
        if 0 <= at <= len(self._history):
            self._recalled = at
            self._put(self._history[at] if at < len(self._history) else "")

    def _put(self, line: str) -> None:
        self._box.value = line
        self._box.cursor_position = len(line)

    def _close(self, line: str) -> None:
        self.remove_class("-typing")
        self._box.clear()
        self.post_message(self.Entered(line))

    def _fade(self) -> None:
        self._timer = None
        self._flash.update("")
