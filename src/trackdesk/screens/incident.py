"""One incident: where it came from, what happened, the last lines of its run, how long its process usually takes, and
who was told of it or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual.containers import Horizontal, Vertical

from trackdesk.screens import figures
from trackdesk.screens.happened import incident_entries, run_entries, told_entries
from trackdesk.screens.processes import process_of, schedule_words
from trackdesk.screens.triage import Triage
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.background import begin
from trackdesk.widgets.bar_chart import BarChart
from trackdesk.widgets.cells import ago
from trackdesk.widgets.facts import Fact, Facts
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.log_view import LogLine, LogView
from trackdesk.widgets.tab_line import TabLine
from trackdesk.widgets.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult

    from trackdesk.domain.incident import Incident
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import Run
    from trackdesk.screens.deeds import History
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.view import Changed

WIDE = 110
"""Cells from which on all panes stand beside one another."""
FULL = 150
"""Cells from which on they stand in three columns."""
NO_LINES = "Nothing was logged"
LINES = 200
"""Log lines and entries that are read."""


class IncidentView(Triage):
    CONTEXTS = ("incident", "log", "tabs")
    TOPICS = frozenset({"incidents", "runs", "logs", "notifications", "deliveries"})
    DEFAULT_CSS = """
    IncidentView > .panes { height: 1fr; }
    IncidentView .left { width: 1fr; height: 1fr; }
    IncidentView .right { width: 1fr; height: 1fr; }
    IncidentView #happened, IncidentView #lines, IncidentView #told { height: 1fr; }
    IncidentView #usual { height: 6; }
    IncidentView.-wide #usual { height: 10; }
    IncidentView .-away { display: none; }
    IncidentView.-wide > TabLine { display: none; }
    IncidentView.-wide .left { padding-right: 1; }
    IncidentView.-full .left { layout: horizontal; width: 2fr; }
    IncidentView.-full #happened { width: 1fr; margin-right: 1; }
    IncidentView.-full #told { width: 1fr; }
    """

    def __init__(self, desk: Desk, incident: int | str, *, history: History | None = None) -> None:
        super().__init__(desk)
        self.number = incident
        self.incident: Incident | None = None
        self.run_of: Run | None = None
        """The run it is about, if that is still there."""
        self._log_of: str | None = None
        """Whose lines are shown: those of that run, else of the last one of the process."""
        self._facts = Facts(now=desk.now)
        self._tabs = TabLine([("happened", "timeline"), ("lines", "log"), ("told", "who was told")])
        self._happened = Timeline(id="happened", title="Timeline", now=desk.now)
        self._told = Timeline(id="told", title="Who was told, or not", empty="Nobody was to be told", now=desk.now)
        self._log = LogView(id="lines", title="Last lines of the run", empty=NO_LINES, now=desk.now)
        self._usual = BarChart("Last runs", say=figures.say_span, id="usual")
        self._left = Vertical(self._happened, self._told, classes="left")
        self._right = Vertical(self._log, self._usual, classes="right")
        if history is not None:
            self.history = history

    # -- the frame of it -------------------------------------------------------------------------------------------

    @property
    def heading(self) -> str:
        return self.incident.ref if self.incident is not None else f"INC-{self.number}"

    @property
    def status(self) -> Sequence[Toned]:
        incident = self.incident
        if incident is None or self.failure is not None:
            return super().status
        severity, status = glyphs.severity(incident.severity), glyphs.incident_status(incident.status)
        plain = bool(getattr(self.app, "ascii_only", False))
        return (
            Toned(severity.text(ascii_only=plain), severity.role),
            Toned(status.text(ascii_only=plain), status.role),
            Toned(f"with {incident.assignee}", "new") if incident.assignee else Toned("with nobody", "dim"),
            Toned(f"for {incident.department}", "dim"),
        )

    def compose(self) -> ComposeResult:
        yield self._facts
        yield self._tabs
        yield Horizontal(self._left, self._right, classes="panes")

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self.set_class(event.size.width >= FULL, "-full")
        self._lay_out()

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        message.stop()
        self._lay_out()
        self.take_focus()

    def _lay_out(self) -> None:
        """All panes where there is room, else the one of the tab; without a run, none about it."""
        tab, wide = self._tabs.current, self.has_class("-wide")
        run = self.incident is None or self._log_of is not None
        process = self.incident is None or self.incident.process is not None
        shown = {
            self._left: wide or tab != "lines",
            self._right: (wide and process) or tab == "lines",
            self._happened: wide or tab == "happened",
            self._told: wide or tab == "told",
            self._log: run or not wide,
            self._usual: process,
        }
        for pane, there in shown.items():
            pane.set_class(not there, "-away")

    def do_previous_tab(self) -> None:
        self._turn(-1)

    def do_next_tab(self) -> None:
        self._turn(1)

    def _turn(self, step: int) -> None:
        if not self.has_class("-wide"):
            self._tabs.turn(step)
            return
        panes = [pane for pane in (self._happened, self._told, self._log) if pane.region]
        here = next((at for at, pane in enumerate(panes) if pane.has_focus), 0)
        self.focus_on(panes[(here + step) % len(panes)])

    def take_focus(self) -> None:
        self.focus_on({"happened": self._happened, "lines": self._log, "told": self._told}[self._tabs.current])

    def tick(self) -> None:
        super().tick()
        self._facts.tick()

    # -- what is shown ---------------------------------------------------------------------------------------------

    async def load(self) -> None:
        client = self.client
        incident, happened, comments, routing = await asyncio.gather(
            client.incidents.get(self.number),
            client.incidents.timeline(self.number, {"limit": LINES}),
            client.comments.list(self.number, {"limit": LINES}),
            client.incidents.routing(self.number),
        )
        of_run: list[Any] = []
        if incident.run is not None:
            of_run = (await client.journal.list({"topic": "runs", "ref": incident.run, "limit": LINES})).data
            self.run_of = await self._maybe(client.runs.get(incident.run))
        process = await self._maybe(client.processes.get(incident.process)) if incident.process else None
        # What happens to a run comes before what follows from it.
        entries = run_entries(of_run) + incident_entries(happened.data, comments.data)
        self._happened.put_entries(sorted(entries, key=lambda entry: entry.at))
        self._told.put_entries(told_entries(routing.steps))
        self.incident = incident
        self._log_of = incident.run
        if incident.run is None and process is not None and process.last_run is not None:
            self._log_of = process.last_run.uid
        self._show(process)
        self._follow_log()

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
        self._facts.put(incident.title, _facts(incident, self.run_of, process), incident.description or "")
        if process is not None:
            self._show_usual(process)
        whose = "the run" if incident.run is not None else "its last run"
        self._log.set_title(f"Last lines of {whose}")
        self._lay_out()
        self.post_message(self.Retitled())

    def _show_usual(self, process: Process) -> None:
        """How long the last runs took, and how the one it is about compares."""
        now = self.desk.now()
        usual = figures.percentiles(process.runs)
        notes = [Toned(f"{name} {when.span(int(value))}", "dim") for name, value in usual]
        run = self.run_of
        if run is not None:
            took = run.duration if run.duration is not None else now - run.started_at
            notes.append(Toned(f"{'now' if run.status == 'ACTIVE' else 'this'} {when.span(took)}", "late", bold=True))
        bars = figures.recent_bars(process.recent, now)
        self._usual.put(bars, title=f"Last runs of {process.name}", notes=notes, marks=usual)

    def _follow_log(self) -> None:
        # The last one asked is the last one shown: an older answer that comes late is not waited for.
        begin(self, self._read_log, group="log", exclusive=True)

    async def _read_log(self) -> None:
        if self._log_of is None:
            self._log.put_lines(())
            return
        page = await self._maybe(self.client.runs.logs(self._log_of, {"tail": True, "limit": LINES}))
        shown = [] if page is None else [LogLine(each.logged_at, each.level, each.message) for each in page.data]
        self._log.put_lines(shown)

    def changed(self, change: Changed) -> None:
        incident = self.incident
        if change.resync or incident is None or change.topic in ("notifications", "deliveries"):
            self.reload()
        elif change.topic == "logs":
            if self._log_of in change.refs:
                self._follow_log()
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
        if action == "about" and self.incident is not None and not (self.incident.run or self.incident.process):
            return f"{self.incident.ref} is about no run and no process"
        return super().why_not(action)

    def do_about(self) -> None:
        from trackdesk.screens.run import RunView  # noqa: PLC0415 - a run leads to its incidents as well

        if self.incident is not None and self.incident.run is not None:
            self.post_message(self.Open(RunView(self.desk, self.incident.run)))
        elif self.incident is not None and self.incident.process is not None:
            self.post_message(self.Open(process_of(self.desk, self.incident.process)))

    def do_copy(self) -> None:
        self.copy(self.heading, self.heading)

    async def do_copy_as(self) -> None:
        if self.incident is not None:
            await self.copy_as([self.incident], self.incident_curl([self.incident]))


def _facts(incident: Incident, run: Run | None, process: Process | None) -> list[Fact]:
    seen = f"{incident.occurrences} times" if incident.occurrences > 1 else None
    about = None if run is None else f"{run.id} #{run.attempt}, {run.status.lower()}"
    closed = when.absolute(incident.closed_at) if incident.closed_at is not None else None
    runbook = process.runbook_url if process is not None else None
    missing = incident.origin == "missing"
    return [
        ("origin", incident.origin),
        ("", Toned("never started", "fail", bold=True) if missing else None),
        ("process", incident.process),
        ("run", about or ("deleted" if incident.run else None)),
        ("service", incident.service),
        ("reported by", incident.reported_by),
        ("expected" if missing else "due", when.absolute(incident.due_at) if incident.due_at is not None else None),
        *(_absence(process) if missing and process is not None else ()),
        ("opened", ago(incident.opened_at)),
        ("seen", seen),
        ("last", ago(incident.last_seen_at) if seen else None),
        ("", Toned("seen late: trackdesk was away", "late") if incident.seen_late else None),
        ("closed", f"{closed}, {incident.close_reason}" if closed and incident.close_reason else closed),
        ("runbook", Toned(runbook, "run") if runbook else None),
    ]


def _absence(process: Process) -> list[Fact]:
    """What one wants to know of a process that did not start."""
    blind = None
    if process.blind_at is not None:
        blind = Toned(f"{when.absolute(process.blind_at)}: trackdesk was away", "late")
    return [
        ("schedule", schedule_words(process)),
        ("last started", ago(process.last_run_at)),
        ("not known", blind),
    ]
