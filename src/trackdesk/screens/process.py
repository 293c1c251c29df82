"""One process: how it stands and what is expected of it, how long its runs take, how they end, which tags are slow."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Container

from trackdesk.screens import figures
from trackdesk.screens.curl import curl
from trackdesk.screens.expectation import change_expectation
from trackdesk.screens.muting import mute
from trackdesk.screens.paned import Paned
from trackdesk.screens.process_deeds import change_settings, delete_processes, pause_or_resume
from trackdesk.screens.process_story import expectation_words, facts
from trackdesk.screens.processes import runs_of
from trackdesk.screens.ranged import Ranged
from trackdesk.screens.ranges import series, window
from trackdesk.screens.run_deeds import start_run
from trackdesk.screens.runs import cells_of as run_cells
from trackdesk.screens.tags import runs_with
from trackdesk.widgets import glyphs
from trackdesk.widgets.bar_chart import BarChart
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.facts import Facts
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.rows import Row
from trackdesk.widgets.tab_line import TabLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.widget import Widget

    from trackdesk.domain.analytics import TagFigures
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import Run
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.table_messages import RowOpened
    from trackdesk.widgets.view import Changed

RUNS = 100
"""Runs that are read."""
_TAGS_READ = 500
_PANES: Mapping[str, tuple[str, ...]] = {"runs": ("durations", "runs"), "days": ("days",), "tags": ("tags",)}
"""What each tab shows of it where there is room for one column only."""


class ProcessView(Ranged, Paned):
    CONTEXTS = ("process", "list", "range", "tabs")
    TOPICS = frozenset({"processes", "runs"})
    PAUSE = 1.0
    NEEDS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("edit", "extend", "pause", "delete", "mute"), "operate"),
        "new": "ingest",
    }
    DEFAULT_CSS = """
    ProcessView > .panes { layout: grid; grid-size: 1; height: 1fr; grid-rows: 8 1fr; }
    ProcessView.-one > .panes { grid-rows: 1fr; }
    ProcessView BarChart { height: 100%; }
    ProcessView .-away { display: none; }
    ProcessView.-wide > TabLine { display: none; }
    ProcessView > Facts { padding: 0 1; }
    ProcessView.-wide > RangeLine { display: block; }
    ProcessView.-wide > .panes { grid-size: 2 2; grid-columns: 3fr 2fr; grid-rows: 2fr 3fr; grid-gutter: 0 1; }
    """

    def __init__(self, desk: Desk, name: str) -> None:
        super().__init__(desk, range_name="30d")
        self.name_of = name
        self.process: Process | None = None
        now = desk.now
        self._facts = Facts(text_lines=1, now=now)
        self.tabs = TabLine([("runs", "runs"), ("days", "outcomes"), ("tags", "tags")])
        self._durations = BarChart(
            "How long the last runs took", empty="It has not run yet", say=figures.say_span, id="durations"
        )
        self._days = BarChart("Outcomes", empty="No run ended in this time", say=figures.say_count, id="days")
        never = Empty("It has not run yet", f"trackdesk start {name}")
        self._runs = LiveTable(_RUNS, title="Runs", empty=never, now=now, id="runs")
        self._tags = LiveTable(_TAGS, title="Tags, the slowest first", empty=Empty("No tags"), now=now, id="tags")

    @property
    def heading(self) -> str:
        return self.name_of

    @property
    def status(self) -> Sequence[Toned]:
        if self.process is None or self.failure is not None:
            return super().status
        state = glyphs.process_state(self.process.state)
        plain = bool(getattr(self.app, "ascii_only", False))
        unusual = [Toned(", ".join(self.process.unusual), "late")] if self.process.unusual else []
        return [Toned(state.text(ascii_only=plain), state.role, state.role != "dim"), *unusual]

    def compose(self) -> ComposeResult:
        yield self._facts
        yield self.range_line
        yield self.tabs
        yield Container(self._durations, self._days, self._runs, self._tags, classes="panes")

    # -- the frame of it -------------------------------------------------------------------------------------------

    @property
    def stops(self) -> Sequence[Widget]:
        return (self._runs, self._tags)

    def lay_out(self) -> None:
        wide = self.wide
        for pane in (self._durations, self._days, self._runs, self._tags):
            shown = wide or pane.id in _PANES[self.tabs.current]
            pane.set_class(not shown, "-away")
        self.set_class(not wide and len(_PANES[self.tabs.current]) == 1, "-one")
        self._show_facts()

    def _show_facts(self) -> None:
        """Where there is little room, what is needed now."""
        process, wide = self.process, self.wide
        if process is not None:
            shown = facts(process, self.desk.now(), everything=wide)
            self._facts.put(expectation_words(process), shown, process.description or "" if wide else "")

    def take_focus(self) -> None:
        self.focus_on(self._tags if self.tabs.current == "tags" else self._runs)

    def tick(self) -> None:
        super().tick()
        self._facts.tick()

    # -- loading ---------------------------------------------------------------------------------------------------

    def changed(self, change: Changed) -> None:
        if change.resync or change.topic == "runs" or self.name_of in change.refs:
            self.reload()

    async def load(self) -> None:
        self._runs.show_loading()
        self._tags.show_loading()
        client, now, only = self.client, self.desk.now(), {"process": self.name_of}
        process, page, stats, tags = await asyncio.gather(
            client.processes.get(self.name_of),
            client.runs.list({**only, "sort": "-started_at", "limit": RUNS}),
            client.stats.runs({**only, **series(self.range, now)}),
            client.stats.tags({**only, **window(self.range, now), "limit": _TAGS_READ}),
        )
        self.process, chosen = process, self.range
        self._show_facts()
        marks = figures.percentiles(process.runs)
        said = [Toned(f"{word} {figures.span(int(value))}", "dim") for word, value in marks]
        self._durations.put(figures.run_bars(page.data, now), notes=said, marks=marks)
        bars = figures.outcome_bars(stats.data, chosen)
        self._days.put(bars, title=f"Outcomes, {chosen.name}", notes=figures.OUTCOMES)
        unusual = {each.uid: each.unusual for each in process.recent}
        self._runs.put_rows([_run_row(run, unusual.get(run.uid)) for run in page.data], total=page.meta.total)
        slowest = sorted(tags.data, key=lambda each: -(each.p90 or 0))
        self._tags.put_rows([_tag_row(each) for each in slowest])
        self.post_message(self.Retitled())

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        item: Any = event.row.data
        if event.table.id == "tags":
            self.post_message(self.Open(runs_with(self.desk, item.key, item.value)))
            return
        from trackdesk.screens.run import RunView  # noqa: PLC0415 - each screen is loaded when it is gone to

        self.post_message(self.Open(RunView(self.desk, item.uid)))

    # -- doing -----------------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        refusal = super().why_not(action)
        if refusal is None and self.process is None and action in (*self.NEEDS, "copy_as"):
            return "it is still being read"
        return refusal

    async def do_edit(self) -> None:
        if self.process is not None and await change_settings(self, self.process):
            self._saved()

    async def do_extend(self) -> None:
        if self.process is not None and await change_expectation(self, self.process):
            self._saved()

    async def do_pause(self) -> None:
        if self.process is not None and await pause_or_resume(self, [self.process]):
            self.reload(at_once=True)

    async def do_new(self) -> None:
        if await start_run(self, self.name_of) is not None:
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        if self.process is not None and (done := await delete_processes(self, [self.process])):
            self.post_message(self.Leave(done))

    async def do_mute(self) -> None:
        await mute(self, {"process": self.name_of})

    def do_about(self) -> None:
        self.post_message(self.Open(runs_of(self.desk, self.name_of)))

    def do_copy(self) -> None:
        self.copy(self.name_of, self.name_of)

    async def do_copy_as(self) -> None:
        if self.process is not None:
            await self.copy_as([self.process], curl(self.client, "GET", f"/v1/processes/{self.name_of}"))

    def _saved(self) -> None:
        self.post_message(self.Say(f"Saved {self.name_of}"))
        self.reload(at_once=True)


_RUNS = (
    Column("status", "status", 9, priority=0),
    Column("id", "run", 12, flex=1, priority=0, most=24),
    Column("started", "started", 8, align="right", priority=1),
    Column("took", "took", 6, align="right", priority=0),
    Column("deadline", "deadline", 11, priority=2),
    Column("unusual", "unusual", 15, priority=1),
    Column("due", "due", 8, align="right", priority=3),
    Column("progress", "progress", 12, align="right", priority=4),
)
_TAGS = (
    Column("tag", "tag", 14, flex=1, priority=0, most=40),
    Column("runs", "runs", 5, align="right", priority=1),
    Column("p50", "p50", 6, align="right", priority=2),
    Column("p90", "p90", 6, align="right", priority=0),
    Column("problems", "bad", 5, align="right", priority=1),
)


def _run_row(run: Run, unusual: str | None) -> Row:
    return Row(run.uid, run_cells(run) | {"unusual": Toned(f"! {unusual}" if unusual else "", "late")}, run)


def _tag_row(each: TagFigures) -> Row:
    name = f"{each.key}={each.value}"
    cells = {
        "tag": name,
        "runs": f"{each.count:,}",
        "p50": figures.span(each.p50),
        "p90": figures.span(each.p90),
        "problems": figures.percent(each.problem_percent, "late") if each.problems else "",
    }
    return Row(name, cells, each)
