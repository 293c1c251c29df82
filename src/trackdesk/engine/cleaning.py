"""Deleting in steps so small that nobody else's write waits for them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

from trackdesk.domain.pace import Pace
from trackdesk.domain.retention import Deleted
from trackdesk.store import aging, compact, journal, metric_aging, removal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trackdesk.domain.clock import Clock
    from trackdesk.store.aging import Aging
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx, Writer

T = TypeVar("T")
K = TypeVar("K")

PATIENCE: Final = 3.0
"""While others write, so many times as long as a step took the next one waits."""
CHECKPOINT: Final = 8
"""After so many steps the write-ahead log is copied into the file, beside the writer: else the commit that finds it
full does all of that, and everybody waits for it."""
FULL: Final = 6_000
"""Pages in the log from which on it is made to begin anew, some steps before it is full: beside a writer that never
rests no checkpoint comes to its end, and it would fill up however often it is copied."""


class TimeIsUpError(Exception):
    """More is left, but this was the time for it."""


class Cleaning:
    """One go; `deleted` says what it has come to. With `dry_run` it counts and touches nothing.

    `until` (µs by the steady clock): then the next step raises TimeIsUpError.
    """

    def __init__(
        self,
        path: Path,
        writer: Writer,
        readers: Readers,
        clock: Clock,
        *,
        dry_run: bool = False,
        until: int | None = None,
    ) -> None:
        self.deleted = Deleted()
        self._path = path
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._dry_run = dry_run
        self._until = until
        self._paces: dict[str, Pace] = {}
        self._steps = 0

    async def runs(self, processes: Sequence[Aging]) -> None:
        """What is old of these; lines follow with `lines`."""
        async for seqs in aging.old_runs(self._readers, processes):
            if self._dry_run:
                self._add(await aging.count_runs(self._readers, seqs))
                continue
            for removed in await self._each("runs", seqs, removal.remove_runs):
                self._add(Deleted(runs=removed.runs, journal=removed.journal))

    async def lines(self) -> None:
        """Of all runs that are gone."""
        if self._dry_run or not await aging.left_behind(self._readers):
            return
        pace = self._paces.setdefault("lines", Pace())
        while True:
            limit = pace.size
            count = await self._step(pace, limit, lambda tx, limit=limit: removal.sweep(tx, limit))  # type: ignore[misc]
            self._add(Deleted(logs=count))
            if count < limit:
                return

    async def notifications(self, namespace_id: int | None, before: int) -> None:
        """Made before that instant (µs); None: of all namespaces."""
        async for ids in aging.old_notifications(self._readers, namespace_id, before):
            if self._dry_run:
                self._add(await aging.count_notifications(self._readers, ids))
                continue
            for count, deliveries in await self._each("notifications", ids, removal.remove_notifications):
                self._add(Deleted(notifications=count, deliveries=deliveries))

    async def incidents(self, namespace_id: int, before: int, process: str | None = None) -> None:
        """Closed since before that instant (µs)."""
        async for ids in aging.old_incidents(self._readers, namespace_id, before, process):
            if self._dry_run:
                self._add(await aging.count_incidents(self._readers, ids))
                continue
            for count, comments, entries in await self._each(
                "incidents", ids, lambda tx, some: removal.remove_incidents(tx, some, before)
            ):
                self._add(Deleted(incidents=count, comments=comments, journal=entries))

    async def journal_of(self, namespace_id: int, before: int) -> None:
        """What was written before that instant (µs) of what is no more."""
        async for after, up_to in aging.old_entries(self._readers, 0, before):
            if self._dry_run:
                count = await aging.count_entries(self._readers, after, up_to, namespace_id)
            else:
                count = await self._range(after, up_to, namespace_id=namespace_id)
            self._add(Deleted(journal=count))

    async def journal(self, before: int, most_rows: int) -> None:
        """Of all namespaces, from where the last one came to; beyond `most_rows` also what is younger."""
        after = await aging.trimmed_to(self._readers)
        down_to = await aging.newest_entry(self._readers) - most_rows
        async for start, up_to in aging.old_entries(self._readers, after, before, down_to=down_to):
            count = await self._range(start, up_to, runs_too=up_to <= down_to, note=True)
            self._add(Deleted(journal=count))

    async def samples(self, namespace_id: int | None, before: int) -> None:
        """Measured before that instant (µs) and counted by the roll-ups; None: of all namespaces."""
        async for ids in metric_aging.old_samples(self._readers, namespace_id, before):
            if self._dry_run:
                self._add(Deleted(samples=len(ids)))
                continue
            await self._mark("samples_from", namespace_id, before)
            self._add(Deleted(samples=sum(await self._each("samples", ids, metric_aging.remove_samples))))

    async def rollups(self, namespace_id: int | None, level: int, before: int) -> None:
        """Minutes (level 0) or hours (1) of samples, by whole hours or days that were over at that instant (µs)."""
        cut = metric_aging.cut(level, before)
        async for keys in metric_aging.old_packs(self._readers, namespace_id, level, cut):
            await self._mark("hours_from" if level else "minutes_from", namespace_id, cut)
            await self._keys(keys)

    async def rollups_left_behind(self) -> None:
        """Of services that are gone."""
        async for keys in metric_aging.left_behind(self._readers):
            await self._keys(keys)

    async def _keys(self, keys: list[metric_aging.Key]) -> None:
        if self._dry_run:
            self._add(Deleted(rollups=len(keys)))
        else:
            self._add(Deleted(rollups=sum(await self._each("rollups", keys, metric_aging.remove_keys))))

    async def _mark(self, name: metric_aging.Mark, namespace_id: int | None, before: int) -> None:
        if not self._dry_run:
            await self._writer.run(lambda tx: metric_aging.mark(tx, name, namespace_id, before))

    async def pages(self) -> None:
        """Give free pages back to the disk when there are many."""
        pages = await compact.pages(self._readers)
        if not (pages.shrinks and pages.worth_it):
            return
        pace = self._paces.setdefault("pages", Pace())
        while True:
            most = pace.size
            if not await self._step(pace, most, lambda tx, most=most: compact.shrink(tx, most)):  # type: ignore[misc]
                return

    def _add(self, more: Deleted) -> None:
        self.deleted = self.deleted.plus(more)

    async def _range(
        self, after: int, up_to: int, *, namespace_id: int | None = None, runs_too: bool = False, note: bool = False
    ) -> int:
        def operation(tx: Tx) -> int:
            count = journal.trim(tx, after, up_to, namespace_id=namespace_id, runs_too=runs_too)
            if note:
                journal.note_trimmed(tx, up_to)
            return count

        return await self._step(Pace(), 1, operation)

    async def _each(self, kind: str, ids: Sequence[K], operation: Callable[[Tx, Sequence[K]], T]) -> list[T]:
        """`operation` over all of `ids`, a few at a time."""
        pace, answers, done = self._paces.setdefault(kind, Pace()), [], 0
        while done < len(ids):
            some = ids[done : done + pace.size]
            done += len(some)
            answers.append(await self._step(pace, len(some), lambda tx, some=some: operation(tx, some)))  # type: ignore[misc]
        return answers

    async def _step(self, pace: Pace, count: int, operation: Callable[[Tx], T]) -> T:
        """Raises TimeIsUpError before it has begun."""
        if self._until is not None and self._clock.monotonic() >= self._until:
            raise TimeIsUpError
        took = 0.0

        def timed(tx: Tx) -> T:
            nonlocal took
            began = time.perf_counter()
            try:
                return operation(tx)
            finally:
                took = time.perf_counter() - began

        before = self._writer.stats.operations
        answer = await self._writer.run(timed)
        pace.learn(count, took)
        self._steps += 1
        if self._steps % CHECKPOINT == 0:
            held = await asyncio.to_thread(compact.checkpoint, self._path)
            if held > FULL:
                await self._writer.run(compact.begin_anew)
        alone = self._writer.stats.operations - before <= 1
        await asyncio.sleep(0 if alone else took * PATIENCE)
        return answer
