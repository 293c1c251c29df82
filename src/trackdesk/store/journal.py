"""The journal as operations look back into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx


_LOOK_BACK = 100
"""Entries among which the last edit is looked for; comments and the like stand between."""


class LastChange(NamedTuple):
    """Who changed what when (µs): the names of members, or the kind of change where no members are named."""

    actor: str
    what: str
    at: int


def last_change(tx: Tx, namespace_id: int, topic: str, ref: str) -> LastChange | None:
    """The newest entry that took some member from one value to another."""
    entries = tx.all(
        "SELECT actor, kind, changed, at FROM journal WHERE namespace_id = ? AND topic = ? AND ref = ? "
        "ORDER BY seq DESC LIMIT ?",
        (namespace_id, topic, ref, _LOOK_BACK),
    )
    for actor, _, changed, at in entries:
        members = [name for name, value in orjson.loads(changed).items() if isinstance(value, list) and len(value) == 2]
        if members:
            return LastChange(actor, ", ".join(members), at)
    return LastChange(entries[0][0], entries[0][1], entries[0][3]) if entries else None
