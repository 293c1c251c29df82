"""Channels as the operations write them. Sealed members come and go sealed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.domain.errors import NotFound
from trackdesk.store.rows import CHANNEL_COLUMNS, CHANNEL_PENDING, channel_from

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.domain.notification import Channel
    from trackdesk.store.writer import Tx


class SealedChannel(NamedTuple):
    """A channel with what must not leave the engine."""

    channel: Channel
    url_sealed: str
    secret_sealed: str | None
    trusted: bool


_COLUMNS = f"{CHANNEL_COLUMNS}, {CHANNEL_PENDING}, c.url_sealed, c.secret_sealed, c.trusted"


def _sealed(row: Any) -> SealedChannel:
    return SealedChannel(channel_from(row[:-4], pending=row[-4]), row[-3], row[-2], bool(row[-1]))


def _cache_name(namespace_id: int) -> str:
    return f"channels:{namespace_id}"


def channels(tx: Tx, namespace_id: int) -> list[Channel]:
    """All channels in order of id, from the writer's memory: what they filter by is current, how they fare is not."""
    known: list[Channel] | None = tx.cache.get(_cache_name(namespace_id))
    if known is None:
        rows = tx.all(
            f"SELECT {CHANNEL_COLUMNS} FROM channels c WHERE c.namespace_id = ? ORDER BY c.id", (namespace_id,)
        )
        known = tx.cache[_cache_name(namespace_id)] = [channel_from(row) for row in rows]
    return known


def get(tx: Tx, namespace_id: int, channel_id: int) -> SealedChannel:
    """Raises NotFound."""
    row = tx.one(f"SELECT {_COLUMNS} FROM channels c WHERE c.id = ? AND c.namespace_id = ?", (channel_id, namespace_id))
    if row is None:
        raise no_channel(channel_id)
    return _sealed(row)


def no_channel(channel_id: int) -> NotFound:
    return NotFound(f"There is no channel {channel_id}.")


def named(tx: Tx, namespace_id: int, name: str) -> int | None:
    """The id of the channel of that name."""
    row = tx.one("SELECT id FROM channels WHERE namespace_id = ? AND name = ?", (namespace_id, name))
    return None if row is None else int(row[0])


def insert(tx: Tx, namespace_id: int, values: dict[str, Any]) -> int:
    """`values`: columns besides those that follow from now; gives the id."""
    columns = {"namespace_id": namespace_id, "created_at": tx.now, "updated_at": tx.now, **values}
    row = tx.one(
        f"INSERT INTO channels ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) RETURNING id",
        tuple(columns.values()),
    )
    assert row is not None
    tx.cache.pop(_cache_name(namespace_id), None)
    return int(row[0])


def set_sealed(tx: Tx, channel_id: int, url_sealed: str, secret_sealed: str | None) -> None:
    """Completes a new row, whose id has to be known before anything can be sealed for it."""
    tx.execute(
        "UPDATE channels SET url_sealed = ?, secret_sealed = ? WHERE id = ?", (url_sealed, secret_sealed, channel_id)
    )


def update(tx: Tx, namespace_id: int, channel_id: int, values: dict[str, Any]) -> None:
    """Set columns; the version goes up by one."""
    names = "".join(f"{name} = ?, " for name in values)
    tx.execute(
        f"UPDATE channels SET {names}updated_at = ?, version = version + 1 WHERE id = ?",
        (*values.values(), tx.now, channel_id),
    )
    tx.cache.pop(_cache_name(namespace_id), None)


def delete(tx: Tx, namespace_id: int, channel_id: int) -> str:
    """With its deliveries; gives its name. Raises NotFound."""
    row = tx.one("DELETE FROM channels WHERE id = ? AND namespace_id = ? RETURNING name", (channel_id, namespace_id))
    if row is None:
        raise no_channel(channel_id)
    tx.cache.pop(_cache_name(namespace_id), None)
    return str(row[0])


def note_proven(tx: Tx, channel_id: int) -> None:
    """Something arrived. How a channel fares is no person's change: the version stays."""
    tx.execute(
        "UPDATE channels SET proven_at = ?, dead_since = NULL, last_error = NULL WHERE id = ?", (tx.now, channel_id)
    )


def note_error(tx: Tx, channel_id: int, error: str) -> None:
    tx.execute("UPDATE channels SET last_error = ? WHERE id = ?", (error, channel_id))


def note_dead(tx: Tx, channel_id: int) -> None:
    """Something was given up; the first time since it was proven is what counts."""
    tx.execute("UPDATE channels SET dead_since = coalesce(dead_since, ?) WHERE id = ?", (tx.now, channel_id))


def any_sealed(tx: Tx) -> bool:
    """Whether some channel, in any namespace, depends on the key."""
    return tx.one("SELECT 1 FROM channels WHERE url_sealed <> '' LIMIT 1") is not None


_READ_CHECK = "SELECT value FROM facts WHERE name = 'seal_check'"


def seal_check(tx: Tx) -> str | None:
    """What the key that values are sealed with is recognised by; None before the first."""
    row = tx.one(_READ_CHECK)
    return None if row is None else str(row[0])


def seal_check_in(path: Path) -> str | None:
    """The same for a database that no writer of this process holds; raises sqlite3.Error when it can't be read."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as connection:
        row = connection.execute(_READ_CHECK).fetchone()
    return None if row is None else str(row[0])


def set_seal_check(tx: Tx, value: str) -> None:
    tx.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('seal_check', ?)", (value,))
