"""Rows of silences and of maintenance: whatever changes them changes what is told from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from trackdesk.store import mutes

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx

Table = Literal["silences", "maintenance"]


def insert(table: Table, tx: Tx, namespace_id: int, values: dict[str, Any]) -> int:
    """`values`: columns besides those that follow from now; gives the id."""
    columns = {"namespace_id": namespace_id, "created_at": tx.now, "updated_at": tx.now, **values}
    row = tx.one(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) RETURNING id",
        tuple(columns.values()),
    )
    assert row is not None
    mutes.forget(tx, namespace_id)
    return int(row[0])


def update(
    table: Table, tx: Tx, namespace_id: int, row_id: int, values: dict[str, Any], *, by_hand: bool = True
) -> None:
    """Set columns; the version goes up by one when a person changes them."""
    names = "".join(f"{name} = ?, " for name in values)
    tx.execute(
        f"UPDATE {table} SET {names}updated_at = ?, version = version + ? WHERE id = ?",
        (*values.values(), tx.now, int(by_hand), row_id),
    )
    mutes.forget(tx, namespace_id)


def delete(table: Table, tx: Tx, namespace_id: int, row_id: int) -> None:
    tx.execute(f"DELETE FROM {table} WHERE id = ?", (row_id,))
    mutes.forget(tx, namespace_id)
