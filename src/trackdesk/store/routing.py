"""Why who was told, or not: the notifications of an incident told as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.clock import SECOND
from trackdesk.domain.errors import NotFound
from trackdesk.domain.incident import Incident, Routing, RoutingStep, incident_ref
from trackdesk.domain.instant import format_instant
from trackdesk.store.rows import INCIDENT_COLUMNS, incident_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.store.readers import Readers

MOST_NOTIFICATIONS = 200
"""The newest of an incident that are explained."""

_OUTCOMES = {
    "sent": "arrived",
    "failed": "did not arrive and is tried again",
    "refused": "was refused and is not tried again",
}
_WAITING = {
    "PENDING": "waits to be sent",
    "RETRYING": "is tried again",
    "DEAD": "was given up",
}


async def routing(readers: Readers, namespace_id: int, incident_id: int) -> Routing:
    """Steps in the order of time. Raises NotFound."""
    row = await readers.one(
        f"SELECT {INCIDENT_COLUMNS} FROM incidents WHERE id = ? AND +namespace_id = ?", (incident_id, namespace_id)
    )
    if row is None:
        raise NotFound(f"There is no incident {incident_ref(incident_id)}.")
    notifications = await readers.all(
        "SELECT id, kind, department, in_inbox, routing, created_at FROM notifications "
        "WHERE incident_id = ? ORDER BY id DESC LIMIT ?",
        (incident_id, MOST_NOTIFICATIONS),
    )
    numbers = orjson.dumps([each[0] for each in notifications]).decode()
    deliveries = await readers.all(
        "SELECT d.id, d.notification_id, c.name, d.status, d.next_due_at, d.created_at, n.kind FROM json_each(?) j "
        "CROSS JOIN deliveries d ON d.notification_id = j.value JOIN channels c ON c.id = d.channel_id "
        "JOIN notifications n ON n.id = d.notification_id ORDER BY d.id",
        (numbers,),
    )
    attempts = await readers.all(
        "SELECT a.delivery_id, a.at, a.took, a.outcome, a.status, a.error FROM json_each(?) j "
        "CROSS JOIN delivery_attempts a ON a.delivery_id = j.value ORDER BY a.id",
        (orjson.dumps([each[0] for each in deliveries]).decode(),),
    )
    steps = [_cause(incident_from(row))]
    for notification in reversed(notifications):
        steps += _told(notification)
    for delivery in deliveries:
        steps += _sent(delivery, [attempt for attempt in attempts if attempt[0] == delivery[0]])
    return Routing.model_construct(incident=incident_id, steps=sorted(steps, key=lambda step: step.at))


def _step(at: int, kind: str, subject: str, detail: str, told: bool | None = None) -> RoutingStep:
    return RoutingStep.model_construct(at=at, kind=kind, subject=subject, told=told, detail=detail)


_REASONS = {
    "missed": ("missed its deadline", "due since"),
    "missing": ("did not start", "expected at"),
    "failed": ("failed", None),
    "stalled": ("went silent", None),
    "alert": ("has an alert from another tool", "firing since"),
}
"""By origin: what happened, and how the instant is called that it was due at, where that is not when it was opened."""


def _cause(incident: Incident) -> RoutingStep:
    what = incident.process or incident.service or incident.ref
    if incident.origin == "report":
        detail = f"{incident.reported_by or 'Somebody'} reported it"
    else:
        reason, since = _REASONS.get(incident.origin, (incident.origin, None))
        detail = f"{what} {reason}"
        if since is not None and incident.due_at is not None:
            detail += f", {since} {format_instant(incident.due_at)}"
    if incident.seen_late:
        detail += "; trackdesk was away at that time and saw it later"
    return _step(incident.opened_at, "cause", what, detail)


def _told(row: Any) -> list[RoutingStep]:
    """The department, the inbox and each channel, as they stood when the notification was made."""
    _, kind, department, in_inbox, routed, at = row
    what = kind.replace("_", " ")
    inbox = f"in the inbox of department {department}" if in_inbox else "not shown in inboxes: only channels ask for it"
    steps = [
        _step(at, "department", department, f"{what}: goes to department {department}"),
        _step(at, "inbox", department, f"{what}: {inbox}", bool(in_inbox)),
    ]
    channels = orjson.loads(routed)
    for _, name, why_not in channels:
        detail = f"{name}: told" if why_not is None else f"{name}: not told: {why_not}"
        steps.append(_step(at, "channel", name, f"{what}: {detail}", why_not is None))
    if not channels:
        steps.append(_step(at, "channel", "", f"{what}: there was no channel to tell", told=False))
    return steps


def _sent(delivery: Any, attempts: Sequence[Any]) -> list[RoutingStep]:
    _, _, channel, status, next_due_at, created_at, kind = delivery
    what = f"{kind.replace('_', ' ')}: {channel}"
    steps = [
        _step(
            at,
            "attempt",
            channel,
            f"{what}: {_OUTCOMES.get(outcome, outcome)} after {took / SECOND:.2f} s ({answer})"
            + (f": {error}" if error else ""),
            outcome == "sent",
        )
        for _, at, took, outcome, answer, error in attempts
    ]
    if status in _WAITING:
        due = f", next at {format_instant(next_due_at)}" if next_due_at is not None else ""
        last = attempts[-1][1] if attempts else created_at
        steps.append(_step(last, "attempt", channel, f"{what}: {_WAITING[status]}{due}", told=False))
    return steps
