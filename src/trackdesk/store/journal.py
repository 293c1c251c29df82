"""The journal as operations look back into it, and as it is shortened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def forget(tx: Tx, namespace_id: int, topic: str, refs: Sequence[str]) -> int:
    """Delete what was told of some entities that are gone; gives how many entries that were."""
    found = (
        "FROM json_each(?) e CROSS JOIN journal j INDEXED BY journal_by_ref "
        "ON j.namespace_id = ? AND j.topic = ? AND j.ref = e.value"
    )
    given = (orjson.dumps(refs).decode(), namespace_id, topic)
    last = tx.one(f"SELECT max(j.seq) {found}", given)
    if last is None or last[0] is None:
        return 0
    count = tx.execute(f"DELETE FROM journal WHERE seq IN (SELECT j.seq {found})", given).rowcount
    _note_gap(tx, last[0])
    return count


_STANDS = {
    "runs": "EXISTS (SELECT 1 FROM runs WHERE uid = ref)",
    "incidents": "EXISTS (SELECT 1 FROM incidents WHERE id = CAST(ref AS INTEGER))",
}


def trimmed(*, runs_too: bool) -> str:
    """The condition for what `trim` takes, of (after, up to, namespace or null)."""
    stay = [f"(topic = '{topic}' AND {stands})" for topic, stands in _STANDS.items() if topic != "runs" or not runs_too]
    return f"seq > ? AND seq <= ? AND +namespace_id = coalesce(?, namespace_id) AND NOT ({' OR '.join(stay)})"


def trim(tx: Tx, after: int, up_to: int, *, namespace_id: int | None = None, runs_too: bool = False) -> int:
    """Delete entries numbered `after` < seq ≤ `up_to`; those of incidents that are there stay, and those of runs that
    are there, unless `runs_too`. Gives how many went."""
    count = tx.execute(f"DELETE FROM journal WHERE {trimmed(runs_too=runs_too)}", (after, up_to, namespace_id)).rowcount
    if count:
        _note_gap(tx, up_to)
    return count


def _note_gap(tx: Tx, seq: int) -> None:
    """From the entry behind `seq` on nothing is missing: what `journal_lists.resumable` tells."""
    tx.execute(
        "INSERT INTO facts (name, value) VALUES ('journal_gap', ?) ON CONFLICT (name) "
        "DO UPDATE SET value = excluded.value WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
        (str(seq),),
    )


def note_trimmed(tx: Tx, seq: int) -> None:
    """Up to which entry the journal has been looked through; see `aging.trimmed_to`."""
    tx.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('journal_trimmed', ?)", (str(seq),))
