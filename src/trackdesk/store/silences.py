"""Silences as the operations write them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import NotFound
from trackdesk.domain.silence import Silence, state_of
from trackdesk.store import muting

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx

COLUMNS = (
    "s.id, s.match, s.reason, s.from_at, s.until_at, s.ended_by, s.created_by, s.created_at, s.updated_at, s.version, "
    "(SELECT count(*) FROM mutes WHERE kind = 'silence' AND by_id = s.id), "
    "(SELECT count(*) FROM mutes WHERE kind = 'silence' AND by_id = s.id AND released_at IS NULL)"
)


def silence_from(row: Any, now: int) -> Silence:
    """Of `SELECT COLUMNS FROM silences s`, as it stands at `now` (µs)."""
    return Silence.trusted(
        id=row[0],
        match=orjson.loads(row[1]),
        reason=row[2],
        from_=row[3],
        until=row[4],
        state=state_of(row[3], row[4], now),
        ended_by=row[5],
        muted=row[10],
        held=row[11],
        created_by=row[6],
        created_at=row[7],
        updated_at=row[8],
        version=row[9],
    )


def no_silence(silence_id: int) -> NotFound:
    return NotFound(f"There is no silence {silence_id}.")


def get(tx: Tx, namespace_id: int, silence_id: int) -> Silence:
    """Raises NotFound."""
    row = tx.one(f"SELECT {COLUMNS} FROM silences s WHERE s.id = ? AND s.namespace_id = ?", (silence_id, namespace_id))
    if row is None:
        raise no_silence(silence_id)
    return silence_from(row, tx.now)


insert = partial(muting.insert, "silences")
update = partial(muting.update, "silences")
delete = partial(muting.delete, "silences")


def forget_old(tx: Tx, before: int, limit: int) -> int:
    """Delete some silences, and windows without a schedule, that were over before an instant (µs); gives how many."""
    gone = 0
    for table in ("silences", "maintenance"):
        gone += tx.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE next_due_at IS NULL AND until_at < ? "
            "ORDER BY id LIMIT ?)",
            (before, limit),
        ).rowcount
    return gone
