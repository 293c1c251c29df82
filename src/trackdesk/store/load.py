"""Makes a database of the lines that `dump` wrote: all of them or none."""

from __future__ import annotations

import os
import sqlite3
from base64 import b64decode
from contextlib import closing
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.errors import Invalid, shorten
from trackdesk.store.backup import HEADER, open_reading, restore
from trackdesk.store.errors import DatabaseLocked, SchemaTooNew, StoreError, translate
from trackdesk.store.lock import read_lock
from trackdesk.store.migrate import house_schema, migrate, read_schema
from trackdesk.store.opening import open_database
from trackdesk.store.row_checks import BadValue, RowCheck
from trackdesk.store.runs import ADD_WORDS
from trackdesk.store.travelling import FORMAT, TABLES, VERSION, columns
from trackdesk.store.unguarded import present, stands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_STEP = 2_000
LONGEST_LINE = 16 * 1024 * 1024
_OTHERS = "; what other tools wrote is taken over by the tool's name, as in: trackdesk import healthchecks FILE"
_PRESENT = ("processes", "runs", "incidents", "keys", "channels", "notifications")
"""A database with rows in one of these isn't empty."""


class Loaded(NamedTuple):
    """`kept`: where the empty database is that was there before."""

    counts: dict[str, int]
    secrets: bool
    kept: Path | None


def load(
    source: IO[bytes],
    path: Path,
    *,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
    only_check: bool = False,
) -> Loaded:
    """Put what `source` holds in the place of `path`, where no database is or an empty one.

    A file of an older schema is read into that schema and then brought up to date. Raises Invalid that names line and
    column, DatabaseLocked while a server runs, StoreError when the database isn't empty; then nothing is changed.
    """
    if (holder := read_lock(path)) is not None:
        raise DatabaseLocked(path, holder.pid)
    _refuse_full(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.import")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        header = _fill(temporary, source, progress)
        kept = None if only_check else restore(temporary, path)
        return Loaded(header.counts, header.secrets, kept)
    except sqlite3.Error as error:
        raise translate(error, f"import into {path}") or StoreError(f"could not import: {error}") from error
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)


def _refuse_full(path: Path) -> None:
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with closing(open_reading(path)) as connection:
            found = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            full = [
                table
                for table in _PRESENT
                if table in found and connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
            ]
    except sqlite3.Error as error:
        raise translate(error, f"read {path}") or StoreError(f"could not read {path}: {error}") from error
    if full:
        raise StoreError(
            f"{path} has {', '.join(full)} in it; import into an empty place: name another with --data-dir, or move "
            "that file away"
        )


def _index_words(connection: sqlite3.Connection) -> None:
    """The words of runs that failed; those of an old schema are there already."""
    connection.execute("INSERT INTO run_words (run_words) VALUES ('delete-all')")
    connection.execute(ADD_WORDS)


class _Header(NamedTuple):
    schema: int
    secrets: bool
    counts: dict[str, int]


def _fill(temporary: Path, source: IO[bytes], progress: Callable[[int, int], object]) -> _Header:
    header = _header(source.readline(LONGEST_LINE))
    with closing(open_database(temporary)) as connection:
        migrate(connection, up_to=header.schema)
        # Whatever goes wrong, the file is thrown away; the copy that takes the place is synced.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = OFF").fetchone()
        connection.execute("BEGIN")
        for table in reversed(TABLES):
            if columns(connection, table):
                connection.execute(f"DELETE FROM {table}")
        reader = _Reader(connection)
        total, done = sum(header.counts.values()), 0
        while line := source.readline(LONGEST_LINE):
            done += 1
            reader.read(done + 1, line)
            if done % _STEP == 0:
                progress(done, total)
        reader.compare(header.counts, done + 1)
        _index_words(connection)
        connection.execute("COMMIT")
        progress(done, total)
        migrate(connection)
    return header


def _header(line: bytes) -> _Header:
    if line.startswith(HEADER):
        raise Invalid("line 1", "expected the header of an export; this is a database, which `trackdesk restore` takes")
    found = _document(1, line)
    if found.get("format") != FORMAT:
        raise Invalid("line 1", f'expected the header of an export, {{"format": "{FORMAT}", …}}{_OTHERS}', found)
    if found.get("version") != VERSION:
        raise Invalid("line 1: version", f"expected {VERSION}; a newer trackdesk wrote this", found.get("version"))
    schema, counts, known = found.get("schema"), found.get("counts"), len(read_schema(house_schema()))
    if type(schema) is not int or schema < 1:
        raise Invalid("line 1: schema", "expected the number of a schema", schema)
    if schema > known:
        raise SchemaTooNew(f"the file has schema {schema}, this trackdesk knows {known}; use the newer trackdesk")
    if not isinstance(counts, dict) or not all(
        table in TABLES and type(count) is int and count >= 0 for table, count in counts.items()
    ):
        raise Invalid("line 1: counts", "expected how many rows each table has", counts)
    return _Header(schema, bool(found.get("secrets")), counts)


