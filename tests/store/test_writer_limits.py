"""What the writer does when there is too much, when the disk or a lock is in its way, and when it is closed."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.notes_database import clock, make, note, rows
from tests.store.writing import Gate, queued, writing
from trackdesk.domain.errors import Invalid
from trackdesk.store.errors import Busy, Overloaded, StorageFull, StoreError
from trackdesk.store.writer import Tx, Writer


async def test_a_batch_that_takes_too_long_leaves_the_rest_for_the_next(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path, budget=0.0) as writer:
        await queued(writer, *(writer.run(note(str(number))) for number in range(3)))
        assert writer.stats.commits == 4
    assert rows(path) == ["0", "1", "2"]


async def test_a_batch_has_no_more_operations_than_its_limit(tmp_path: Path) -> None:
    async with writing(make(tmp_path), batch_limit=2, budget=60.0) as writer:
        await queued(writer, *(writer.run(note(str(number))) for number in range(4)))
        assert writer.stats.commits == 3


async def test_over_the_limit_of_the_queue_callers_are_refused_at_once(tmp_path: Path) -> None:
    async with writing(make(tmp_path), queue_limit=2) as writer:
        answers = await queued(writer, *(writer.run(note(str(number))) for number in range(3)))
    assert answers[:2] == [1, 2]
    assert isinstance(answers[2], Overloaded)


async def test_a_caller_cancelled_before_its_turn_has_done_nothing(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path) as writer:
        gate = Gate(writer)
        await gate.reached()
        task = asyncio.ensure_future(writer.run(note("never")))
        await asyncio.sleep(0)
        task.cancel()
        await gate.open()
        await writer.run(note("a"))
    assert rows(path) == ["a"]


async def test_a_full_disk_fails_the_batch_and_the_writer_lives_on(tmp_path: Path) -> None:
    path = make(tmp_path)

    def limit(pages: int) -> Callable[[Tx], object]:
        return lambda tx: tx.one(f"PRAGMA max_page_count = {pages}")

    async with writing(path) as writer:
        await writer.run(limit(1))
        small, large = await queued(writer, writer.run(note("small", True)), writer.run(note("large" * 20_000)))
        assert isinstance(small, StorageFull)
        assert isinstance(large, StorageFull)
        assert "full" in str(writer.stats.last_error)
        await writer.run(limit(1_000_000))
        await writer.run(note("after", journalled=True))
    assert rows(path) == ["after"]
    assert rows(path, "SELECT seq FROM journal") == [1]


async def test_a_lock_held_for_too_long_by_another_process_is_named(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path, busy_limit=0.05) as writer:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Busy, match="another process"):
                await writer.run(note("a"))
            other.execute("ROLLBACK")
        await writer.run(note("b"))
    assert rows(path) == ["b"]


async def test_a_lock_that_is_given_back_in_time_is_waited_for(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path) as writer:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            task = asyncio.ensure_future(writer.run(note("a")))
            await asyncio.sleep(0)
            other.execute("ROLLBACK")
            await task
    assert rows(path) == ["a"]


async def test_an_operation_that_ends_the_transaction_is_found_out(tmp_path: Path) -> None:
    async with writing(make(tmp_path)) as writer:
        with pytest.raises(StoreError, match="ended the transaction"):
            await writer.run(lambda tx: tx.execute("ROLLBACK") and None)
        assert await writer.run(note("a")) == 1


async def test_an_error_that_cannot_be_copied_does_not_end_the_writer(tmp_path: Path) -> None:
    def broken(tx: Tx) -> None:
        tx.execute("ROLLBACK")
        raise Invalid("title", "expected something else", 7)

    async with writing(make(tmp_path)) as writer:
        with pytest.raises(StoreError, match="title: expected something else"):
            await asyncio.wait_for(writer.run(broken), 10)
        assert await asyncio.wait_for(writer.run(note("a")), 10) == 1


async def test_several_loops_and_threads_may_write(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path) as writer:

        def elsewhere(name: str) -> int:
            return asyncio.run(writer.run(note(name)))

        answers = await asyncio.gather(
            asyncio.to_thread(elsewhere, "loop"),
            asyncio.to_thread(writer.run_sync, note("thread")),
            writer.run(note("here")),
        )
    assert sorted(answers) == [1, 2, 3]
    assert sorted(map(str, rows(path))) == ["here", "loop", "thread"]


async def test_an_operation_that_waits_for_another_is_refused(tmp_path: Path) -> None:
    async with writing(make(tmp_path)) as writer:
        with pytest.raises(StoreError, match="can't wait for another"):
            await writer.run(lambda tx: writer.run_sync(note("a")))


async def test_closing_finishes_what_is_queued_and_folds_the_log(tmp_path: Path) -> None:
    path = make(tmp_path)
    writer = Writer(path, clock=clock)
    writer.start()
    gate = Gate(writer)
    await gate.reached()
    task = asyncio.ensure_future(writer.run(note("last")))
    await asyncio.sleep(0)
    closing_task = asyncio.ensure_future(writer.aclose())
    await asyncio.sleep(0)
    await gate.open()
    await asyncio.gather(task, closing_task)
    assert rows(path) == ["last"]
    assert not path.with_name("notes.db-wal").exists()
    with pytest.raises(StoreError, match="not running"):
        await writer.run(note("late"))


def test_a_writer_without_its_tables_says_so_at_the_start(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "empty.db", clock=clock)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        writer.start()
