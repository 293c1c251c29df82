"""One batch of operations in one transaction: each may fail alone, none is answered before all are on the disk."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from copy import copy
from dataclasses import dataclass
from typing import Any

from trackdesk.store.errors import StoreError, translate
from trackdesk.store.faultpoint import reach
from trackdesk.store.statistics import WriterStats
from trackdesk.store.transaction import JournalEntry, Mark, Tx

log = logging.getLogger(__name__)

BULK_LIMIT = 256  # items handed to a bulk function in one call, so that the time budget can be kept between calls

Answerable = asyncio.Future[Any] | futures.Future[Any]


class Job:
    """An operation that waits, and later its answer; `item` is what it hands to the bulk function `op`."""

    __slots__ = ("answer", "bulk", "failed", "future", "item", "op")

    def __init__(self, op: Callable[..., Any], item: Any, bulk: bool, future: Answerable) -> None:
        self.op = op
        self.item = item
        self.bulk = bulk
        self.future = future
        self.answer: Any = None
        self.failed = False

    def fail(self, error: BaseException) -> None:
        """Answer with an error; a future takes any but StopIteration."""
        self.answer = StoreError("the operation raised StopIteration") if isinstance(error, StopIteration) else error
        self.failed = True


class _BatchLostError(Exception):
    """The whole transaction is gone; the cause is what its operations are told."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Committed:
    """What one commit brought: `took` in µs from its begin to the end of its COMMIT, `operations` those that stand."""

    entries: list[JournalEntry]
    wakes: dict[str, int]
    took: int
    operations: int


class _WroteBeforeFailingError(Exception):
    """What an operation wrote can't be told apart from its neighbours'; the batch is done again with savepoints."""


