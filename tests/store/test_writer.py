import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.notes_database import NOW, make, note, notes, rows
from tests.store.writing import queued, writing
from trackdesk.store.errors import StoreError
from trackdesk.store.writer import Committed, Tx, patience


async def test_an_answer_comes_after_the_commit(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path) as writer:
        assert await writer.run(note("one")) == 1
        assert rows(path) == ["one"]


async def test_what_waits_together_is_committed_together(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path) as writer:
        await queued(writer, *(writer.run(note(str(number))) for number in range(50)))
        assert writer.stats.commits == 2
        assert writer.stats.operations == 51
        assert sum(writer.stats.commit_seconds) == 2
    assert len(rows(path)) == 50


async def test_operations_of_one_caller_keep_their_order(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path) as writer:
        await queued(writer, *(writer.run(note(str(number))) for number in range(20)))
    assert rows(path) == [str(number) for number in range(20)]


async def test_a_failed_operation_is_rolled_back_alone(tmp_path: Path) -> None:
    path = make(tmp_path)

    def half(tx: Tx) -> None:
        note("half", journalled=True)(tx)
        raise LookupError("no such thing")

    async with writing(path) as writer:
        answers = await queued(
            writer, writer.run(note("a", True)), writer.run(half), writer.run(note("a")), writer.run(note("b", True))
        )
        assert writer.stats.rolled_back == 2
    assert isinstance(answers[1], LookupError)
    assert isinstance(answers[2], sqlite3.IntegrityError)
    assert rows(path) == ["a", "b"]
    assert rows(path, "SELECT ref FROM journal ORDER BY seq") == ["a", "b"]


async def test_operations_that_only_read_before_they_fail_cost_no_second_try(tmp_path: Path) -> None:
    calls: list[str] = []

    def counted(tx: Tx) -> int:
        calls.append("counted")
        return note("a")(tx)

    def refused(tx: Tx) -> None:
        tx.journal(1, "note", "never", "x", "tester")
        raise LookupError

    async with writing(make(tmp_path)) as writer:
        answers = await queued(writer, writer.run(counted), writer.run(refused), writer.run(note("b", True)))
    assert [type(answer) for answer in answers] == [int, LookupError, int]
    assert calls == ["counted"]
    assert rows(tmp_path / "notes.db", "SELECT kind FROM journal") == ["made"]


async def test_items_of_one_bulk_function_are_handed_over_in_one_call(tmp_path: Path) -> None:
    path = make(tmp_path)
    calls: list[list[str]] = []

    def bulk(tx: Tx, texts: Sequence[str]) -> list[str | BaseException]:
        calls.append(list(texts))
        return notes(tx, texts)

    async with writing(path) as writer:
        mixed = [writer.run_each(bulk, "a"), writer.run(note("x")), writer.run_each(bulk, "b")]
        assert await queued(writer, *mixed) == ["a", 3, "b"]
    assert calls == [["a", "b"]]


async def test_one_bad_item_fails_alone(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path) as writer:
        await writer.run(note("taken"))
        items = ["a", "taken", "b"]
        first, second, third = await queued(writer, *(writer.run_each(notes, item) for item in items))
    assert (first, third) == ("a", "b")
    assert isinstance(second, sqlite3.IntegrityError)
    assert rows(path) == ["taken", "a", "b"]
    assert rows(path, "SELECT ref FROM journal ORDER BY seq") == ["a", "b"]


async def test_a_bulk_function_may_refuse_single_items(tmp_path: Path) -> None:
    def picky(tx: Tx, numbers: Sequence[int]) -> list[int | BaseException]:
        return [number if number % 2 else ValueError(f"{number} is even") for number in numbers]

    async with writing(make(tmp_path)) as writer:
        one, two = await queued(writer, writer.run_each(picky, 1), writer.run_each(picky, 2))
    assert one == 1
    assert isinstance(two, ValueError)


async def test_a_bulk_function_that_gives_too_few_answers_is_told_so(tmp_path: Path) -> None:
    def short(tx: Tx, items: Sequence[int]) -> list[int | BaseException]:
        return []

    async with writing(make(tmp_path)) as writer:
        with pytest.raises(StoreError, match="0 answers to 1 items"):
            await writer.run_each(short, 1)


