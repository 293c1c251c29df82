"""Figures of runs over time: how many ended how, how long they took, and how that is spread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from trackdesk.screens import figures
from trackdesk.screens.incident_counts import times_counts
from trackdesk.screens.processes import process_of
from trackdesk.screens.ranged import Ranged
from trackdesk.screens.ranges import series, window
from trackdesk.screens.tags import runs_with
from trackdesk.widgets.bar_chart import BarChart
from trackdesk.widgets.columns import Column
from trackdesk.widgets.counts_line import CountsLine
from trackdesk.widgets.dialogs import ChooseDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.line_plot import LinePlot
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.percentiles import percentile_lines
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult

    from trackdesk.domain.analytics import Figures, Stats
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.table_messages import RowOpened, RowSelected

ALL = "all"
_PROCESS = ""
_GROUP = "= "
"""Before the name of a group in its row's key: a process may be called `all`, too."""
GROUPS = 20
"""Groups with a row of their own; the others are one row together."""
_TAGS_READ = 500
_BESIDE, _TALL, _STACKED, _TABLE = 120, 8, 3, 4
"""Columns from which on charts stand beside one another; lines of each where they don't, and how many there are; lines
that the table has in any case."""


class _Charts(VerticalScroll):
    """Where there is no room for all charts, `tab` comes here and the keys of lists scroll them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
    ]

    def allow_focus(self) -> bool:
        return self.max_scroll_y > 0


class AnalyticsView(Ranged):
    CONTEXTS = ("list", "range", "figures")
    TOPICS = frozenset({"runs"})
    SCOPED_CSS = False
    """The rules ask how large the frame is."""
    DEFAULT_CSS = """
    AnalyticsView > .charts { height: 3fr; layout: grid; grid-size: 1; grid-rows: 8; scrollbar-size-vertical: 1; }
    AnalyticsView > LiveTable { height: 2fr; }
    AnalyticsView BarChart, AnalyticsView LinePlot { height: 100%; }
    .-wide AnalyticsView > .charts, .-full AnalyticsView > .charts {
        grid-size: 2 2; grid-rows: 1fr; grid-gutter: 0 1;
    }
    .-wide AnalyticsView #times, .-full AnalyticsView #times { row-span: 2; }
    """
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("group", "of", 18, flex=2, priority=0, most=44),
        Column("runs", "runs", 8, align="right", priority=0),
        Column("missed", "missed", 7, align="right", priority=0),
        Column("failed", "failed", 7, align="right", priority=0),
        Column("p50", "p50", 6, align="right", priority=1),
        Column("p90", "p90", 6, align="right", priority=1),
        Column("p99", "p99", 6, align="right", priority=1),
        Column("avg", "average", 7, align="right", priority=3),
        Column("problems", "problems", 8, align="right", priority=2),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.table = LiveTable(
            self.COLUMNS,
            title="By process",
            empty=Empty("No run ended in this time", "trackdesk run nightly-backup -- ./backup.sh"),
            now=desk.now,
        )
        count = figures.say_count
        self._outcomes = BarChart("Runs", empty="No run ended in this time", say=count, id="outcomes")
        self._times = LinePlot("Completion times", empty="No run completed", id="times")
        self._spread = BarChart("How they are spread", empty="No run completed", say=count, id="spread")
        self._charts = _Charts(self._outcomes, self._times, self._spread, classes="charts")
        self._taken = CountsLine(id="taken")
        self.by = _PROCESS
        """The key of a tag, or nothing for processes."""
        self._shown = ""
        """Which row the charts are about."""

    @property
    def heading(self) -> str:
        return "Analytics"

    def compose(self) -> ComposeResult:
        yield self.range_line
        yield self._charts
        yield self._taken
        yield self.table

    def on_resize(self, event: events.Resize) -> None:
        # One above the other they are shown whole, and of the next one the title, which tells that there is more.
        stacked = event.size.width < _BESIDE
        room = event.size.height - 2
        whole = min(max(room * 3 // 5 // _TALL, 1), _STACKED)
        self._charts.styles.height = min(whole * _TALL + (whole < _STACKED), room - _TABLE) if stacked else None

    # -- loading ---------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        self.table.show_loading()
        now = self.desk.now()
        over = series(self.range, now)
        whole, groups, incidents = await asyncio.gather(
            self.client.stats.runs({**over, "histogram": True}),
            self.client.stats.runs({**over, **self._grouped(), "groups": GROUPS}),
            self.client.incidents.stats(window(self.range, now)),
        )
        self._taken.put(times_counts(incidents))
        row = self.table.selected
        narrowed = {} if row is None else self._narrowed(row.data)  # type: ignore[arg-type]
        self._shown = ALL if row is None else row.key
        shown = await self.client.stats.runs({**over, **narrowed, "histogram": True}) if narrowed else whole
        self._show_charts(shown, self._shown.removeprefix(_GROUP) if narrowed else ALL)
        self._show_groups(whole, groups)

    def _grouped(self) -> dict[str, Any]:
        if self.by == _PROCESS:
            return {"group_by": "process"}
        return {"group_by": "tag", "tag_key": self.by}

    def _narrowed(self, picked: Figures) -> dict[str, Any]:
        """What the charts are narrowed to: the group under the cursor."""
        if picked.group is None:
            return {}
        if self.by == _PROCESS:
            return {"process": picked.group}
        return {"tag": f"{self.by}:{picked.group}"}

    def _show_charts(self, stats: Stats, of: str) -> None:
        totals = stats.meta.totals[0]
        missed = totals.missed_percent
        said = [Toned(f"missed {missed:.1f}%", "late" if missed else "dim")] if missed is not None else []
        chosen = self.range
        bars = figures.outcome_bars(stats.data, chosen)
        self._outcomes.put(bars, title=f"Runs of {of}, last {chosen.name}", notes=[*figures.OUTCOMES, *said])
        lines = percentile_lines(stats.data)
        steep = [Toned("by logarithm", "dim")] if lines.log else []
        self._times.put(lines, notes=steep)
        notes = [Toned(f"p50 {figures.span(totals.p50)}  p90 {figures.span(totals.p90)}", "dim")] if totals.p50 else []
        self._spread.put(figures.spread_bars(totals), title="Runs that took at most", notes=notes)

    def _show_groups(self, whole: Stats, groups: Stats) -> None:
        every = whole.meta.totals[0]
        found = [each for each in groups.meta.totals if each.count]
        rows = [Row(ALL, _cells(every, ALL), every), *(self._row(each) for each in found)] if every.count else []
        by = "By process" if self.by == _PROCESS else f"By the tag {self.by}"
        self.table.set_title(by)
        self.table.put_rows(rows)

    def _row(self, each: Figures) -> Row:
        none = "all others" if each.rest else f"without {self.by}"
        name = none if each.group is None else each.group
        return Row(_GROUP + name, _cells(each, name), each)

    def on_row_selected(self, event: RowSelected) -> None:
        # The charts follow the cursor.
        row = self.table.selected
        if event.table is self.table and row is not None and self._shown and row.key != self._shown:
            self._shown = row.key
            self.reload(at_once=True)

    # -- doing -----------------------------------------------------------------------------------------------------

    async def do_group(self) -> None:
        """Choose what the figures are grouped by: processes, or one of the tags that there are."""
        over = window(self.range, self.desk.now())
        found = await self.attempt(self.client.stats.tags({**over, "limit": _TAGS_READ}))
        if found is None:
            return
        keys = sorted({each.key for each in found.data})
        choices = [("process", "process"), *((f"tag {key}", f"tag {key}") for key in keys)]
        current = "process" if self.by == _PROCESS else f"tag {self.by}"
        answer = await self.ask(ChooseDialog("Figures by", choices, current=current))
        if answer is not None:
            self.by = answer.removeprefix("tag ") if answer != "process" else _PROCESS
            self._shown = ""
            self.table.put_rows([])
            self.reload(at_once=True)

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        picked: Any = event.row.data
        if picked.group is None:
            self.post_message(self.Say("enter opens one of the groups", "dim"))
        elif self.by == _PROCESS:
            self.post_message(self.Open(process_of(self.desk, picked.group)))
        else:
            self.post_message(self.Open(runs_with(self.desk, self.by, picked.group)))


def _cells(each: Figures, name: str) -> dict[str, Cell]:
    return {
        "group": Toned(name, "new", bold=True) if name == ALL else name,
        "runs": f"{each.count:,}",
        "missed": figures.percent(each.missed_percent, "late"),
        "failed": figures.percent(each.failed_percent, "fail"),
        "p50": figures.span(each.p50),
        "p90": figures.span(each.p90),
        "p99": figures.span(each.p99),
        "avg": figures.span(each.avg),
        "problems": Toned(f"{each.problems:,}", "fail") if each.problems else "",
    }
