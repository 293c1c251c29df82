"""The journal as operations look back into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx


class LastChange(NamedTuple):
    """Who did what when (µs)."""

    actor: str
    kind: str
    at: int


def last_change(tx: Tx, namespace_id: int, topic: str, ref: str) -> LastChange | None:
    row = tx.one(
        "SELECT actor, kind, at FROM journal WHERE namespace_id = ? AND topic = ? AND ref = ? "
        "ORDER BY seq DESC LIMIT 1",
        (namespace_id, topic, ref),
    )
    return None if row is None else LastChange(*row)
