"""One measured value over a window of time, with a line to read it at, moved by keys or with the mouse."""

import itertools
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from trackdesk.widgets import when
from trackdesk.widgets.axes import NUMBERS
from trackdesk.widgets.budget import number
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.line_plot import LinePlot
from trackdesk.widgets.look import Look
from trackdesk.widgets.plot import Band, Chart, Line, Span, area


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured in one bucket of time."""

    at: int
    """Where the bucket begins, µs."""
    count: int
    least: float | None = None
    most: float | None = None
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    def words(self, now: int) -> list[Toned]:
        """The read-out, the most wanted first."""
        said = [Toned(when.day_clock(self.at, now), "new", bold=True)]
        if not self.count:
            return [*said, Toned("nothing measured", "dim")]
        values = (("p50", self.p50), ("p95", self.p95), ("p99", self.p99), ("min", self.least), ("max", self.most))
        shown = " ".join(f"{name} {number(value)}" for name, value in values if value is not None)
        return [*said, Toned(shown, "run"), Toned(f"{self.count:,} samples", "dim")]


_FEW = 3
"""Readings from which on there is a usual distance between them."""
_GAP = 3
"""How many times the usual distance between two readings is a gap."""


def bridged(readings: Sequence[Reading]) -> list[Reading]:
    """Without the empty ones between two that are as far apart as they usually are: where there is a sample a minute, a
    chart of half minutes has no gaps. Longer silences stay."""
    known = [at for at, each in enumerate(readings) if each.count]
    if len(known) < _FEW:
        return list(readings)
    apart = sorted(after - before for before, after in itertools.pairwise(known))
    usual = apart[len(apart) // 2]
    kept = list(readings[: known[0]])
    for before, after in itertools.pairwise(known):
        kept.append(readings[before])
        if after - before > _GAP * usual:
            kept += readings[before + 1 : after]
    return [*kept, *readings[known[-1] : known[-1] + 1], *_silent(readings[known[-1] + 1 :], usual)]


def _silent(rest: Sequence[Reading], usual: int) -> Sequence[Reading]:
    """What came after the last sample: nothing, unless it is long."""
    return rest if len(rest) > _GAP * usual else ()


@dataclass(frozen=True, slots=True)
class Measured:
    """All that a chart shows."""

    readings: Sequence[Reading]
    window: tuple[int, int]
    thresholds: Sequence[tuple[str, float]] = ()
    spans: Sequence[Span] = ()

    def chart(self) -> Chart:
        """p50, p95 and p99 as lines, all between the least and the greatest value as a band. Of single samples, which
        are all of these at once, one line."""
        each = self.readings
        single = all(reading.count <= 1 for reading in each)
        lines = [Line("value" if single else "p50", [reading.p50 for reading in each], "run")]
        bands = []
        if not single:
            lines.append(Line("p95", [reading.p95 for reading in each], "new"))
            lines.append(Line("p99", [reading.p99 for reading in each], "late"))
            bands.append(Band([reading.least for reading in each], [reading.most for reading in each]))
        return Chart(
            [reading.at for reading in each],
            lines,
            NUMBERS,
            from_zero=False,
            thresholds=self.thresholds,
            window=self.window,
            bands=bands,
            spans=self.spans,
        )


class TimeChart(LinePlot):
    """`put_measured` what to show; `read_at` puts the reading line. Posts `Pointed` when the mouse asks for that."""

    DEFAULT_CSS = """
    TimeChart { height: 100%; min-height: 7; }
    """

    class Pointed(Message):
        """The mouse is at an instant, or has left: None."""

        def __init__(self, chart: "TimeChart", at: int | None) -> None:
            super().__init__()
            self.chart = chart
            self.at = at

    def __init__(
        self,
        title: str,
        *,
        empty: str = "Nothing was measured in this time",
        now: Callable[[], int] = when.wall_clock,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        super().__init__(title, empty=empty, id=id)
        self._now = now
        self.measured: Measured | None = None
        self.reading_at: int | None = None
        """The instant of the reading line."""

    def put_measured(self, measured: Measured, *, title: str | None = None, live: bool = False) -> None:
        self.measured = measured
        self.put(measured.chart(), title=title, notes=self._said(), live=live)

    def read_at(self, at: int | None) -> None:
        """Put the reading line at an instant, or take it away."""
        if at != self.reading_at:
            self.reading_at = at
            self._notes = self._said()
            self.refresh()

    @property
    def reading(self) -> Reading | None:
        """What was measured at the reading line, or without one last."""
        if self.measured is None or not self.measured.readings:
            return None
        readings = self.measured.readings
        if self.reading_at is None:
            return next((each for each in reversed(readings) if each.count), None)
        after = bisect_left(readings, self.reading_at + 1, key=lambda each: each.at)
        return readings[max(after - 1, 0)]

    def _said(self) -> list[Toned]:
        reading = self.reading
        if reading is None:
            return []
        if self.reading_at is not None:
            return reading.words(self._now())
        return [] if reading.p50 is None else [Toned(f"last {number(reading.p50)}", "run", bold=True)]

    def _legend(self) -> list[Toned]:
        # What is read needs the room; the lines have their names at their ends.
        return [] if self.reading_at is not None else super()._legend()

    # -- the reading line ------------------------------------------------------------------------------------------

    def on_mouse_move(self, event: events.MouseMove) -> None:
        chart = self.chart
        if chart is None or not chart.known:
            return
        room, (first, last) = area(chart, self.size.width), chart.limits
        share = (event.x - room.left) / max(room.cells - 1, 1)
        inside = 0 <= share <= 1
        self.post_message(self.Pointed(self, first + round(share * (last - first)) if inside else None))

    def on_leave(self, _event: events.Leave) -> None:
        self.post_message(self.Pointed(self, None))

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        chart = self.chart
        if self.reading_at is None or chart is None or not chart.known or not 0 < y < self.size.height - 1:
            return strip
        if not chart.limits[0] <= self.reading_at <= chart.limits[1]:
            return strip
        column = area(chart, self.size.width).column(self.reading_at, chart.limits)
        look = Look.of(self.app)
        cut = strip.crop(column, column + 1)
        style = look.role("new", bold=True) + Style(bgcolor=self.rich_style.bgcolor)
        mark = look.pick("│", "|") if cut.text in (" ", "\u2800", "⠌", ":") else cut.text
        return Strip.join([strip.crop(0, column), Strip([Segment(mark, style)]), strip.crop(column + 1)])
