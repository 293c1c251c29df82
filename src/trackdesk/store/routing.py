"""Why who was told, or not: the notifications of an incident told as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.clock import SECOND
from trackdesk.domain.errors import NotFound
from trackdesk.domain.incident import Incident, Routing, RoutingStep, incident_ref
from trackdesk.domain.instant import format_instant
from trackdesk.domain.silence import describe, explain
from trackdesk.store.rows import INCIDENT_COLUMNS, incident_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.store.readers import Readers

OTHERS_NAMED = 10
"""Incidents that are named of those in one message."""
MOST_NOTIFICATIONS = 200
"""The newest of an incident that are explained."""

_OUTCOMES = {
    "sent": ("arrived", ""),
    "failed": ("did not arrive", " and is tried again"),
    "refused": ("was refused", " and is not tried again"),
}
"""What became of an attempt, before and behind how long it took."""
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
        "SELECT id, kind, department, in_inbox, routing, created_at, muted FROM notifications "
        "WHERE incident_id = ? ORDER BY id DESC LIMIT ?",
        (incident_id, MOST_NOTIFICATIONS),
    )
    numbers = orjson.dumps([each[0] for each in notifications]).decode()
    deliveries = await readers.all(
        "SELECT coalesce(g.id, d.id), d.notification_id, c.name, coalesce(g.status, d.status), "
        "coalesce(g.next_due_at, d.next_due_at), d.created_at, n.kind, g.id FROM json_each(?) j "
        "CROSS JOIN deliveries d ON d.notification_id = j.value JOIN channels c ON c.id = d.channel_id "
        "JOIN notifications n ON n.id = d.notification_id LEFT JOIN deliveries g ON g.id = d.group_id ORDER BY d.id",
        (numbers,),
    )
    attempts = await readers.all(
        "SELECT a.delivery_id, a.at, a.took, a.outcome, a.status, a.error FROM json_each(?) j "
        "CROSS JOIN delivery_attempts a ON a.delivery_id = j.value ORDER BY a.id",
        (orjson.dumps(list({each[0] for each in deliveries})).decode(),),
    )
    steps = [_cause(incident_from(row))]
    over = await readers.all(
        "SELECT m.kind, m.by_id, w.name, m.released_at, m.outcome FROM mutes m LEFT JOIN maintenance w "
        "ON m.kind = 'maintenance' AND w.id = m.by_id WHERE m.incident_id = ? AND m.released_at IS NOT NULL",
        (incident_id,),
    )
    steps += [_released(mute) for mute in over]
    for notification in reversed(notifications):
        steps += _told(notification)
    groups = {each[7]: each for each in deliveries if each[7] is not None}
    company = {group_id: await _company(readers, group_id, incident_id) for group_id in groups}
    steps += [_gathered(delivery, company[delivery[7]]) for delivery in deliveries if delivery[7] is not None]
    for delivery in (*(each for each in deliveries if each[7] is None), *groups.values()):
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
    elif incident.rule is not None:
        detail = f"{incident.title}, by the rule {incident.rule}"
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
    _, kind, department, in_inbox, routed, at, muted = row
    what = kind.replace("_", " ")
    if muted is not None:
        return [_step(at, "department", department, f"{what}: would go to department {department}"), _muted(row, what)]
    channels = orjson.loads(routed)
    if isinstance(channels, dict):
        untold = channels["untold"]
        return [_step(untold["at"], "inbox", department, f"{what}: {untold['why']}, and told to nobody", told=False)]
    inbox = f"in the inbox of department {department}" if in_inbox else "not shown in inboxes: only channels ask for it"
    steps = [
        _step(at, "department", department, f"{what}: goes to department {department}"),
        _step(at, "inbox", department, f"{what}: {inbox}", bool(in_inbox)),
    ]
    for _, name, why_not in channels:
        detail = f"{name}: is to be told" if why_not is None else f"{name}: not told: {why_not}"
        steps.append(_step(at, "channel", name, f"{what}: {detail}", why_not is None))
    if not channels:
        steps.append(_step(at, "channel", "", f"{what}: there was no channel to tell", told=False))
    return steps


def _muted(row: Any, what: str) -> RoutingStep:
    """By what, until when and why, and who would have been told."""
    facts = orjson.loads(row[6])
    passed = [name for _, name, why_not in orjson.loads(row[4]) if why_not is None]
    places = ", ".join((f"the inbox of {row[2]}", *passed))
    subject = describe(facts["kind"], facts["id"], facts["name"])
    return _step(row[5], "silence", subject, f"{what}: {explain(facts)}; not told: {places}", told=False)


_RELEASED = {
    "told": "it is told now",
    "closed": "it was opened and closed meanwhile, and is told to nobody",
    "still_muted": "another still mutes it",
    "known": "it is as it was told before",
}


def _released(mute: Any) -> RoutingStep:
    """What muted it is over."""
    kind, by_id, name, at, outcome = mute
    subject = describe(kind, by_id, name)
    return _step(at, "silence", subject, f"ended: {subject} is over; {_RELEASED[outcome]}", outcome == "told")


async def _company(readers: Readers, group_id: int, incident_id: int) -> str:
    """How many a message has gathered, which other incidents are among them, and when its window closes."""
    row = await readers.one(
        "SELECT closes_at, (SELECT count(*) FROM deliveries WHERE group_id = delivery_id) "
        "FROM delivery_groups WHERE delivery_id = ?",
        (group_id,),
    )
    if row is None:  # its channel was deleted since the deliveries were read
        return "in a message that is gone"
    others = await readers.all(
        "SELECT DISTINCT n.incident_id FROM deliveries d INDEXED BY deliveries_of_group "
        "CROSS JOIN notifications n ON n.id = d.notification_id "
        "WHERE d.group_id = ? AND n.incident_id <> ? LIMIT ?",
        (group_id, incident_id, OTHERS_NAMED + 1),
    )
    names = ", ".join(incident_ref(each[0]) for each in others[:OTHERS_NAMED])
    names += " and more" if len(others) > OTHERS_NAMED else ""
    detail = "alone in its window so far" if row[1] == 1 else f"one of {row[1]:,} in one message"
    detail += f", with {names}" if names else ""
    return f"{detail}; the window closes at {format_instant(row[0])}"


def _gathered(delivery: Any, company: str) -> RoutingStep:
    """With which others it goes out in one message."""
    _, _, channel, _, _, created_at, kind, _ = delivery
    return _step(created_at, "group", channel, f"{kind.replace('_', ' ')}: {channel}: {company}")


def _took(took: int) -> str:
    return f"{took / SECOND:.2f} s" if took >= SECOND // 10 else f"{took / (SECOND // 1000):.0f} ms"


def _sent(delivery: Any, attempts: Sequence[Any]) -> list[RoutingStep]:
    _, _, channel, status, next_due_at, created_at, kind, group_id = delivery
    what = f"{kind.replace('_', ' ')}: {channel}"
    if group_id is not None:
        what += ": the message"
    steps = []
    for _, at, took, outcome, answer, error in attempts:
        became, then = _OUTCOMES.get(outcome, (outcome, ""))
        detail = f"{what}: {became} after {_took(took)} ({answer}){then}" + (f": {error}" if error else "")
        steps.append(_step(at, "attempt", channel, detail, outcome == "sent"))
    if status in _WAITING:
        due = f", next at {format_instant(next_due_at)}" if next_due_at is not None else ""
        last = attempts[-1][1] if attempts else created_at
        steps.append(_step(last, "attempt", channel, f"{what}: {_WAITING[status]}{due}", told=False))
    return steps
