"""The clock as a value that is handed in, so that every decision has one `now` and tests choose it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    """Two clocks and the waiting on them."""

    def now(self) -> int:
        """Wall-clock time, µs since 1970-01-01T00:00Z. It may jump."""
        ...

    def monotonic(self) -> int:
        """µs from an arbitrary start; never goes back, doesn't count suspended time."""
        ...

    async def wait(self, event: asyncio.Event, timeout: int) -> bool:
        """Wait until `event` is set (true) or `timeout` µs of monotonic time have passed (false)."""
        ...
