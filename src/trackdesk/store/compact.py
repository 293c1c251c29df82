"""Giving room back to the disk: pages that nothing uses any more, and the write-ahead log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from trackdesk.store.errors import Busy, StoreError, translate
from trackdesk.store.lock import ServerLock
from trackdesk.store.opening import INCREMENTAL, open_database

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx

SLACK: Final = 0.05
"""The share of free pages left for what comes next: to give them back only to ask for them again costs twice."""
WORTH: Final = 0.1
"""The share of free pages from which on giving back begins."""
LEAST: Final = 2_000
"""Pages, 8 MB: fewer are not worth it."""
IDLE_LOG: Final = 4 * 1024 * 1024


class Pages(NamedTuple):
    """Of the database file; 4 KiB each unless it was made otherwise."""

    size: int
    total: int
    free: int
    shrinks: bool
    """Whether free pages can be given back while it is in use."""

    @property
    def worth_it(self) -> bool:
        return self.free > max(LEAST, int(self.total * WORTH))


async def pages(readers: Readers) -> Pages:
    row = await readers.one("SELECT * FROM pragma_page_size, pragma_page_count, pragma_freelist_count")
    mode = await readers.one("PRAGMA auto_vacuum")
    assert row is not None, "pragmas have a row each"
    assert mode is not None, "pragmas have a row each"
    return Pages(row[0], row[1], row[2], bool(mode[0] == INCREMENTAL))


def shrink(tx: Tx, most: int) -> bool:
    """Give back up to `most` pages; false once only the slack is left, or when the file can't do it."""
    (total,), (free,) = tx.all("PRAGMA page_count")[0], tx.all("PRAGMA freelist_count")[0]
    spare = min(most, free - int(total * SLACK))
    if spare <= 0:
        return False
    for _ in range(spare):  # the module takes one step of a statement without columns, and a step is a page
        tx.execute("PRAGMA incremental_vacuum(1)")
    (left,) = tx.all("PRAGMA freelist_count")[0]
    return bool(left < free)


def checkpoint(path: Path, *, truncate: bool = False) -> int:
    """Copy what the write-ahead log holds into the file, beside readers and the writer; gives how many pages it holds.
    With `truncate` also cut it down, unless somebody is in the way. Raises StoreError."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
            (_, held, _) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if truncate:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return int(held)
    except sqlite3.Error as error:
        known = translate(error, "fold the write-ahead log in")
        if not isinstance(known, Busy):
            raise known or StoreError(f"could not fold the write-ahead log of {path} in: {error}") from error
        return 0


def begin_anew(tx: Tx) -> None:
    """After this commit copy the little that was written to the log during a `checkpoint`, while nobody can write more:
    only a log that was copied to its end begins anew."""
    tx.after_commit(lambda: tx.all("PRAGMA wal_checkpoint(PASSIVE)"))


def rebuild(path: Path) -> tuple[int, int]:
    """Write the file anew, without free pages, and such that it can shrink while in use from then on; gives its size
    in bytes before and after. Needs as much room again. Raises DatabaseLocked while a server runs, StorageFull,
    StoreError."""
    if not path.is_file():
        raise StoreError(f"there is no database at {path}")
    with ServerLock(path), closing(open_database(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        try:
            connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise translate(error, f"rewrite {path}") or StoreError(f"could not rewrite {path}: {error}") from error
        return before, path.stat().st_size