def _document(number: int, line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n") and len(line) >= LONGEST_LINE:
        raise Invalid(f"line {number}", f"expected at most {LONGEST_LINE} bytes")
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        said = f"expected JSON ({error}){'' if number > 1 else _OTHERS}"
        raise Invalid(f"line {number}", said, line[:100].decode("utf-8", "replace")) from None
    if not isinstance(found, dict):
        raise Invalid(f"line {number}", "expected an object", found)
    return found


class _Reader:
    """Checks and stores line after line."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._checks = {table: RowCheck(table, known) for table in TABLES if (known := columns(connection, table))}
        self._blobs = {
            table: names
            for table in self._checks
            if (names := [column.name for column in columns(connection, table) if column.type == "BLOB"])
        }
        self._inserts: dict[tuple[str, ...], str] = {}
        self._counts = dict.fromkeys(TABLES, 0)
        self._unguarded = {
            table: (reference.column, f"SELECT {stands(reference, '?1')}")
            for table, reference in present(connection).items()
        }

    def read(self, number: int, line: bytes) -> None:
        """Raises Invalid."""
        found = _document(number, line)
        table, row = found.get("table"), found.get("row")
        if not isinstance(table, str) or (check := self._checks.get(table)) is None:
            raise Invalid(f"line {number}: table", f"expected one of {', '.join(self._checks)}", table or "")
        if not isinstance(row, dict) or not row or len(found) != 2:
            raise Invalid(f"line {number}", 'expected {"table": …, "row": {…}}')
        try:
            check.check(row)
            self._refuse_orphan(table, row)
            self._store(table, row)
        except BadValue as error:
            raise Invalid(f"line {number}: {table}.{error.column}", str(error)) from None
        except sqlite3.IntegrityError as error:
            raise Invalid(f"line {number}: {self._broken(table, row, str(error))}", _WORDS[_kind(error)]) from None
        self._counts[table] += 1

    def compare(self, wanted: dict[str, int], last: int) -> None:
        """Raises Invalid when a table has other rows than the header said."""
        for table, found in self._counts.items():
            if found != (count := wanted.get(table, 0)):
                raise Invalid(f"line {last}", f"the file ends with {found} of {count} rows of {table}; is it whole?")

    def _refuse_orphan(self, table: str, row: dict[str, Any]) -> None:
        """Where no foreign key does."""
        if table in self._unguarded:
            column, found = self._unguarded[table]
            if not self._connection.execute(found, (row[column],)).fetchone()[0]:
                raise BadValue(f"{column} {shorten(row[column])}", _WORDS["FOREIGN"])

    def _store(self, table: str, row: dict[str, Any]) -> None:
        if table == "sqlite_sequence":  # storing rows has counted already; what was deleted counts too
            self._connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (row["name"],))
        for name in self._blobs.get(table, ()):
            row[name] = b64decode(row[name])
        shape = (table, *row)
        insert = self._inserts.get(shape)
        if insert is None:
            marks = ", ".join("?" * len(row))
            insert = self._inserts[shape] = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
        self._connection.execute(insert, tuple(row.values()))

    def _broken(self, table: str, row: dict[str, Any], message: str) -> str:
        """`runs.process_id`: the columns that a broken constraint is about."""
        if not message.startswith("FOREIGN"):
            return message.rpartition(": ")[2]
        for _, _, parent, column, target, *_ in self._connection.execute(f"PRAGMA foreign_key_list({table})"):
            value = row.get(column)
            if (
                value is not None
                and self._connection.execute(f"SELECT 1 FROM {parent} WHERE {target} = ?", (value,)).fetchone() is None
            ):
                return f"{table}.{column} {shorten(value)}"
        return table


def _kind(error: sqlite3.IntegrityError) -> str:
    return str(error).split(maxsplit=1)[0]


_WORDS = {
    "UNIQUE": "stands twice",
    "FOREIGN": "refers to a row that does not stand before it",
    "NOT": "expected a value, not null",
    "CHECK": "is not allowed",
    "cannot": "has the wrong type",
    "datatype": "has the wrong type",
}
