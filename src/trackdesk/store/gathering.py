"""Messages that a channel gathers: what is to be told within its window goes out as one.

The first of them makes a delivery that is due at the end of the window; it carries the others, whose own deliveries
point at it. The window is closed by the writer before the message is put together, so none can slip in behind it; what
was gathered stays as it is from then on, and every attempt says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.identity import new_uid
from trackdesk.domain.notification import DEFAULT_DEPARTMENT

if TYPE_CHECKING:
    from trackdesk.domain.notification import Channel
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx

NAMED = 100
"""Notifications that a message names; the rest is counted."""


class Counted(NamedTuple):
    """So many notifications of a kind and severity were gathered."""

    kind: str
    severity: str | None
    number: int


class Member(NamedTuple):
    """One of them, as it would have been sent by itself."""

    id: int
    kind: str
    severity: str | None
    title: str
    body: str
    department: str
    payload: str
    created_at: int
    incident_id: int | None


class Gathered(NamedTuple):
    """What one message is made of; instants in µs."""

    opened_at: int
    closes_at: int
    counts: list[Counted]
    first: list[Member]

    @property
    def total(self) -> int:
        return sum(each.number for each in self.counts)


def join(tx: Tx, namespace_id: int, notification_id: int, channel: Channel) -> None:
    """The notification goes with the channel's open group, or opens one."""
    row = tx.one(
        "SELECT g.delivery_id FROM delivery_groups g INDEXED BY delivery_groups_open "
        "JOIN deliveries d ON d.id = g.delivery_id WHERE g.channel_id = ? AND g.closed_at IS NULL AND g.closes_at > ? "
        "AND d.status = 'PENDING' AND d.next_due_at IS NOT NULL LIMIT 1",
        (channel.id, tx.now),
    )
    group_id = _open(tx, namespace_id, channel) if row is None else row[0]
    tx.execute(
        "INSERT INTO deliveries (uid, namespace_id, notification_id, channel_id, status, group_id, created_at) "
        "VALUES (?, ?, ?, ?, 'GROUPED', ?, ?)",
        (new_uid(tx.now), namespace_id, notification_id, channel.id, group_id, tx.now),
    )


def _open(tx: Tx, namespace_id: int, channel: Channel) -> int:
    """A notification that stands for all of them, and its delivery."""
    closes_at = tx.now + channel.group_window
    notification = tx.one(
        "INSERT INTO notifications (namespace_id, kind, title, body, department, in_inbox, created_at) "
        "VALUES (?, 'group', 'Several notifications', '', ?, 0, ?) RETURNING id",
        (namespace_id, channel.department or DEFAULT_DEPARTMENT, tx.now),
    )
    assert notification is not None
    delivery = tx.one(
        "INSERT INTO deliveries (uid, namespace_id, notification_id, channel_id, status, next_due_at, created_at) "
        "VALUES (?, ?, ?, ?, 'PENDING', ?, ?) RETURNING id",
        (new_uid(tx.now), namespace_id, notification[0], channel.id, closes_at, tx.now),
    )
    assert delivery is not None
    tx.execute(
        "INSERT INTO delivery_groups (delivery_id, channel_id, opened_at, closes_at) VALUES (?, ?, ?, ?)",
        (delivery[0], channel.id, tx.now, closes_at),
    )
    tx.wake("delivery", closes_at)
    return int(delivery[0])


def close(tx: Tx, delivery_id: int) -> bool:
    """Nothing joins the group any more. False: there is nothing in it; it is gone."""
    if tx.one("SELECT 1 FROM deliveries WHERE group_id = ? LIMIT 1", (delivery_id,)) is None:
        tx.execute(
            "DELETE FROM notifications WHERE kind = 'group' AND id = "
            "(SELECT notification_id FROM deliveries WHERE id = ?)",
            (delivery_id,),
        )
        return False
    tx.execute(
        "UPDATE delivery_groups SET closed_at = coalesce(closed_at, ?) WHERE delivery_id = ?", (tx.now, delivery_id)
    )
    return True


async def gathered(readers: Readers, delivery_id: int) -> Gathered | None:
    """What a closed group holds; None when it is gone."""
    group = await readers.one("SELECT opened_at, closes_at FROM delivery_groups WHERE delivery_id = ?", (delivery_id,))
    if group is None:
        return None
    counts = await readers.all(
        "SELECT n.kind, n.severity, count(*) FROM deliveries d INDEXED BY deliveries_of_group "
        "CROSS JOIN notifications n ON n.id = d.notification_id WHERE d.group_id = ? GROUP BY 1, 2",
        (delivery_id,),
    )
    first = await readers.all(
        "SELECT n.id, n.kind, n.severity, n.title, n.body, n.department, n.payload, n.created_at, n.incident_id "
        "FROM deliveries d INDEXED BY deliveries_of_group CROSS JOIN notifications n ON n.id = d.notification_id "
        "WHERE d.group_id = ? ORDER BY d.id LIMIT ?",
        (delivery_id, NAMED),
    )
    return Gathered(group[0], group[1], [Counted(*row) for row in counts], [Member(*row) for row in first])
