import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.store.notes_database import clock, make, note
from trackdesk.store.errors import StoreError
from trackdesk.store.readers import Readers
from trackdesk.store.writer import Writer

ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def test_readers_see_what_was_committed_by_name_and_position(tmp_path: Path) -> None:
    path = make(tmp_path)
    writer = Writer(path, clock=clock)
    writer.start()
    async with Readers(path) as readers:
        assert await readers.one("SELECT * FROM notes") is None
        await writer.run(note("a"))
        row = await readers.one("SELECT id, text FROM notes WHERE text = ?", ("a",))
        assert row is not None
        assert (row["text"], row[0]) == ("a", 1)
        assert len(await readers.all("SELECT * FROM notes")) == 1
    await writer.aclose()


async def test_readers_cannot_write(tmp_path: Path) -> None:
    async with Readers(make(tmp_path)) as readers:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await readers.all("INSERT INTO notes (text) VALUES ('a')")


async def test_a_transaction_sees_one_state_and_is_ended_for_the_next(tmp_path: Path) -> None:
    path = make(tmp_path)
    writer = Writer(path, clock=clock)
    writer.start()
    async with Readers(path, size=1) as readers:
        async with readers.connection() as connection:
            await connection.execute_fetchall("BEGIN")
            await connection.execute_fetchall("SELECT * FROM notes")
            await writer.run(note("a"))
            assert not await connection.execute_fetchall("SELECT * FROM notes")
        assert len(await readers.all("SELECT * FROM notes")) == 1
    await writer.aclose()


async def test_a_cancelled_query_is_broken_off_and_hands_its_connection_back(tmp_path: Path) -> None:
    async with Readers(make(tmp_path), size=1) as readers:
        task = asyncio.ensure_future(readers.all(ENDLESS))
        await asyncio.sleep(0)  # now it has taken the only connection
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(task, 0.05)
        row = await asyncio.wait_for(readers.one("SELECT 1"), 10)
        assert row is not None


async def test_who_waits_for_a_connection_when_the_pool_closes_is_told(tmp_path: Path) -> None:
    readers = Readers(make(tmp_path), size=1)
    await readers.open()
    async with readers.connection():
        waiting = [asyncio.ensure_future(readers.one("SELECT 1")) for _ in range(2)]
        await asyncio.sleep(0)
        await readers.close()
    for answer in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(answer, StoreError)


async def test_closing_leaves_no_thread_behind(tmp_path: Path) -> None:
    path = make(tmp_path)
    before = set(threading.enumerate())
    async with Readers(path, size=4):
        during = set(threading.enumerate()) - before
    assert len(during) == 4
    for thread in during:
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()


async def test_a_missing_database_is_not_made_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(StoreError, match=r"none\.db"):
        await Readers(path).open()
    assert not path.exists()
