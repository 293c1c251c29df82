"""What `trackdesk doctor` finds out about a database file."""

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from trackdesk.domain.instant import format_instant
from trackdesk.store import unguarded
from trackdesk.store.depot import depot_of
from trackdesk.store.depot_copies import look
from trackdesk.store.errors import SqliteTooOld
from trackdesk.store.lock import read_lock
from trackdesk.store.migrate import house_schema, read_schema, schema_version
from trackdesk.store.opening import INCREMENTAL, check_sqlite
from trackdesk.store.sizes import OLDEST_SQL, ROWS_SQL, TABLES

Level = Literal["OK", "WARN", "ERROR"]

_QUICK_ABOVE = 512 * 1024 * 1024  # bytes; the full check reads every index, minutes on a large file
_LOW_SPACE = 512 * 1024 * 1024
_LARGE_LOG = 256 * 1024 * 1024
_WASTED = 0.25  # of the pages


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `remedy` says how to mend what isn't OK."""

    name: str
    level: Level
    detail: str
    remedy: str = ""


def check(path: Path, *, directory: Traversable | None = None) -> list[Finding]:
    """Look at everything about the database at `path`; changes nothing, and works beside a running server."""
    findings = [_sqlite_version(), *_disk(path)]
    if not path.is_file():
        return [*findings, Finding("database", "ERROR", f"there is none at {path}", "`trackdesk serve` makes one")]
    findings += [*_files(path), _server(path)]
    address = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=5.0)) as connection:
            connection.execute("PRAGMA query_only = ON")
            findings += _contents(connection, path.stat().st_size, directory or house_schema())
            findings += _attachments(connection, path)
    except sqlite3.Error as error:
        findings.append(Finding("database", "ERROR", f"{path} can't be read: {error}", _RESTORE))
    return findings


_RESTORE = "stop the server and `trackdesk restore` the latest backup; the damaged file is kept beside it"


def _sqlite_version() -> Finding:
    try:
        check_sqlite()
    except SqliteTooOld as error:
        return Finding("sqlite", "ERROR", str(error), "install a newer Python")
    return Finding("sqlite", "OK", sqlite3.sqlite_version)


def _disk(path: Path) -> Iterator[Finding]:
    folder = path.parent
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    low = free < _LOW_SPACE
    yield Finding(
        "disk space",
        "WARN" if low else "OK",
        f"{_size(free)} free in {folder}",
        "free some space: without it every write is refused" if low else "",
    )


def _files(path: Path) -> Iterator[Finding]:
    log = path.with_name(path.name + "-wal")
    log_size = log.stat().st_size if log.exists() else 0
    yield Finding(
        "size",
        "WARN" if log_size > _LARGE_LOG else "OK",
        f"{_size(path.stat().st_size)}, write-ahead log {_size(log_size)}",
        "end the program that has been reading for so long, or restart the server" if log_size > _LARGE_LOG else "",
    )
    if os.name == "nt":
        return
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding("permissions", "WARN", f"{path} has mode {mode:04o}: others may read it", f"chmod 600 {path}")
    elif not os.access(path, os.R_OK | os.W_OK):
        yield Finding("permissions", "ERROR", f"{path} can't be written by this user", "run as its owner")
    else:
        yield Finding("permissions", "OK", f"{mode:04o}")


def _server(path: Path) -> Finding:
    holder = read_lock(path)
    if holder is None:
        return Finding("server", "OK", "none is running on this database")
    return Finding("server", "OK", f"process {holder.pid} serves it at {holder.url or 'an address not yet known'}")


def _contents(connection: sqlite3.Connection, size: int, directory: Traversable) -> Iterator[Finding]:
    yield _schema(connection, directory)
    yield _journal_mode(connection)
    yield _room(connection)
    if schema_version(connection) == len(read_schema(directory)) and directory == house_schema():
        yield _rows(connection)
    yield _integrity(connection, "quick_check" if size > _QUICK_ABOVE else "integrity_check")
    orphans = Counter(row[0] for row in connection.execute("PRAGMA foreign_key_check"))
    orphans.update({table: count for table, _, count in unguarded.orphans(connection)})
    if orphans:
        detail = f"{orphans.total()} rows without their parent, in {', '.join(sorted(orphans))}"
        yield Finding("references", "ERROR", detail, _RESTORE)
    else:
        yield Finding("references", "OK", "every row has its parent")


def _schema(connection: sqlite3.Connection, directory: Traversable) -> Finding:
    version, known = schema_version(connection), len(read_schema(directory))
    detail = f"version {version}, this program knows {known}"
    if version > known:
        return Finding("schema", "ERROR", detail, "use the newer trackdesk that wrote it")
    if version == 0:
        return Finding("schema", "ERROR", "this is no database of trackdesk's", "check the path")
    if version < known:
        return Finding("schema", "WARN", detail, "the next `trackdesk serve` brings it up to date")
    return Finding("schema", "OK", detail)


def _journal_mode(connection: sqlite3.Connection) -> Finding:
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode == "wal":
        return Finding("journal mode", "OK", mode)
    return Finding("journal mode", "WARN", mode, "the next `trackdesk serve` switches it to wal")


def _room(connection: sqlite3.Connection) -> Finding:
    """A file from before free pages could be given back grows to its largest size and stays there."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    detail = f"{free} of {pages}"
    if connection.execute("PRAGMA auto_vacuum").fetchone()[0] == INCREMENTAL:
        return Finding("free pages", "OK", detail)
    remedy = "stop the server once and run `trackdesk cleanup --compact`"
    wasted = free > pages * _WASTED
    return Finding("free pages", "WARN" if wasted else "OK", f"{detail}; this file can't shrink while in use", remedy)


def _rows(connection: sqlite3.Connection) -> Finding:
    counts = zip(TABLES, connection.execute(ROWS_SQL).fetchone(), strict=True)
    shown = ", ".join(f"{count:,} {table}" for table, count in counts)
    oldest = connection.execute(OLDEST_SQL).fetchone()[0]
    since = "" if oldest is None else f"; the oldest run is of {format_instant(oldest)[:10]}"
    return Finding("rows", "OK", f"about {shown}{since}")


def _attachments(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    files = look(connection, path)
    if not files.needed and not files.unneeded:
        return
    folder = depot_of(path).folder
    if files.missing:
        detail = f"{len(files.missing)} of {files.needed} files are not in {folder} as they were: {files.missing[0]}"
        remedy = "`trackdesk restore` of a backup that has them; or delete those attachments"
        yield Finding("attachments", "ERROR", detail + (", …" if len(files.missing) > 1 else ""), remedy)
    elif files.unneeded:
        detail = f"{len(files.unneeded)} files ({_size(files.unneeded_size)}) in {folder} belong to no attachment"
        remedy = f"a backup may need them; if none does, delete them, such as {files.unneeded[0]}"
        yield Finding("attachments", "WARN", detail, remedy)
    else:
        yield Finding("attachments", "OK", f"{files.needed} files, {_size(files.size)}, all there")


def _integrity(connection: sqlite3.Connection, pragma: str) -> Finding:
    verdicts = [row[0] for row in connection.execute(f"PRAGMA {pragma}(5)")]
    if verdicts == ["ok"]:
        return Finding("integrity", "OK", f"{pragma} found nothing")
    return Finding("integrity", "ERROR", "; ".join(verdicts), _RESTORE)


def _size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
