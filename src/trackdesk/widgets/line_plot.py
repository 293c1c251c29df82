"""Several lines over time with their names, drawn in a thread; what is shown stays until the next is ready."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from trackdesk.widgets.background import begin
from trackdesk.widgets.cells import fitted
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.plot import Chart, Pen, draw, legend
from trackdesk.widgets.rule import rule_strip

_PAUSE = 1.0
"""Seconds from one drawing to the next."""


class LinePlot(Widget):
    """What is put while one is drawn is drawn after it; what was put between is not."""

    DEFAULT_CSS = """
    LinePlot { height: 8; width: 1fr; }
    """

    def __init__(
        self,
        title: str,
        *,
        empty: str = "Nothing to show yet",
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        super().__init__(id=id)
        self._title = title
        self._empty = empty
        self._notes: Sequence[Toned] = ()
        self._chart: Chart | None = None
        self._rows: list[list[Toned]] = []
        self._drawing = False
        self._again = False
        self._drawn_at = float("-inf")

    @property
    def chart(self) -> Chart | None:
        return self._chart

    @property
    def _pen(self) -> Pen:
        return Pen(coloured=not self.app.no_color, ascii_only=Look.of(self.app).ascii_only)

    def put(self, chart: Chart, *, title: str | None = None, notes: Sequence[Toned] = ()) -> None:
        """Show these lines; `notes` follow their names beside the title."""
        self._title = self._title if title is None else title
        self._notes = tuple(notes)
        if chart != self._chart:
            self._chart = chart
            self._draw_soon()
        self.refresh()

    def on_resize(self) -> None:
        self._draw_soon()

    def _draw_soon(self) -> None:
        self._again = True
        if self._chart is not None and not self._drawing:
            self._drawing = True
            begin(self, self._draw, group="draw")

    async def _draw(self) -> None:
        try:
            while self._again and self._chart is not None:
                await asyncio.sleep(max(self._drawn_at + _PAUSE - monotonic(), 0))
                self._again, self._drawn_at = False, monotonic()
                width, height = self.size
                self._rows = await asyncio.to_thread(draw, self._chart, width, height - 1, self._pen)
                self.refresh()
        finally:
            self._drawing = False

    def render_line(self, y: int) -> Strip:
        look, width = Look.of(self.app), self.size.width
        base = Style(color=self.rich_style.color, bgcolor=self.rich_style.bgcolor)
        if y == 0:
            known = self._chart is not None and bool(self._chart.known)
            names = legend(self._chart, self._pen) if self._chart is not None and known else []
            return rule_strip(self._title, [*names, *self._notes], width, look).apply_style(base)
        return self._line(y - 1, width, look).crop_extend(0, width, Style.null()).apply_style(base)

    def _line(self, row: int, width: int, look: Look) -> Strip:
        if self._chart is not None and not self._chart.known:
            said = fitted(f"  {self._empty}", width, "left", look) if row == 1 else ""
            return Strip([Segment(said, look.role("dim"))])
        if row >= len(self._rows):
            return Strip([])
        return Strip([Segment(text, look.role(role, bold=bold)) for text, role, bold in self._rows[row]])
