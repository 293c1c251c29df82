"""What can go wrong between trackdesk and its database file, each with the words an operator needs."""

import sqlite3
from pathlib import Path

_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class StoreError(Exception):
    """The store can't do what was asked; every error of the store is one of these."""


class Overloaded(StoreError):
    """More operations wait for the writer than it may keep; try again in a moment."""


class StorageFull(StoreError):
    """The disk took no more, or failed to write; nothing of the batch stands."""


class Busy(StoreError):
    """Another process kept the database locked for longer than the writer waits."""


class Corrupt(StoreError):
    """The file is damaged, or is no SQLite database."""


class SqliteTooOld(StoreError):
    """The SQLite library lacks what the schema needs."""


class SchemaTooNew(StoreError):
    """The database was written by a newer trackdesk than this one."""


class SchemaChanged(StoreError):
    """A migration that was applied is no longer the one this program carries."""


class DatabaseLocked(StoreError):
    """A server already holds this database; `pid` is None when the holder hasn't said who it is."""

    def __init__(self, path: Path, pid: int | None) -> None:
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{path} is already served by {holder}; stop it first, or attach to it")
        self.path = path
        self.pid = pid


def translate(error: BaseException, doing: str) -> StoreError | None:
    """The store's own error for one of SQLite's that concerns the disk or the file; None for any other.

    `doing` completes the sentence "could not ...".
    """
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & 0xFF  # the upper bits say which read or write it was
    if primary in _FULL:
        return StorageFull(f"could not {doing}: {error}; free some space on the disk, then try again")
    if primary in _BUSY:
        return Busy(f"could not {doing}: another process keeps the database locked")
    if primary in _CORRUPT:
        return Corrupt(f"could not {doing}: {error}; `trackdesk doctor` says what can be saved")
    return None
