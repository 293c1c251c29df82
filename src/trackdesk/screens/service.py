"""One service: how it is, a chart for each of its metrics, and what belongs to it: rules, incidents, processes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Horizontal, Vertical

from trackdesk.screens.curl import curl
from trackdesk.screens.incident import IncidentView
from trackdesk.screens.incidents import incident_row
from trackdesk.screens.muting import mute
from trackdesk.screens.paned import Paned
from trackdesk.screens.processes import cells_of as process_cells
from trackdesk.screens.processes import process_of
from trackdesk.screens.rule_form import make_rule
from trackdesk.screens.rules import cells_of as rule_cells
from trackdesk.screens.rules import rule_of
from trackdesk.screens.service_charts import ServiceCharts
from trackdesk.screens.service_deeds import change_service
from trackdesk.screens.service_story import facts, spans, thresholds
from trackdesk.screens.windowed import Windowed
from trackdesk.widgets import glyphs
from trackdesk.widgets.budget import number
from trackdesk.widgets.cells import ago
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.facts import Facts
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row
from trackdesk.widgets.tab_line import TabLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.widget import Widget

    from trackdesk.domain.incident import Incident
    from trackdesk.domain.metric import Sample
    from trackdesk.domain.rule import ListedRule
    from trackdesk.domain.service import Service
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.filter_bar import FilterBar
    from trackdesk.widgets.table_messages import RowOpened
    from trackdesk.widgets.time_chart import TimeChart
    from trackdesk.widgets.view import Changed

MOST = 200
"""Rows of each list."""
_AT_ONCE = 50
"""Metric types whose rules are read with one call."""
_NOT_CLOSED = ("OPEN", "TRIAGED", "IN_PROGRESS")


class ServiceView(Windowed, Paned):
    CONTEXTS = ("service", "list", "range", "chart", "tabs")
    TOPICS = frozenset({"services", "metrics", "incidents", "rules", "processes"})
    PAUSE = 2.0
    NEEDS: ClassVar[Mapping[str, str]] = dict.fromkeys(("new", "edit", "mute", "delete"), "operate")
    DEFAULT_CSS = """
    ServiceView > Facts { padding: 0 1; }
    ServiceView > .panes { height: 1fr; }
    ServiceView .lists { width: 2fr; height: 1fr; }
    ServiceView .lists > LiveTable { height: 1fr; }
    ServiceView .-away { display: none; }
    ServiceView.-wide > .tabs { display: none; }
    ServiceView.-wide .lists { padding-left: 1; }
    """

    def __init__(self, desk: Desk, name: str) -> None:
        super().__init__(desk)
        self.name_of = name
        self.service: Service | None = None
        now = desk.now
        self._facts = Facts(text_lines=2, now=now)
        self.tabs = TabLine([(each, each) for each in ("charts", "incidents", "rules", "latest", "processes")])
        self._box = ServiceCharts(now)
        self._lists = Vertical(classes="lists")
        self.incidents = LiveTable(_INCIDENTS, title="Open incidents", empty=Empty("None is open"), now=now)
        empty = Empty("No rule looks at it", "n  makes one")
        self.rules = LiveTable(_RULES, title="Rules", empty=empty, now=now)
        self.latest = LiveTable(_LATEST, title="Latest values", empty=Empty("It has sent nothing yet"), now=now)
        self.processes = LiveTable(_PROCESSES, title="Processes", empty=Empty("No process belongs to it"), now=now)

    @property
    def charts(self) -> Iterable[TimeChart]:
        return self._box.shown

    @property
    def tables(self) -> Mapping[str, LiveTable]:
        """By the names of their tabs."""
        names = {"incidents": self.incidents, "rules": self.rules, "latest": self.latest}
        return {**names, "processes": self.processes}

    @property
    def heading(self) -> str:
        return self.name_of

    @property
    def status(self) -> Sequence[Toned]:
        if self.service is None or self.failure is not None:
            return super().status
        mark = glyphs.health(self.service.health)
        plain = bool(getattr(self.app, "ascii_only", False))
        said = [Toned(mark.text(ascii_only=plain), mark.role, mark.role != "dim")]
        return [*said, Toned(self.window_words, "late")] if self.window_words else said

    def compose(self) -> ComposeResult:
        yield self._facts
        yield self.window_line
        self.tabs.add_class("tabs")
        yield self.tabs
        with Horizontal(classes="panes"):
            yield self._box
            with self._lists:
                yield from self.tables.values()

    # -- the frame of it -------------------------------------------------------------------------------------------

    @property
    def stops(self) -> Sequence[Widget]:
        return list(self.tables.values())

    def lay_out(self) -> None:
        wide, tab = self.wide, self.tabs.current
        self._box.set_class(not wide and tab != "charts", "-away")
        self._lists.set_class(not wide and tab == "charts", "-away")
        for name, table in self.tables.items():
            table.set_class(not wide and tab != name, "-away")

    def take_focus(self) -> None:
        if self.tabs.current in self.tables:
            self.focus_on(self.tables[self.tabs.current])
        elif self.wide:
            self.focus_on(self.incidents)
        elif self._box.box.max_scroll_y:
            self.focus_on(self._box.box)

    def tick(self) -> None:
        for table in self.tables.values():
            table.tick()
        self._facts.tick()

    # -- loading ---------------------------------------------------------------------------------------------------

    def changed(self, change: Changed) -> None:
        if change.topic == "metrics" and not change.resync:
            if self.name_of in change.refs:
                self.samples_came()
        else:
            self.reload()

    async def load(self) -> None:
        for table in self.tables.values():
            table.show_loading()
        client, name = self.client, self.name_of
        service = await client.services.get(name)
        types = service.metric_types
        found = await asyncio.gather(
            client.incidents.list({"service": name, "status": _NOT_CLOSED, "sort": "-severity", "limit": MOST}),
            client.incidents.list({"service": name, "sort": "-opened_at", "limit": MOST}),
            client.metrics.latest({"service": name, "limit": MOST}),
            client.processes.list({"service": name, "limit": MOST}),
        )
        mine = await self._read_rules(types)
        self.service = service
        open_ones, recent, latest, processes = found
        self._facts.put(*facts(service))
        look = Look.of(self.app)
        me = self.desk.actor.partition("@")[0]
        self.incidents.put_rows([incident_row(each, me) for each in open_ones.data], total=open_ones.meta.total)
        firing = {each.rule for each in open_ones.data}
        self.rules.put_rows([_rule_row(rule, here=rule.id in firing) for rule in mine])
        self.latest.put_rows([_latest_row(each) for each in latest.data], total=latest.meta.total)
        rows = [Row(each.name, process_cells(each, look), each) for each in processes.data]
        self.processes.put_rows(rows, total=processes.meta.total)
        self.post_message(self.Retitled())
        await self._show_charts(types, mine, [*recent.data, *open_ones.data])

    async def _read_rules(self, types: Sequence[str]) -> list[ListedRule]:
        """Those that look at it."""
        few = [types[first : first + _AT_ONCE] for first in range(0, len(types), _AT_ONCE)]
        list_ = self.client.rules.list
        pages = await asyncio.gather(*(list_({"metric_type": each, "limit": MOST * 5}) for each in few))
        return [rule for page in pages for rule in page.data if rule.service in (None, self.name_of)]

    async def _show_charts(
        self, types: Sequence[str], rules: Sequence[ListedRule], incidents: Sequence[Incident]
    ) -> None:
        types = await self._box.choose(types)
        queries = [{"service": self.name_of, "metric_type": name} for name in types]
        answers = await asyncio.gather(*map(self.measure, queries))
        kinds = {rule.id: rule.metric_type for rule in rules}
        for name, measured in zip(types, answers, strict=True):
            of_type = [each for each in incidents if each.rule is not None and kinds.get(each.rule) == name]
            limits = thresholds(rule for rule in rules if rule.metric_type == name)
            shown = replace(measured, thresholds=limits, spans=spans(of_type))
            self._box.chart(name).put_measured(shown, live=self.window.follows)

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        item: Any = event.row.data
        if event.table is self.incidents:
            self.post_message(self.Open(IncidentView(self.desk, item.id)))
        elif event.table is self.rules:
            self.post_message(self.Open(rule_of(self.desk, item.id)))
        elif event.table is self.processes:
            self.post_message(self.Open(process_of(self.desk, item.name)))
        else:
            self.narrow(item.metric_type)

    # -- which charts ----------------------------------------------------------------------------------------------

    def do_filter(self) -> None:
        self.tabs.choose("charts")
        self.lay_out()
        self._box.filter.open_bar()

    def narrow(self, expression: str) -> None:
        self.tabs.choose("charts")
        self._box.filter.add_class("-open")
        self._box.filter.set_expression(expression)

    def retreat(self) -> bool:
        if super().retreat():
            return True
        filtered = bool(self._box.filter.expression)
        if filtered:
            self._box.filter.action_clear()
        return filtered

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        message.stop()
        self.reload(at_once=True)

    def on_filter_bar_closed(self, message: FilterBar.Closed) -> None:
        message.stop()
        if self._box.filter.box.has_focus:
            # Where all charts have room, nothing takes the focus: the keys are the frame's then.
            self.screen.set_focus(None)
            self.take_focus()

    # -- doing -----------------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        refusal = super().why_not(action)
        if refusal is None and self.service is None and action in (*self.NEEDS, "copy_as"):
            return "it is still being read"
        return refusal

    async def do_new(self) -> None:
        """A rule for this service."""
        service = self.service
        if service is None:
            return
        first = service.metric_types[0] if service.metric_types else ""
        made = await make_rule(self, {"service": service.name, "metric_type": first})
        if made is not None:
            self.post_message(self.Say(f"Made {made}; it looks at samples from now on"))
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        if self.service is not None and await change_service(self, self.service):
            self.post_message(self.Say(f"Saved {self.name_of}"))
            self.reload(at_once=True)

    async def do_mute(self) -> None:
        await mute(self, {"service": self.name_of})

    async def do_delete(self) -> None:
        question = f"Delete {self.name_of}?"
        if await self.ask(ConfirmDialog(question, "Its samples go with it. What still refers to it is refused.")):
            done = await self.attempt(self._delete())
            if done:
                self.post_message(self.Leave(f"Deleted {self.name_of}"))

    async def _delete(self) -> bool:
        await self.client.services.delete(self.name_of)
        return True

    def do_copy(self) -> None:
        self.copy(self.name_of, self.name_of)

    async def do_copy_as(self) -> None:
        if self.service is not None:
            await self.copy_as([self.service], curl(self.client, "GET", f"/v1/services/{self.name_of}"))


_INCIDENTS = (
    Column("severity", "severity", 10, priority=1),
    Column("ref", "id", 7, priority=0),
    Column("title", "what", 16, flex=1, priority=0),
    Column("assignee", "with", 8, priority=2),
    Column("opened", "age", 6, align="right", priority=0),
)
_RULES = (
    Column("state", "state", 9, priority=0),
    Column("name", "rule", 14, flex=2, most=30, priority=0),
    Column("watches", "watches for", 18, flex=3, priority=1),
    Column("fired", "fired", 5, align="right", priority=2),
)
_LATEST = (
    Column("type", "metric", 12, flex=2, most=28, priority=0),
    Column("tags", "tags", 10, flex=3, priority=2),
    Column("value", "value", 8, align="right", priority=0, quiet=True),
    Column("at", "", 8, align="right", priority=1, quiet=True),
)
_PROCESSES = (
    Column("state", "state", 9, priority=0),
    Column("name", "process", 14, flex=1, priority=0),
    Column("well", "well", 4, align="right", priority=2),
    Column("last", "last run", 8, align="right", priority=1),
)


def _rule_row(rule: ListedRule, *, here: bool) -> Row:
    """As it stands for this service: one for every service may be firing for another."""
    elsewhere = rule.service is None and rule.state in ("FIRING", "NO_DATA") and not here
    state = glyphs.rule_state("OK" if elsewhere else rule.state, enabled=rule.enabled)
    return Row(rule.id, {**rule_cells(rule), "state": state}, rule)


def _latest_row(each: Sample) -> Row:
    tags = " ".join(f"{key}={value}" for key, value in each.tags.items())
    cells: dict[str, Cell] = {
        "type": each.metric_type,
        "tags": Toned(tags, "dim"),
        "value": number(each.value),
        "at": ago(each.recorded_at),
    }
    return Row(f"{each.metric_type} {tags}", cells, each)
