"""The machine's own clocks."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """domain.clock.Clock over the wall clock and CLOCK_MONOTONIC, which stands still while the machine sleeps."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> int:
        return time.monotonic_ns() // 1000

    async def wait(self, event: asyncio.Event, timeout: int) -> bool:
        if event.is_set():
            return True
        try:
            async with asyncio.timeout(max(timeout, 0) / 1_000_000):
                await event.wait()
        except TimeoutError:
            return event.is_set()
        return True
