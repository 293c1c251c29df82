"""A form that says beneath its fields what would come of it, once nobody has typed for a moment."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static

from trackdesk.domain.safe import safe_text
from trackdesk.widgets.background import begin
from trackdesk.widgets.cells import fitted
from trackdesk.widgets.forms import Errors, Field, FormDialog, Values
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look

if TYPE_CHECKING:
    from textual.timer import Timer

_AROUND, _TIGHT = 10, 8
"""Lines of the dialog beside its fields and what is said beneath: frame, title, keys, blank ones."""
_PLAIN = str.maketrans("▄·", "#.")
_LEAST = 40
"""Cells that lines are cut to before the form is laid out."""
STILL = 0.5
"""Seconds without a key until it is asked."""


class PreviewForm(FormDialog):
    """`check` says at once what is wrong with the fields; while nothing is, `preview` says what would come of it."""

    DEFAULT_CSS = """
    PreviewForm .preview { height: auto; margin-top: 1; }
    """

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        preview: Callable[[Values], Awaitable[Sequence[Toned]]],
        check: Callable[[Values], Errors],
        submit: Callable[[Values], Awaitable[Errors]],
        lines: int = 4,
    ) -> None:
        """`lines` is the height of what `preview` says: kept free, so that nothing jumps."""
        super().__init__(title, fields, submit=submit)
        self._preview_of = preview
        self._check = check
        self._lines = lines
        self._asking: Timer | None = None
        self._shown = Static("\n" * (lines - 1), classes="preview")

    def compose_below(self) -> ComposeResult:
        yield self._shown

    def on_mount(self) -> None:
        super().on_mount()
        self._ask()

    @property
    def least_height(self) -> int:
        return max(super().least_height, 2 * len(self._fields) + self._lines + _AROUND)

    @property
    def around(self) -> int:
        return self._lines + (_TIGHT if self.has_class("-tight") else _AROUND)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        errors = self._check(self.values)
        self.mark_errors(errors)
        if self._asking is not None:
            self._asking.stop()
        self._asking = None if errors else self.set_timer(STILL, self._ask)
        if errors:
            self._say([])

    def _ask(self) -> None:
        if not self._check(self.values):
            begin(self, self._answer, group="preview", exclusive=True)

    async def _answer(self) -> None:
        self._say(await self._preview_of(self.values))

    def _say(self, said: Sequence[Toned]) -> None:
        look = Look.of(self.app)
        plain = _PLAIN if look.ascii_only else {}
        # The first says what comes of it, and may take two lines; of what is listed beneath, each takes one.
        width = max(self._shown.size.width, _LEAST)
        texts = [safe_text(line.text).translate(plain) for line in said[: self._lines]]
        shown = texts[:1] + [fitted(text, width, "left", look).rstrip() for text in texts[1:]]
        lines = [Text(text, look.role(line.role, bold=line.bold)) for text, line in zip(shown, said, strict=False)]
        self._shown.update(
            Text("\n", no_wrap=True, overflow="ellipsis").join([*lines, *[Text("")] * (self._lines - len(lines))])
        )
