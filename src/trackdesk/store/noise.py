"""Silences and maintenance windows as time finds them: which begin or end, and what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.store import mutes

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx


class Standing(NamedTuple):
    """A silence, or the window of a maintenance that is on or comes next; instants in µs."""

    kind: str
    """`silence` or `maintenance`."""
    id: int
    namespace_id: int
    name: str | None
    reason: str
    from_at: int
    until_at: int
    begun: bool
    ended_by: str | None
    created_by: str
    departments: tuple[str, ...]
    """The maker's."""


_TABLES = {"silence": "silences", "maintenance": "maintenance"}
_SILENCE = (
    "SELECT 'silence' AS kind, id, namespace_id, NULL, reason, from_at, until_at, begun, ended_by, created_by, "
    "departments, next_due_at AS due FROM silences WHERE "
)
_MAINTENANCE = (
    "SELECT 'maintenance' AS kind, id, namespace_id, name, reason, from_at, until_at, begun, NULL, created_by, "
    "departments, next_due_at AS due FROM maintenance WHERE "
)
_DUE = (
    f"SELECT * FROM ({_SILENCE} next_due_at <= ? ORDER BY next_due_at LIMIT 1) UNION ALL "
    f"SELECT * FROM ({_MAINTENANCE} next_due_at <= ? ORDER BY next_due_at LIMIT 1) ORDER BY due LIMIT 1"
)
_NEXT = (
    "SELECT min(due) FROM (SELECT min(next_due_at) AS due FROM silences WHERE next_due_at IS NOT NULL UNION ALL "
    "SELECT min(next_due_at) FROM maintenance WHERE next_due_at IS NOT NULL)"
)


def _standing(row: tuple[Any, ...]) -> Standing:
    kind, id_, namespace_id, name, reason, from_at, until_at, begun, ended_by, created_by, departments, _ = row
    makers = tuple(orjson.loads(departments))
    return Standing(kind, id_, namespace_id, name, reason, from_at, until_at, bool(begun), ended_by, created_by, makers)


def first_due(tx: Tx, until: int) -> Standing | None:
    """The one that is due first, as of `until` (µs)."""
    row = tx.one(_DUE, (until, until))
    return None if row is None else _standing(row)


def next_due(tx: Tx) -> int | None:
    row = tx.one(_NEXT)
    return None if row is None else row[0]


def get(tx: Tx, kind: str, id_: int) -> Standing | None:
    """None when nothing begins or ends of it any more."""
    row = tx.one((_SILENCE if kind == "silence" else _MAINTENANCE) + "id = ? AND next_due_at IS NOT NULL", (id_,))
    return None if row is None else _standing(row)


def count(tx: Tx, namespace_id: int) -> int:
    """How many stand, or come, in the namespace."""
    return mutes.standing(tx, namespace_id).count


def set_due(tx: Tx, item: Standing, next_due_at: int | None, *, begun: bool = True) -> None:
    tx.execute(
        f"UPDATE {_TABLES[item.kind]} SET next_due_at = ?, begun = ? WHERE id = ?", (next_due_at, int(begun), item.id)
    )
    mutes.forget(tx, item.namespace_id)
