"""The `/` line above a list: applied as one types, with the hit count or what is wrong beside it."""

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from trackdesk.domain.safe import safe_text
from trackdesk.widgets.look import Look
from trackdesk.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from textual.timer import Timer

DEBOUNCE = 0.1
"""Seconds without a key until what was typed is applied."""
_REMEMBERED = 50


class FilterBar(Horizontal):
    """Hidden until `open_bar`. Posts `Changed` with the expression, `Closed` when the list has the focus again."""

    DEFAULT_CSS = """
    FilterBar { height: auto; max-height: 6; display: none; }
    FilterBar.-open { display: block; }
    FilterBar > .slash { width: 3; padding: 0 0 0 1; color: $accent; }
    FilterBar > Input { width: 1fr; height: 1; border: none; padding: 0; background: transparent; }
    FilterBar > Input:focus { border: none; background: transparent; }
    FilterBar > .answer { width: auto; max-width: 65%; padding: 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear the filter", show=False),
        Binding("up", "recall(-1)", "an earlier filter", show=False),
        Binding("down", "recall(1)", "a later filter", show=False),
    ]

    class Changed(Message):
        """The list shall show what matches `expression`; empty shows everything."""

        def __init__(self, bar: "FilterBar", expression: str) -> None:
            super().__init__()
            self.bar = bar
            self.expression = expression

        @property
        def control(self) -> "FilterBar":
            return self.bar

    class Closed(Message):
        """The bar gave up the focus; the filter stays as it was last announced."""

    def __init__(self, *, hint: str = "late  -team:ops  started:<2h", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.box = SafeInput(placeholder=hint, select_on_focus=False)
        """Where it is typed."""
        self._said = Static("", classes="answer")
        self._applied = ""
        self._history: list[str] = []
        self._recalled = 0
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("/", classes="slash")
        yield self.box
        yield self._said

    @property
    def expression(self) -> str:
        return self._applied

    def open_bar(self) -> None:
        self.add_class("-open")
        self._recalled = len(self._history)
        # At once, so that what is typed right after the key lands here.
        self.screen.set_focus(self.box)

    def set_expression(self, expression: str) -> None:
        """Filter from outside: by a `:` command, or when a place is visited again. Announced like a typed one."""
        with self.prevent(Input.Changed):
            self.box.value = expression
        self._apply()

    def say_hits(self, count: int, *, capped: bool = False) -> None:
        many = f">{count:,}" if capped else f"{count:,}"
        self._answer(Text("1 hit" if count == 1 and not capped else f"{many} hits", Look.of(self.app).role("dim")))

    def say_error(self, message: str) -> None:
        """The expression was not understood; the list stays as it was."""
        look = Look.of(self.app)
        self._answer(Text(f"{look.pick('✗', 'x')} {safe_text(message)}", look.role("fail")))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._stop_timer()
        self._timer = self.set_timer(DEBOUNCE, self._apply)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._apply()
        self._remember(self._applied)
        self._close()

    def action_clear(self) -> None:
        self.box.clear()
        self._apply()
        self._close()

    def action_recall(self, step: int) -> None:
        at = self._recalled + step
        if 0 <= at <= len(self._history):
            self._recalled = at
            self.box.value = self._history[at] if at < len(self._history) else ""
            self.box.cursor_position = len(self.box.value)

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        # Leaving by mouse or tab keeps what was typed, as enter does.
        if self.has_class("-open") and not self._applied:
            self.remove_class("-open")

    def _apply(self) -> None:
        self._stop_timer()
        expression = self.box.value.strip()
        if expression != self._applied:
            self._applied = expression
            self._answer(Text(""))
            self.post_message(self.Changed(self, expression))

    def _close(self) -> None:
        self.set_class(bool(self._applied), "-open")
        self.post_message(self.Closed())

    def _remember(self, expression: str) -> None:
        if expression:
            self._history = [*(old for old in self._history if old != expression), expression][-_REMEMBERED:]

    def _answer(self, text: Text) -> None:
        self._said.update(text)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
