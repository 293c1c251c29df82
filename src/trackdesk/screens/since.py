"""What happened since the console was last closed; the first time, in the last 24 hours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from trackdesk.widgets import when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.client import Client
    from trackdesk.domain.summary import Summary
    from trackdesk.screens.desk import Left
    from trackdesk.widgets.glyphs import Role
    from trackdesk.widgets.look import Look

_COUNTED = 1000
"""Journal rows counted at most; of more it says so."""


@dataclass(frozen=True, slots=True)
class Since:
    """Counts from `at` on. `late` and what became of incidents are counted to a thousand."""

    at: int
    completed: int
    failed: int
    late: int
    opened: int
    closed: int
    first: bool
    """Nothing was remembered: it is the last 24 hours."""


async def since(client: Client, left: Left | None, summary: Summary, now: int) -> Since:
    """Raises what the client raises."""
    at = now - when.DAY if left is None else left.at
    late, opened, closed = await asyncio.gather(
        _count(client, at, "runs", ["missed"]),
        _count(client, at, "incidents", ["opened", "reopened"]),
        _count(client, at, "incidents", ["closed", "cleared"]),
    )
    runs = summary.runs
    if left is None:
        return Since(at, runs.completed_24h, runs.failed_24h, runs.completed_late_24h, opened, closed, first=True)
    completed, failed = max(runs.completed - left.completed, 0), max(runs.failed - left.failed, 0)
    return Since(at, completed, failed, late, opened, closed, first=False)


async def _count(client: Client, after: int, topic: str, kinds: list[str]) -> int:
    from trackdesk.domain.instant import format_instant  # noqa: PLC0415 - loaded by now

    page = await client.journal.list({"topic": topic, "kind": kinds, "after": format_instant(after), "limit": _COUNTED})
    return len({entry.ref for entry in page.data})


def since_title(found: Since, now: int) -> str:
    if found.first:
        return "The last 24 hours"
    return f"Since you left {when.day_clock(found.at, now)}, {when.ago(found.at, now)}"


def since_line(found: Since, summary: Summary, look: Look) -> Text:
    """One line: what ended and how, what was opened and closed, whether everybody was told."""
    line = Text("  ", no_wrap=True, overflow="ellipsis")
    ended = found.completed + found.failed
    _say(line, look, [(f"{ended:,} runs ended" if ended != 1 else "1 run ended", "new")])
    _say(
        line,
        look,
        [
            (f"{found.completed:,} well", "ok") if found.completed else None,
            (f"{_many(found.late)} late", "late") if found.late else None,
            (f"{found.failed:,} failed", "fail") if found.failed else None,
        ],
        gap=f" {look.pick('·', '-')} ",
    )
    line.append("    ")
    _say(
        line,
        look,
        [
            (
                f"{_many(found.opened)} incident{'s' if found.opened != 1 else ''} opened",
                "fail" if found.opened else "dim",
            ),
            (f"{_many(found.closed)} closed", "ok") if found.closed else None,
        ],
        gap=", ",
    )
    line.append("    ")
    _say(line, look, [_told(summary.deliveries, look)])
    return line


def _say(line: Text, look: Look, parts: Sequence[tuple[str, Role] | None], gap: str = "") -> None:
    first = not line.plain.strip() or not gap
    for part in parts:
        if part is not None:
            line.append("" if first or line.plain.endswith("    ") else gap, look.role("dim"))
            line.append(part[0], look.role(part[1]))
            first = False


def _told(deliveries: dict[str, int], look: Look) -> tuple[str, Role]:
    dead, waiting = deliveries.get("DEAD", 0), deliveries.get("PENDING", 0) + deliveries.get("RETRYING", 0)
    if dead:
        return f"{look.pick('✗', 'x')} {_deliveries(dead)} dead", "fail"
    if waiting:
        return f"{_deliveries(waiting)} on the way", "late"
    return "all deliveries out", "dim"


def _deliveries(count: int) -> str:
    return "1 delivery" if count == 1 else f"{count:,} deliveries"


def _many(count: int) -> str:
    return f">{count:,}" if count >= _COUNTED else f"{count:,}"


def pulse_line(summary: Summary, look: Look) -> Text:
    """How the work goes now, and went the last 24 hours."""
    runs = summary.runs
    line = Text("  ", no_wrap=True, overflow="ellipsis")

    def say(count: int, word: str, role: Role) -> None:
        if count:
            line.append("   " if line.plain.strip() else "")
            line.append(f"{count:,} ", look.role(role, bold=True))
            line.append(word, look.role(role if role == "fail" else "dim"))

    if not runs.active:
        line.append("nothing runs", look.role("dim"))
    say(runs.active, "running", "run")
    say(runs.warning, "near due", "late")
    say(runs.missed, "late", "fail")
    say(runs.stalled, "stalled", "late")
    judged: Any = runs.completed_on_time_24h + runs.completed_late_24h
    if judged:
        line.append("     ended on time  ", look.role("dim"))
        line.append(f"{runs.completed_on_time_24h / judged:.1%}", look.role("ok", bold=True))
        line.append(" in 24 h", look.role("dim"))
    return line
