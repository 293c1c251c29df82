"""A notification, its place in the inbox and the deliveries it asks for: all in the transaction of what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.identity import new_uid
from trackdesk.domain.notification import INBOX_KINDS, Kind, Subject, why_not
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
) -> int:
    """Write the notification and a delivery for every channel whose filters let it pass; gives its id. `but`: channels
    that are not told, and why.

    Why each channel was or was not chosen is kept with it, as of now: filters change. What a silence or a maintenance
    window mutes is written, too, and told to nobody.
    """
    mute = mutes.muted_by(tx, namespace_id, subject)
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
            int(mute is None and subject.kind in INBOX_KINDS),
            orjson.dumps(payload or {}).decode(),
            orjson.dumps([[channel.id, channel.name, reason] for channel, reason in reasons]).decode(),
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
    _deliver(tx, namespace_id, notification_id, [channel for channel, reason in reasons if reason is None])
    tx.journal(namespace_id, "notifications", "told", str(notification_id), "trackdesk", facts)
    return notification_id


def was_muted(tx: Tx, notification_id: int) -> bool:
    row = tx.one("SELECT muted IS NOT NULL FROM notifications WHERE id = ?", (notification_id,))
    return row is not None and bool(row[0])


def _deliver(tx: Tx, namespace_id: int, notification_id: int, chosen: Sequence[Channel]) -> None:
    """Over each channel: now, or with what else it gathers."""
    at_once = [channel for channel in chosen if not channel.group_window]
    for channel in chosen:
        if channel.group_window:
            gathering.join(tx, namespace_id, notification_id, channel)
    if at_once:
        tx.executemany(
            "INSERT INTO deliveries (uid, namespace_id, notification_id, channel_id, status, next_due_at, created_at) "
            "VALUES (?, ?, ?, ?, 'PENDING', ?, ?)",
            [(new_uid(tx.now), namespace_id, notification_id, channel.id, tx.now, tx.now) for channel in at_once],
        )
        tx.wake("delivery", tx.now)
