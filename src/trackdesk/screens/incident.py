"""One incident: where it came from, what happened, what changed before, how long its process usually takes or what its
rule measured, and who was told of it or not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.happened import changed_entries, incident_entries, run_entries, told_entries
from trackdesk.screens.incident_files import attach, choose_deed, export_postmortem, file_row
from trackdesk.screens.incident_panes import IncidentPanes, Shape
from trackdesk.screens.incident_story import around, facts, leads_somewhere, standing, usual
from trackdesk.screens.muting import match_of_incident, mute
from trackdesk.screens.paned import Paned
from trackdesk.screens.service_story import measured_by, spans
from trackdesk.screens.triage import Triage
from trackdesk.screens.windowed import Windowed
from trackdesk.widgets.background import begin
from trackdesk.widgets.facts import Facts
from trackdesk.widgets.log_view import LogLine
from trackdesk.widgets.tab_line import TabLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.widget import Widget

    from trackdesk.domain.incident import Incident
    from trackdesk.domain.process import Process
    from trackdesk.domain.rule import Rule
    from trackdesk.domain.run import Run
    from trackdesk.screens.deeds import History
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.glyphs import Toned
    from trackdesk.widgets.table_messages import RowOpened
    from trackdesk.widgets.time_chart import TimeChart
    from trackdesk.widgets.view import Changed

FULL = 150
"""Cells from which on they stand in three columns."""
LINES = 200
"""Log lines and entries that are read."""


class IncidentView(Triage, Windowed, Paned):
    TOPICS = frozenset({"incidents", "runs", "logs", "notifications", "deliveries", "metrics"})
    PAUSE = 1.0
    NEEDS: ClassVar[Mapping[str, str]] = {**Triage.NEEDS, "attach": "report", "mute": "operate"}
    DEFAULT_CSS = """
    IncidentView.-wide > .tabs { display: none; }
    IncidentView > WindowLine { display: none; }
    IncidentView.-wide.-chart > WindowLine, IncidentView.-on-chart > WindowLine { display: block; }
    """

    def __init__(self, desk: Desk, incident: int | str, *, history: History | None = None) -> None:
        super().__init__(desk)
        self.number = incident
        self.incident: Incident | None = None
        self.run_of: Run | None = None
        """The run it is about, if that is still there."""
        self._log_of: str | None = None
        """Whose lines are shown: those of that run, else of the last one of the process."""
        self._rule: Rule | None = None
        self._aimed = False
        """Whether the window of the chart was set to the breach: after that it is moved by hand only."""
        self._shape = Shape()
        self._facts = Facts(now=desk.now)
        self.tabs = TabLine(self._shape.tabs)
        self._panes = IncidentPanes(desk.now)
        if history is not None:
            self.history = history

    # -- the frame of it -------------------------------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[str, ...]:
        usual = ("incident", "log", "list", "tabs")
        return (*usual, "range", "chart") if self._shape.chart else usual

    @property
    def charts(self) -> Iterable[TimeChart]:
        return (self._panes.chart,)

    @property
    def heading(self) -> str:
        return self.incident.ref if self.incident is not None else f"INC-{self.number}"

    @property
    def status(self) -> Sequence[Toned]:
        incident = self.incident
        if incident is None or self.failure is not None:
            return super().status
        return standing(incident, plain=bool(getattr(self.app, "ascii_only", False)))

    def compose(self) -> ComposeResult:
        yield self._facts
        self.tabs.add_class("tabs")
        yield self.tabs
        yield self.window_line
        yield self._panes

    @property
    def stops(self) -> Sequence[Widget]:
        return self._panes.in_sight

    def lay_out(self) -> None:
        """Without a run, none about it."""
        self.tabs.set_tabs(self._shape.tabs)
        tab, wide = self.tabs.current, self.wide
        self.set_class(self._shape.chart, "-chart")
        self.set_class(tab == "chart" and not wide, "-on-chart")
        self._panes.lay_out(self._shape, tab, wide=wide, full=self.size.width >= FULL)

    def take_focus(self) -> None:
        pane = self._panes.by_name[self.tabs.current]
        self.focus_on(pane if pane.focusable else self._panes.happened)

    def tick(self) -> None:
        super().tick()
        self._facts.tick()

    # -- what is shown ---------------------------------------------------------------------------------------------

    async def load(self) -> None:
        client = self.client
        incident, happened, comments, routing, changed, files = await asyncio.gather(
            client.incidents.get(self.number),
            client.incidents.timeline(self.number, {"limit": LINES}),
            client.comments.list(self.number, {"limit": LINES}),
            client.incidents.routing(self.number),
            client.incidents.changes(self.number),
            client.attachments.list(self.number, {"limit": LINES}),
        )
        of_run: list[Any] = []
        if incident.run is not None:
            of_run = (await client.journal.list({"topic": "runs", "ref": incident.run, "limit": LINES})).data
            self.run_of = await self._maybe(client.runs.get(incident.run))
        process = await self._maybe(client.processes.get(incident.process)) if incident.process else None
        self._rule = await self._maybe(client.rules.get(incident.rule)) if incident.rule else None
        # What happens to a run comes before what follows from it.
        entries = run_entries(of_run) + incident_entries(happened.data, comments.data)
        self._panes.happened.put_entries(sorted(entries, key=lambda entry: entry.at))
        self._panes.told.put_entries(told_entries(routing.steps))
        before = changed_entries(changed)
        self._panes.changed_before.put_entries(before)
        self._panes.changed_before.set_class(not before, "-empty")
        self._panes.files.put_rows([file_row(each) for each in files.data])
        self.incident = incident
        self._log_of = incident.run
        if incident.run is None and process is not None and process.last_run is not None:
            self._log_of = process.last_run.uid
        chart = self._rule is not None
        self._shape = Shape(process is not None, self._log_of is not None, chart, len(files.data))
        self._show(process)
        self._follow_log()
        if self._rule is not None:
            await self._show_chart(incident, self._rule)

    async def _maybe(self, call: Any) -> Any:
        """What `call` gives, or None where that is not there any more."""
        from trackdesk.domain.errors import NotFound  # noqa: PLC0415 - loaded by now

        try:
            return await call
        except NotFound:
            return None

    def _show(self, process: Process | None = None) -> None:
        incident = self.incident
        assert incident is not None, "it has been read"
        self._facts.put(incident.title, facts(incident, self.run_of, process), incident.description or "")
        if process is not None:
            bars, title, notes, marks = usual(process, self.run_of, self.desk.now())
            self._panes.usual.put(bars, title=title, notes=notes, marks=marks)
        whose = "the run" if incident.run is not None else "its last run"
        self._panes.log_view.set_title(f"Last lines of {whose}")
        self.lay_out()
        self.post_message(self.Retitled())

    async def _show_chart(self, incident: Incident, rule: Rule) -> None:
        """The metric around the breach."""
        if not self._aimed:
            self._aimed = True
            self.window = around(incident, self.desk.now())
            self.window_line.current = self.window.name
            self.window_line.refresh()
        measured = await self.measure(measured_by(rule, incident.service))
        threshold = incident.threshold if incident.threshold is not None else rule.threshold
        limits = [] if threshold is None else [(rule.name, threshold)]
        shown = replace(measured, thresholds=limits, spans=spans([incident]))
        title = ", ".join(part for part in (f"{rule.metric_type} of {incident.service}", self.window_words) if part)
        self._panes.chart.put_measured(shown, title=title, live=self.window.follows)

    def _follow_log(self) -> None:
        # The last one asked is the last one shown: an older answer that comes late is not waited for.
        begin(self, self._read_log, group="log", exclusive=True)

    async def _read_log(self) -> None:
        if self._log_of is None:
            self._panes.log_view.put_lines(())
            return
        page = await self._maybe(self.client.runs.logs(self._log_of, {"tail": True, "limit": LINES}))
        shown = [] if page is None else [LogLine(each.logged_at, each.level, each.message) for each in page.data]
        self._panes.log_view.put_lines(shown)

    def changed(self, change: Changed) -> None:
        incident = self.incident
        if change.resync or incident is None or change.topic in ("notifications", "deliveries"):
            self.reload()
        elif change.topic == "logs":
            if self._log_of in change.refs:
                self._follow_log()
        elif change.topic == "metrics":
            if self._rule is not None and incident.service in change.refs:
                self.samples_came()
        elif str(incident.id) in change.refs if change.topic == "incidents" else incident.run in change.refs:
            self.reload()

    # -- triage ----------------------------------------------------------------------------------------------------

    def chosen(self) -> Sequence[Incident]:
        return [] if self.incident is None else [self.incident]

    def put_incident(self, incident: Incident) -> None:
        self.incident = incident
        self.post_message(self.Retitled())
        self.reload(at_once=True)

    def why_not(self, action: str) -> str | None:
        if action in ("copy", "copy_as", "about") and self.incident is None:
            return "it is being read"
        incident = self.incident
        if action in ("attach", "export", "mute") and incident is None:
            return "it is being read"
        if action == "about" and incident is not None and not leads_somewhere(incident):
            return f"{incident.ref} is about no run, process, rule or service"
        return super().why_not(action)

    def do_about(self) -> None:
        from trackdesk.screens.leads import about_incident  # noqa: PLC0415 - these lead to their incidents as well

        view = None if self.incident is None else about_incident(self.desk, self.incident)
        if view is not None:
            self.post_message(self.Open(view))

    async def do_attach(self) -> None:
        if self.incident is not None and await attach(self, self.incident):
            self.reload(at_once=True)

    async def do_export(self) -> None:
        if self.incident is not None:
            await export_postmortem(self, self.incident)

    async def do_mute(self) -> None:
        if self.incident is not None and await mute(self, match_of_incident(self.incident)):
            self.reload(at_once=True)

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        begin(self, partial(self._file_opened, event.row.data), group="do")

    async def _file_opened(self, file: Any) -> None:
        if self.incident is not None and await choose_deed(self, self.incident, file):
            self.reload(at_once=True)

    def do_copy(self) -> None:
        self.copy(self.heading, self.heading)

    async def do_copy_as(self) -> None:
        if self.incident is not None:
            await self.copy_as([self.incident], self.incident_curl([self.incident]))
