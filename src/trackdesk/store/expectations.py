"""What is expected of processes as the operations write it: when next, since when missing, until when paused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.store import processes

if TYPE_CHECKING:
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx


class Standing(NamedTuple):
    """The expectation that stands; instants in µs."""

    expected_at: int | None
    """None: nothing is expected."""
    missing_since: int | None


class DueProcess(NamedTuple):
    """A process that time changes."""

    id: int
    namespace_id: int
    name: str


def standing(tx: Tx, process_id: int) -> Standing:
    """Kept in the writer's memory: every start of a process that has a schedule asks."""
    known: dict[int, Standing] = tx.cache.setdefault("expectations", {})
    found = known.get(process_id)
    if found is None:
        row = tx.one("SELECT expected_at, missing_since FROM processes WHERE id = ?", (process_id,))
        assert row is not None, "callers have found the process in this transaction"
        found = known[process_id] = Standing(*row)
    return found


def remember(tx: Tx, process_id: int, stands: Standing) -> None:
    """What this transaction is about to write."""
    tx.cache.setdefault("expectations", {})[process_id] = stands


def write(tx: Tx, process_id: int, values: dict[str, Any]) -> None:
    """Set columns. What time or a pause makes of a process is no edit: its version stays."""
    names = ", ".join(f"{name} = ?" for name in values)
    tx.execute(f"UPDATE processes SET {names} WHERE id = ?", (*values.values(), process_id))
    tx.cache.get("expectations", {}).pop(process_id, None)
    if (due_at := values.get("next_due_at")) is not None:
        tx.wake("agenda", due_at)


def write_pause(tx: Tx, process: ProcessRow, values: dict[str, Any]) -> None:
    """Set columns of a pause, which operations on runs must know of."""
    write(tx, process.id, values)
    processes.forget(tx, process)


def _due(until: int, skip: tuple[int, int] | None) -> tuple[str, list[int]]:
    if skip is None:
        return "next_due_at <= ?", [until]
    return "next_due_at <= ? AND (next_due_at <= ? OR next_due_at > ?)", [until, *skip]


def due(tx: Tx, until: int, limit: int, skip: tuple[int, int] | None) -> list[DueProcess]:
    """Processes whose `next_due_at` is at most `until`, oldest first; none that fall in `skip` (from, to]."""
    where, values = _due(until, skip)
    rows = tx.all(
        f"SELECT id, namespace_id, name FROM processes WHERE {where} ORDER BY next_due_at, id LIMIT ?",
        (*values, limit),
    )
    return [DueProcess(*row) for row in rows]


def next_due(tx: Tx, skip: tuple[int, int] | None) -> int | None:
    """The least instant outside of `skip` (from, to] at which some process is due."""
    if skip is None:
        rows = tx.all("SELECT min(next_due_at) FROM processes WHERE next_due_at IS NOT NULL")
    else:
        rows = tx.all(
            "SELECT (SELECT min(next_due_at) FROM processes WHERE next_due_at <= ?) UNION ALL "
            "SELECT (SELECT min(next_due_at) FROM processes WHERE next_due_at > ?)",
            skip,
        )
    return min((row[0] for row in rows if row[0] is not None), default=None)


def put_off_first(tx: Tx, until: int, skip: tuple[int, int] | None, next_due_at: int) -> str | None:
    """Let the process that is due first be due at `next_due_at`; gives its name."""
    where, values = _due(until, skip)
    row = tx.one(
        f"UPDATE processes SET next_due_at = ? WHERE id = (SELECT id FROM processes WHERE {where} "
        "ORDER BY next_due_at, id LIMIT 1) RETURNING name",
        (next_due_at, *values),
    )
    return None if row is None else row[0]


def waiting(tx: Tx, after: int, behind: int, limit: int) -> list[DueProcess]:
    """Processes with an id above `after` that are due later than `behind` (µs) and are not paused, by id."""
    rows = tx.all(
        "SELECT id, namespace_id, name FROM processes WHERE id > ? AND next_due_at > ? AND paused_at IS NULL "
        "ORDER BY id LIMIT ?",
        (after, behind, limit),
    )
    return [DueProcess(*row) for row in rows]


def pause(tx: Tx, process_id: int) -> tuple[int | None, int | None, str | None]:
    """(paused_at, paused_until, pause_reason)."""
    row = tx.one("SELECT paused_at, paused_until, pause_reason FROM processes WHERE id = ?", (process_id,))
    assert row is not None, "callers have found the process in this transaction"
    return (row[0], row[1], row[2])
