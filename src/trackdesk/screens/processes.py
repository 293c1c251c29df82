"""The processes: how each kind of work goes, and what is expected of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.listing import ListPlace
from trackdesk.screens.run_deeds import start_run
from trackdesk.screens.strip import LENGTH, strip
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.cells import ago
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.page import Page
    from trackdesk.domain.process import Process
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.forms import Errors, Values
    from trackdesk.widgets.view import View

COLUMNS = (
    Column("state", "state", 9, priority=0),
    Column("name", "process", 16, flex=3, priority=0, most=40, sortable=True),
    Column("strip", "last 20", LENGTH, priority=1),
    Column("last", "last run", 8, align="right", priority=1, sortable=True),
    Column("active", "active", 6, align="right", priority=4),
    Column("well", "well", 6, align="right", priority=3),
    Column("late", "late", 6, align="right", priority=4),
    Column("deadline", "deadline", 8, align="right", priority=2),
    Column("department", "department", 10, flex=1, priority=5, most=18),
    Column("category", "category", 8, flex=1, priority=6, most=18),
)


class ProcessesView(ListPlace["Process"]):
    CONTEXTS = ("process", "list")
    TOPICS = frozenset({"processes", "runs"})
    TITLE = "Processes"
    HINT = "state:late  name:backup*  department:ops"
    EMPTY = Empty("A process is made by its first run", "trackdesk run nightly-backup --deadline 30m -- ./backup.sh")
    SORTS: ClassVar[Mapping[str, str]] = {"name": "name", "last": "last_run_at"}
    SORT = ("name", False)
    NEEDS: ClassVar[Mapping[str, str]] = {"edit": "operate", "new": "ingest"}
    COLUMNS = COLUMNS

    async def fetch(self, query: dict[str, Any]) -> Page[Process]:
        return await self.client.processes.list(query)

    async def fetch_one(self, ref: str) -> Process:
        return await self.client.processes.get(ref)

    def row(self, item: Process) -> Row:
        return Row(item.name, cells_of(item, Look.of(self.app)), item)

    def place_of(self, item: Process) -> View:
        return runs_of(self.desk, item.name)

    def curl_of(self, items: Sequence[Process]) -> str:
        if len(items) == 1:
            return curl(self.client, "GET", f"/v1/processes/{items[0].name}")
        return curl(self.client, "GET", "/v1/processes")

    def why_not(self, action: str) -> str | None:
        if action == "edit" and self.table.selected is None:
            return "the list is empty"
        return super().why_not(action)

    async def do_new(self) -> None:
        if await start_run(self, self.selected.name if self.selected is not None else "") is not None:
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        chosen = self.selected
        if chosen is None:
            return
        process = await self.attempt(self.client.processes.get(chosen.name))
        if process is not None and await self.ask(self._form(process)) is not None:
            self.post_message(self.Say(f"Saved {process.name}"))
            self.reload(at_once=True)

    def _form(self, process: Process) -> FormDialog:
        async def save(values: Values) -> Errors:
            body = changes(process, values)
            if not body:
                return {}
            return await self.submit(self.client.processes.patch(process.name, body, if_match=process.version))

        return FormDialog(f"Settings of {process.name}", settings_fields(process), submit=save)


def runs_of(desk: Desk, process: str) -> View:
    """The runs of one process."""
    from trackdesk.screens.runs import RunsView  # noqa: PLC0415 - each screen is loaded when it is gone to

    class _Runs(RunsView):
        @property
        def heading(self) -> str:
            return process

    return _Runs(desk, {"process": process})


def cells_of(process: Process, look: Look) -> dict[str, Cell]:
    runs = process.runs
    return {
        "state": glyphs.process_state(process.state),
        "name": process.name,
        "strip": strip(process.recent, look),
        "last": ago(process.last_run_at),
        "active": Toned(f"{runs.active:,}", "run") if runs.active else "",
        "well": f"{runs.success_rate:.0%}" if runs.success_rate is not None else "",
        "late": Toned(f"{runs.late:,}", "late") if runs.late else "",
        "deadline": when.span(process.default_deadline) if process.default_deadline is not None else "",
        "department": process.department or "",
        "category": Toned(process.category or "", "dim"),
    }


_YES, _NO = "yes", "no"


def settings_fields(process: Process) -> list[Field]:
    return [
        Field("default_deadline", "deadline", _duration(process.default_deadline), "30m; empty: none"),
        Field("warn_at", "warn at", f"{process.warn_at:g}", "the share of the deadline: 0.75", check=_share),
        Field("heartbeat_timeout", "heartbeat", _duration(process.heartbeat_timeout), "2m; empty: none expected"),
        Field("auto_close", "closes itself", _YES if process.auto_close else _NO, choices=(_YES, _NO)),
        Field("incident_per", "incident per", process.incident_per, choices=("process", "run")),
        Field("department", "department", process.department or "", "who is told; empty: default"),
        Field("runbook_url", "runbook", process.runbook_url or "", "https://wiki.example/backup"),
        Field("category", "category", process.category or ""),
        Field("service", "service", process.service or ""),
        Field("description", "description", process.description or ""),
    ]


def changes(process: Process, values: Mapping[str, str]) -> dict[str, Any]:
    """What of the form differs from how `process` stands, as the body of a PATCH."""
    before = {field.name: field.value for field in settings_fields(process)}
    body: dict[str, Any] = {}
    for name, value in values.items():
        if value == before[name]:
            continue
        match name:
            case "warn_at":
                body[name] = float(value) if value else None
            case "auto_close":
                body[name] = value == _YES
            case _:
                body[name] = value or None
    return body


def _duration(micros: int | None) -> str:
    from trackdesk.domain.instant import format_duration  # noqa: PLC0415 - loaded by now

    return "" if micros is None else format_duration(micros)


def _share(text: str) -> str | None:
    try:
        fits = 0 <= float(text) <= 1
    except ValueError:
        fits = False
    return None if fits else f"expected a number from 0 to 1, not {text!r}"
