"""What grows old goes: runs after the time of their process, and all else that would grow without bound."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.domain.errors import NotFound
from trackdesk.domain.instant import format_duration
from trackdesk.domain.retention import Cleaned
from trackdesk.engine.causes import SELF
from trackdesk.engine.cleaning import Cleaning, TimeIsUpError
from trackdesk.engine.workers import Supervised
from trackdesk.store import aging, compact

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.domain.clock import Clock
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.retention import Cleanup, Kept
    from trackdesk.engine.core import Engine
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx, Writer

log = logging.getLogger(__name__)

SHORTEST: Final = MINUTE
LONGEST: Final = HOUR
"""µs between two looks at everything, however little there is to do."""
SHARE: Final = 50
"""A look that took a second is not repeated within so many."""
REQUEST: Final = 20 * SECOND
"""µs that one request for a cleanup works; whoever waits in between may give up on a silent connection."""


class Retention(Supervised):
    """Looks when the next run grows old or its time was changed, at least once an hour and at most once a minute."""

    name = "retention"

    def __init__(self, clock: Clock, writer: Writer, readers: Readers, path: Path, kept: Kept) -> None:
        super().__init__(clock)
        self._writer = writer
        self._readers = readers
        self._path = path
        self._kept = kept
        self._wake = asyncio.Event()
        self._next = 0
        self._soonest = 0
        self._changed = False
        self._log_seen: tuple[int, int] | None = None

    def wake(self, _: int) -> None:
        """Some run has left lines behind."""
        self._wake.set()

    def change(self, _: int) -> None:
        """Some process keeps its runs for another time: what is old now may be much."""
        self._changed = True
        self._wake.set()

    @property
    def next_look(self) -> int:
        """The instant (µs) of the next look at everything."""
        return self._soonest if self._changed else self._next

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            if self._clock.now() >= self.next_look:
                await self.look()
            else:
                await Cleaning(self._path, self._writer, self._readers, self._clock).lines()
            self._well()
            await self._clock.wait(self._wake, min(max(self.next_look - self._clock.now(), 0), LONGEST))

    async def look(self) -> None:
        """Delete all that is old now, give room back, and say when to look again."""
        began, now, kept = self._clock.monotonic(), self._clock.now(), self._kept
        self._changed = False  # what is changed from now on may be seen too late
        self._next = min(self._next, now)  # one that fails is due still
        cleaning = Cleaning(self._path, self._writer, self._readers, self._clock)
        due_at = await self._runs(cleaning, now)
        await cleaning.lines()
        if kept.notifications:
            await cleaning.notifications(None, now - kept.notifications)
        for namespace_id in await aging.namespaces(self._readers) if kept.incidents else []:
            await cleaning.incidents(namespace_id, now - kept.incidents)
        await cleaning.journal(now - kept.journal, kept.journal_rows)
        await self._metrics(cleaning, now)
        await cleaning.pages()
        await self._fold_log()
        if deleted := cleaning.deleted.shown:
            log.info("deleted for their age: %s", ", ".join(f"{count} {name}" for name, count in deleted.items()))
            await self._tell(deleted)
        took = self._clock.monotonic() - began
        self._soonest = now + max(SHORTEST, SHARE * took)
        self._next = max(min(due_at, now + LONGEST), self._soonest)

    async def _tell(self, deleted: dict[str, Any]) -> None:
        """Those who watch lists read them again; the journal's own rows are in no list."""
        if deleted.keys() <= {"journal"}:
            return
        for space in await aging.namespaces(self._readers):
            await self._writer.run(partial(_say, space, deleted))

    async def _runs(self, cleaning: Cleaning, now: int) -> int:
        """Of all processes; gives when the next run may have grown old."""
        processes = await aging.processes(self._readers, now, self._kept.runs)
        await cleaning.runs(processes)
        due_at = await aging.next_old(self._readers, processes)
        return now + LONGEST if due_at is None else due_at

    async def _metrics(self, cleaning: Cleaning, now: int) -> None:
        """Samples first; days stay."""
        if self._kept.samples:
            await cleaning.samples(None, now - self._kept.samples)
        for level, kept in enumerate((self._kept.minutes, self._kept.hours)):
            if kept:
                await cleaning.rollups(None, level, now - kept)
        await cleaning.rollups_left_behind()

    async def _fold_log(self) -> None:
        """Cut the write-ahead log down when nobody has written since the last look."""
        log_file = self._path.with_name(self._path.name + "-wal")
        try:
            about = log_file.stat()
        except FileNotFoundError:
            return
        seen, self._log_seen = self._log_seen, (about.st_size, about.st_mtime_ns)
        if about.st_size > compact.IDLE_LOG and seen == self._log_seen:
            await asyncio.to_thread(compact.checkpoint, self._path, truncate=True)


def _say(namespace_id: int, deleted: dict[str, Any], tx: Tx) -> None:
    tx.journal(namespace_id, "cleanup", "cleaned", "everything", SELF, deleted)


async def cleanup(engine: Engine, caller: Caller, body: Cleanup) -> Cleaned:
    """What a person asks for, in the caller's namespace: works for 20 s at most and says whether more is left.

    Raises NotFound for a process that isn't there.
    """
    space = caller.namespace_id
    before = engine.clock.now() - body.older_than
    until = None if body.dry_run else engine.clock.monotonic() + REQUEST
    parts = (engine.path, engine.writer, engine.readers, engine.clock)
    cleaning = Cleaning(*parts, dry_run=body.dry_run, until=until)
    done = True
    try:
        await _clean(engine, cleaning, space, body, before)
    except TimeIsUpError:
        done = False
    counts = cleaning.deleted
    if not body.dry_run and counts.shown:
        facts = {"older_than": format_duration(body.older_than), **counts.shown}
        what = body.process or "everything"
        await engine.writer.run(lambda tx: tx.journal(space, "cleanup", "cleaned", what, caller.actor, facts))
    return Cleaned.model_construct(before=before, dry_run=body.dry_run, done=done, **counts._asdict())


async def _clean(engine: Engine, cleaning: Cleaning, space: int, body: Cleanup, before: int) -> None:
    if body.process is not None and not await aging.is_process(engine.readers, space, body.process):
        raise NotFound(f"There is no process {body.process!r}.")
    if "runs" in body.kinds:
        await cleaning.runs(await aging.of_namespace(engine.readers, space, before, body.process))
        await cleaning.lines()
    if "incidents" in body.kinds:
        await cleaning.incidents(space, before, body.process)
    if "notifications" in body.kinds:
        await cleaning.notifications(space, before)
    if "journal" in body.kinds:
        await cleaning.journal_of(space, before)
    if "samples" in body.kinds:
        await cleaning.samples(space, before)
    if "rollups" in body.kinds:
        for level in (0, 1):
            await cleaning.rollups(space, level, before)
