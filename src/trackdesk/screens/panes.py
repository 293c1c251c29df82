"""The panes of the Overview: what each reads, how a row looks, what enter opens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar, cast

from trackdesk.screens.processes import cells_of, process_of
from trackdesk.screens.runs import progress_words, status_mark
from trackdesk.screens.strip import strip
from trackdesk.widgets import glyphs
from trackdesk.widgets.cells import Budget, age, due
from trackdesk.widgets.columns import Column
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from trackdesk.client import Client
    from trackdesk.domain.incident import Incident
    from trackdesk.domain.notification import Notification
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import Run
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.look import Look
    from trackdesk.widgets.view import View

T = TypeVar("T")

MOST = 50
"""Rows of a pane at most; the section of its own has the rest."""

_LATELY = 10
"""Runs of a process that a pane draws; the list of processes draws twice as many."""


@dataclass(frozen=True, slots=True)
class Pane(Generic[T]):
    name: str
    title: str
    columns: Sequence[Column]
    empty: Empty
    fetch: Callable[[Client, int], Awaitable[tuple[list[T], int | None]]]
    """Given the time: the items, and how many there are in all."""
    row: Callable[[T, Look], Row]
    place_of: Callable[[Desk, T], View]


_NOT_CLOSED = ("OPEN", "TRIAGED", "IN_PROGRESS")


async def _open_incidents(client: Client, now: int) -> tuple[list[Incident], int | None]:
    del now
    page = await client.incidents.list({"status": _NOT_CLOSED, "sort": "-severity", "limit": MOST})
    return page.data, page.meta.total


def _incident_row(incident: Incident, look: Look) -> Row:
    severity = glyphs.severity(incident.severity)
    return Row(
        str(incident.id),
        {
            "severity": look.mark(severity, glyph_only=True),
            "ref": Toned(incident.ref, severity.role),
            "title": incident.title,
            "who": Toned(incident.assignee, "run") if incident.assignee else glyphs.incident_status(incident.status),
            "age": age(incident.opened_at),
        },
        incident,
    )


def _incident(desk: Desk, incident: Incident) -> View:
    from trackdesk.screens.incident import IncidentView  # noqa: PLC0415 - each screen is loaded when it is gone to

    return IncidentView(desk, incident.id)


async def _next_to_miss(client: Client, now: int) -> tuple[list[Run | Process], int | None]:
    """Runs by their deadline, and among them the processes that are expected to start."""
    from trackdesk.domain.instant import format_instant  # noqa: PLC0415 - loaded by now

    after = format_instant(now)
    runs, processes = await asyncio.gather(
        client.runs.list({"status": "ACTIVE", "deadline_after": after, "sort": "deadline", "limit": MOST}),
        client.processes.list({"sort": "next_expected_at", "limit": MOST}),
    )
    expected = [each for each in processes.data if each.next_expected_at is not None and each.state != "MISSING"]
    board: list[Run | Process] = sorted([*runs.data, *expected], key=_due_at)
    return board[:MOST], None if runs.meta.total is None else runs.meta.total + len(expected)


def _is_expected(item: Run | Process) -> TypeGuard[Process]:
    return hasattr(item, "next_expected_at")


def _due_at(item: Run | Process) -> int:
    return (item.next_expected_at if _is_expected(item) else cast("Run", item).deadline) or 0


def _next_row(item: Run | Process, look: Look) -> Row:
    return _expected_row(item, look) if _is_expected(item) else _run_row(cast("Run", item), look)


def _expected_row(process: Process, look: Look) -> Row:
    at = process.next_expected_at
    since = process.last_run_at or process.updated_at
    cells: dict[str, Cell] = {
        "process": f"{look.pick('○', 'o')} {process.name}",
        "id": Toned("expected", "dim"),
        # That a start draws near is nothing bad: only past it, it is late.
        "budget": Budget(min(since, at), at, warn_at=1.0) if at is not None else None,
        "due": due(at),
        "progress": Toned("to start", "dim"),
    }
    return Row(f"expected {process.name}", cells, process)


def _run_row(run: Run, look: Look) -> Row:
    budget = Budget(run.started_at, run.deadline) if run.deadline is not None else None
    cells: dict[str, Cell] = {
        "process": f"{look.pick('▶', '>')} {run.process}",
        "id": Toned(run.id, "dim"),
        "budget": budget,
        "due": due(run.deadline),
        "progress": progress_words(run) or status_mark(run),
    }
    return Row(run.uid, cells, run)


def _next(desk: Desk, item: Run | Process) -> View:
    from trackdesk.screens.run import RunView  # noqa: PLC0415 - each screen is loaded when it is gone to

    return process_of(desk, item.name) if _is_expected(item) else RunView(desk, cast("Run", item).uid)


async def _processes(client: Client, now: int) -> tuple[list[Process], int | None]:
    """Those in trouble first, then those that ran last."""
    del now
    troubled, recent = await asyncio.gather(
        client.processes.list({"state": ["FAILING", "MISSING", "LATE"], "sort": "-last_run_at", "limit": MOST}),
        client.processes.list({"sort": "-last_run_at", "limit": MOST // 2}),
    )
    known = {process.name for process in troubled.data}
    order = {"FAILING": 0, "MISSING": 1, "LATE": 2}
    first = sorted(troubled.data, key=lambda process: order.get(process.state, 3))
    return first + [process for process in recent.data if process.name not in known], recent.meta.total


def _process_row(process: Process, look: Look) -> Row:
    return Row(process.name, cells_of(process, look) | {"strip": strip(process.recent, look, _LATELY)}, process)


async def _unread(client: Client, now: int) -> tuple[list[Notification], int | None]:
    del now
    page = await client.notifications.list({"unread": True, "limit": MOST})
    return page.data, page.meta.total


def _notification_row(notification: Notification, look: Look) -> Row:
    severity = glyphs.severity(notification.severity) if notification.severity else glyphs.UNREAD
    cells: dict[str, Cell] = {
        "mark": look.mark(severity, glyph_only=True),
        "title": notification.title,
        "department": Toned(notification.department, "dim"),
        "age": age(notification.created_at),
    }
    return Row(str(notification.id), cells, notification)


def _notification(desk: Desk, notification: Notification) -> View:
    from trackdesk.screens.notification import NotificationView  # noqa: PLC0415 - loaded when it is gone to

    return NotificationView(desk, notification.id)


PANES: tuple[Pane[Any], ...] = (
    Pane(
        "needs",
        "Needs a person",
        (
            Column("severity", "", 1, priority=0),
            Column("ref", "incident", 7, priority=1),
            Column("title", "what", 26, flex=1, priority=0),
            Column("who", "who", 9, priority=2),
            Column("age", "age", 6, align="right", priority=1),
        ),
        Empty("Nobody is needed", "no incident is open"),
        _open_incidents,
        _incident_row,
        _incident,
    ),
    Pane(
        "next",
        "Next to miss",
        (
            Column("process", "process", 18, flex=2, priority=0, most=32),
            Column("id", "run", 8, flex=1, priority=4, most=16),
            Column("budget", "budget used", 13, flex=1, priority=1, most=24),
            Column("due", "due", 8, align="right", priority=0),
            Column("progress", "progress", 12, align="right", priority=3),
        ),
        Empty("Nothing is due", "no run with a deadline is under way, nothing is expected to start"),
        _next_to_miss,
        _next_row,
        _next,
    ),
    Pane(
        "processes",
        "Processes, the troubled first",
        (
            Column("state", "state", 9, priority=0),
            Column("name", "process", 14, flex=2, priority=0, most=32),
            Column("strip", "last 10", _LATELY, priority=3),
            Column("well", "well", 4, align="right", priority=2),
            Column("last", "last run", 8, align="right", priority=1),
        ),
        Empty("No process has run yet"),
        _processes,
        _process_row,
        lambda desk, process: process_of(desk, process.name),
    ),
    Pane(
        "inbox",
        "Inbox, unread",
        (
            Column("mark", "", 1, priority=0),
            Column("title", "what", 36, flex=1, priority=0),
            Column("department", "for", 8, priority=3),
            Column("age", "age", 6, align="right", priority=1),
        ),
        Empty("All read"),
        _unread,
        _notification_row,
        _notification,
    ),
)
