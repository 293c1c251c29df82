"""What needs a person now, and what will soon."""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Container
from textual.widgets import Static

from trackdesk.screens import panes
from trackdesk.screens.place import Place
from trackdesk.screens.pulse import pulse, spark_line
from trackdesk.screens.run_deeds import start_run
from trackdesk.screens.services_pane import ServicesPane
from trackdesk.screens.since import pulse_line, since, since_line, since_title
from trackdesk.screens.welcome import welcome
from trackdesk.widgets.background import begin
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.look import Look
from trackdesk.widgets.rule import RuleLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.events import DescendantBlur
    from textual.timer import Timer

    from trackdesk.client import Client
    from trackdesk.domain.summary import Summary
    from trackdesk.screens.desk import Desk
    from trackdesk.screens.panes import Pane
    from trackdesk.screens.pulse import Pulse
    from trackdesk.screens.since import Since
    from trackdesk.widgets.table_messages import RowOpened
    from trackdesk.widgets.view import Changed

_SINCE_EVERY = 5.0
"""Seconds from one count of what happened since one left to the next: it reads a good part of the journal."""


_PULSE_EVERY = 5.0
"""Seconds from one look at the figures of the last hour and day to the next, while news keeps coming in."""


class OverviewView(Place):
    CONTEXTS = ("overview", "list")
    TOPICS = frozenset(
        {"runs", "progress", "incidents", "notifications", "processes", "deliveries", "services", "metrics"}
    )
    PAUSE = 1.0
    NEEDS: ClassVar[Mapping[str, str]] = {"new": "ingest"}
    SCOPED_CSS = False
    """The rules ask how wide the frame is."""
    DEFAULT_CSS = """
    OverviewView > .line { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    OverviewView > .welcome { display: none; height: 1fr; padding: 0 2; overflow-y: auto; }
    OverviewView.-new > .welcome { display: block; }
    OverviewView.-new > .panes, OverviewView.-new > RuleLine, OverviewView.-new > .line { display: none; }
    OverviewView > .panes { layout: grid; grid-size: 1 4; grid-rows: 3fr 3fr 3fr 2fr; height: 1fr; }
    .-narrow OverviewView #inbox { display: none; }
    .-narrow OverviewView > .panes { grid-size: 1 3; grid-rows: 1fr; }
    OverviewView #services { display: none; }
    .-wide OverviewView > .panes { grid-size: 2 3; grid-columns: 3fr 2fr; grid-rows: 1fr; grid-gutter: 0 1; }
    .-wide OverviewView #processes { row-span: 2; }
    .-wide OverviewView #services, .-full OverviewView #services { display: block; }
    .-full OverviewView > .panes { grid-size: 3 2; grid-columns: 29fr 26fr 24fr; grid-rows: 2fr 3fr; grid-gutter: 0 1; }
    .-full OverviewView #needs { column-span: 2; }
    OverviewView.-unwatched #services { display: none; }
    .-wide OverviewView.-unwatched > .panes { grid-size: 2 2; }
    .-wide OverviewView.-unwatched #processes { row-span: 1; }
    .-full OverviewView.-unwatched #next { row-span: 2; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._since: Since | None = None
        self._since_read = -_SINCE_EVERY
        self._counted: object = None
        """The figures as they were at the last count."""
        self._recount: Timer | None = None
        self._pulse: Pulse | None = None
        self._pulse_read = -_PULSE_EVERY
        self._repulse: Timer | None = None
        self._since_rule = RuleLine("Since you left")
        self._since_line = Static("", classes="line", id="since")
        self._tables = {
            pane.name: LiveTable(
                pane.columns, title=pane.title, empty=pane.empty, titles=False, now=desk.now, id=pane.name
            )
            for pane in panes.PANES
        }
        self._services = ServicesPane(desk)
        self._spark_line = Static("", classes="line", id="sparks")
        self._pulse_line = Static("", classes="line", id="pulse")
        self._welcome = Static("", classes="welcome")

    @property
    def heading(self) -> str:
        return "Overview"

    def compose(self) -> ComposeResult:
        yield self._since_rule
        yield self._since_line
        *first, inbox = self._tables.values()
        yield Container(*first, self._services, inbox, classes="panes")
        yield self._spark_line
        yield self._pulse_line
        yield self._welcome

    def take_focus(self) -> None:
        self.focus_on(self._tables[panes.PANES[0].name])

    # -- loading ---------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        client = self.client
        for table in self._tables.values():
            table.show_loading()
        summary, _ = await asyncio.gather(client.stats.summary(), self._load_panes(client))
        self.desk.summary = summary
        await self._read_since(client, summary)
        await self._read_pulse(client)
        self._show(summary)

    async def _load_panes(self, client: Client) -> None:
        await asyncio.gather(*(self._load_pane(client, pane) for pane in panes.PANES), self._load_services(client))

    async def _load_services(self, client: Client) -> None:
        await self._services.read(client)
        self.set_class(not self._services.known, "-unwatched")

    async def _load_pane(self, client: Client, pane: Pane[Any]) -> None:
        items, total = await pane.fetch(client, self.desk.now())
        look = Look.of(self.app)
        self._tables[pane.name].put_rows([pane.row(item, look) for item in items], total=total)

    async def _read_since(self, client: Client, summary: Summary) -> None:
        figures = summary.runs.completed, summary.runs.failed, summary.runs.missed, summary.incidents
        if self._since is not None and figures == self._counted:
            return
        wait = self._since_read + _SINCE_EVERY - monotonic()
        if wait > 0:
            self._recount = self._recount or self.set_timer(wait, self.reload)
            return
        self._recount = None
        self._since = await since(client, self.desk.left, summary, self.desk.now())
        self._since_read, self._counted = monotonic(), figures

    async def _read_pulse(self, client: Client) -> None:
        wait = self._pulse_read + _PULSE_EVERY - monotonic()
        if wait > 0:
            self._repulse = self._repulse or self.set_timer(wait, self.reload)
            return
        self._repulse = None
        self._pulse_read = monotonic()
        self._pulse = await pulse(client, self.desk.now())

    def on_resize(self) -> None:
        self._show_pulse()

    def _show_pulse(self) -> None:
        if self._pulse is not None:
            self._spark_line.update(spark_line(self._pulse, Look.of(self.app), self.size.width))

    def _show(self, summary: Summary) -> None:
        look = Look.of(self.app)
        known = summary.runs.total or summary.incidents.open or any(summary.processes.values())
        fresh = not (known or self._services.known)
        if fresh:
            self._welcome.update(welcome(self.desk, look))
        self.set_class(fresh, "-new")
        self.call_after_refresh(self._claim_focus)
        if self._since is not None:
            self._since_rule.put(since_title(self._since, self.desk.now()))
            self._since_line.update(since_line(self._since, summary, look))
        self._pulse_line.update(pulse_line(summary, look))
        self._show_pulse()

    def on_descendant_blur(self, _event: DescendantBlur) -> None:
        # What is hidden gives its focus away only later, perhaps when it stands there again.
        self.call_after_refresh(self._claim_focus)

    def _claim_focus(self) -> None:
        if self.is_attached and self.screen.focused is None and not self.has_class("-new"):
            self.take_focus()

    def changed(self, change: Changed) -> None:
        if change.topic != "metrics" or change.resync:
            self.reload()
        elif self._services.due:
            begin(self, partial(self._load_services, self.client), group="services", exclusive=True)

    # -- doing -----------------------------------------------------------------------------------------------------

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        if event.table is self._services:
            self.post_message(self.Open(self._services.place_of(event.row.data)))  # type: ignore[arg-type]
            return
        pane = next(each for each in panes.PANES if each.name == event.table.id)
        self.post_message(self.Open(pane.place_of(self.desk, event.row.data)))

    async def do_new(self) -> None:
        run = await start_run(self)
        if run is not None:
            self.reload(at_once=True)
