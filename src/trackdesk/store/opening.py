"""How a database file is opened for writing: the version of SQLite, the permissions, the pragmas."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from trackdesk.store.errors import Busy, SqliteTooOld, StoreError, translate

MINIMUM_SQLITE = (3, 37, 0)  # STRICT tables; RETURNING came with 3.35
CHECKPOINT_PAGES = 10_000  # 40 MB of WAL: random index pages are written once instead of ten times
WAL_SIZE_LIMIT = 64 * 1024 * 1024
INCREMENTAL = 2
"""The mode of `auto_vacuum` in which free pages are given back when they are asked for."""


# The module asks around how to adapt what is neither number nor text, even None, a quarter of what a run's row holds:
# an exception is made and thrown away, 0.4 µs each. With an answer at hand it is a quarter of that.
sqlite3.register_adapter(type(None), lambda nothing: nothing)


def check_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Raise `SqliteTooOld` when the library can't carry the schema."""
    if version < MINIMUM_SQLITE:
        have, need = (".".join(map(str, each)) for each in (version, MINIMUM_SQLITE))
        raise SqliteTooOld(f"Python's SQLite is {have}; trackdesk needs {need} or newer")
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        if not connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone():
            raise SqliteTooOld("Python's SQLite was built without FTS5, which searching needs")


def open_database(path: Path, *, busy_limit: float = 5.0) -> sqlite3.Connection:
    """Open `path` for writing, creating it (0600) and its folder (0700) when they aren't there.

    The connection has no transactions of its own accord (`isolation_level=None`). `busy_limit` is the time in seconds
    to wait for another process's lock. Raises `SqliteTooOld`, `Corrupt`, `Busy`, `StorageFull` or `StoreError`.
    """
    check_sqlite()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600))
    except OSError as error:
        raise StoreError(f"could not open {path} for writing: {error.strerror}") from error
    try:
        connection = sqlite3.connect(path, timeout=busy_limit, isolation_level=None, cached_statements=512)
    except sqlite3.Error as error:
        raise translate(error, f"open {path}") or StoreError(f"could not open {path}: {error}") from error
    try:
        if path.stat().st_size == 0:  # later it is not heard any more, and would wait for a lock in vain
            # What it costs every insert was measured: nothing to be seen.
            connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
        _switch_to_wal(connection, busy_limit)
        _set_pragmas(connection)
    except sqlite3.Error as error:
        connection.close()
        raise translate(error, f"open {path}") or StoreError(f"could not open {path}: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: sqlite3.Connection, busy_limit: float) -> None:
    """SQLite doesn't wait for the lock this change needs, so that several starting processes would fail one another."""
    until = time.monotonic() + busy_limit
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not isinstance(translate(error, ""), Busy) or time.monotonic() >= until:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise StoreError(f"this file system can't hold a write-ahead log (journal mode stayed {mode!r})")
        return


def _set_pragmas(connection: sqlite3.Connection) -> None:
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -65536",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"journal_size_limit = {WAL_SIZE_LIMIT}",
    ):
        connection.execute(f"PRAGMA {pragma}")
