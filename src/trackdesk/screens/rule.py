"""One rule: what it watches for, the chart with its threshold, and the incidents it opened."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.incident import IncidentView
from trackdesk.screens.incidents import incident_row
from trackdesk.screens.muting import mute
from trackdesk.screens.rule_form import change_rule
from trackdesk.screens.rules import delete_rules, switch_rules, watches
from trackdesk.screens.service_story import measured_by, spans
from trackdesk.screens.windowed import Windowed
from trackdesk.widgets import glyphs
from trackdesk.widgets.cells import ago
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ChooseDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.facts import Facts
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.time_chart import TimeChart
from trackdesk.widgets.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.domain.incident import Incident
    from trackdesk.domain.rule import ListedRule
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.facts import Fact
    from trackdesk.widgets.table_messages import RowOpened
    from trackdesk.widgets.view import Changed

MOST = 200
"""Incidents and services that are read."""
_ALL = "all together"


class RuleView(Windowed):
    CONTEXTS = ("rule", "list", "range", "chart")
    TOPICS = frozenset({"rules", "metrics", "incidents"})
    PAUSE = 2.0
    NEEDS: ClassVar[Mapping[str, str]] = dict.fromkeys(("edit", "switch", "delete", "mute"), "operate")
    DEFAULT_CSS = """
    RuleView > Facts { padding: 0 1; }
    RuleView > TimeChart { height: 3fr; }
    RuleView > LiveTable { height: 2fr; }
    """

    def __init__(self, desk: Desk, rule: str) -> None:
        super().__init__(desk, window=Window("24h"))
        self.id_of = rule
        self.rule: ListedRule | None = None
        self.service: str | None = None
        """Whose values the chart shows; None: those of all that the rule looks at."""
        self._facts = Facts(text_lines=2, now=desk.now)
        self._chart = TimeChart("What it watches", now=desk.now)
        empty = Empty("It has opened no incident")
        self.table = LiveTable(_INCIDENTS, title="Its incidents", empty=empty, now=desk.now)

    @property
    def charts(self) -> Iterable[TimeChart]:
        return (self._chart,)

    @property
    def heading(self) -> str:
        return self.id_of

    @property
    def status(self) -> Sequence[Toned]:
        rule = self.rule
        if rule is None or self.failure is not None:
            return super().status
        plain = bool(getattr(self.app, "ascii_only", False))
        mark = glyphs.rule_state(rule.state, enabled=rule.enabled)
        said = [Toned(mark.text(ascii_only=plain), mark.role, mark.role != "dim")]
        return [*said, Toned(self.window_words, "late")] if self.window_words else said

    def compose(self) -> ComposeResult:
        yield self._facts
        yield self.window_line
        yield self._chart
        yield self.table

    def take_focus(self) -> None:
        self.focus_on(self.table)

    def tick(self) -> None:
        self.table.tick()
        self._facts.tick()

    # -- loading ---------------------------------------------------------------------------------------------------

    def changed(self, change: Changed) -> None:
        if change.topic == "metrics" and not change.resync:
            self.samples_came()
        else:
            self.reload()

    async def load(self) -> None:
        self.table.show_loading()
        rule, page = await asyncio.gather(
            self.client.rules.get(self.id_of),
            self.client.incidents.list({"rule": self.id_of, "sort": "-opened_at", "limit": MOST}),
        )
        self.rule = rule
        self._facts.put(watches(rule), _facts(rule), rule.description or "")
        me = self.desk.actor.partition("@")[0]
        self.table.put_rows([incident_row(each, me) for each in page.data], total=page.meta.total)
        self.post_message(self.Retitled())
        await self._show_chart(rule, page.data)

    async def _show_chart(self, rule: ListedRule, incidents: Sequence[Incident]) -> None:
        service = rule.service or self.service
        measured = await self.measure(measured_by(rule, service))
        limits = [(name, value) for name, value in _limits(rule) if value is not None]
        here = [each for each in incidents if service is None or each.service == service]
        title = f"{rule.metric_type} of {service or 'all services; b chooses one'}"
        shown = replace(measured, thresholds=limits, spans=spans(here))
        self._chart.put_measured(shown, title=title, live=self.window.follows)

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        item: Any = event.row.data
        self.post_message(self.Open(IncidentView(self.desk, item.id)))

    # -- doing -----------------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        refusal, rule = super().why_not(action), self.rule
        if refusal is not None:
            return refusal
        if rule is None and action in (*self.NEEDS, "copy_as", "group", "about"):
            return "it is still being read"
        if rule is not None and rule.service is not None and action == "group":
            return f"it is about {rule.service} alone"
        if rule is not None and action == "about" and not (rule.service or self.service):
            return "it is about every service; b chooses one"
        return None

    async def do_group(self) -> None:
        """Choose whose values the chart shows."""
        rule = self.rule
        if rule is None:
            return
        found = await self.attempt(self.client.metrics.latest({"metric_type": rule.metric_type, "limit": MOST}))
        if found is None:
            return
        names = sorted({each.service for each in found.data})
        ways = [(_ALL, _ALL), *((f" {name}", name) for name in names)]
        answer = await self.ask(ChooseDialog("Show the values of", ways, current=f" {self.service or ''}"))
        if answer is not None:
            self.service = None if answer == _ALL else answer[1:]
            self.reload(at_once=True)

    def do_about(self) -> None:
        from trackdesk.screens.service import ServiceView  # noqa: PLC0415 - a service leads to its rules as well

        service = self.service if self.rule is None else self.rule.service or self.service
        if service is not None:
            self.post_message(self.Open(ServiceView(self.desk, service)))

    async def do_edit(self) -> None:
        if self.rule is not None and await change_rule(self, self.rule):
            self.post_message(self.Say(f"Saved {self.id_of}"))
            self.reload(at_once=True)

    async def do_switch(self) -> None:
        if self.rule is not None and await switch_rules(self, [self.rule]):
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        if self.rule is not None and (done := await delete_rules(self, [self.rule])):
            self.post_message(self.Leave(done))

    async def do_mute(self) -> None:
        await mute(self, {"rule": self.id_of})

    def do_copy(self) -> None:
        self.copy(self.id_of, self.id_of)

    async def do_copy_as(self) -> None:
        if self.rule is not None:
            await self.copy_as([self.rule], curl(self.client, "GET", f"/v1/rules/{self.id_of}"))


_INCIDENTS = (
    Column("severity", "severity", 10, priority=0),
    Column("ref", "id", 7, priority=0),
    Column("status", "status", 9, priority=2),
    Column("title", "what", 30, flex=3, priority=0),
    Column("seen", "seen", 6, align="right", priority=3, quiet=True),
    Column("assignee", "with", 8, flex=1, most=14, priority=2),
    Column("opened", "age", 6, align="right", priority=0),
)


def _limits(rule: ListedRule) -> list[tuple[str, float | None]]:
    return [("threshold", rule.threshold), ("well again", rule.recover_threshold)]


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count:,} times")


def _facts(rule: ListedRule) -> list[Fact]:
    severity = glyphs.severity(rule.severity)
    return [
        ("of", rule.service or "every service"),
        ("", severity),
        ("wrong now", Toned(f"{rule.wrong_series:,} series", "fail") if rule.wrong_series else None),
        ("fired", _times(rule.trigger_count)),
        ("last", ago(rule.last_triggered_at) if rule.last_triggered_at is not None else None),
        ("department", rule.department),
        ("priority", str(rule.priority)),
        ("", None if rule.auto_close else Toned("its incidents stay open when it recovers", "late")),
        ("by", rule.created_by),
    ]
