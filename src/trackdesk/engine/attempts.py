"""One attempt at one delivery: what is sent, and what follows from the outcome in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.backoff import next_wait
from trackdesk.domain.incident import Severity
from trackdesk.domain.instant import format_instant
from trackdesk.domain.notification import DEFAULT_DEPARTMENT, DeliveryStatus, Kind, Subject
from trackdesk.engine.causes import SELF
from trackdesk.engine.channels.message import Message, Outcome
from trackdesk.store import channels, deliveries
from trackdesk.store.deliveries import Tried
from trackdesk.store.telling import tell

if TYPE_CHECKING:
    from trackdesk.store.deliveries import Standing, ToSend
    from trackdesk.store.writer import Tx


def message_of(item: ToSend) -> Message:
    """Receivers of webhooks also get the words and the ids that people get.

    The title becomes one line, for many services carry it in a header, which must not hold more.
    """
    payload: dict[str, Any] = orjson.loads(item.payload)
    payload["delivery"] = item.uid
    payload["notification"] = {
        "id": item.notification_id,
        "severity": item.severity,
        "title": item.title,
        "body": item.body,
        "department": item.department,
        "created_at": format_instant(item.created_at),
    }
    return Message(item.uid, item.kind, item.severity, " ".join(item.title.split()), item.body, payload)


def record(tx: Tx, delivery_id: int, at: int, outcome: Outcome, chance: float) -> None:
    """Write what came of the attempt made at `at` (µs). `chance`, 0 to 1, spreads the wait for the next one.

    Meanwhile the delivery may be gone with its channel, or have been given up because the channel was switched off.
    """
    found = deliveries.standing(tx, delivery_id)
    if found is None:
        return
    attempts = found.attempts + 1
    if outcome.ok:
        _add(tx, delivery_id, at, outcome, "sent")
        deliveries.set_status(tx, delivery_id, DeliveryStatus.SENT, attempts, None)
        _journal(tx, found, delivery_id, "sent", at, outcome)
        _prove(tx, found)
        return
    wait = None if outcome.permanent or found.kind == Kind.TEST else next_wait(attempts, chance, outcome.retry_after)
    _add(tx, delivery_id, at, outcome, "refused" if outcome.permanent else "failed")
    channels.note_error(tx, found.channel_id, outcome.detail or outcome.status)
    if found.next_due_at is None:
        return
    if wait is None:
        deliveries.set_status(tx, delivery_id, DeliveryStatus.DEAD, attempts, None)
        _journal(tx, found, delivery_id, "dead", at, outcome)
        if found.kind != Kind.TEST:  # whoever tests a channel sees the outcome
            _bury(tx, found, outcome)
        return
    due_at = tx.now + wait
    deliveries.set_status(tx, delivery_id, DeliveryStatus.RETRYING, attempts, due_at)
    _journal(tx, found, delivery_id, "retrying", at, outcome, next_try_at=format_instant(due_at))
    tx.wake("delivery", due_at)


def _add(tx: Tx, delivery_id: int, at: int, outcome: Outcome, word: str) -> None:
    error = None if outcome.ok else outcome.detail or outcome.status
    deliveries.add_attempt(tx, delivery_id, Tried(at, outcome.took, word, outcome.status, error))


def _journal(tx: Tx, found: Standing, delivery_id: int, kind: str, at: int, outcome: Outcome, **more: object) -> None:
    facts = {"channel": found.channel_id, "status": outcome.status, "at": format_instant(at), **more}
    if not outcome.ok:
        facts["error"] = outcome.detail
    tx.journal(found.namespace_id, "deliveries", kind, str(delivery_id), SELF, facts)


def _prove(tx: Tx, found: Standing) -> None:
    channels.note_proven(tx, found.channel_id)
    if found.proven_at is None or found.dead_since is not None:
        facts = {"name": found.channel_name}
        tx.journal(found.namespace_id, "channels", "proven", str(found.channel_id), SELF, facts)


def _bury(tx: Tx, found: Standing, outcome: Outcome) -> None:
    """The first dead letter since the channel was proven is told, over every other way there is."""
    channels.note_dead(tx, found.channel_id)
    if found.dead_since is not None:
        return
    error = outcome.detail or outcome.status
    facts = {"name": found.channel_name, "error": error}
    tx.journal(found.namespace_id, "channels", "dead", str(found.channel_id), SELF, facts)
    tell(
        tx,
        found.namespace_id,
        Subject(Kind.CHANNEL_DEAD, Severity.HIGH, found.department or DEFAULT_DEPARTMENT),
        title=f"Channel {found.channel_name} does not deliver"[:255],
        body=(
            f"A message over {found.channel_name} ({found.url_shown}) was given up: {error}.\n\n"
            "Mend the channel and test it; its dead deliveries can be tried again from the list of deliveries."
        ),
        payload={
            "event": "channel.dead",
            "kind": Kind.CHANNEL_DEAD,
            "channel": {"id": found.channel_id, "name": found.channel_name, "url": found.url_shown},
            "error": error,
        },
        but={found.channel_id: "it is the channel that does not deliver"},
    )
