"""How the work goes: runs a minute over the last hour, and the share of late ones over the last day."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from trackdesk.widgets import when
from trackdesk.widgets.budget import sparkline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.client import Client
    from trackdesk.widgets.look import Look

_HOUR, _DAY = 60, 48
"""Values read: a minute each, half an hour each."""
_WORDS = 52
"""Cells of the line beside its two sparklines, at most."""


@dataclass(frozen=True, slots=True)
class Pulse:
    ended: Sequence[int]
    """Runs that ended in each minute of the last hour; the last minute is not over yet."""
    late: Sequence[float | None]
    """Per cent of missed runs in each half hour of the last day; None where none ended."""
    late_today: float | None


async def pulse(client: Client, now: int) -> Pulse:
    """Raises what the client raises."""
    from trackdesk.domain.instant import format_instant  # noqa: PLC0415 - loaded by now

    hour, day = await asyncio.gather(
        client.stats.runs({"from": format_instant(now - when.HOUR), "to": format_instant(now), "bucket": "minute"}),
        client.stats.runs({"from": format_instant(now - when.DAY), "to": format_instant(now), "bucket": "30m"}),
    )
    return Pulse(
        [each.count for each in hour.data][-_HOUR - 1 :],
        [each.missed_percent for each in day.data][-_DAY:],
        day.meta.totals[0].missed_percent,
    )


def spark_line(found: Pulse, look: Look, width: int) -> Text:
    """One line of at most `width` cells."""
    room = max(width - _WORDS, 10)
    minutes, halves = min(room * 5 // 9, _HOUR), min(room * 4 // 9, _DAY)
    plain = look.ascii_only
    line = Text("  Runs a minute  ", look.role("dim"), no_wrap=True, overflow="ellipsis")
    line.append(sparkline(found.ended, minutes, low=0.0, ascii_only=plain), look.role("run"))
    line.append(f"  last {found.ended[-2] if len(found.ended) > 1 else 0:,}", look.role("new"))
    line.append("     Late %  ", look.role("dim"))
    line.append(sparkline(found.late, halves, low=0.0, ascii_only=plain), look.role("late"))
    if found.late_today is not None:
        line.append(f"  {found.late_today:.1f} in 24 h", look.role("new"))
    return line
