"""What is to be done when: first all of the past at one go, then the present as it comes."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.clock import HOUR, MINUTE
from trackdesk.domain.errors import TrackdeskError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trackdesk.demo.clock import ReplayClock

log = logging.getLogger(__name__)

_LOOK = 0.2
_RECENT = 8 * HOUR


class _Entry(NamedTuple):
    at: int
    order: int
    deed: Callable[[], Awaitable[None]]
    exact: bool


class Diary:
    """Deeds by their instants (µs)."""

    def __init__(self, clock: ReplayClock) -> None:
        self.clock = clock
        self._entries: list[_Entry] = []
        self._order = itertools.count()

    def note(self, at: int, deed: Callable[[], Awaitable[None]], *, exact: bool = False) -> None:
        """`exact`: the past is told at just this instant, because the server notes when it heard of it. What carries
        its own times may be told some minutes earlier, along with its neighbours."""
        heapq.heappush(self._entries, _Entry(at, next(self._order), deed, exact))

    async def replay(self, until: int, told: Callable[[int], None]) -> None:
        """Everything up to `until`; `told` hears how far it has come. Raises what keeps the server from answering."""
        while self._entries and self._entries[0].at < until:
            if batch := self._next_loose(until):
                await asyncio.gather(*(deed() for deed in batch))
                continue
            await self.clock.move(self._entries[0].at)
            if self._entries[0].exact:
                await heapq.heappop(self._entries).deed()
            told(self.clock.now())
        await self.clock.move(until)

    def _next_loose(self, until: int) -> list[Callable[[], Awaitable[None]]]:
        """What can be told together with what comes next. Long ago nobody looks at the order of things so closely."""
        now = self.clock.now()
        recent = until - now < _RECENT
        near = min(until, now + (2 * MINUTE if recent else HOUR))
        batch, kept = [], []
        while self._entries and self._entries[0].at < near:
            if self._entries[0].exact:
                if recent:
                    break
                kept.append(heapq.heappop(self._entries))
            else:
                batch.append(heapq.heappop(self._entries).deed)
        for entry in kept:
            heapq.heappush(self._entries, entry)
        return batch

    async def live(self, stopping: asyncio.Event) -> None:
        """As time goes by, until `stopping` is set."""
        at_work: set[asyncio.Task[None]] = set()
        while not stopping.is_set():
            wait = (self._entries[0].at - self.clock.now()) / 1_000_000 if self._entries else _LOOK
            if self._entries and wait <= 0:
                task = asyncio.create_task(_try(heapq.heappop(self._entries).deed))
                at_work.add(task)
                task.add_done_callback(at_work.discard)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), min(wait, _LOOK))
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


async def _try(deed: Callable[[], Awaitable[None]]) -> None:
    """Somebody at the console may have ended or deleted what a deed is about; that is no reason to stop."""
    try:
        await deed()
    except TrackdeskError as error:
        log.info("left out: %s", error)
