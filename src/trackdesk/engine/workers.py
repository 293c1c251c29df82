"""What runs beside the requests: supervised, so that one bad moment is a line in the log and not the end."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

from trackdesk.domain.clock import SECOND
from trackdesk.domain.identity import Worker
from trackdesk.domain.instant import format_instant
from trackdesk.store.errors import Busy

if TYPE_CHECKING:
    from trackdesk.domain.clock import Clock

log = logging.getLogger(__name__)

FIRST_PAUSE = SECOND // 10
LONGEST_PAUSE = 30 * SECOND
STEADY = 60 * SECOND
"""µs of work without a crash after which the next pause is short again."""


class HasHealth(Protocol):
    """What /readyz asks."""

    @property
    def name(self) -> str: ...

    def health(self) -> Worker: ...


class Supervised(ABC):
    """A worker whose work goes on for ever: after a crash again, after a pause that grows from 0.1 s to 30 s."""

    name: ClassVar[str]

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._fault: str | None = None

    @abstractmethod
    async def _work(self) -> None:
        """Ends never, or else is begun again; calls `_well` after each round."""

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"trackdesk-{self.name}")

    async def stop(self) -> None:
        """Ends the work where it waits; what it had handed to the writer still counts."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def health(self) -> Worker:
        running = self._task is not None and not self._task.done()
        if self._fault is not None:
            return Worker(name=self.name, ok=False, detail=self._fault)
        return Worker(name=self.name, ok=running, detail="running" if running else "not running")

    def _well(self) -> None:
        """It got through a round: whatever was wrong is over."""
        self._fault = None

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            try:
                await self._work()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                if isinstance(error, Busy):  # another program's doing, and said whole
                    log.warning("worker %s: %s; it starts again", self.name, error)
                else:
                    log.exception("worker %s failed; it starts again", self.name)
                self._fault = f"failed at {format_instant(self._clock.now())}: {type(error).__name__}: {error}"
            if self._clock.monotonic() - began > STEADY:
                pause = FIRST_PAUSE
            await self._clock.wait(self._stopping, pause)
            pause = min(pause * 2, LONGEST_PAUSE)
