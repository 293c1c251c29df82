"""The list of processes: how each stands, when it is expected, how its last runs went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.expectation import change_expectation
from trackdesk.screens.listing import ListPlace
from trackdesk.screens.muting import mute
from trackdesk.screens.process_deeds import change_settings, delete_processes, pause_or_resume
from trackdesk.screens.run_deeds import start_run
from trackdesk.screens.strip import LENGTH, strip
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.cells import Clocked, ago, due
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.look import Look
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.page import Page
    from trackdesk.domain.process import Process
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.view import View

COLUMNS = (
    Column("state", "state", 9, priority=0),
    Column("name", "process", 19, flex=3, priority=0, most=36, sortable=True),
    Column("expected", "expected", 9, align="right", priority=1, sortable=True),
    Column("strip", "last 20", LENGTH, priority=1),
    Column("well", "well", 5, align="right", priority=1),
    Column("p90", "p90", 6, align="right", priority=2),
    Column("last", "last run", 8, align="right", priority=3, sortable=True),
    Column("late", "late", 5, align="right", priority=4),
    Column("schedule", "schedule", 12, flex=1, priority=4, most=26),
    Column("unusual", "unusual", 11, priority=5),
    Column("active", "active", 6, align="right", priority=6),
    Column("deadline", "deadline", 8, align="right", priority=6),
    Column("department", "department", 10, flex=1, priority=7, most=18),
    Column("category", "category", 8, flex=1, priority=8, most=18),
)


class ProcessesView(ListPlace["Process"]):
    CONTEXTS = ("process", "list")
    TOPICS = frozenset({"processes", "runs"})
    TITLE = "Processes"
    HINT = "state:missing  name:backup*  department:ops"
    EMPTY = Empty("A process is made by its first run", "trackdesk run nightly-backup --deadline 30m -- ./backup.sh")
    SORTS: ClassVar[Mapping[str, str]] = {"name": "name", "last": "last_run_at", "expected": "next_expected_at"}
    SORT = ("name", False)
    NEEDS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("edit", "extend", "pause", "delete", "mute"), "operate"),
        "new": "ingest",
    }
    COLUMNS = COLUMNS

    async def fetch(self, query: dict[str, Any]) -> Page[Process]:
        return await self.client.processes.list(query)

    async def fetch_one(self, ref: str) -> Process:
        return await self.client.processes.get(ref)

    def row(self, item: Process) -> Row:
        return Row(item.name, cells_of(item, Look.of(self.app)), item)

    def place_of(self, item: Process) -> View:
        return process_of(self.desk, item.name)

    def curl_of(self, items: Sequence[Process]) -> str:
        if len(items) == 1:
            return curl(self.client, "GET", f"/v1/processes/{items[0].name}")
        return curl(self.client, "GET", "/v1/processes")

    def why_not(self, action: str) -> str | None:
        if action in ("edit", "extend", "pause", "delete", "mute", "about") and self.table.selected is None:
            return "the list is empty"
        return super().why_not(action)

    async def do_new(self) -> None:
        if await start_run(self, self.selected.name if self.selected is not None else "") is not None:
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        process = await self._fresh()
        if process is not None and await change_settings(self, process):
            self._saved(process)

    async def do_extend(self) -> None:
        process = await self._fresh()
        if process is not None and await change_expectation(self, process):
            self._saved(process)

    async def do_pause(self) -> None:
        if await pause_or_resume(self, self.targets):
            self.table.clear_marks()
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        if done := await delete_processes(self, self.targets):
            self.post_message(self.Say(done))
            self.table.clear_marks()
            self.reload(at_once=True)

    async def do_mute(self) -> None:
        await mute(self, {"process": [each.name for each in self.targets]})

    def do_about(self) -> None:
        if self.selected is not None:
            self.post_message(self.Open(runs_of(self.desk, self.selected.name)))

    async def _fresh(self) -> Process | None:
        """The process under the cursor as it stands now: what is edited must not be old."""
        chosen = self.selected
        return None if chosen is None else await self.attempt(self.client.processes.get(chosen.name))

    def _saved(self, process: Process) -> None:
        self.post_message(self.Say(f"Saved {process.name}"))
        self.reload(at_once=True)


def process_of(desk: Desk, process: str) -> View:
    """One process."""
    from trackdesk.screens.process import ProcessView  # noqa: PLC0415 - each screen is loaded when it is gone to

    return ProcessView(desk, process)


def runs_of(desk: Desk, process: str) -> View:
    """The runs of one process."""
    from trackdesk.screens.runs import RunsView  # noqa: PLC0415 - each screen is loaded when it is gone to

    class _Runs(RunsView):
        @property
        def heading(self) -> str:
            return f"runs of {process}"

    return _Runs(desk, {"process": process})


def cells_of(process: Process, look: Look) -> dict[str, Cell]:
    runs = process.runs
    return {
        "state": glyphs.process_state(process.state),
        "name": process.name,
        "expected": expected_cell(process),
        "strip": strip(process.recent, look),
        "well": f"{runs.success_rate:.0%}" if runs.success_rate is not None else "",
        "p90": when.rounded(runs.p90) if runs.p90 is not None else "",
        "last": ago(process.last_run_at),
        "late": Toned(f"{runs.late:,}", "late") if runs.late else "",
        "schedule": Toned(schedule_words(process), "dim"),
        "unusual": Toned(", ".join(_SHORT.get(each, each) for each in process.unusual), "late"),
        "active": Toned(f"{runs.active:,}", "run") if runs.active else "",
        "deadline": when.span(process.default_deadline) if process.default_deadline is not None else "",
        "department": process.department or "",
        "category": Toned(process.category or "", "dim"),
    }


_SHORT = {"longer than p99": "over p99"}


def expected_cell(process: Process) -> Cell:
    """`in 12m`, `late 3h` while it has not come; of a paused one when it goes on by itself."""
    if process.state == "PAUSED":
        return Clocked(process.paused_until, _back)
    return due(process.next_expected_at)


def _back(at: int | None, now: int) -> Toned:
    return Toned("" if at is None or at <= now else f"back {when.nearest(at - now)}", "dim")


def schedule_words(process: Process) -> str:
    """`02:00 Europe/Berlin`, `every 15m`; nothing without a schedule."""
    from trackdesk.domain.schedule import describe  # noqa: PLC0415 - loaded by now

    return "" if process.schedule is None else describe(process.schedule)
