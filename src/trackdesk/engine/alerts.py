"""Alerts of other tools: each is the cause of one incident, by its fingerprint."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import orjson

from trackdesk.domain.incident import IncidentStatus, Origin
from trackdesk.domain.instant import format_instant
from trackdesk.domain.notification import Kind
from trackdesk.domain.responsibility import responsible
from trackdesk.engine.causes import announce_opened, close_by_itself, tell_incident
from trackdesk.store import blind, departments, incidents, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.alert import Known
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.incident import Incident
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

TOGETHER = 500
"""Alerts of one transaction: more would keep everybody else waiting."""
OPENED, REPEATED, CLOSED, UNCHANGED = "opened", "repeated", "closed", "unchanged"


async def take(engine: Engine, caller: Caller, alerts: Sequence[Known]) -> Counter[str]:
    """How many opened an incident, were one more occurrence, closed one, or changed nothing. A message of up to 500 is
    taken as a whole or not at all."""
    counts: Counter[str] = Counter()
    for first in range(0, len(alerts), TOGETHER):
        some = alerts[first : first + TOGETHER]
        counts += await engine.writer.run(partial(_take_all, caller=caller, alerts=some))
    return counts


def _take_all(tx: Tx, caller: Caller, alerts: Sequence[Known]) -> Counter[str]:
    return Counter(_take(tx, caller, alert) for alert in alerts)


def _take(tx: Tx, caller: Caller, alert: Known) -> str:
    """What it came to."""
    space = caller.namespace_id
    held = incidents.held_of_causes(tx, space, alert.cause)
    standing = incidents.open_of_cause(tx, space, alert.cause) or next(iter(held), None)
    if not alert.firing:
        for row in held:
            incidents.release(tx, row.incident.id)
        if standing is None or standing.incident.status == IncidentStatus.CLOSED:
            return UNCHANGED
        ended = "" if alert.ended_at is None else f" at {format_instant(alert.ended_at)}"
        close_by_itself(tx, space, standing.incident, f"the alert was resolved{ended}", run=None, process=None)
        return CLOSED
    if standing is None or _began_anew(alert, standing.incident):
        for row in held:
            incidents.release(tx, row.incident.id)
        _open(tx, caller, alert)
        return OPENED
    incidents.repeat(tx, standing.incident.id)
    if not standing.holds:
        incidents.hold(tx, standing.incident.id)
    return REPEATED


def _began_anew(alert: Known, incident: Incident) -> bool:
    """Whether a later alert of the fingerprint has begun since the incident was closed by hand: then the earlier one is
    over, which not every Alertmanager is set to tell."""
    if incident.status != IncidentStatus.CLOSED or alert.started_at is None or incident.due_at is None:
        return False
    return alert.started_at > incident.due_at


def _open(tx: Tx, caller: Caller, alert: Known) -> None:
    space = caller.namespace_id
    named = next((name for name in alert.departments if departments.find(tx, space, name)), None)
    service = None if alert.service is None else services.find(tx, space, alert.service)
    incident = incidents.insert(
        tx,
        space,
        alert.cause,
        {
            "origin": Origin.ALERT,
            "severity": alert.severity,
            "title": alert.title,
            "description": alert.description,
            "service": alert.service,
            "tags": orjson.dumps(alert.tags).decode(),
            "department": responsible(opener=named, service=None if service is None else service.department),
            "reported_by": caller.declared or caller.key_name,
            "seen_late": int(alert.started_at is not None and blind.was_blind(tx, alert.started_at)),
            "due_at": alert.started_at,
        },
    )
    announce_opened(tx, space, incident, caller.actor)
    tell_incident(tx, space, Kind.OPENED, incident)
