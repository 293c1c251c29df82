"""Blocking work of one channel, in a thread of its own, so that a channel that hangs holds up nothing but itself."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MAX_THREADS = 64
"""Threads of all lanes together. Python can't end a thread that hangs, so their number is what has to be bounded."""

_slots = threading.BoundedSemaphore(MAX_THREADS)


class LaneBusyError(OSError):
    """The lane's thread still hangs in earlier work, or no thread is left."""


class Lane:
    """One piece of work at a time. A thread lives as long as its work, so an idle lane costs none."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._turn = asyncio.Lock()
        self._idle = threading.Lock()

    async def run(self, work: Callable[[], T], timeout: float) -> T:
        """What `work` returns or raises; work in hand is waited for. `timeout` in seconds, over waiting and working.

        Raises TimeoutError when the time is up while the work may still be running, and LaneBusyError at once when
        earlier work still hangs after its own timeout.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError:
            raise LaneBusyError("earlier sends over this channel took all the time there was") from None
        try:
            async with asyncio.timeout_at(deadline):
                return await self._start(work)
        finally:
            self._turn.release()

    def _start(self, work: Callable[[], T]) -> asyncio.Future[T]:
        if not self._idle.acquire(blocking=False):
            raise LaneBusyError("an earlier send over this channel still hangs")
        if not _slots.acquire(blocking=False):
            self._idle.release()
            raise LaneBusyError(f"{MAX_THREADS} sends are hanging or in hand; no thread is left for this one")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        thread = threading.Thread(target=self._work, args=(work, loop, future), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._free()
            raise LaneBusyError(f"no thread could be started: {error}") from error
        return future

    def _free(self) -> None:
        _slots.release()
        self._idle.release()

    def _work(self, work: Callable[[], T], loop: asyncio.AbstractEventLoop, future: asyncio.Future[T]) -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = work()
        except BaseException as error:  # handed to the waiting side, whatever it is
            failure = error
        finally:
            self._free()

        def settle() -> None:
            if future.done():  # given up on
                return
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(settle)
