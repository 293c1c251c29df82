"""What a step of a cleanup costs does not grow with what the others have done or left to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.store.house import NOW, House
from trackdesk.store import compact, removal
from trackdesk.store.transaction import Tx
from trackdesk.store.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path


def swept(house: House, gone: int) -> int:
    """The steps SQLite took to delete ten lines, with so many runs whose lines are left behind."""
    house.connection.execute("DELETE FROM gone_runs")
    for _ in range(gone):
        seq = house.insert("gone_runs", seq=None)
        house.log(seq, "a line")
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    tx = Tx(house.connection)
    house.connection.set_progress_handler(count, 1)
    try:
        assert removal.sweep(tx, 10) == 10
    finally:
        house.connection.set_progress_handler(None, 1)
    return taken


def test_deleting_lines_takes_as_long_however_many_wait(house: House) -> None:
    few = swept(house, 20)
    assert swept(house, 1000) <= few * 1.1


def test_failed_runs_that_stay_are_found_by_their_words_when_others_go(house: House) -> None:
    old = [house.run(status="FAILED", error=f"disk full in shelf {number}") for number in range(40)]
    young = house.run(status="FAILED", error="disk on fire")
    for first in range(0, len(old), 2):
        removal.remove_runs(Tx(house.connection), old[first : first + 2])
    found = house.connection.execute("SELECT rowid FROM run_words WHERE run_words MATCH 'disk'").fetchall()
    assert found == [(young,)]


async def test_the_log_begins_anew_beside_a_writer_that_never_rests(house: House) -> None:
    writer = Writer(house.path, clock=lambda: NOW)
    writer.start()
    try:
        await writer.run(lambda tx: tx.executemany("INSERT INTO gone_runs VALUES (?)", ((n,) for n in range(9000))))
        assert compact.checkpoint(house.path) > 10
        await writer.run(lambda tx: tx.execute("DELETE FROM gone_runs WHERE seq = 1") and None)
        await writer.run(compact.begin_anew)
        await writer.run(lambda tx: tx.execute("DELETE FROM gone_runs WHERE seq = 2") and None)
        assert in_the_log(house.path) < 5
    finally:
        await writer.aclose()


def in_the_log(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
