"""The one door for writes: a thread that commits in groups what many callers asked for.

Whatever queued while the last commit ran becomes the next batch, so that the price of a durable commit is shared. An
operation gets a `Tx` and runs in the writer's thread; its answer comes back once its batch is on the disk.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent import futures
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from trackdesk.store.batch import Batch, Committed, Job
from trackdesk.store.errors import Overloaded, StoreError
from trackdesk.store.opening import open_database
from trackdesk.store.statistics import COMMIT_BUCKETS, WriterStats
from trackdesk.store.transaction import JournalEntry, Tx

__all__ = ["COMMIT_BUCKETS", "Committed", "JournalEntry", "Tx", "Writer", "WriterStats"]

log = logging.getLogger(__name__)

GATHER_TURNS = 16
"""Turns of the event loop for which more operations are waited for, while each brings some. A turn takes well under a
millisecond unless there is much to do, and then the writer would get no turn of its own anyway."""
SLOW_COMMIT = 0.002
"""Seconds; where commits take longer, it pays to wait for more callers than those who are there."""
_STEP = 0.0005
T = TypeVar("T")
I = TypeVar("I")  # noqa: E741  an item of a bulk function


class Writer:
    """Runs operations on `path`, whose schema is in place already.

    `clock` gives µs UTC, read once a batch. `on_commit` is called after every commit, on `loop` when one is given
    (behind the answers of that batch), else on the writer's thread. `budget` (seconds) and `batch_limit` (operations)
    end a batch, so that a large one can't starve a small one; over `queue_limit` waiting operations callers get
    `Overloaded` at once; `busy_limit` is how long (seconds) another process's lock is waited for.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], int],
        on_commit: Callable[[Committed], None] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        budget: float = 0.008,
        batch_limit: int = 1024,
        queue_limit: int = 20_000,
        busy_limit: float = 5.0,
    ) -> None:
        self._path = path
        self._clock = clock
        self._on_commit = on_commit
        self._loop = loop
        self._budget = budget
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._busy_limit = busy_limit
        self._queue: deque[Job] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        """Rung when there is something in the queue; what the writer's thread waits for."""
        self._gathering: asyncio.AbstractEventLoop | None = None
        self._left_over: list[Job] = []
        self._more = False
        """The last batch was full, so that what the bell was rung for may be in the queue still."""
        self._took = (0.0, 0.0)
        """Seconds of the last two commits; 0 for one that only one caller waited for."""
        self._stats = WriterStats()
        self._accepting = False
        self._stopping = False
        self._ended = False
        self._thread: threading.Thread | None = None

    @property
    def stats(self) -> WriterStats:
        """What has been counted so far."""
        self._stats.queue_depth = len(self._queue) + len(self._left_over)
        return self._stats

    def start(self) -> None:
        """Open the database and take operations; raises what `open_database` raises, or what the journal lacks."""
        if self._thread is not None:
            raise StoreError("this writer was started before; make a new one")
        opened: futures.Future[None] = futures.Future()
        self._thread = threading.Thread(target=self._main, args=(opened,), name="trackdesk-writer")
        self._thread.start()
        try:
            opened.result()
        except BaseException:
            self._thread.join()
            raise
        self._accepting = True

    def close(self) -> None:
        """Finish what is queued, fold the log into the file, end the thread. From an event loop use `aclose`."""
        if self._thread is None:
            return
        if self._accepting:
            self._accepting = False
            self._stopping = True
            self._bell.put(None)
        self._thread.join()

    async def aclose(self) -> None:
        """`close` without holding up the event loop, so that those who still wait get their answers."""
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    async def run(self, op: Callable[[Tx], T]) -> T:
        """The result of `op`, once it is on the disk; what it raised, when it was rolled back.

        `op` may be called more than once, each time in a state from which the earlier calls are gone, so it must leave
        nothing behind but what it does to its `Tx`.

        Raises `Overloaded`, `StorageFull`, `Busy` or `StoreError` on the writer's own behalf. A caller that is
        cancelled before its turn has done nothing; later, the operation stands.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._submit(Job(op, None, False, future))
        return await future

    def run_each(self, bulk: Callable[[Tx, Sequence[I]], Sequence[T | BaseException]], item: I) -> asyncio.Future[T]:
        """Like `run`, for what arrives in numbers: `bulk` is handed all items that wait for it in one call.

        It gives one answer an item, in their order; an exception among them is that item's alone, and then `bulk` has
        to have written nothing for it. When `bulk` raises, it is called again for each item by itself. Pass the same
        function object every time: that is what items are brought together by.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._submit(Job(bulk, item, True, future))
        return future

    def run_sync(self, op: Callable[[Tx], T]) -> T:
        """`run` for a thread without an event loop; blocks until the commit."""
        if threading.current_thread() is self._thread:
            raise StoreError("an operation can't wait for another one; use the Tx it was given")
        future: futures.Future[T] = futures.Future()
        self._submit(Job(op, None, False, future))
        return future.result()

    def _submit(self, job: Job) -> None:
        if not self._accepting:
            raise StoreError("the writer is not running")
        if len(self._queue) >= self._queue_limit:
            raise Overloaded(f"{self._queue_limit} operations wait for the disk already")
        self._queue.append(job)
        if not isinstance(job.future, asyncio.Future):
            self._bell.put(None)
        elif self._gathering is not (loop := job.future.get_loop()):
            self._gathering = loop
            loop.call_soon(self._gather, loop, 0, GATHER_TURNS)
        if self._ended:  # the thread ended between the look above and the append, so nobody else will come for it
            self._refuse_waiting()

    def _gather(self, loop: asyncio.AbstractEventLoop, before: int, turns: int) -> None:
        """Wake the writer once a turn of the event loop has brought nothing more: requests that came in together are
        still on their way here when the first of them arrives."""
        waiting = len(self._queue)
        if waiting > before and turns:
            loop.call_soon(self._gather, loop, waiting, turns - 1)
        else:
            self._gathering = None
            self._bell.put(None)

    def _main(self, opened: futures.Future[None]) -> None:
        try:
            connection = open_database(self._path, busy_limit=self._busy_limit)
        except BaseException as error:
            opened.set_exception(error)
            return
        try:
            batch = Batch(connection, Tx(connection), self._stats, self._clock)
        except BaseException as error:
            connection.close()
            opened.set_exception(error)
            return
        opened.set_result(None)
        try:
            while jobs := self._take():
                before = self._stats.commit_seconds_sum
                done, commits = batch.run(jobs, self._budget)
                took = self._stats.commit_seconds_sum - before
                self._took = (self._took[1], took if len(jobs) > 1 else 0.0)
                self._stats.rolled_back += sum(job.failed for job in done)
                if len(done) < len(jobs):
                    finished = set(map(id, done))
                    self._left_over = [job for job in jobs if id(job) not in finished]
                self._answer(done, commits)
            _fold_log(connection)
        finally:
            connection.close()
            self._ended = True
            self._refuse_waiting()

    def _take(self) -> list[Job]:
        """What waits now, at least one; empty once the writer is closed and nothing is left."""
        queue, bell = self._queue, self._bell
        jobs, self._left_over = self._left_over, []
        while True:
            if not jobs and not self._more and not self._stopping:
                bell.get()
                self._wait_for_more(patience(*self._took))
            for _ in range(min(len(queue), self._batch_limit - len(jobs))):
                job = queue.popleft()
                if not job.future.cancelled():
                    jobs.append(job)
            self._more = len(jobs) == self._batch_limit
            if jobs or (self._stopping and not queue):
                return jobs

    def _wait_for_more(self, seconds: float) -> None:
        """For so long at most, and while every half millisecond brings some."""
        until, before = time.perf_counter() + seconds, -1
        while len(self._queue) > before and time.perf_counter() < until and not self._stopping:
            before = len(self._queue)
            time.sleep(_STEP)

    def _answer(self, jobs: list[Job], commits: list[Committed]) -> None:
        """Hand the answers and the report to each event loop in one call, for waking a loop is what costs."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        for job in jobs:
            future = job.future
            if isinstance(future, asyncio.Future):
                by_loop.setdefault(future.get_loop(), []).append(job)
            else:
                _resolve([job])
        reports = commits if self._on_commit else []
        if reports and self._loop is not None:
            by_loop.setdefault(self._loop, [])
        for loop, theirs in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._deliver, theirs, reports if loop is self._loop else [])
            except RuntimeError:
                log.warning("an event loop was closed before %d of its operations were answered", len(theirs))
        if reports and self._loop is None:
            try:
                self._deliver([], reports)
            except Exception:
                log.exception("the listener to commits failed")

    def _deliver(self, jobs: list[Job], reports: list[Committed]) -> None:
        _resolve(jobs)
        for report in reports:
            assert self._on_commit is not None
            self._on_commit(report)

    def _refuse_waiting(self) -> None:
        refused: list[Job] = []
        with suppress(IndexError):
            while True:
                job = self._queue.popleft()
                job.fail(StoreError("the writer is not running"))
                refused.append(job)
        self._answer(refused, [])


def patience(earlier: float, last: float) -> float:
    """How long (seconds) to wait for more callers, after two commits that took so long.

    Callers who were just answered ask again at once; those who come a moment too late for the next commit wait for
    two. On a disk where that is dear they fall apart in three groups, each of which waits for the other two, where two
    groups would do: one on the disk, one on its way. A single slow commit, as one that folds the log into the file, is
    no reason.
    """
    usual = min(earlier, last)
    return usual / 2 if usual > SLOW_COMMIT else 0.0


def _resolve(jobs: list[Job]) -> None:
    for job in jobs:
        future = job.future
        if future.done():
            continue
        if job.failed:
            future.set_exception(job.answer)
        else:
            future.set_result(job.answer)


def _fold_log(connection: sqlite3.Connection) -> None:
    """Leave one file behind; a reader that is still there only means that the log stays for the next start."""
    try:
        connection.execute("PRAGMA busy_timeout = 500")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        log.warning("the write-ahead log could not be folded into the database: %s", error)
