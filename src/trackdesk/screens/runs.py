"""The list of runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.listing import ListPlace
from trackdesk.screens.run_deeds import complete_runs, fail_runs, start_run
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.cells import Budget, age, ago, due
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Mark, Toned
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.page import Page
    from trackdesk.domain.run import Run
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.view import View


class RunsView(ListPlace["Run"]):
    CONTEXTS = ("run", "list")
    TOPICS = frozenset({"runs", "progress"})
    TITLE = "Runs"
    HINT = "status:failed  deadline:missed  process:backup*  tag:env=prod  started:<2h"
    EMPTY = Empty("No run yet: n starts one by hand, a script starts one with", "trackdesk start nightly-backup")
    SORTS: ClassVar[Mapping[str, str]] = {
        "started": "started_at",
        "due": "deadline",
        "took": "duration",
    }
    SORT = ("started", True)
    NEEDS: ClassVar[Mapping[str, str]] = {
        "new": "ingest",
        "finish": "ingest",
        "fail": "ingest",
        "extend": "ingest",
        "delete": "operate",
    }
    COLUMNS = (
        Column("status", "status", 9, priority=0),
        Column("process", "process", 14, flex=3, priority=0, most=40),
        Column("id", "run", 14, flex=1, priority=2, most=24),
        Column("started", "started", 8, align="right", priority=3, sortable=True),
        Column("took", "took", 6, align="right", priority=2, sortable=True),
        Column("deadline", "deadline", 11, priority=3),
        Column("due", "due", 8, align="right", priority=1, sortable=True),
        Column("budget", "budget used", 16, flex=1, priority=5, most=26),
        Column("progress", "progress", 12, align="right", priority=4),
        Column("tags", "tags", 10, flex=2, priority=6, most=40),
    )

    async def fetch(self, query: dict[str, Any]) -> Page[Run]:
        if query.get("sort", "").endswith("deadline") and "status" not in query:
            # Deadlines only order what is still running; that is also what one wants to see.
            query["status"] = "ACTIVE"
        return await self.client.runs.list(query)

    async def fetch_one(self, ref: str) -> Run:
        return await self.client.runs.get(ref)

    def row(self, item: Run) -> Row:
        return run_row(item)

    def place_of(self, item: Run) -> View:
        from trackdesk.screens.run import RunView  # noqa: PLC0415 - each screen is loaded when it is gone to

        return RunView(self.desk, item.uid)

    def curl_of(self, items: Sequence[Run]) -> str:
        if len(items) == 1:
            return curl(self.client, "GET", f"/v1/runs/{items[0].uid}")
        return curl(self.client, "GET", "/v1/runs")

    def why_not(self, action: str) -> str | None:
        refusal = super().why_not(action)
        if refusal is None and action in ("finish", "fail", "extend", "delete"):
            targets = self.targets
            if not targets:
                return "the list is empty"
            if action != "delete" and all(run.status != "ACTIVE" for run in targets):
                ended = "has ended" if len(targets) == 1 else "have all ended"
                return f"{targets[0].process if len(targets) == 1 else 'these runs'} {ended}"
            if action == "extend" and len(targets) > 1:
                return "one run at a time; esc clears the marks"
        return refusal

    async def do_new(self) -> None:
        run = await start_run(self, self.selected.process if self.selected is not None else "")
        if run is not None:
            self.reload(at_once=True)

    async def do_finish(self) -> None:
        self._put(await complete_runs(self, self.targets))

    async def do_fail(self) -> None:
        self._put(await fail_runs(self, self.targets))

    async def do_extend(self) -> None:
        from trackdesk.screens.extend import extend_deadline  # noqa: PLC0415

        run = self.selected
        if run is not None and await extend_deadline(self, run):
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        targets = self.targets
        named = f"{targets[0].process} {targets[0].id}" if len(targets) == 1 else f"{len(targets)} runs"
        if not await self.ask(ConfirmDialog(f"Delete {named}?", "Its log goes with it. Its incidents stay.")):
            return
        await self.attempt(self._delete(targets), f"Deleted {named}")
        self.reload(at_once=True)

    async def _delete(self, runs: list[Run]) -> None:
        await asyncio.gather(*(self.client.runs.delete(run.uid) for run in runs))

    def _put(self, runs: Sequence[Run]) -> None:
        for run in runs:
            self.put(run)
        if runs:
            self.table.clear_marks()


def run_row(run: Run) -> Row:
    return Row(run.uid, cells_of(run), run)


def cells_of(run: Run) -> dict[str, Cell]:
    """The cells of a run by column, for every list that shows runs."""
    active = run.status == "ACTIVE"
    budget = Budget(run.started_at, run.deadline) if active and run.deadline is not None else None
    took: Cell = age(run.started_at) if active else ""
    if run.duration is not None:
        took = when.span(run.duration)
    return {
        "status": status_mark(run),
        "process": run.process,
        "id": run.id,
        "started": ago(run.started_at),
        "took": took,
        "deadline": deadline_mark(run) or "",
        "due": due(run.deadline) if active else "",
        "budget": budget,
        "progress": progress_words(run),
        "tags": Toned(" ".join(f"{key}={value}" for key, value in run.tags.items()), "dim"),
    }


def status_mark(run: Run) -> Mark:
    return Mark("?", "stalled", "late", "?") if run.stalled else glyphs.run_status(run.status)


def deadline_mark(run: Run) -> Mark | None:
    """How it stands with its deadline; a run that ended without completing has only something to say when it was
    late."""
    if run.deadline_status is None or (run.status in ("FAILED", "SKIPPED") and run.deadline_status != "MISSED"):
        return None
    return glyphs.deadline_status(run.deadline_status)


def progress_words(run: Run) -> str:
    """`88/120 73%`, or what there is of it."""
    progress = run.progress
    if progress is None:
        return ""
    if not progress.total:
        return f"{progress.done:,}" if progress.done else ""
    return f"{progress.done:,}/{progress.total:,} {min(progress.done * 100 // progress.total, 100)}%"
