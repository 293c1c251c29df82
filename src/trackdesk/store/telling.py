"""A notification, its place in the inbox and the deliveries it asks for: all in the transaction of what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.identity import new_uid
from trackdesk.domain.notification import INBOX_KINDS, Kind, Subject, was_never_told, why_not
from trackdesk.store import channels, gathering, mutes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.notification import Channel
    from trackdesk.store.writer import Tx


def asked_for(tx: Tx, namespace_id: int, kind: Kind) -> bool:
    """Whether anybody wants to know: the inbox, or some channel."""
    return kind in INBOX_KINDS or any(
        channel.enabled and channel.kinds and kind in channel.kinds for channel in channels.channels(tx, namespace_id)
    )


def tell(
    tx: Tx,
    namespace_id: int,
    subject: Subject,
    *,
    title: str,
    body: str,
    incident_id: int | None = None,
    run_uid: str | None = None,
    payload: dict[str, Any] | None = None,
    but: Mapping[int, str] | None = None,
    wait: int = 0,
    nobody: str | None = None,
) -> int:
    """Write the notification and a delivery for every channel whose filters let it pass; gives its id. `but`: channels
    that are not told, and why. `wait`: µs before it is sent, except by channels that gather for a time of their own.
    `nobody`: why nobody is told, in words; then it is only written.

    Why each channel was or was not chosen is kept with it, as of now: filters change. What a silence or a maintenance
    window mutes is written, too, and told to nobody.
    """
    mute = None if nobody else mutes.muted_by(tx, namespace_id, subject)
    spared = but or {}
    reasons = [
        (channel, spared.get(channel.id) or why_not(channel, subject))
        for channel in channels.channels(tx, namespace_id)
    ]
    row = tx.one(
        "INSERT INTO notifications (namespace_id, kind, severity, title, body, incident_id, run_uid, department, "
        "in_inbox, payload, routing, created_at, muted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            namespace_id,
            subject.kind,
            subject.severity,
            title,
            body,
            incident_id,
            run_uid,
            subject.department,
            int(nobody is None and mute is None and subject.kind in INBOX_KINDS),
            orjson.dumps(payload or {}).decode(),
            _untold(nobody, tx.now) if nobody else _routed(reasons),
            tx.now,
            None if mute is None else orjson.dumps(mute.facts()).decode(),
        ),
    )
    assert row is not None
    notification_id = int(row[0])
    facts = {"kind": subject.kind, "title": title, "department": subject.department, "incident": incident_id}
    if mute is not None:
        tx.journal(namespace_id, "notifications", "muted", str(notification_id), "trackdesk", facts)
        if incident_id is not None:
            mutes.hold(tx, namespace_id, incident_id, mute)
        return notification_id
    if nobody is None:
        chosen = [channel for channel, reason in reasons if reason is None]
        _deliver(tx, namespace_id, notification_id, chosen, tx.now + wait)
    said = "told" if nobody is None else "untold"
    tx.journal(namespace_id, "notifications", said, str(notification_id), "trackdesk", facts)
    return notification_id


def _routed(reasons: Sequence[tuple[Channel, str | None]]) -> str:
    return orjson.dumps([[channel.id, channel.name, reason] for channel, reason in reasons]).decode()


def _untold(why: str, at: int) -> str:
    """What stands in place of the channels when nobody is told (`at`, µs)."""
    return orjson.dumps({"untold": {"why": why, "at": at}}).decode()


def was_muted(tx: Tx, notification_id: int) -> bool:
    row = tx.one("SELECT muted IS NOT NULL FROM notifications WHERE id = ?", (notification_id,))
    return row is not None and bool(row[0])


def take_back(tx: Tx, namespace_id: int, incident_id: int, actor: str) -> bool:
    """When the last that was told of the incident is its closing by hand, and nobody has heard of it yet, nobody will.
    False: it has been told."""
    row = tx.one(
        "SELECT id, kind, created_at, muted FROM notifications WHERE incident_id = ? ORDER BY id DESC LIMIT 1",
        (incident_id,),
    )
    if row is None or row[1] != Kind.CLOSED or row[3] is not None:
        return False
    notification_id, _, made_at, _ = row
    gone = tx.one(
        "SELECT 1 FROM deliveries d LEFT JOIN delivery_groups g ON g.delivery_id = d.group_id "
        "WHERE d.notification_id = ?1 AND NOT (d.status = 'PENDING' AND d.attempts = 0 AND d.next_due_at > ?2) "
        "AND NOT (d.status = 'GROUPED' AND g.closed_at IS NULL AND g.closes_at > ?2) LIMIT 1",
        (notification_id, tx.now),
    )
    if not was_never_told(made_at, tx.now, unsent=gone is None):
        return False
    tx.execute("DELETE FROM deliveries WHERE notification_id = ?", (notification_id,))
    tx.execute(
        "UPDATE notifications SET in_inbox = 0, routing = ? WHERE id = ?",
        (_untold(f"taken back by {actor} before it was sent", tx.now), notification_id),
    )
    facts = {"kind": Kind.CLOSED, "incident": incident_id}
    tx.journal(namespace_id, "notifications", "taken_back", str(notification_id), actor, facts)
    return True


def _deliver(tx: Tx, namespace_id: int, notification_id: int, chosen: Sequence[Channel], due_at: int) -> None:
    """Over each channel: when it is due, or with what else it gathers."""
    at_once = [channel for channel in chosen if not channel.group_window]
    for channel in chosen:
        if channel.group_window:
            gathering.join(tx, namespace_id, notification_id, channel)
    if at_once:
        tx.executemany(
            "INSERT INTO deliveries (uid, namespace_id, notification_id, channel_id, status, next_due_at, created_at) "
            "VALUES (?, ?, ?, ?, 'PENDING', ?, ?)",
            [(new_uid(tx.now), namespace_id, notification_id, channel.id, due_at, tx.now) for channel in at_once],
        )
        tx.wake("delivery", due_at)