class Batch:
    """Runs jobs on one connection, in the thread that opened it.

    A batch is first tried without savepoints: they copy every page that is touched, a quarter of the price of an
    insert, and an operation that is refused has most often only read. When one fails after it wrote, the batch is
    rolled back and done again, each operation in a savepoint of its own.
    """

    def __init__(self, connection: sqlite3.Connection, tx: Tx, stats: WriterStats, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._tx = tx
        self._stats = stats
        self._clock = clock

    def run(self, jobs: list[Job], budget: float, *, careful: bool = False) -> tuple[list[Job], list[Committed]]:
        """Do and commit `jobs` until `budget` seconds are over; gives those that have their answer, and the commits.

        Jobs of one bulk function are handed over together: all in one batch were waiting at the same time, so none
        of them can depend on another's answer.
        """
        started = time.perf_counter()
        done: list[Job] = []
        try:
            self._begin()
            for unit in _units(jobs):
                done += unit
                self._do(unit, careful)
                reach("writer.in_batch")
                if time.perf_counter() - started >= budget:
                    break
            commits = [self._commit(done, started)]
        except _WroteBeforeFailingError:
            self._roll_back()
            for job in done:
                job.failed = False
            return self.run(jobs, budget, careful=True)
        except _BatchLostError as lost:
            self._lose(jobs, lost.cause)
            return jobs, []
        except sqlite3.Error as error:
            return done, self._do_alone(done, error)
        except Exception as error:  # a fault of our own must not leave the callers waiting for ever
            log.exception("a batch failed")
            self._lose(jobs, error)
            return jobs, []
        for callback in self._tx.callbacks:
            _call(callback)
        return done, commits

    def _begin(self) -> None:
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise _BatchLostError(translate(error, "write") or error) from error
        self._tx.begin(self._clock())

    def _do(self, unit: list[Job], careful: bool) -> None:
        """Do one operation, or one call of a bulk function; inside a savepoint of its own when `careful`."""
        tx = self._tx
        mark = tx.mark()
        first = unit[0]
        before = self._connection.total_changes
        if careful:
            self._execute("SAVEPOINT operation")
        try:
            if first.bulk:
                _share_out(unit, first.op(tx, [job.item for job in unit]))
            else:
                first.answer = first.op(tx)
            if not self._connection.in_transaction:
                raise StoreError("an operation ended the transaction it was part of")  # noqa: TRY301
            if careful:
                self._execute("RELEASE operation")
        except BaseException as error:  # whatever it is, it is its caller's, and the writer lives on
            self._undo(mark, error, careful, before)
            if len(unit) == 1:
                first.fail(error)
                return
            for job in unit:
                job.failed = False
                self._do([job], careful)

    def _undo(self, mark: Mark, error: BaseException, careful: bool, changes: int) -> None:
        """Take one operation back; the batch is lost when the disk failed or the transaction has ended.

        `changes` is what the connection's count of them was before the operation.
        """
        lost = translate(error, "write")
        if lost is not None:
            raise _BatchLostError(lost) from error
        if not self._connection.in_transaction:
            raise _BatchLostError(error) from error
        self._tx.undo_to(mark)
        if careful:
            try:
                self._execute("ROLLBACK TO operation")
                self._execute("RELEASE operation")
            except sqlite3.Error as second:
                raise _BatchLostError(translate(second, "write") or second) from second
        elif self._connection.total_changes != changes:
            raise _WroteBeforeFailingError from error

    def _commit(self, done: list[Job], started: float) -> Committed:
        """Raises `_BatchLostError` for the disk's failures, `sqlite3.Error` for a constraint checked this late."""
        tx = self._tx
        try:
            tx.write_journal()
            reach("writer.before_commit")
            before = time.perf_counter()
            self._execute("COMMIT")
        except sqlite3.Error as error:
            lost = translate(error, "write")
            if lost is not None:
                raise _BatchLostError(lost) from error
            raise
        ended = time.perf_counter()
        reach("writer.after_commit")
        tx.committed()
        standing = sum(not job.failed for job in done)
        self._stats.count_commit(ended - before, standing)
        return Committed(tx.entries, tx.earliest_wakes(), int((ended - started) * 1_000_000), standing)

    def _do_alone(self, jobs: list[Job], error: sqlite3.Error) -> list[Committed]:
        """A journal row or a deferred constraint was refused at the end: find whose it was, so that it fails alone."""
        self._roll_back()
        if len(jobs) == 1:
            jobs[0].fail(error)
            return []
        commits: list[Committed] = []
        for job in jobs:
            job.failed = False
            commits += self.run([job], 0.0)[1]
        return commits

    def _lose(self, jobs: list[Job], cause: BaseException) -> None:
        self._roll_back()
        self._stats.last_error = str(cause)
        for job in jobs:
            job.fail(_copied(cause))  # one each: raising adds to an exception's traceback

    def _roll_back(self) -> None:
        self._tx.cache.clear()
        if self._connection.in_transaction:
            try:
                self._execute("ROLLBACK")
            except sqlite3.Error:  # tried again with the next batch, whose BEGIN fails until it works
                log.exception("a transaction could not be rolled back")


def _copied(error: BaseException) -> BaseException:
    """Copying calls the class with `args`, which one with parameters of its own may not take."""
    try:
        return copy(error)
    except Exception:
        return StoreError(str(error))


def _units(jobs: list[Job]) -> list[list[Job]]:
    """What is done in one savepoint each, in the order of the first job of each."""
    units: list[list[Job]] = []
    bulks: dict[Callable[..., Any], list[Job]] = {}
    for job in jobs:
        if not job.bulk:
            units.append([job])
            continue
        unit = bulks.get(job.op)
        if unit is None or len(unit) >= BULK_LIMIT:
            unit = bulks[job.op] = []
            units.append(unit)
        unit.append(job)
    return units


def _share_out(unit: list[Job], answers: Sequence[Any]) -> None:
    if len(answers) != len(unit):
        raise StoreError(f"{unit[0].op!r} gave {len(answers)} answers to {len(unit)} items")
    for job, answer in zip(unit, answers, strict=True):
        if isinstance(answer, BaseException):
            job.fail(answer)
        else:
            job.answer = answer


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:  # the commit stands; only the memory beside it is stale, and that is worth a line
        log.exception("a callback after a commit failed")
