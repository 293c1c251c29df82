"""A clock that first runs through some days in a few seconds, and then goes on as the machine's own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class _Sleeper(NamedTuple):
    due: int
    alarm: asyncio.Future[None]


class ReplayClock:
    """`domain.clock.Clock`. It stands still between two calls of `move`, until `go_live`. All times µs.

    Both clocks move at once, on the loop of whoever waits, so that nobody ever sees one of them jump."""

    def __init__(self, start: int) -> None:
        self._now = start
        self._monotonic = time.monotonic_ns() // 1000
        self._ahead: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sleepers: list[_Sleeper] = []

    def now(self) -> int:
        return self._now if self._ahead is None else time.time_ns() // 1000

    def monotonic(self) -> int:
        return self._monotonic if self._ahead is None else time.monotonic_ns() // 1000 + self._ahead

    async def wait(self, event: asyncio.Event, timeout: int) -> bool:
        if event.is_set() or timeout <= 0:
            await asyncio.sleep(0)
            return event.is_set()
        if self._ahead is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout / 1_000_000):
                    await event.wait()
            return event.is_set()
        self._loop = asyncio.get_running_loop()
        sleeper = _Sleeper(self._monotonic + timeout, self._loop.create_future())
        self._sleepers.append(sleeper)
        ringing = asyncio.ensure_future(event.wait())
        try:
            waits: set[asyncio.Future[Any]] = {ringing, sleeper.alarm}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return event.is_set()
        finally:
            ringing.cancel()
            sleeper.alarm.cancel()
            with contextlib.suppress(ValueError):
                self._sleepers.remove(sleeper)

    async def move(self, to: int) -> None:
        """Let time pass up to the instant `to`; from any loop."""
        await self._there(lambda: self._leap(to))

    async def go_live(self) -> None:
        """From now on this is the machine's clock."""
        await self._there(self._join)

    def _leap(self, to: int) -> None:
        passed = max(0, to - self._now)
        self._now += passed
        self._monotonic += passed
        for sleeper in self._sleepers:
            if sleeper.due <= self._monotonic and not sleeper.alarm.done():
                sleeper.alarm.set_result(None)

    def _join(self) -> None:
        self._leap(time.time_ns() // 1000)
        self._ahead = self._monotonic - time.monotonic_ns() // 1000
        for sleeper in self._sleepers:  # their waits were counted by a clock that no longer stands still
            if not sleeper.alarm.done():
                sleeper.alarm.set_result(None)

    async def _there(self, change: Callable[[], None]) -> None:
        if self._loop is None:
            change()
            return
        here = asyncio.get_running_loop()
        done: asyncio.Future[None] = here.create_future()

        def tell() -> None:
            if not done.done():
                done.set_result(None)

        def run() -> None:
            change()
            here.call_soon_threadsafe(tell)

        self._loop.call_soon_threadsafe(run)
        await done
