"""A form from a list of fields: each with its hint, and with its own error when it is refused."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Static

from trackdesk.domain.safe import safe_text
from trackdesk.widgets.background import begin
from trackdesk.widgets.dialogs import Dialog
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.safe_input import SafeInput

_TALL = 32
"""Lines of a terminal from which on a form has blank lines between its fields."""

Values = Mapping[str, str]
Errors = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: str
    value: str = ""
    hint: str = ""
    """What may stand there, by an example: `30m, 1h30m or 18:00`."""
    required: bool = False
    secret: bool = False
    choices: Sequence[str] = ()
    """The only answers, where there are few: left and right go through them."""
    check: Callable[[str], str | None] | None = None
    """What is wrong with a value, or None."""


class _Choice(SafeInput):
    """One of a few words: left and right change it, its first letter picks it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", show=False),
        Binding("right,space", "turn(1)", show=False),
    ]

    def __init__(self, choices: Sequence[str], value: str, name: str) -> None:
        super().__init__(value or choices[0], name=name, restrict="", select_on_focus=False)
        self._choices = list(choices)

    def action_turn(self, step: int) -> None:
        at = self._choices.index(self.value) if self.value in self._choices else 0
        self.value = self._choices[(at + step) % len(self._choices)]


class FormDialog(Dialog[dict[str, str]]):
    """Answers the values by field name.

    `submit`, if given, does the deed while the form is still open: it answers errors by field name (under `""` for
    the form as a whole), and an empty answer closes the form. Nothing typed is lost to a refusal.
    """

    DEFAULT_CSS = """
    FormDialog > .box { width: 76; }
    FormDialog VerticalScroll { height: auto; }
    FormDialog .row { height: 1; margin-top: 1; }
    FormDialog .row.-first { margin-top: 0; }
    FormDialog .label { width: 16; padding-right: 2; text-align: right; }
    FormDialog Input { width: 1fr; }
    FormDialog .note { padding-left: 17; height: auto; display: none; }
    FormDialog.-tight .row { margin-top: 0; }
    FormDialog.-tight > .box { padding: 0 2; }
    """

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("enter", "save"), ("tab", "next field"), ("esc", "cancel"))

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        submit: Callable[[Values], Awaitable[Errors]] | None = None,
    ) -> None:
        super().__init__(title)
        self._fields = list(fields)
        self._boxes: list[Input] = []
        self._notes = [Static("", classes="note") for _ in fields]
        self._whole = Static("", classes="error")
        self._submit = submit
        self._busy = False

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        turning = [("left right", "choose")] if any(field.choices for field in self._fields) else []
        return [*self.KEYS[:2], *turning, *self.KEYS[2:]]

    def compose_body(self) -> ComposeResult:
        self._boxes = [self._input(field) for field in self._fields]  # an Input with a value needs the app
        with VerticalScroll(can_focus=False):
            for at, (field, box, note) in enumerate(zip(self._fields, self._boxes, self._notes, strict=True)):
                with Horizontal(classes="row -first" if at == 0 else "row"):
                    yield Static(self._label(field), classes="label")
                    yield box
                yield note
        yield from self.compose_below()
        yield self._whole

    def compose_below(self) -> ComposeResult:
        """What stands beneath the fields and stays in sight while they scroll."""
        yield from ()

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields now, without blanks around it."""
        return {field.name: box.value.strip() for field, box in zip(self._fields, self._boxes, strict=True)}

    def on_resize(self) -> None:
        # Where lines are few, fields come before air.
        self.set_class(self.size.height < self.least_height, "-tight")
        super().on_resize()

    @property
    def least_height(self) -> int:
        """Lines of a terminal from which on there are blank lines between the fields."""
        return _TALL

    def on_mount(self) -> None:
        super().on_mount()
        self._boxes[0].focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._busy:
            begin(self, self._save, group="save")

    def show_errors(self, errors: Errors) -> None:
        """Say what is wrong beneath each field, and go to the first of them."""
        first = self.mark_errors(errors)
        if first is not None:
            self._boxes[first].select_on_focus = False  # what was typed there is to be mended, not typed over
            self._boxes[first].focus()

    def mark_errors(self, errors: Errors) -> int | None:
        """Say what is wrong beneath each field; the position of the first of them."""
        first: int | None = None
        for at, field in enumerate(self._fields):
            message = errors.get(field.name, "")
            note = self._notes[at]
            note.update(self._error(message))
            note.display = bool(message)
            if message and first is None:
                first = at
        known = {field.name for field in self._fields}
        rest = [message if not name else f"{name}: {message}" for name, message in errors.items() if name not in known]
        self._whole.update(self._error("; ".join(rest)))
        self._whole.display = bool(rest)
        return first

    async def _save(self) -> None:
        values = self.values
        errors: dict[str, str] = {}
        for field in self._fields:
            value = values[field.name]
            said = None if not value or field.check is None else field.check(value)
            if field.required and not value:
                said = f"is needed{': ' + field.hint if field.hint else ''}"
            if said:
                errors[field.name] = said
        if not errors and self._submit is not None:
            self._busy = True
            try:
                errors = dict(await self._submit(values))
            finally:
                self._busy = False
        if errors:
            self.show_errors(errors)
        else:
            self.dismiss(values)

    def _input(self, field: Field) -> Input:
        if field.choices:
            return _Choice(field.choices, field.value, field.name)
        return SafeInput(field.value, placeholder=field.hint, name=field.name, password=field.secret)

    def _label(self, field: Field) -> Text:
        look = Look.of(self.app)
        return Text(safe_text(field.label) + ("*" if field.required else ""), look.role("dim"), justify="right")

    def _error(self, message: str) -> Text:
        look = Look.of(self.app)
        return look.text(Toned(f"{look.pick('✗', 'x')} {safe_text(message)}" if message else "", "fail"))
