"""What needs a person, in words, for the header of every screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from trackdesk.widgets.glyphs import Toned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackdesk.domain.summary import Summary
    from trackdesk.screens.desk import Desk

EVERY = 1.0
"""Seconds from one count to the next while news keeps coming in."""


def counters_of(summary: Summary) -> list[Toned]:
    """The most important first; what is zero is left out."""
    runs, deliveries = summary.runs, summary.deliveries
    missing = summary.processes.get("MISSING", 0)
    counted = [
        (summary.incidents.open, f"{summary.incidents.open:,} open", "fail", True),
        (runs.missed, f"{runs.missed:,} late", "late", True),
        (missing, f"{missing:,} missing", "fail", True),
        (runs.stalled, f"{runs.stalled:,} stalled", "late", True),
        (deliveries.get("DEAD", 0), f"{deliveries.get('DEAD', 0):,} untold", "fail", True),
        (summary.unread, f"inbox {summary.unread:,}", "run", False),
    ]
    said = [Toned(text, role, bold) for count, text, role, bold in counted if count]  # type: ignore[arg-type]
    return said or [Toned("all is well", "ok")]


class Counters:
    """Asks for the summary when news came in, once a second at most."""

    def __init__(self, desk: Desk, show: Callable[[Sequence[Toned]], None]) -> None:
        self._desk = desk
        self._show = show
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    async def run(self) -> None:
        from trackdesk.domain.errors import TrackdeskError

        client = await self._desk.ready()
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                self._desk.summary = await client.stats.summary()
            except TrackdeskError:
                # The header says already that the server is away, or the screens why it refuses.
                self._show([])
            else:
                self._show(counters_of(self._desk.summary))
            await asyncio.sleep(EVERY)
