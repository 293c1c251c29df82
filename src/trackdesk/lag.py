"""Says who stalls an event loop: a thread asks the loop for an answer, and looks at its stack when none comes."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback

log = logging.getLogger(__name__)

INTERVAL = 0.5
"""Seconds between two looks."""
LIMIT = 0.1
"""Seconds without an answer that count as a stall."""


class LagMonitor:
    """Watches the loop that is running where it is started."""

    def __init__(self, name: str, *, interval: float = INTERVAL, limit: float = LIMIT) -> None:
        self.name = name
        self.worst = 0.0
        """Seconds of the longest stall so far."""
        self.stalls = 0
        self._interval = interval
        self._limit = limit
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Call on the loop to be watched."""
        loop, thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._thread = threading.Thread(
            target=self._watch, args=(loop, thread_id), name=f"trackdesk-lag-{self.name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _watch(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        while not self._stop.wait(self._interval):
            answered = threading.Event()
            asked = time.monotonic()
            try:
                loop.call_soon_threadsafe(answered.set)
            except RuntimeError:  # the loop is closed
                return
            if answered.wait(self._limit):
                continue
            frame = sys._current_frames().get(thread_id)  # noqa: SLF001 - the one way to see another thread's stack
            where = "".join(traceback.format_stack(frame)[-4:]) if frame is not None else "?"
            answered.wait(30)
            if self._stop.is_set():
                return
            took = time.monotonic() - asked
            self.stalls += 1
            self.worst = max(self.worst, took)
            log.warning("the %s loop stalled for %.0f ms in\n%s", self.name, took * 1000, where)
