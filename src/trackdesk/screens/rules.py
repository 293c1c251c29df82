"""The list of rules: how each stands, what it watches for, how often it fired; switched by a key."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.listing import ListPlace
from trackdesk.screens.muting import mute
from trackdesk.screens.place import Place
from trackdesk.screens.rule_form import change_rule, make_rule
from trackdesk.widgets import glyphs
from trackdesk.widgets.cells import ago
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.domain.page import Page
    from trackdesk.domain.rule import ListedRule, TriggeredRule
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.table_messages import RowOpened
    from trackdesk.widgets.view import View

EMPTY = Empty("No rule watches the metrics yet", "n  makes one, and says what it would have done")
_NEEDS = dict.fromkeys(("new", "edit", "switch", "delete", "mute"), "operate")
_BAR = 24


def rule_of(desk: Desk, rule: str) -> View:
    """One rule."""
    from trackdesk.screens.rule import RuleView  # noqa: PLC0415 - each screen is loaded when it is gone to

    return RuleView(desk, rule)


class RulesView(ListPlace["ListedRule"]):
    CONTEXTS = ("rule", "list")
    TOPICS = frozenset({"rules", "incidents"})
    TITLE = "Rules"
    HINT = "state:firing  service:crm*  metric_type:LATENCY_MS  enabled:no  or words"
    EMPTY = EMPTY
    NEEDS: ClassVar[Mapping[str, str]] = _NEEDS
    SORTS: ClassVar[Mapping[str, str]] = {"name": "name", "priority": "priority", "fired": "trigger_count"}
    SORT = ("priority", False)
    COLUMNS = (
        Column("state", "state", 9, priority=0),
        Column("name", "rule", 16, flex=3, most=40, priority=0, sortable=True),
        Column("watches", "watches for", 34, flex=5, priority=1),
        Column("service", "of", 12, flex=2, most=24, priority=2),
        Column("severity", "severity", 10, priority=3),
        Column("open", "open", 5, align="right", priority=1),
        Column("fired", "fired", 5, align="right", priority=2, sortable=True),
        Column("last", "last", 8, align="right", priority=4),
        Column("department", "for", 8, flex=1, most=16, priority=5),
        Column("priority", "priority", 10, align="right", priority=6, sortable=True),
    )

    async def fetch(self, query: dict[str, Any]) -> Page[ListedRule]:
        return await self.client.rules.list(query)

    async def fetch_one(self, ref: str) -> ListedRule:
        return await self.client.rules.get(ref)

    def row(self, item: ListedRule) -> Row:
        return Row(item.id, cells_of(item), item)

    def place_of(self, item: ListedRule) -> View:
        return rule_of(self.desk, item.id)

    def curl_of(self, items: Sequence[ListedRule]) -> str:
        return "\n".join(curl(self.client, "GET", f"/v1/rules/{each.id}") for each in items)

    def why_not(self, action: str) -> str | None:
        one = self.selected
        if action in ("edit", "switch", "delete", "mute", "about") and one is None:
            return "there is no rule yet; n makes one"
        if action == "about" and one is not None and one.service is None:
            return f"{one.id} is about every service"
        return super().why_not(action)

    async def do_new(self) -> None:
        made = await make_rule(self)
        if made is not None:
            self.post_message(self.Say(f"Made {made}; it looks at samples from now on"))
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        chosen = self.selected
        rule = None if chosen is None else await self.attempt(self.client.rules.get(chosen.id))
        if rule is not None and await change_rule(self, rule):
            self.post_message(self.Say(f"Saved {rule.id}"))
            self.reload(at_once=True)

    async def do_switch(self) -> None:
        if await switch_rules(self, self.targets):
            self.table.clear_marks()
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        if done := await delete_rules(self, self.targets):
            self.post_message(self.Say(done))
            self.table.clear_marks()
            self.reload(at_once=True)

    async def do_mute(self) -> None:
        if self.selected is not None:
            await mute(self, {"rule": [each.id for each in self.targets]})

    def do_about(self) -> None:
        from trackdesk.screens.service import ServiceView  # noqa: PLC0415 - a service leads to its rules as well

        if self.selected is not None and self.selected.service is not None:
            self.post_message(self.Open(ServiceView(self.desk, self.selected.service)))


def watches(rule: ListedRule) -> str:
    """What it watches for, with the tags it asks for."""
    from trackdesk.domain.rule import condition_words  # noqa: PLC0415 - loaded by now

    tags = " ".join(f"{key}={value}" for key, value in rule.tags.items())
    return f"{condition_words(rule)} {tags}".strip()


def cells_of(rule: ListedRule) -> dict[str, Cell]:
    return {
        "state": glyphs.rule_state(rule.state, enabled=rule.enabled),
        "name": rule.name if rule.enabled else Toned(rule.name, "dim"),
        "watches": Toned(watches(rule), "new" if rule.enabled else "dim"),
        "service": rule.service or Toned("all services", "dim"),
        "severity": glyphs.severity(rule.severity),
        "open": Toned(f"{rule.open_incidents:,}", "fail") if rule.open_incidents else "",
        "fired": f"{rule.trigger_count:,}" if rule.trigger_count else "",
        "last": ago(rule.last_triggered_at) if rule.last_triggered_at is not None else "",
        "department": Toned(rule.department or "", "dim"),
        "priority": Toned(str(rule.priority), "dim"),
    }


async def switch_rules(place: Place, rules: Sequence[ListedRule]) -> bool:
    """On when all are off, else off. Whether it was done; `place` says so."""
    wanted = not any(rule.enabled for rule in rules)
    calls = [
        place.client.rules.patch(rule.id, {"enabled": wanted}, if_match=rule.version)
        for rule in rules
        if rule.enabled != wanted
    ]
    word = "on" if wanted else "off: it looks at nothing until z switches it on"
    done = await place.attempt(asyncio.gather(*calls), f"{_named(rules)} is {word}")
    return done is not None


async def delete_rules(place: Place, rules: Sequence[ListedRule]) -> str:
    """Deletes them after a question. What was done, or nothing."""
    still = sum(rule.open_incidents for rule in rules)
    open_ones = f"Its {still} open incidents stay open." if still else "Its incidents stay."
    if not await place.ask(ConfirmDialog(f"Delete {_named(rules)}?", open_ones)):
        return ""
    done = await place.attempt(asyncio.gather(*(place.client.rules.delete(rule.id) for rule in rules)))
    return "" if done is None else f"Deleted {_named(rules)}"


def _named(rules: Sequence[ListedRule]) -> str:
    return rules[0].id if len(rules) == 1 else f"{len(rules)} rules"


class TopTriggeredView(Place):
    """Which rules made most noise in the last week."""

    CONTEXTS = ("list",)
    TOPICS = frozenset({"rules", "incidents"})
    PAUSE = 5.0
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", "rule", 24, flex=2, most=48, priority=0),
        Column("fired", "incidents", 9, align="right", priority=0),
        Column("bar", "", _BAR, priority=1),
        Column("last", "last", 8, align="right", priority=0),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.table = LiveTable(
            self.COLUMNS,
            title="Rules that fired most in the last 7 days",
            empty=Empty("No rule opened an incident in the last 7 days"),
            now=desk.now,
        )

    @property
    def heading(self) -> str:
        return "Top triggered"

    def compose(self) -> ComposeResult:
        yield self.table

    async def load(self) -> None:
        self.table.show_loading()
        found = await self.client.rules.top({"limit": 50})
        most = max((each.trigger_count for each in found), default=1)
        row = partial(_triggered_row, most=most, look=Look.of(self.app))
        self.table.put_rows([row(each) for each in found])

    def on_row_opened(self, event: RowOpened) -> None:
        event.stop()
        item: Any = event.row.data
        if item.name is None:
            self.post_message(self.Say(f"{item.rule} is deleted; its incidents are under 4, rule:{item.rule}", "dim"))
        else:
            self.post_message(self.Open(rule_of(self.desk, item.rule)))


def _triggered_row(each: TriggeredRule, *, most: int, look: Look) -> Row:
    filled = max(round(each.trigger_count / most * _BAR), 1)
    cells: dict[str, Cell] = {
        "name": Toned(f"{each.rule} (deleted)", "dim") if each.name is None else each.name,
        "fired": f"{each.trigger_count:,}",
        "bar": Toned(look.pick("█", "#") * filled, "late"),
        "last": ago(each.last_triggered_at),
    }
    return Row(each.rule, cells, each)