async def test_a_row_refused_at_the_commit_fails_alone(tmp_path: Path) -> None:
    path = make(tmp_path)

    def orphan(tx: Tx) -> None:
        tx.execute("INSERT INTO replies (note_id) VALUES (99)")

    def misfiled(tx: Tx) -> None:
        tx.journal(0, "note", "made", "x", "tester")

    async with writing(path) as writer:
        answers = await queued(
            writer, writer.run(note("a", True)), writer.run(orphan), writer.run(misfiled), writer.run(note("b", True))
        )
    assert [type(answer) for answer in answers] == [int, sqlite3.IntegrityError, sqlite3.IntegrityError, int]
    assert rows(path) == ["a", "b"]
    assert rows(path, "SELECT seq FROM journal ORDER BY seq") == [1, 2]


async def test_of_an_insert_that_stops_in_the_middle_nothing_stays(tmp_path: Path) -> None:
    path = make(tmp_path)

    def twice(tx: Tx) -> None:
        tx.insert("INSERT OR FAIL INTO notes (text)", [("b",), ("c",), ("c",)])

    async with writing(path) as writer:
        answers = await queued(writer, writer.run(note("a", True)), writer.run(twice), writer.run(note("d", True)))
    assert [type(answer) for answer in answers] == [int, sqlite3.IntegrityError, int]
    assert rows(path) == ["a", "d"]
    assert rows(path, "SELECT seq FROM journal ORDER BY seq") == [1, 2]


async def test_the_journal_goes_on_counting_where_it_stopped(tmp_path: Path) -> None:
    path = make(tmp_path)
    async with writing(path) as writer:
        await writer.run(note("a", journalled=True))
        await writer.run(lambda tx: tx.execute("DELETE FROM journal") and None)
    async with writing(path) as writer:
        await writer.run(note("b", journalled=True))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM journal").fetchall() == [
            (2, NOW, 1, "note", "made", "b", "tester", '{"text":"b"}')
        ]


async def test_the_listener_is_told_once_a_commit_on_its_loop(tmp_path: Path) -> None:
    told: list[tuple[Committed, threading.Thread]] = []

    def op(tx: Tx) -> None:
        tx.journal(1, "note", "made", "x", "tester", at=5)
        tx.wake("agenda", 70)
        tx.wake("agenda", 30)

    def failing(tx: Tx) -> None:
        tx.wake("agenda", 1)
        raise LookupError

    def listen(committed: Committed) -> None:
        told.append((committed, threading.current_thread()))

    async with writing(make(tmp_path), on_commit=listen, loop=asyncio.get_running_loop()) as writer:
        await queued(writer, writer.run(op), writer.run(failing), writer.run(lambda tx: tx.wake("delivery", 90)))
    committed, thread = told[1]
    assert len(told) == 2
    assert thread is threading.current_thread()
    assert [(entry.seq, entry.at, entry.ref) for entry in committed.entries] == [(1, 5, "x")]
    assert committed.wakes == {"agenda": 30, "delivery": 90}
    assert committed.operations == 2
    assert committed.took > 0


async def test_without_a_loop_the_listener_is_told_on_the_writers_thread(tmp_path: Path) -> None:
    threads: list[str] = []
    async with writing(make(tmp_path), on_commit=lambda _: threads.append(threading.current_thread().name)) as writer:
        await writer.run(note("a"))
    assert threads == ["trackdesk-writer"]


async def test_callbacks_run_after_the_commit_and_only_for_what_stands(tmp_path: Path) -> None:
    path = make(tmp_path)
    seen: list[list[object]] = []

    def standing(tx: Tx) -> None:
        note("a")(tx)
        tx.after_commit(lambda: seen.append(rows(path)))

    def failing(tx: Tx) -> None:
        tx.after_commit(lambda: seen.append(["never"]))
        raise LookupError

    async with writing(path) as writer:
        await queued(writer, writer.run(standing), writer.run(failing))
    assert seen == [["a"]]


async def test_the_cache_is_emptied_when_something_is_rolled_back(tmp_path: Path) -> None:
    def fill(tx: Tx) -> None:
        tx.cache["ids"] = {"a": 1}

    def fail(tx: Tx) -> None:
        raise LookupError

    async with writing(make(tmp_path)) as writer:
        await writer.run(fill)
        assert await writer.run(lambda tx: tx.cache) == {"ids": {"a": 1}}
        with pytest.raises(LookupError):
            await writer.run(fail)
        assert await writer.run(lambda tx: dict(tx.cache)) == {}


@pytest.mark.parametrize(
    ("earlier", "last", "expected"),
    [(0.004, 0.006, 0.002), (0.001, 0.030, 0.0), (0.030, 0.001, 0.0), (0.0, 0.006, 0.0), (0.002, 0.002, 0.0)],
)
def test_more_callers_are_waited_for_only_where_every_commit_is_slow(
    earlier: float, last: float, expected: float
) -> None:
    assert patience(earlier, last) == expected
