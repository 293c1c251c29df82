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
        self._live = False

    @property
    def chart(self) -> Chart | None:
        return self._chart

    @property
    def _pen(self) -> Pen:
        return Pen(coloured=not self.app.no_color, ascii_only=Look.of(self.app).ascii_only)

    def put(self, chart: Chart, *, title: str | None = None, notes: Sequence[Toned] = (), live: bool = False) -> None:
        """Show these lines; `notes` follow their names beside the title. What is `live` is drawn at once."""
        self._title = self._title if title is None else title
        self._notes = tuple(notes)
        if chart != self._chart or live != self._live:
            self._chart, self._live = chart, live
            self._draw_soon()
        self.refresh()

    def on_resize(self) -> None:
        self._draw_soon()

    def _draw_soon(self) -> None:
        if self._live and self._chart is not None:
            self._again = False
            self._rows = draw(self._chart, self.size.width, self.size.height - 1, self._pen, live=True)
            self.refresh()
            return
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
                rows = await asyncio.to_thread(draw, self._chart, width, height - 1, self._pen)
                if not self._live:  # else what has come meanwhile is shown already
                    self._rows = rows
                    self.refresh()
        finally:
            self._drawing = False

    def render_line(self, y: int) -> Strip:
        look, width = Look.of(self.app), self.size.width
        base = Style(color=self.rich_style.color, bgcolor=self.rich_style.bgcolor)
        if y == 0:
            return rule_strip(self._title, [*self._legend(), *self._notes], width, look).apply_style(base)
        return self._line(y - 1, width, look).crop_extend(0, width, Style.null()).apply_style(base)

    def _legend(self) -> list[Toned]:
        """What each line is, beside the title."""
        chart = self._chart
        return legend(chart, self._pen) if chart is not None and chart.known else []

    def _line(self, row: int, width: int, look: Look) -> Strip:
        if self._chart is not None and not self._chart.known:
            said = fitted(f"  {self._empty}", width, "left", look) if row == 1 else ""
            return Strip([Segment(said, look.role("dim"))])
        if row >= len(self._rows):
            return Strip([])
        return Strip([Segment(text, look.role(role, bold=bold)) for text, role, bold in self._rows[row]])
