"""Deliveries: what is due on which channel, and what became of each attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.identity import new_uid
from trackdesk.domain.notification import Delivery, DeliveryStatus
from trackdesk.store.rows import ATTEMPT_COLUMNS, DELIVERY_COLUMNS, DELIVERY_FROM, attempt_from, delivery_from

if TYPE_CHECKING:
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx


class ToSend(NamedTuple):
    """All that an attempt needs, as of just before it."""

    id: int
    uid: str
    notification_id: int
    channel_id: int
    kind: str
    severity: str | None
    title: str
    body: str
    department: str
    payload: str
    created_at: int
    url_sealed: str
    secret_sealed: str | None
    trusted: int


class Standing(NamedTuple):
    """A delivery and its channel as the attempt's outcome finds them."""

    namespace_id: int
    channel_id: int
    status: DeliveryStatus
    attempts: int
    next_due_at: int | None
    kind: str
    channel_name: str
    url_shown: str
    department: str | None
    proven_at: int | None
    dead_since: int | None


class Tried(NamedTuple):
    """One row of delivery_attempts; `outcome` is sent, failed or refused, `took` in µs."""

    at: int
    took: int
    outcome: str
    status: str
    error: str | None


async def due_by_channel(readers: Readers) -> list[tuple[int, int]]:
    """(channel, the least instant at which something is due on it), one look into the index a channel."""
    rows = await readers.all(
        "SELECT id, due FROM (SELECT c.id AS id, (SELECT min(d.next_due_at) FROM deliveries d "
        "WHERE d.channel_id = c.id AND d.next_due_at IS NOT NULL) AS due FROM channels c) WHERE due IS NOT NULL"
    )
    return [(row[0], row[1]) for row in rows]


async def due_ids(readers: Readers, channel_id: int, now: int, limit: int) -> list[int]:
    """The oldest deliveries of a channel that are due."""
    rows = await readers.all(
        "SELECT id FROM deliveries WHERE channel_id = ? AND next_due_at <= ? ORDER BY id LIMIT ?",
        (channel_id, now, limit),
    )
    return [row[0] for row in rows]


async def to_send(readers: Readers, delivery_id: int, now: int) -> ToSend | None:
    """None when there is nothing to do any more, or not yet."""
    row = await readers.one(
        "SELECT d.id, d.uid, d.notification_id, d.channel_id, n.kind, n.severity, n.title, n.body, n.department, "
        "n.payload, n.created_at, c.url_sealed, c.secret_sealed, c.trusted FROM deliveries d "
        "JOIN notifications n ON n.id = d.notification_id JOIN channels c ON c.id = d.channel_id "
        "WHERE d.id = ? AND d.next_due_at <= ?",
        (delivery_id, now),
    )
    return None if row is None else ToSend(*row)


def standing(tx: Tx, delivery_id: int) -> Standing | None:
    row = tx.one(
        "SELECT d.namespace_id, d.channel_id, d.status, d.attempts, d.next_due_at, n.kind, c.name, c.url_shown, "
        "c.department, c.proven_at, c.dead_since FROM deliveries d JOIN notifications n ON n.id = d.notification_id "
        "JOIN channels c ON c.id = d.channel_id WHERE d.id = ?",
        (delivery_id,),
    )
    return None if row is None else Standing(row[0], row[1], DeliveryStatus(row[2]), *row[3:])


def add_attempt(tx: Tx, delivery_id: int, tried: Tried) -> None:
    tx.execute(
        "INSERT INTO delivery_attempts (delivery_id, at, took, outcome, status, error) VALUES (?, ?, ?, ?, ?, ?)",
        (delivery_id, *tried),
    )


def set_status(tx: Tx, delivery_id: int, status: DeliveryStatus, attempts: int, next_due_at: int | None) -> None:
    tx.execute(
        "UPDATE deliveries SET status = ?, attempts = ?, next_due_at = ? WHERE id = ?",
        (status, attempts, next_due_at, delivery_id),
    )


def get(tx: Tx, namespace_id: int, delivery_id: int) -> Delivery | None:
    """With its attempts."""
    row = tx.one(
        f"SELECT {DELIVERY_COLUMNS} FROM {DELIVERY_FROM} WHERE d.id = ? AND d.namespace_id = ?",
        (delivery_id, namespace_id),
    )
    if row is None:
        return None
    attempts = tx.all(
        f"SELECT {ATTEMPT_COLUMNS} FROM delivery_attempts WHERE delivery_id = ? ORDER BY id", (delivery_id,)
    )
    return delivery_from(row, [attempt_from(each) for each in attempts])


def add_test(tx: Tx, namespace_id: int, channel_id: int, department: str, *, title: str, body: str) -> int:
    """A notification that no inbox shows and its one delivery, due now; gives the delivery's id."""
    payload = orjson.dumps({"event": "channel.test", "kind": "test"}).decode()
    notification = tx.one(
        "INSERT INTO notifications (namespace_id, kind, severity, title, body, department, in_inbox, payload, "
        "created_at) VALUES (?, 'test', NULL, ?, ?, ?, 0, ?, ?) RETURNING id",
        (namespace_id, title, body, department, payload, tx.now),
    )
    assert notification is not None
    delivery = tx.one(
        "INSERT INTO deliveries (uid, namespace_id, notification_id, channel_id, status, next_due_at, created_at) "
        "VALUES (?, ?, ?, ?, 'PENDING', ?, ?) RETURNING id",
        (new_uid(tx.now), namespace_id, notification[0], channel_id, tx.now, tx.now),
    )
    assert delivery is not None
    return int(delivery[0])


def drop_waiting(tx: Tx, channel_id: int, reason: str, limit: int) -> int:
    """Some of what waits on a channel that is switched off becomes DEAD, with the reason as its last attempt; gives
    how many."""
    rows = tx.all(
        "SELECT d.id FROM deliveries d JOIN channels c ON c.id = d.channel_id "
        "WHERE d.channel_id = ? AND d.next_due_at IS NOT NULL AND NOT c.enabled LIMIT ?",
        (channel_id, limit),
    )
    ids = orjson.dumps([row[0] for row in rows]).decode()
    tx.execute(
        "INSERT INTO delivery_attempts (delivery_id, at, took, outcome, status, error) "
        "SELECT value, ?, 0, 'refused', 'off', ? FROM json_each(?) ORDER BY value",
        (tx.now, reason, ids),
    )
    tx.execute(
        "UPDATE deliveries SET status = 'DEAD', next_due_at = NULL WHERE id IN (SELECT value FROM json_each(?))", (ids,)
    )
    return len(rows)


def count_waiting(tx: Tx, channel_id: int) -> int:
    row = tx.one("SELECT count(*) FROM deliveries WHERE channel_id = ? AND next_due_at IS NOT NULL", (channel_id,))
    assert row is not None
    return int(row[0])


def forget(tx: Tx, channel_id: int, limit: int) -> int:
    """Delete some of the deliveries of a channel, also those that wait; gives how many."""
    return tx.execute(
        "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE channel_id = ? LIMIT ?)",
        (channel_id, limit),
    ).rowcount
