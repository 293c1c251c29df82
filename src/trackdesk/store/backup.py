"""Copies of a database while it is in use, and the way back."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.resources.abc import Traversable
from itertools import count
from pathlib import Path

from trackdesk.store import unguarded
from trackdesk.store.blind import RESTORED
from trackdesk.store.depot import sync_folder
from trackdesk.store.errors import Corrupt, SchemaTooNew, StoreError, translate
from trackdesk.store.lock import ServerLock
from trackdesk.store.migrate import house_schema, read_schema, schema_version

_STEP = 2_000  # pages copied before other threads and the disk's other users get their turn
HEADER = b"SQLite format 3\x00"


def backup(path: Path, target: Path) -> int:
    """Copy the database at `path` to `target` while it is written to; gives the size of the copy in bytes.

    The copy is the state at one instant, one file of mode 0600, on the disk when this returns. An older backup of
    that name is replaced in one step; a file that is no database is not. Raises `StoreError`, `StorageFull`, `Corrupt`.
    """
    if not path.is_file():
        raise StoreError(f"there is no database at {path}")
    if target.exists():
        if target.samefile(path):
            raise StoreError(f"{target} is the database itself; name another file for the backup")
        if not _may_replace(target):
            raise StoreError(f"{target} is there already and is no database; name another file for the backup")
    if not target.parent.is_dir():
        raise StoreError(f"the folder {target.parent} for the backup does not exist")
    copy = _copy(path, target)
    try:
        copy.replace(target)
    except OSError as error:
        copy.unlink()
        raise StoreError(f"could not put the backup at {target}: {error.strerror}") from error
    sync_folder(target.parent)
    return target.stat().st_size


def restore(source: Path, path: Path, *, directory: Traversable | None = None) -> Path | None:
    """Put the backup `source` in the place of the database `path`; gives where the old one is kept, if there was one.

    The source is checked first, and nothing is changed unless it is sound. Raises `DatabaseLocked` while a server
    runs, `Corrupt`, `SchemaTooNew` or `StoreError` for a source that won't do, `StorageFull`.
    """
    _check_source(source, directory or house_schema())
    if path.exists() and source.samefile(path):
        raise StoreError(f"{source} is the database itself, not a backup of it")
    with ServerLock(path):
        copy = _copy(source, path, finish=_note_gap)
        kept = _keep_old(path) if path.exists() else None
        copy.replace(path)
        sync_folder(path.parent)
    return kept


def _check_source(source: Path, directory: Traversable) -> None:
    if not source.is_file():
        raise StoreError(f"there is no backup at {source}")
    if source.stat().st_size == 0 or not _may_replace(source):
        raise Corrupt(f"{source} is no SQLite database")
    try:
        with closing(open_reading(source)) as connection:
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            guarded = connection.execute("PRAGMA foreign_key_check").fetchone()
            orphan = (guarded[0], guarded[2]) if guarded else next(unguarded.orphans(connection), None)
            version = schema_version(connection)
    except sqlite3.Error as error:
        raise translate(error, f"read {source}") or Corrupt(f"could not read {source}: {error}") from error
    known = len(read_schema(directory))
    if verdict != "ok":
        raise Corrupt(f"{source} is damaged: {verdict}")
    if orphan is not None:
        raise Corrupt(f"{source} is damaged: rows of {orphan[0]} have no parent in {orphan[1]}")
    if version == 0:
        raise StoreError(f"{source} is a database, but not one of trackdesk's")
    if version > known:
        raise SchemaTooNew(f"{source} has schema {version}, this trackdesk knows {known}; use the newer trackdesk")


def _copy(source: Path, beside: Path, finish: Callable[[Path], None] | None = None) -> Path:
    """A sound, synced copy of `source` in the folder of `beside`, under a name of its own; `finish` may add to it."""
    temporary = beside.with_name(f".{beside.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _copy_pages(source, temporary)
        if finish is not None:
            finish(temporary)
        descriptor = os.open(temporary, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except (sqlite3.Error, OSError) as error:
        temporary.unlink(missing_ok=True)
        message = f"copy {source} to {beside.parent}"
        raise translate(error, message) or StoreError(f"could not {message}: {error}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _note_gap(copy: Path) -> None:
    """Let the next server that opens the copy know since when it knows nothing: its last entry is the last it saw."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchone():
            connection.execute(
                "INSERT OR REPLACE INTO facts (name, value) SELECT ?, at FROM journal ORDER BY seq DESC LIMIT 1",
                (RESTORED,),
            )


def _copy_pages(source: Path, target: Path) -> None:
    with closing(open_reading(source)) as reading, closing(sqlite3.connect(target, isolation_level=None)) as writing:
        # Reading from one snapshot: without it every commit of the server would make the copy start again.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=_STEP)
        reading.execute("ROLLBACK")
        writing.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file that needs no log beside it
        verdict = writing.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise Corrupt(f"{source} is damaged: {verdict}")


def open_reading(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing.

    A backup on a read-only medium can only be opened as immutable; it has no log, so that nothing is missed.
    """
    address = path.absolute().as_uri()
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    mode = "mode=rw" if writable else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"{address}?{mode}", uri=True, isolation_level=None, timeout=5.0)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _keep_old(path: Path) -> Path:
    """Give the old database a second name, so that there is a database at `path` at every moment."""
    _fold_log(path)
    for number in count(1):
        kept = path.with_name(f"{path.name}.before-restore-{number}")
        if not kept.exists():
            break
    log = path.with_name(path.name + "-wal")
    if log.exists():  # it couldn't be folded in; beside the new database it would be taken for its own
        log.rename(kept.with_name(kept.name + "-wal"))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    try:
        os.link(path, kept)
    except OSError:
        shutil.copy2(path, kept)
    return kept


def _fold_log(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        return  # a damaged database is often the reason for restoring; its parts are kept as they are


def _may_replace(target: Path) -> bool:
    if not target.is_file():
        return False
    with target.open("rb") as file:
        start = file.read(len(HEADER))
    return start in (b"", HEADER)
