"""What an operation works with: the open transaction, one instant, and what is to happen once it is committed."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import orjson

Values = Sequence[Any] | Mapping[str, Any]

_READ_COUNTER = """
SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0),
           coalesce((SELECT max(seq) FROM journal), 0))
"""
_WRITE_ENTRY = "INSERT OR FAIL INTO journal (seq, at, namespace_id, topic, kind, ref, actor, changed)"
_CHUNKS = (64, 32, 16, 8, 4, 2, 1)
"""Rows a statement; few sizes, so that each is compiled once and kept."""


@lru_cache(maxsize=64)
def _many_values(into: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"{into} VALUES {', '.join([row] * rows)}"


class JournalEntry(NamedTuple):
    """One row of the journal, as it is stored; `changed` is a JSON object as text, `at` in µs UTC."""

    seq: int
    at: int
    namespace_id: int
    topic: str
    kind: str
    ref: str
    actor: str
    changed: str


class Mark(NamedTuple):
    """How much a transaction had collected at some moment; see `Tx.undo_to`."""

    entries: int
    wakes: int
    callbacks: int


class Tx:
    """The writer's open transaction. Belongs to the writer's thread; an operation must not keep it.

    `now` (µs UTC) is frozen once for a batch. `cache` is the writer's own memory across batches, for what would
    otherwise be read again and again (ids of names, say); it is emptied whenever anything is rolled back.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.now = 0
        self.cache: dict[str, Any] = {}
        self.entries: list[JournalEntry] = []
        self.wakes: list[tuple[str, int]] = []
        self.callbacks: list[Callable[[], object]] = []
        self._connection = connection
        self._execute = connection.execute
        self._last_seq = int(connection.execute(_READ_COUNTER).fetchone()[0])

    def execute(self, sql: str, params: Values = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._execute(sql, params)

    def executemany(self, sql: str, rows: Iterable[Values]) -> sqlite3.Cursor:
        """Run one statement for each row."""
        return self._connection.executemany(sql, rows)

    def insert(self, into: str, rows: Sequence[Sequence[Any]]) -> int:
        """`into` is an INSERT up to its VALUES; gives how many rows went in.

        Several rows go in one statement: Python gives up its lock for every step of a statement, and next to a busy
        event loop getting it back is what costs.

        With `OR FAIL` a statement that fails leaves the rows before the one at fault, which go with whatever else its
        operation has written, and SQLite needs no copies of all pages it touches: a sixth of what a run start costs
        the writer. (A trigger or a foreign key would make it keep them all the same.)
        """
        done = inserted = 0
        for size in _CHUNKS:
            while len(rows) - done >= size:
                sql = _many_values(into, len(rows[0]), size)
                inserted += self._execute(sql, list(chain.from_iterable(rows[done : done + size]))).rowcount
                done += size
        return inserted

    def all_of(self, columns: str, keys: Sequence[Sequence[Any]], select: str) -> list[tuple[Any, ...]]:
        """Every row of `select` over the table `wanted`, which has `keys` in its `columns`."""
        found: list[tuple[Any, ...]] = []
        done = 0
        for size in _CHUNKS:
            while len(keys) - done >= size:
                sql = f"{_many_values(f'WITH wanted ({columns}) AS (', len(keys[0]), size)}) {select}"
                found += self._execute(sql, list(chain.from_iterable(keys[done : done + size]))).fetchall()
                done += size
        return found

    def one(self, sql: str, params: Values = ()) -> tuple[Any, ...] | None:
        """The first row, or None when there is none."""
        row: tuple[Any, ...] | None = self._execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: Values = ()) -> list[tuple[Any, ...]]:
        """Every row."""
        return self._execute(sql, params).fetchall()

    def journal(
        self,
        namespace_id: int,
        topic: str,
        kind: str,
        ref: str,
        actor: str,
        changed: Mapping[str, object] | None = None,
        *,
        at: int | None = None,
    ) -> None:
        """Record a change of state, written with the commit; `at` is `now` unless given.

        Raises `TypeError` when `changed` can't be said in JSON.
        """
        text = orjson.dumps(changed).decode() if changed else "{}"
        self.journal_text(namespace_id, topic, kind, ref, actor, text, at)

    def journal_text(
        self, namespace_id: int, topic: str, kind: str, ref: str, actor: str, text: str, at: int | None = None
    ) -> None:
        """`journal` with `changed` as JSON text, for what is recorded thousands of times a second."""
        seq = self._last_seq + len(self.entries) + 1
        self.entries.append(
            JournalEntry(seq, self.now if at is None else at, namespace_id, topic, kind, ref, actor, text)
        )

    def journal_texts(self, topic: str, kind: str, of: Iterable[tuple[int, str, str, str]]) -> None:
        """`journal_text` for many; `of`: (namespace_id, ref, actor, changed)."""
        first, now = self._last_seq + len(self.entries) + 1, self.now
        self.entries += [
            JournalEntry(seq, now, namespace_id, topic, kind, ref, actor, text)
            for seq, (namespace_id, ref, actor, text) in enumerate(of, first)
        ]

    def wake(self, name: str, due_at: int) -> None:
        """After the commit, tell the worker `name` that something is due at `due_at` (µs UTC)."""
        self.wakes.append((name, due_at))

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Call `callback` on the writer's thread once this is committed and before anyone is answered.

        For bringing an in-memory cache up to date; it must be quick and must not raise.
        """
        self.callbacks.append(callback)

    # What follows is the writer's side of it.

    def begin(self, now: int) -> None:
        """Forget what the last batch collected; the lists are new because the old ones were handed out."""
        self.now = now
        self.entries = []
        self.wakes = []
        self.callbacks = []

    def mark(self) -> Mark:
        """Where to go back to when what follows fails."""
        return Mark(len(self.entries), len(self.wakes), len(self.callbacks))

    def undo_to(self, mark: Mark) -> None:
        """Drop what was collected since `mark`."""
        del self.entries[mark.entries :]
        del self.wakes[mark.wakes :]
        del self.callbacks[mark.callbacks :]
        self.cache.clear()

    def write_journal(self) -> None:
        """Put the collected entries into the open transaction."""
        if self.entries:
            self.insert(_WRITE_ENTRY, self.entries)

    def committed(self) -> None:
        """Take the numbers of the written entries as used."""
        self._last_seq += len(self.entries)

    def earliest_wakes(self) -> dict[str, int]:
        """The least instant asked for, by name of the worker."""
        earliest: dict[str, int] = {}
        for name, due_at in self.wakes:
            if due_at < earliest.get(name, due_at + 1):
                earliest[name] = due_at
        return earliest
