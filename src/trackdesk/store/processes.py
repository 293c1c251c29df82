"""Processes as the operations see them: found or made by name, counted, kept in the writer's memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from trackdesk.domain.clock import DAY
from trackdesk.domain.errors import NotFound
from trackdesk.domain.schedule import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackdesk.domain.schedule import Schedule
    from trackdesk.store.writer import Tx

MAX_AHEAD = DAY
"""µs by which a job's clock may be ahead of ours before its times are refused."""

_COLUMNS = (
    "id, namespace_id, name, department, service, category, default_deadline, warn_at, heartbeat_timeout, auto_close, "
    "incident_per, runbook_url, version, alert_after_failures, grace, paused_at IS NOT NULL, schedule"
)


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """What operations on runs need to know of their process."""

    id: int
    namespace_id: int
    name: str
    department: str | None
    service: str | None
    category: str | None
    default_deadline: int | None
    warn_at: float
    heartbeat_timeout: int | None
    auto_close: bool
    incident_per: str
    runbook_url: str | None
    version: int
    alert_after_failures: int
    grace: int | None
    paused: bool
    schedule: Schedule | None


def find(tx: Tx, namespace_id: int, name: str) -> ProcessRow | None:
    known: dict[tuple[int, str], ProcessRow] = tx.cache.setdefault("processes", {})
    process = known.get((namespace_id, name))
    if process is None:
        row = tx.one(f"SELECT {_COLUMNS} FROM processes WHERE namespace_id = ? AND name = ?", (namespace_id, name))
        if row is None:
            return None
        schedule = None if row[-1] is None else unpack(row[-1])
        process = known[namespace_id, name] = ProcessRow(*(*row[:-1], schedule))
    return process


def find_each(tx: Tx, names: Iterable[tuple[int, str]]) -> list[ProcessRow | None]:
    """`find` for each (namespace_id, name), most of which are in the writer's memory."""
    known: dict[tuple[int, str], ProcessRow] = tx.cache.setdefault("processes", {})
    return [known.get(name) or find(tx, *name) for name in names]


def get(tx: Tx, namespace_id: int, name: str) -> ProcessRow:
    process = find(tx, namespace_id, name)
    if process is None:
        raise NotFound(f"There is no process {name!r}.")
    return process


def names(tx: Tx, namespace_id: int) -> list[str]:
    return [
        row[0] for row in tx.all("SELECT name FROM processes WHERE namespace_id = ? ORDER BY name", (namespace_id,))
    ]


def of_run(tx: Tx, process_id: int) -> ProcessRow:
    row = tx.one("SELECT namespace_id, name FROM processes WHERE id = ?", (process_id,))
    assert row is not None, "a run's process outlives the run"
    return get(tx, row[0], row[1])


def find_or_make(tx: Tx, namespace_id: int, name: str, actor: str) -> ProcessRow:
    process = find(tx, namespace_id, name)
    if process is not None:
        return process
    tx.execute(
        "INSERT INTO processes (namespace_id, name, ping_uuid, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
        (namespace_id, name, str(uuid4()), tx.now, tx.now),
    )
    tx.journal(namespace_id, "processes", "made", name, actor)
    return get(tx, namespace_id, name)


def change(tx: Tx, process: ProcessRow, values: dict[str, Any]) -> None:
    """Set columns; the version goes up by one."""
    names = ", ".join(f"{name} = ?" for name in values)
    tx.execute(
        f"UPDATE processes SET {names}, version = version + 1, updated_at = ? WHERE id = ?",
        (*values.values(), tx.now, process.id),
    )
    forget(tx, process)


def forget(tx: Tx, process: ProcessRow) -> None:
    """What is remembered of its settings no longer holds."""
    tx.cache.get("processes", {}).pop((process.namespace_id, process.name), None)


def delete(tx: Tx, process: ProcessRow) -> None:
    """Its runs have gone before."""
    tx.execute("DELETE FROM processes WHERE id = ?", (process.id,))
    forget(tx, process)


def run_seqs(tx: Tx, process_id: int, limit: int) -> list[int]:
    """The numbers of its oldest runs."""
    rows = tx.all("SELECT seq FROM runs WHERE process_id = ? ORDER BY started_at, seq LIMIT ?", (process_id, limit))
    return [seq for (seq,) in rows]


def columns(tx: Tx, process_id: int, names: tuple[str, ...]) -> dict[str, Any]:
    """The stored values of some columns."""
    row = tx.one(f"SELECT {', '.join(('id', *names))} FROM processes WHERE id = ?", (process_id,))
    assert row is not None, "callers have found the process in this transaction"
    return dict(zip(names, row[1:], strict=True))


def note_last_run(tx: Tx, process_id: int) -> None:
    """Look up the newest run again, after one was deleted."""
    tx.execute(
        "UPDATE processes SET last_run_at = (SELECT max(started_at) FROM runs WHERE process_id = ?) WHERE id = ?",
        (process_id, process_id),
    )


_COUNTS = ("total", "active", "completed", "failed", "skipped", "late")
_LAST = "json_extract(changes.value, '$[1]')"
_EXPECTED = "json_extract(changes.value, '$[8]')"
_TO_COUNTED = f"""
UPDATE processes SET last_run_at = max(coalesce(last_run_at, {_LAST}), coalesce({_LAST}, last_run_at)), {
    ", ".join(f"{name} = {name} + json_extract(changes.value, '$[{index}]')" for index, name in enumerate(_COUNTS, 2))
}"""
_TO_EXPECTED = f""", expected_at = coalesce({_EXPECTED}, expected_at),
missing_since = iif({_EXPECTED} IS NULL, missing_since, NULL),
next_due_at = iif({_EXPECTED} IS NULL, next_due_at, json_extract(changes.value, '$[9]'))"""
_OF_EACH = " FROM json_each(?) AS changes WHERE processes.id = json_extract(changes.value, '$[0]')"


class Counts:
    """Collects what a group of operations changes in the counts of processes, to write it in one statement."""

    def __init__(self) -> None:
        self._changes: dict[int, dict[str, int]] = {}
        self._last_runs: dict[int, int] = {}
        self._expected: dict[int, tuple[int, int]] = {}

    def add(self, process_id: int, **changes: int) -> None:
        """`active=-1, completed=1` and the like."""
        counts = self._of(process_id)
        for name, by in changes.items():
            counts[name] += by

    def _of(self, process_id: int) -> dict[str, int]:
        counts = self._changes.get(process_id)
        if counts is None:
            counts = self._changes[process_id] = dict.fromkeys(_COUNTS, 0)
        return counts

    def started(self, process_id: int, started_at: int) -> None:
        counts = self._of(process_id)
        counts["total"] += 1
        counts["active"] += 1
        self._last_runs[process_id] = max(started_at, self._last_runs.get(process_id, 0))

    def expect(self, process_id: int, expected_at: int, next_due_at: int) -> None:
        """A counted start has met what was expected: the process is not missing, and is expected again then (µs)."""
        self._expected[process_id] = (expected_at, next_due_at)

    def write(self, tx: Tx) -> None:
        if not self._changes:
            return
        # What nobody expects pays nothing for those that somebody does.
        sql = _TO_COUNTED + (_TO_EXPECTED if self._expected else "") + _OF_EACH
        rows = [
            (process_id, self._last_runs.get(process_id), *counts.values(), *self._expected.get(process_id, ()))
            for process_id, counts in self._changes.items()
        ]
        tx.execute(sql, (orjson.dumps(rows).decode(),))
        self._changes.clear()
        self._last_runs.clear()
        self._expected.clear()
