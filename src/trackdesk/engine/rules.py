"""Evaluates rules: takes the samples that were committed, in the order of their ids, and writes what follows from them.

The worker decides on the event loop, with what it remembers (`engine.watching`, `engine.rule_evaluator`). A verdict,
its incident, where the series stands and up to which sample all that is so are written in one transaction
(`engine.rule_causes`); a sample from which nothing follows writes nothing, and how often an incident was seen again is
gathered for a second. After a crash or a failed write what is remembered is thrown away and read from the store, and
samples behind the stored one are evaluated again: each counts once.

When more samples come than can be evaluated, those that wait are let go of and read from the store.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from trackdesk.domain.metric import Recorded
from trackdesk.engine.rule_evaluator import Evaluator
from trackdesk.engine.workers import Supervised
from trackdesk.store import samples
from trackdesk.store import series as series_store
from trackdesk.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackdesk.domain.clock import Clock
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Writer

log = logging.getLogger(__name__)

MOST_WAITING: Final = 20_000
"""Samples that wait in memory; above it they are read from the store."""
READ: Final = 2000
"""Samples read from the store at once."""


class Rules(Supervised):
    """The worker; see the module. Belongs to the event loop of the server."""

    name = "rules"

    def __init__(self, clock: Clock, writer: Writer, readers: Readers, wake_agenda: Callable[[int], None]) -> None:
        super().__init__(clock)
        self._writer = writer
        self._readers = readers
        self._wake_agenda = wake_agenda
        self._evaluator: Evaluator | None = None
        self._news = asyncio.Event()
        self._begun = False
        self._resting = False
        self._queue: list[Recorded] = []
        self._behind = True
        self._changed = False
        self._blind_until: int | None = None
        self._set_to: int | None = None
        self._until: int | None = None
        self.totals = dict.fromkeys(("samples", "steps", "pending", "fired", "silent", "recovered", "read_back"), 0)
        """Counts since the start, for /metrics."""

    async def start(self) -> None:
        self._begun = True
        await super().start()

    async def stop(self) -> None:
        """What was gathered is written."""
        await super().stop()
        evaluator = self._evaluator
        if evaluator is not None and evaluator.whole and evaluator.gather_left is not None:
            try:
                await evaluator.write(counts=True)
            except StoreError as error:
                log.warning("some samples are evaluated again at the next start: %s", error)

    @property
    def waiting(self) -> int:
        """Samples that were handed over and are not evaluated yet."""
        return len(self._queue)

    @property
    def at_rest(self) -> bool:
        """Whether it has done all it could and waits; also before it is started. Most samples change nothing that could
        be seen outside: tests that send some wait for this."""
        return not self._begun or (self._resting and not self._news.is_set())

    def take(self, recorded: Sequence[Recorded]) -> None:
        """Samples that were committed, in the order of their ids."""
        if not self._behind:
            self._queue += recorded
            if len(self._queue) > MOST_WAITING:
                self._behind, self._queue = True, []
        self._news.set()

    def change(self, _at: int = 0) -> None:
        """Some rule was made, changed or deleted."""
        self._changed = True
        self._news.set()

    def fall_due(self, now: int) -> int | None:
        """The agenda's round at `now` (µs). Gives when it is needed next, unless it will say so itself."""
        due_at = None if self._evaluator is None else self._evaluator.next_due_at
        if due_at is None or due_at > now:
            return due_at
        self._until = now
        self._news.set()
        return None

    def resume(self, at: int) -> None:
        """Until `at` (µs) nobody could see anything."""
        self._blind_until = at
        self._news.set()

    def set_back(self, now: int) -> None:
        """The clock was set back to `now` (µs)."""
        self._set_to = now
        self._news.set()

    async def _work(self) -> None:
        self._resting, self._evaluator = False, None
        self._behind, self._queue, self._changed = True, [], False
        evaluator = Evaluator(self._clock, self._writer, self._readers, self._wake_agenda, self.totals)
        await evaluator.restore()
        self._evaluator = evaluator
        while True:
            self._news.clear()
            await self._round(evaluator)
            self._well()
            if not self._news.is_set() and not self._behind:
                self._resting = True
                await self._wait(evaluator.gather_left)
                self._resting = False

    async def _round(self, evaluator: Evaluator) -> None:
        blind_until, self._blind_until = self._blind_until, None
        set_to, self._set_to = self._set_to, None
        if blind_until is not None or set_to is not None:
            evaluator.mind_the_clock(blind_until, set_to)
        if self._changed:
            self._changed = False
            await evaluator.reload()
        await evaluator.evaluate(await self._next(evaluator.cursor))
        if self._until is not None:
            until, self._until = self._until, None
            if await evaluator.judge(until):
                self._until = max(until, self._until or until)
                self._news.set()
                await asyncio.sleep(0)
        if evaluator.gather_left == 0:
            await evaluator.write(counts=True)

    async def _wait(self, left: int | None) -> None:
        if left is None:
            await self._news.wait()
        else:
            await self._clock.wait(self._news, left)

    async def _next(self, cursor: int) -> Sequence[Recorded]:
        """What came behind the sample `cursor`."""
        if not self._behind:
            queue, self._queue = self._queue, []
            return [each for each in queue if each.sample_id > cursor]
        self._behind = False  # what is handed over from here on waits behind what is read
        rows = await samples.after(self._readers, cursor, READ)
        if len(rows) == READ:
            self._behind, self._queue = True, []
        self.totals["read_back"] += len(rows)
        known = await series_store.of_ids(self._readers, {row.series_id for row in rows})
        return [
            Recorded(row.series_id, known[row.series_id], row.id, row.recorded_at, row.value)
            for row in rows
            if row.series_id in known
        ]
