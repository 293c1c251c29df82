"""The whole database as lines of JSON: one state of it, also while a server writes, in little memory."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.instant import format_instant
from trackdesk.store.backup import open_reading
from trackdesk.store.errors import SchemaTooNew, StoreError, translate
from trackdesk.store.migrate import house_schema, read_schema, schema_version
from trackdesk.store.travelling import FORMAT, SECRET_TABLES, TABLES, VERSION, Column, columns, selection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_STEP = 2_000
"""Rows that are read and written at once."""


class _Part(NamedTuple):
    table: str
    columns: tuple[Column, ...]
    select: str
    rows: int


def dump(
    path: Path,
    write: Callable[[bytes], object],
    *,
    now: int,
    secrets: bool = False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> dict[str, int]:
    """Hand the database at `path` to `write`, line by line; gives the rows of each table.

    `secrets`: with the digests of keys and the sealed URLs of channels, which need the seal key file to be of use.
    `progress` is told rows done and rows in all. `now` in µs. Raises StoreError.
    """
    if not path.is_file():
        raise StoreError(f"there is no database at {path}")
    try:
        with closing(open_reading(path)) as connection:
            connection.execute("BEGIN")
            parts = _parts(connection, path, secrets=secrets)
            write(_header(connection, parts, now, secrets=secrets))
            total, done = sum(part.rows for part in parts), 0
            for part in parts:
                done = _write_rows(connection, part, write, lambda rows: progress(rows, total), done)
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise translate(error, f"read {path}") or StoreError(f"could not read {path}: {error}") from error
    return {part.table: part.rows for part in parts}


def _parts(connection: sqlite3.Connection, path: Path, *, secrets: bool) -> list[_Part]:
    version, known_version = schema_version(connection), len(read_schema(house_schema()))
    if version == 0:
        raise StoreError(f"{path} is a database, but not one of trackdesk's")
    if version > known_version:
        raise SchemaTooNew(
            f"{path} has schema {version}, this trackdesk knows {known_version}; use the newer trackdesk"
        )
    parts = []
    for table in TABLES:
        known = columns(connection, table)
        if known and (secrets or table not in SECRET_TABLES):
            select, count = selection(table, known, secrets=secrets)
            parts.append(_Part(table, known, select, connection.execute(count).fetchone()[0]))
    return parts


def _header(connection: sqlite3.Connection, parts: list[_Part], now: int, *, secrets: bool) -> bytes:
    header = {
        "format": FORMAT,
        "version": VERSION,
        "schema": schema_version(connection),
        "exported_at": format_instant(now),
        "secrets": secrets,
        "counts": {part.table: part.rows for part in parts},
    }
    return orjson.dumps(header) + b"\n"


def _write_rows(
    connection: sqlite3.Connection,
    part: _Part,
    write: Callable[[bytes], object],
    progress: Callable[[int], object],
    done: int,
) -> int:
    names = [column.name for column in part.columns]
    cursor = connection.execute(part.select)
    while rows := cursor.fetchmany(_STEP):
        write(b"".join(_line(part.table, names, row) for row in rows))
        done += len(rows)
        progress(done)
    return done


def _line(table: str, names: list[str], row: tuple[Any, ...]) -> bytes:
    return orjson.dumps({"table": table, "row": dict(zip(names, row, strict=True))}, default=_text) + b"\n"


def _text(blob: bytes) -> str:
    return b64encode(blob).decode()
