"""Lines to read under a rule: facts, a stack trace, a runbook. Wrapped, scrolled by the same keys as lists."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip

from trackdesk.domain.safe import safe_lines
from trackdesk.widgets.cells import fitted
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.line_pane import LinePane
from trackdesk.widgets.rule import rule_strip
from trackdesk.widgets.wrap import wrapped


class TextPane(LinePane):
    DEFAULT_CSS = """
    TextPane { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    def __init__(self, *, title: str, empty: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._title = title
        self._empty = empty
        self._given: tuple[Toned, ...] = ()
        self._lines: list[Toned] = []

    def put_lines(self, lines: Sequence[Toned], *, title: str | None = None) -> None:
        """Show these; a line may hold line breaks."""
        self._title = self._title if title is None else title
        self._given = tuple(lines)
        self._wrap()

    def on_resize(self) -> None:
        self._wrap()

    def render_line(self, y: int) -> Strip:
        look, base = self.look, self.base
        width = self.scrollable_content_region.width
        if y == 0:
            return rule_strip(self._title, [], width, look, focused=self.has_focus).apply_style(base)
        at = y - 1 + self.scroll_offset.y
        line = Toned("", "dim")
        if at < len(self._lines):
            line = self._lines[at]
        elif not self._lines and y == 1:
            line = Toned(self._empty, "dim")
        said = Segment(fitted(f"  {line.text}", width, "left", look), look.role(line.role, bold=line.bold))
        return Strip([said]).apply_style(base)

    def _wrap(self) -> None:
        width = max(self.scrollable_content_region.width - 3, 12)
        self._lines = [
            toned._replace(text=part)
            for toned in self._given
            for line in safe_lines(toned.text)
            for part in wrapped(line, width)
        ]
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        self.refresh()
