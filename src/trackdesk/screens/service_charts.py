"""The charts of one service: as many as can be read at a glance, and a filter by name for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from trackdesk.widgets.filter_bar import FilterBar
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.time_chart import TimeChart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.app import ComposeResult

MOST = 12
"""Charts at the same time: each is read again every few seconds."""


class _Box(VerticalScroll):
    """Where there is no room for all charts, `tab` comes here and the keys of lists scroll them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
    ]

    def allow_focus(self) -> bool:
        return self.max_scroll_y > 0


class ServiceCharts(Vertical):
    DEFAULT_CSS = """
    ServiceCharts { width: 3fr; height: 1fr; }
    ServiceCharts > _Box { height: 1fr; scrollbar-size-vertical: 1; }
    ServiceCharts TimeChart { height: 1fr; min-height: 8; }
    ServiceCharts > .more { height: 1; display: none; text-wrap: nowrap; text-overflow: ellipsis; padding: 0 1; }
    ServiceCharts > .more.-said { display: block; }
    """

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__()
        self._now = now
        self._charts: dict[str, TimeChart] = {}
        self._shown: Sequence[str] = ()
        self._more = Static("", classes="more")
        self.box = _Box()
        self.filter = FilterBar(hint="latency  words of a metric's name")

    def compose(self) -> ComposeResult:
        yield self.filter
        yield self.box
        yield self._more

    @property
    def shown(self) -> Iterable[TimeChart]:
        return [self._charts[name] for name in self._shown]

    def chart(self, name: str) -> TimeChart:
        """The chart of that metric type, one of those that `choose` gave."""
        return self._charts[name]

    async def choose(self, types: Sequence[str]) -> Sequence[str]:
        """Lay out a chart for each of `types` that the filter names, at most `MOST`; those, in the order they stand."""
        words = self.filter.expression.lower().split()
        matching = [name for name in types if all(word in name.lower() for word in words)]
        self._shown = matching[:MOST]
        new = {name: TimeChart(name, now=self._now) for name in self._shown if name not in self._charts}
        self._charts |= new
        if new:
            await self.box.mount_all(new.values())
        for name, chart in self._charts.items():
            chart.display = name in self._shown
        names = {chart: name for name, chart in self._charts.items()}
        self.box.sort_children(key=lambda chart: names[chart] if isinstance(chart, TimeChart) else "")
        if words:
            self.filter.say_hits(len(matching))
        self._say_more(len(matching))
        return self._shown

    def _say_more(self, matching: int) -> None:
        said = f"{MOST} of {matching:,} metrics are drawn; / finds others by name" if matching > MOST else ""
        if not matching and self.filter.expression:
            said = "it has no metric of such a name; esc shows all"
        self._more.set_class(bool(said), "-said")
        self._more.update(Look.of(self.app).text(Toned(said, "late")))
