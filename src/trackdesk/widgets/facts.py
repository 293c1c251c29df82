"""What there is to know of one thing, as `label value` pairs that flow over as few lines as they need."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rich.text import Text
from textual.geometry import Size
from textual.widget import Widget

from trackdesk.domain.safe import safe_lines, safe_text
from trackdesk.widgets import when
from trackdesk.widgets.cells import Clocked
from trackdesk.widgets.glyphs import Mark, Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.wrap import wrapped

Fact: TypeAlias = "tuple[str, str | Mark | Toned | Clocked | None]"
"""A label and its value; a fact without value is left out."""

GAP = 3


class Facts(Widget):
    """A bold title, the facts, then text. As high as it needs to be."""

    DEFAULT_CSS = """
    Facts { height: auto; width: 1fr; padding: 0 1 1 1; }
    """

    def __init__(
        self,
        *,
        text_lines: int = 6,
        now: Callable[[], int] = when.wall_clock,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        """Of a longer text than `text_lines`, the rest is cut."""
        super().__init__(id=id)
        self._text_lines = text_lines
        self._now = now
        self._title = ""
        self._facts: Sequence[Fact] = ()
        self._text = ""
        self._shown: list[Text] = []

    def put(self, title: str, facts: Sequence[Fact], text: str = "") -> None:
        self._title, self._facts, self._text = title, list(facts), text
        self.refresh(layout=True)

    def tick(self) -> None:
        """A second passed: say anew what depends on the time."""
        if self._shown and self._lines(self.content_size.width) != self._shown:
            self.refresh(layout=True)

    def render(self) -> Text:
        self._shown = self._lines(self.content_size.width)
        return Text("\n", no_wrap=True, end="").join(self._shown)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Text]:
        look = Look.of(self.app)
        width = max(width, 10)
        title = [Text(part, look.role("new", bold=True)) for part in wrapped(safe_text(self._title), width)]
        return [*title[:3], *self._flow(width, look), *self._words(width, look)]

    def _flow(self, width: int, look: Look) -> list[Text]:
        lines: list[Text] = []
        for label, value in self._facts:
            item = self._item(label, value, look)
            if item is None:
                continue
            if lines and lines[-1].cell_len + GAP + item.cell_len <= width:
                lines[-1].append(" " * GAP).append_text(item)
            else:
                lines.append(item)
        for line in lines:
            if line.cell_len > width:
                line.truncate(width - 1)
                line.append(look.pick("…", "~"), look.role("dim"))
        return lines

    def _item(self, label: str, value: object, look: Look) -> Text | None:
        if isinstance(value, Clocked):
            value = value(self._now())
        if value is None or value == "":
            return None
        said = Text("", end="")
        if label:
            said.append(f"{label} ", look.role("dim"))
        match value:
            case Mark():
                said.append_text(look.mark(value))
            case Toned():
                said.append(safe_text(value.text), look.role(value.role, bold=value.bold))
            case _:
                said.append(safe_text(str(value)), look.role("new"))
        return said

    def _words(self, width: int, look: Look) -> list[Text]:
        if not self._text.strip():
            return []
        parts = [part for line in safe_lines(self._text.strip()) for part in wrapped(line, width)]
        kept = parts[: self._text_lines]
        lines = [Text(part, look.role("new")) for part in kept]
        if len(parts) > len(kept):
            lines[-1] = Text(f"{look.pick('…', '...')} {len(parts) - len(kept) + 1} more lines", look.role("dim"))
        return [Text(""), *lines]
