"""What places of charts have in common: one window of time for all of them, zoomed and moved by keys, and one line to
read them at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.screens.measuring import read_chart, readings_of
from trackdesk.screens.place import Place
from trackdesk.widgets import when
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.tab_line import TabLine
from trackdesk.widgets.time_chart import Measured, TimeChart, bridged
from trackdesk.widgets.window import NAMES, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.timer import Timer

    from trackdesk.screens.desk import Desk

POINTS = 120
"""Buckets of a chart at most: two dots of braille each in sixty cells."""
_SOON, _LATE = 2 * when.SECOND, 15 * when.SECOND
"""µs from one reading of all charts to the next, while samples keep coming in: at least, and at most."""
_AT_ONCE = when.SECOND // 20
"""µs. A timer of nothing fails in Textual, which divides by its time: the charts would stand still, and the console end
when they are left."""


class WindowLine(TabLine):
    """How long the time shown is, and which it is."""

    HINT = ", and . zoom"

    def __init__(self, current: str = NAMES[0]) -> None:
        super().__init__([(name, name) for name in NAMES], current)


class Windowed(Place):
    """Has `chart` and `range` among its contexts, yields `window_line` where it composes, and says which `charts` it
    has."""

    def __init__(self, desk: Desk, *, window: Window | None = None) -> None:
        super().__init__(desk)
        self.window = window or Window("3h")
        self.window_line = WindowLine(self.window.name)
        self.reading_at: int | None = None
        self.bucket = self.window.length // POINTS
        """µs of one reading of the charts, as they were read last."""
        self._read_at = 0
        self._later: Timer | None = None

    @property
    def charts(self) -> Iterable[TimeChart]:
        """Those that are shown."""
        raise NotImplementedError

    @property
    def status(self) -> Sequence[Toned]:
        """Charts do not say for themselves that they are old."""
        return () if self.failure is None else (Toned(f"{self.failure.what}; this is old", "fail"),)

    @property
    def window_words(self) -> str:
        """Which time is shown, where it is not the one up to now."""
        if self.window.follows:
            return ""
        now = self.desk.now()
        start, end = self.window.limits(now)
        return f"{when.day_clock(start, now)} to {when.day_clock(end, now)}"

    def why_not(self, action: str) -> str | None:
        ends = {"shorter": (NAMES[0], "one hour is the shortest"), "longer": (NAMES[-1], "30 days are the longest")}
        if action in ends and self.window.name == ends[action][0]:
            return ends[action][1]
        if action == "later" and self.window.follows:
            return "this is the present"
        return super().why_not(action)

    def do_shorter(self) -> None:
        self.window_line.choose(NAMES[NAMES.index(self.window.name) - 1])

    def do_longer(self) -> None:
        self.window_line.choose(NAMES[NAMES.index(self.window.name) + 1])

    def do_earlier(self) -> None:
        self.look_at(self.window.moved(-self.window.length // 2, self.desk.now()))

    def do_later(self) -> None:
        self.look_at(self.window.moved(self.window.length // 2, self.desk.now()))

    def do_follow(self) -> None:
        """Back to the present; from there, hold still."""
        self.read_at(None)
        self.look_at(Window(self.window.name) if not self.window.follows else self.window.moved(-1, self.desk.now()))

    def do_left(self) -> None:
        self._step(-1)

    def do_right(self) -> None:
        self._step(1)

    def _step(self, by: int) -> None:
        now, bucket = self.desk.now(), max(self.bucket, 1)
        at = self.window.limits(now)[1] if self.reading_at is None else self.reading_at
        at = min((at // bucket + by) * bucket, now)
        self.read_at(at)
        self.look_at(self.window.showing(at, now))

    def read_at(self, at: int | None) -> None:
        """Put the line that all charts are read at."""
        self.reading_at = at
        for chart in self.charts:
            chart.read_at(at)

    def retreat(self) -> bool:
        if self.reading_at is not None:
            self.read_at(None)
            return True
        return super().retreat()

    def look_at(self, window: Window) -> None:
        """Show another time."""
        if window == self.window:
            return
        self.window = window
        self.post_message(self.Retitled())
        self.reload(at_once=True)

    def samples_came(self) -> None:
        """Read again, now or soon: not more often than makes a difference that can be seen."""
        if not self.window.follows or self._later is not None:
            return
        wait = self._read_at + max(min(self.bucket // 4, _LATE), _SOON) - self.desk.now()
        self._later = self.set_timer(max(wait, _AT_ONCE) / when.SECOND, self._read_late)

    def _read_late(self) -> None:
        self._later = None
        self.reload()

    async def measure(self, query: dict[str, Any]) -> Measured:
        """What a chart shows of what `query` names in the window. Raises what the client raises."""
        self._read_at = now = self.desk.now()
        chart = await read_chart(self.client, query, self.window.limits(now), POINTS)
        self.bucket = chart.meta.bucket
        return Measured(bridged(readings_of(chart)), self.window.limits(now))

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        if message.line is self.window_line:
            message.stop()
            self.look_at(self.window.zoomed(message.name, self.desk.now()))

    def on_time_chart_pointed(self, message: TimeChart.Pointed) -> None:
        message.stop()
        self.read_at(message.at)
