"""One run: how far it is, its log as it comes, what happened to it, and what can be done about it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Container

from trackdesk.screens.curl import curl
from trackdesk.screens.extend import extend_deadline
from trackdesk.screens.place import Place
from trackdesk.screens.run_deeds import complete_runs, fail_runs, start_run
from trackdesk.screens.run_head import RunHead
from trackdesk.screens.run_story import facts, story
from trackdesk.screens.runs import deadline_mark, status_mark
from trackdesk.widgets.background import begin
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.glyphs import LEVELS, Toned
from trackdesk.widgets.log_view import LogLine, LogView
from trackdesk.widgets.text_pane import TextPane
from trackdesk.widgets.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from trackdesk.domain.page import Page
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import LogLine as SentLine
    from trackdesk.domain.run import Run
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.view import Changed

_LINES = 500
"""Lines of the log read at a time."""
_STORY = 200


class RunView(Place):
    CONTEXTS = ("run", "log")
    TOPICS = frozenset({"runs", "progress", "logs"})
    NEEDS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("new", "finish", "fail", "extend"), "ingest"),
        "delete": "operate",
    }
    SCOPED_CSS = False
    """The rules ask how wide the frame is."""
    DEFAULT_CSS = """
    RunView > .panes { layout: grid; grid-size: 1 2; grid-rows: 2fr 1fr; height: 1fr; }
    RunView > .panes > TextPane { display: none; }
    .-wide RunView > .panes { grid-size: 2 2; grid-columns: 3fr 2fr; grid-rows: 1fr 1fr; grid-gutter: 0 1; }
    .-wide RunView > .panes > LogView { row-span: 2; }
    .-wide RunView > .panes > TextPane { display: block; }
    .-full RunView > .panes { grid-size: 3 1; grid-columns: 5fr 3fr 3fr; grid-rows: 1fr; grid-gutter: 0 1; }
    .-full RunView > .panes > TextPane { display: block; }
    """

    def __init__(self, desk: Desk, uid: str) -> None:
        super().__init__(desk)
        self.uid = uid
        self.run: Run | None = None
        self._process: Process | None = None
        self._last_line = 0
        self._older: str | None = None
        self._log_read = False
        self._head = RunHead()
        self._lines = LogView(title="Log", empty="It has logged nothing", now=desk.now)
        self._happened = Timeline(title="What happened", now=desk.now)
        self._facts = TextPane(title="Facts")

    @property
    def heading(self) -> str:
        return self.uid if self.run is None else f"{self.run.process} {self.run.id}"

    @property
    def status(self) -> Sequence[Toned]:
        return [*super().status, *self._state()]

    def _state(self) -> list[Toned]:
        if self.run is None:
            return []
        marks = [status_mark(self.run)]
        if (deadline := deadline_mark(self.run)) is not None and self.run.deadline_status != "ON_TRACK":
            marks.append(deadline)
        return [Toned(f"{mark.glyph} {mark.word}", mark.role, mark.role != "dim") for mark in marks]

    def compose(self) -> ComposeResult:
        yield self._head
        yield Container(self._lines, self._happened, self._facts, classes="panes")

    def tick(self) -> None:
        super().tick()
        self._head.draw(self.desk.now())

    # -- loading ---------------------------------------------------------------------------------------------------

    def changed(self, change: Changed) -> None:
        if change.resync or self.uid in change.refs:
            self.reload()

    async def load(self) -> None:
        run, journal, log = await asyncio.gather(
            self.client.runs.get(self.uid),
            self.client.journal.list({"topic": "runs", "ref": self.uid, "limit": _STORY}),
            self._read_log(),
        )
        self._process = await self.client.processes.get(run.process)
        self.run = run
        self._show_log(log)
        self._head.put(run, self._process)
        self._head.draw(self.desk.now())
        self._happened.put_entries(story(journal.data))
        self._facts.put_lines(facts(run, self._process))
        self.post_message(self.Retitled())

    async def _read_log(self, cursor: str | None = None) -> Page[SentLine]:
        query: dict[str, Any] = {"tail": True, "limit": _LINES}
        if self._lines.level != LEVELS[0]:
            query["level"] = self._lines.level
        if cursor is not None:
            query["cursor"] = cursor
        return await self.client.runs.logs(self.uid, query)

    def _show_log(self, page: Page[SentLine]) -> None:
        """Add what is new; where more came than was read, begin anew with the end."""
        fresh = [line for line in page.data if line.id > self._last_line]
        whole = not self._log_read or (len(fresh) == len(page.data) and page.meta.next is not None and fresh)
        if whole:
            self._lines.put_lines(map(_line, page.data), older=page.meta.next is not None)
            self._older = page.meta.next
        elif fresh:
            self._lines.add_lines(map(_line, fresh))
        self._log_read = True
        if page.data:
            self._last_line = max(self._last_line, page.data[-1].id)

    async def on_log_view_older_needed(self, event: LogView.OlderNeeded) -> None:
        event.stop()
        if self._older is not None:
            begin(self, partial(self._read_older, self._older), group="older", exclusive=True)

    async def _read_older(self, cursor: str) -> None:
        page = await self.attempt(self._read_log(cursor))
        if page is not None:
            self._older = page.meta.next
            self._lines.put_older(map(_line, page.data), older=page.meta.next is not None)

    def on_log_view_level_changed(self, event: LogView.LevelChanged) -> None:
        event.stop()
        self._log_read, self._last_line = False, 0
        self.reload(at_once=True)

    # -- doing -----------------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        refusal = super().why_not(action)
        if refusal is not None:
            return refusal
        if self.run is None and action in (*self.NEEDS, "copy", "copy_as"):
            return "it is still being read"
        if self.run is not None and self.run.status != "ACTIVE" and action in ("finish", "fail", "extend"):
            return f"it has ended: {status_mark(self.run).word}"
        return None

    def _now_is(self, runs: Sequence[Run]) -> None:
        if runs:
            self.run = runs[0]
            self.reload(at_once=True)

    async def do_finish(self) -> None:
        if self.run is not None:
            self._now_is(await complete_runs(self, [self.run]))

    async def do_fail(self) -> None:
        if self.run is not None:
            self._now_is(await fail_runs(self, [self.run]))

    async def do_extend(self) -> None:
        if self.run is not None and await extend_deadline(self, self.run):
            self.reload(at_once=True)

    async def do_new(self) -> None:
        run = await start_run(self, self.run.process if self.run is not None else "")
        if run is not None:
            self.post_message(self.Open(RunView(self.desk, run.uid)))

    async def do_delete(self) -> None:
        if self.run is None:
            return
        question = ConfirmDialog(f"Delete {self.heading}?", "Its log goes with it. Its incidents stay.")
        if await self.ask(question):
            await self.attempt(self._delete())

    async def _delete(self) -> None:
        await self.client.runs.delete(self.uid)
        self.post_message(self.Leave(f"Deleted {self.heading}"))

    def do_copy(self) -> None:
        self.copy(self.uid, self.uid)

    async def do_copy_as(self) -> None:
        if self.run is not None:
            await self.copy_as([self.run], start_curl(self, self.run))


def start_curl(place: Place, run: Run) -> str:
    """The curl that starts such a run again."""
    body: dict[str, Any] = {}
    if run.deadline is not None:
        from trackdesk.domain.instant import format_duration  # noqa: PLC0415 - loaded by now

        body["deadline"] = format_duration(-(-(run.deadline - run.started_at) // 1_000_000) * 1_000_000)
    given = {"tags": run.tags, "context": run.context, "category": run.category}
    body |= {name: value for name, value in given.items() if value}
    return curl(place.client, "POST", f"/v1/processes/{run.process}", body)


def _line(line: SentLine) -> LogLine:
    return LogLine(line.logged_at, str(line.level), line.message)
