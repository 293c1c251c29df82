"""A clock that stands still until a test moves it, and the waiting on conditions that goes with it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

START = 1_790_000_000_000_000
"""2026-09-21T14:13:20Z, µs: where a fake clock stands at first."""

PATIENCE = 20.0
"""Seconds of real time until a test gives up waiting for what has to come. Only a test that fails anyway is that slow,
and a machine that others keep busy may need many times what a quiet one does."""

STOPS_WITHIN = 10.0
"""Seconds of real time until a server that was asked to end has: it means to take five, the rest is the machine's."""

_ROUNDS = 25
"""Turns of the event loop that whoever was woken gets before time moves on."""


class _Sleeper(NamedTuple):
    due: int
    order: int
    loop: asyncio.AbstractEventLoop
    alarm: asyncio.Future[None]


class FakeClock:
    """Implements `domain.clock.Clock`; `now` may be read from any thread. All times in µs."""

    def __init__(self, now: int = START) -> None:
        self._now = now
        self._monotonic = 1_000_000
        self._order = itertools.count()
        self._sleepers: list[_Sleeper] = []

    def now(self) -> int:
        return self._now

    def monotonic(self) -> int:
        return self._monotonic

    async def wait(self, event: asyncio.Event, timeout: int) -> bool:
        if event.is_set() or timeout <= 0:
            await asyncio.sleep(0)
            return event.is_set()
        loop = asyncio.get_running_loop()
        alarm: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, _Sleeper(self._monotonic + timeout, next(self._order), loop, alarm))
        ringing = asyncio.ensure_future(event.wait())
        try:
            waits: set[asyncio.Future[Any]] = {ringing, alarm}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return event.is_set()
        finally:
            ringing.cancel()
            alarm.cancel()

    @property
    def waiting(self) -> int:
        """How many waits are in hand."""
        return sum(not sleeper.alarm.done() for sleeper in self._sleepers)

    @property
    def next_wait(self) -> int | None:
        """When the first of them ends, by the steady clock."""
        return self._least()

    async def advance(self, micros: int) -> None:
        """Let time pass, from one wait that ends to the next; whoever it wakes runs at that instant.

        Work that goes through threads or sockets may still be on its way afterwards: wait with `until`.
        """
        target = self._monotonic + micros
        while (due := self._least()) is not None and due <= target:
            self.leap(max(0, due - self._monotonic))
            await _settle()
        self.leap(target - self._monotonic)
        await _settle()

    def leap(self, micros: int) -> None:
        """Let time pass at one go, as if everybody had been held up; who it wakes runs when the test next awaits."""
        self._now += micros
        self._monotonic += micros
        while self._sleepers and self._sleepers[0].due <= self._monotonic:
            sleeper = heapq.heappop(self._sleepers)
            sleeper.loop.call_soon_threadsafe(_ring, sleeper.alarm)

    def jump(self, micros: int) -> None:
        """Move the wall clock alone, as a suspend or a correction does; back when negative. Wakes nobody."""
        self._now += micros

    def _least(self) -> int | None:
        while self._sleepers and self._sleepers[0].alarm.done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0].due if self._sleepers else None


def _ring(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)


async def _settle() -> None:
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool | Awaitable[bool]], *, limit: float = PATIENCE) -> None:
    """Return as soon as `condition` holds; fails the test after `limit` seconds of real time."""
    end = time.monotonic() + limit
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return
        assert time.monotonic() < end, f"did not become true within {limit:g} s: {condition}"
        await asyncio.sleep(0.002)
