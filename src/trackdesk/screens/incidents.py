"""The list of incidents: what needs a person first; triage by key, on one, on the marked ones, or on all that match."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.incident import IncidentView
from trackdesk.screens.incident_counts import open_counts
from trackdesk.screens.incident_story import leads_somewhere
from trackdesk.screens.muting import match_of_incident, mute
from trackdesk.screens.tabbed import TabbedList
from trackdesk.screens.triage import CHUNK, Triage
from trackdesk.widgets import glyphs
from trackdesk.widgets.background import begin
from trackdesk.widgets.cells import age
from trackdesk.widgets.columns import Column
from trackdesk.widgets.counts_line import CountsLine
from trackdesk.widgets.dialogs import ChooseDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.domain.incident import Incident
    from trackdesk.domain.page import Page
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.forms import Errors, Values

OPEN, MINE, CLOSED, ALL = "open", "mine", "closed", "all"
_NOT_CLOSED = "status:open status:triaged status:in_progress"
_STATUS = re.compile(r"(^|\s)-?status:", re.IGNORECASE)
SEVERITIES = ("MEDIUM", "HIGH", "CRITICAL", "LOW")
_DEEDS = (
    ("take", "take them"),
    ("start", "start work"),
    ("finish", "close them"),
    ("reopen", "open them again"),
    ("assign", "give them to somebody…"),
    ("severity", "choose another severity…"),
    ("comment", "comment on them…"),
)


class IncidentsView(Triage, TabbedList["Incident"]):
    CONTEXTS = ("incident", "list", "tabs")
    TOPICS = frozenset({"incidents"})
    TITLE = "Incidents"
    HINT = "severity:high  process:backup*  -assignee:ada  opened:<2h  or words"
    EMPTY = Empty("No incident is open: nothing needs you now", "]  shows your own, closed and all of them")
    COLUMNS = (
        Column("severity", "severity", 10, priority=0, sortable=True),
        Column("ref", "id", 7, priority=0),
        Column("status", "status", 9, priority=1),
        Column("title", "what", 22, flex=6, priority=0),
        Column("seen", "seen", 6, align="right", priority=5, quiet=True),
        Column("assignee", "with", 8, flex=1, most=14, priority=2),
        Column("department", "for", 8, flex=1, most=14, priority=4),
        Column("updated", "changed", 7, align="right", priority=6, sortable=True, quiet=True),
        Column("opened", "age", 6, align="right", priority=0, sortable=True),
    )
    SORTS = {"severity": "severity", "updated": "updated_at", "opened": "opened_at"}
    SORT = ("severity", True)

    TABS = (OPEN, MINE, CLOSED, ALL)
    NEEDS: ClassVar[Mapping[str, str]] = {**Triage.NEEDS, "mute": "operate"}

    def __init__(self, desk: Desk, query: Mapping[str, Any] | None = None, *, tab: str = "") -> None:
        super().__init__(desk, query, tab=tab)
        self._counts = CountsLine(id="counts")

    def compose(self) -> ComposeResult:
        yield self._counts
        yield from super().compose()

    def loaded(self) -> None:
        begin(self, self._count, group="count", exclusive=True)

    async def _count(self) -> None:
        """The figures come after the rows: nobody should wait for them."""
        from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

        try:
            stats = await self.client.incidents.stats()
        except TrackdeskError as error:
            self._counts.put([(Toned(f"not counted: {error.detail}", "late"), 0)])
        else:
            self._counts.put(open_counts(stats, Look.of(self.app), self.desk.now()))

    # -- rows ------------------------------------------------------------------------------------------------------

    async def fetch(self, query: dict[str, Any]) -> Page[Incident]:
        said = self._of_tab()
        if said:
            # After what was typed, so that an error names the place in that.
            query["q"] = f"{query['q']} {said}" if "q" in query else said
        return await self.client.incidents.list(query)

    def _of_tab(self) -> str:
        """What the tab adds to the filter; a status that is asked for by name is not narrowed by it."""
        by_status = "" if _STATUS.search(self.expression) else _NOT_CLOSED
        if self.tab == MINE:
            return f'assignee:"{self.me}" {by_status}'.strip()
        if self.tab == CLOSED:
            return "status:closed" if by_status else ""
        return by_status if self.tab == OPEN else ""

    async def fetch_one(self, ref: str) -> Incident:
        return await self.client.incidents.get(ref)

    def row(self, item: Incident) -> Row:
        return incident_row(item, self.me)

    def name_of(self, item: Incident) -> str:
        return item.ref

    def place_of(self, item: Incident) -> IncidentView:
        return IncidentView(self.desk, item.id, history=self.history)

    def curl_of(self, items: Sequence[Incident]) -> str:
        return self.incident_curl(items)

    # -- triage ----------------------------------------------------------------------------------------------------

    def chosen(self) -> Sequence[Incident]:
        return self.targets

    def put_incident(self, incident: Incident) -> None:
        self.put(incident)
        # It may belong to another tab by now, or to another place in the order.
        self.reload()

    def clear_choice(self) -> None:
        self.table.clear_marks()

    def people(self) -> list[str]:
        rows: list[Any] = [row.data for row in self.table.rows.loaded]
        return sorted({each.assignee for each in rows if each.assignee} - {self.me})

    def why_not(self, action: str) -> str | None:
        if action == "all" and not len(self.table.rows):
            return "the list is empty"
        if action == "about":
            one = self.selected
            if one is None:
                return "the list is empty"
            return None if leads_somewhere(one) else f"{one.ref} is about no run, process, rule or service"
        if action == "mute" and self.selected is None:
            return "the list is empty"
        return super().why_not(action)

    def do_about(self) -> None:
        from trackdesk.screens.leads import about_incident  # noqa: PLC0415 - these lead to their incidents as well

        view = None if self.selected is None else about_incident(self.desk, self.selected)
        if view is not None:
            self.post_message(self.Open(view))

    async def do_mute(self) -> None:
        if self.selected is not None and await mute(self, match_of_incident(self.selected)):
            self.reload(at_once=True)

    async def do_all(self) -> None:
        """One deed for everything that the filter matches, also for what is not loaded yet."""
        query = {**self.query_of(CHUNK), "sort": "-opened_at"}
        page = await self.attempt(self.fetch(query))
        if page is None:
            return
        if page.meta.next is not None:
            self.post_message(self.Say(f"A act on all: at most {CHUNK:,} at a time; narrow the filter", "late"))
            return
        said = f"the {len(page.data)} that match /{self.expression}" if self.expression else f"all {len(page.data)}"
        answer = await self.ask(ChooseDialog(f"What to do with {said}", list(_DEEDS)))
        if answer == "assign":
            await self.assign(page.data)
        elif answer == "severity":
            await self.choose_severity(page.data)
        elif answer == "comment":
            await self.comment(page.data)
        elif answer is not None:
            verb = dict(_DEEDS)[answer]
            done = {"take": "taken", "start": "in work", "finish": "closed", "reopen": "open again"}[answer]
            await self.perform(page.data, self.plain_deeds()[answer], verb.removesuffix(" them"), done)

    async def do_new(self) -> None:
        async def save(values: Values) -> Errors:
            body = {name: value for name, value in values.items() if value}
            return await self.submit(self.client.incidents.report(body))

        fields = [
            Field("title", "what is wrong", hint="in one line", required=True),
            Field("severity", "severity", "MEDIUM", choices=SEVERITIES),
            Field("description", "more about it"),
            Field("process", "process", hint="one that exists, or nothing"),
            Field("service", "service"),
            Field("department", "department", hint="that of the process, else default"),
        ]
        if await self.ask(FormDialog("Report an incident", fields, submit=save)) is not None:
            self.post_message(self.Say("The incident is open"))
            self.reload(at_once=True)


def incident_row(item: Incident, me: str) -> Row:
    """An incident as lists show it."""
    closed = item.status == "CLOSED"
    with_whom = Toned(item.assignee or "nobody", "run" if item.assignee == me else "new" if item.assignee else "dim")
    return Row(
        str(item.id),
        {
            "severity": glyphs.severity(item.severity),
            "ref": item.ref,
            "status": glyphs.incident_status(item.status),
            "title": Toned(item.title, "dim") if closed else item.title,
            "seen": f"{item.occurrences}x" if item.occurrences > 1 else None,
            "assignee": with_whom,
            "department": item.department,
            "updated": age(item.updated_at),
            "opened": age(item.opened_at),
        },
        item,
    )
