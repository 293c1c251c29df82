"""A small database for trying the store's machinery: notes, their parents, the journal."""

import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from trackdesk.store.migrate import migrate
from trackdesk.store.opening import open_database
from trackdesk.store.writer import Tx

NOW = 1_767_312_000_000_000
SCHEMA = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE replies (
    id INTEGER PRIMARY KEY,
    note_id INTEGER NOT NULL REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    namespace_id INTEGER NOT NULL CHECK (namespace_id > 0),
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    actor TEXT NOT NULL,
    changed TEXT NOT NULL
) STRICT;
"""


def clock() -> int:
    return NOW


def make(folder: Path) -> Path:
    """A database in `folder` with the schema beside it."""
    schema = folder / "schema"
    schema.mkdir(exist_ok=True)
    (schema / "0001_notes.sql").write_text(SCHEMA, encoding="utf-8")
    path = folder / "notes.db"
    with closing(open_database(path)) as connection:
        migrate(connection, directory=schema, clock=clock)
    return path


def rows(path: Path, sql: str = "SELECT text FROM notes ORDER BY id") -> list[object]:
    """The first column of what another connection sees."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(sql)]


def note(text: str, journalled: bool = False) -> Callable[[Tx], int]:
    """An operation that writes one note and gives its id."""

    def op(tx: Tx) -> int:
        row = tx.one("INSERT INTO notes (text) VALUES (?) RETURNING id", (text,))
        assert row is not None
        if journalled:
            tx.journal(1, "note", "made", text, "tester", {"text": text})
        return int(row[0])

    return op


def notes(tx: Tx, texts: Sequence[str]) -> list[str | BaseException]:
    """A bulk function: writes every note with one statement."""
    tx.executemany("INSERT INTO notes (text) VALUES (?)", [(text,) for text in texts])
    for text in texts:
        tx.journal(1, "note", "made", text, "tester")
    return list(texts)


def program(*lines: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    """Command and environment of another Python process that runs `lines`."""
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(str(each) for each in (root, root / "src"))
    return [sys.executable, "-c", "\n".join(lines)], {**os.environ, "PYTHONPATH": path, **environment}
