"""Questions that must be answered before going on: yes or no, one line of text, one of a list; and long text to read.

Each keeps its keys to itself: what is pressed in a dialog never reaches the screen beneath.
"""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from trackdesk.domain.safe import safe_lines, safe_text
from trackdesk.widgets.glyphs import Mark
from trackdesk.widgets.look import Look
from trackdesk.widgets.safe_input import SafeInput

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A box in the middle: a title, a body, one line of keys. `esc` answers None."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > .box {
        width: 64; max-width: 90%; height: auto; max-height: 90%;
        background: $surface; border: round $foreground 25%; padding: 1 2;
    }
    Dialog .title { height: auto; text-style: bold; margin-bottom: 1; }
    Dialog .body { height: auto; }
    Dialog .keys { height: 1; margin-top: 1; }
    Dialog .error { height: auto; display: none; color: $error; }
    Dialog Input { border: none; height: 1; padding: 0 1; background: $panel; }
    Dialog Input:focus { border: none; background: $panel; }
    Dialog.-ascii > .box { border: ascii $foreground 25%; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", show=False)]

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("esc", "cancel"),)

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(Text(safe_text(self._title)), classes="title")
            yield from self.compose_body()
            yield Static(self._keys_line(), classes="keys")

    def compose_body(self) -> ComposeResult:
        """What stands between title and keys."""
        yield from ()

    def on_mount(self) -> None:
        self.set_class(Look.of(self.app).ascii_only, "-ascii")

    def on_resize(self) -> None:
        # What is too long scrolls between title and keys; neither may be pushed out of sight.
        for body in self.query(VerticalScroll):
            body.styles.max_height = max(self.size.height * 9 // 10 - self.around, 3)

    @property
    def around(self) -> int:
        """Lines that the box has beside what scrolls."""
        return 8

    def action_cancel(self) -> None:
        self.dismiss(None)

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """What the last line says: (key, what it does)."""
        return self.KEYS

    def _keys_line(self) -> Text:
        look = Look.of(self.app)
        line = Text(no_wrap=True)
        for key, word in self.keys:
            line.append(f"{'   ' if line.plain else ''}{key}", look.role("run", bold=True))
            line.append(f" {word}", look.role("dim"))
        return line


class ConfirmDialog(Dialog[bool]):
    """Asks before something that cannot be taken back; the question names the object. Only `y` says yes."""

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("y", "yes"), ("n", "no"), ("esc", "no"))

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "yes", show=False),
        Binding("n", "cancel", "no", show=False),
    ]

    def __init__(self, question: str, consequence: str = "") -> None:
        super().__init__(question)
        self._consequence = consequence

    def compose_body(self) -> ComposeResult:
        if self._consequence:
            yield Static(Text("\n".join(safe_lines(self._consequence))), classes="body")

    def action_yes(self) -> None:
        self.dismiss(True)


class PromptDialog(Dialog[str]):
    """Asks for one line."""

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("enter", "ok"), ("esc", "cancel"))

    def __init__(self, title: str, *, value: str = "", placeholder: str = "", required: bool = True) -> None:
        super().__init__(title)
        self._value = value
        self._placeholder = placeholder
        self._required = required
        self._error = Static("", classes="error")

    def compose_body(self) -> ComposeResult:
        yield SafeInput(self._value, placeholder=self._placeholder)
        yield self._error

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        value = event.value.strip()
        if self._required and not value:
            self._error.update("Nothing was typed; esc cancels")
            self._error.display = True
            return
        self.dismiss(value)


class ChooseDialog(Dialog[str]):
    """One of a list: arrows and enter, or the choice's number."""

    DEFAULT_CSS = """
    ChooseDialog OptionList { height: auto; max-height: 16; border: none; padding: 0; background: transparent; }
    ChooseDialog OptionList:focus { border: none; }
    """

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("enter", "choose"), ("1-9", "choose"), ("esc", "cancel"))

    def __init__(self, title: str, choices: Sequence[tuple[str, str | Mark]], *, current: str = "") -> None:
        """`choices` are (answer, how it is shown); `current` is the answer the cursor begins on."""
        super().__init__(title)
        self._choices = list(choices)
        self._current = current
        self._list = OptionList()

    def compose_body(self) -> ComposeResult:
        look = Look.of(self.app)
        for at, (answer, shown) in enumerate(self._choices, start=1):
            line = Text(f"{at}  " if at < 10 else "   ", look.role("dim"))
            line.append_text(look.mark(shown) if isinstance(shown, Mark) else Text(safe_text(shown), look.role("new")))
            self._list.add_option(Option(line, id=answer))
        yield self._list

    def on_mount(self) -> None:
        super().on_mount()
        at = [answer for answer, _ in self._choices]
        self._list.highlighted = at.index(self._current) if self._current in at else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id)

    def on_key(self, event: events.Key) -> None:
        if event.key in ("j", "k"):
            event.stop()
            self._list.action_cursor_down() if event.key == "j" else self._list.action_cursor_up()
        elif event.key.isdigit() and 0 < int(event.key) <= len(self._choices):
            event.stop()
            self.dismiss(self._choices[int(event.key) - 1][0])


class TextDialog(Dialog[None]):
    """Text to read and to copy from: a log, an answer, what the clipboard would not take."""

    DEFAULT_CSS = """
    TextDialog > .box { width: 90%; height: 90%; }
    TextDialog VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    """

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("j k", "scroll"), ("y", "copy"), ("esc", "close"))

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", "close", show=False),
        Binding("y", "copy", "copy", show=False),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
        Binding("G", "end", "end", show=False),
        Binding("g", "top", "top", show=False),
    ]

    def __init__(self, title: str, text: str, *, at_end: bool = False) -> None:
        super().__init__(title)
        self._text = text
        self._at_end = at_end
        self._scroll = VerticalScroll(Static(Text("\n".join(safe_lines(text)))))

    def compose_body(self) -> ComposeResult:
        yield self._scroll

    def on_mount(self) -> None:
        super().on_mount()
        self._scroll.focus()
        if self._at_end:
            self.call_after_refresh(self.action_end)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._text)

    def action_scroll(self, by: int) -> None:
        self._scroll.scroll_relative(y=by, animate=False)

    def action_end(self) -> None:
        self._scroll.scroll_end(animate=False)

    def action_top(self) -> None:
        self._scroll.scroll_home(animate=False)
