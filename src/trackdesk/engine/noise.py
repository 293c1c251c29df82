"""What time makes of silences and maintenance windows: they begin, and at their end what they held back and still
stands is told once, and those concerned that it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.clock import HOUR
from trackdesk.domain.incident import IncidentStatus
from trackdesk.domain.instant import format_instant
from trackdesk.domain.notification import DEFAULT_DEPARTMENT, Kind, Subject
from trackdesk.domain.silence import describe, owed
from trackdesk.engine.causes import SELF, tell_as_it_stands
from trackdesk.engine.verdicts import Round
from trackdesk.store import departments, incidents, maintenance, mutes, noise
from trackdesk.store.faultpoint import reach
from trackdesk.store.telling import tell, was_muted

if TYPE_CHECKING:
    from trackdesk.store.mutes import Counted
    from trackdesk.store.noise import Standing
    from trackdesk.store.writer import Tx

TOPICS = {"silence": "silences", "maintenance": "maintenance"}


def put_off(tx: Tx, until: int, held: tuple[int, int] | None) -> str | None:  # noqa: ARG001 - as all judges have it
    """The one that is due first is looked at again in an hour; gives what it is called."""
    item = noise.first_due(tx, until)
    if item is None:
        return None
    noise.set_due(tx, item, until + HOUR, begun=item.begun)
    return describe(item.kind, item.id, item.name)


def judge_due(tx: Tx, until: int, held: tuple[int, int] | None, limit: int) -> Round:  # noqa: ARG001
    """Begin or end, as of `until` (µs), the one that is due first; of what it held back at most `limit` incidents. A
    jump of the clock changes nothing about when it ends."""
    item = noise.first_due(tx, until)
    if item is not None:
        if until < item.until_at:
            _begin(tx, item)
        else:
            end_some(tx, item, limit)
    return Round({}, noise.next_due(tx))


def _begin(tx: Tx, item: Standing) -> None:
    noise.set_due(tx, item, item.until_at)
    facts = {"until": format_instant(item.until_at), "reason": item.reason}
    tx.journal(item.namespace_id, TOPICS[item.kind], "began", str(item.id), SELF, facts)


def end_some(tx: Tx, item: Standing, limit: int) -> bool:
    """Of one that is over: some of the incidents it held back; after the last of them, all that follows. Whether that
    is done."""
    ids = mutes.held_back(tx, item.kind, item.id, limit)
    for incident_id in ids:
        mutes.release(tx, incident_id, item.kind, item.id, _settle(tx, item, incident_id))
    reach("noise.released")
    if len(ids) == limit:
        return False
    counts = mutes.counts_by_department(tx, item.kind, item.id, item.from_at)
    total = sum(each.total for each in counts.values())
    if item.begun or total:
        facts = {"muted": total, "told": sum(each.told for each in counts.values()), "reason": item.reason}
        tx.journal(item.namespace_id, TOPICS[item.kind], "ended", str(item.id), item.ended_by or SELF, facts)
    _go_on(tx, item)
    _tell_end(tx, item, counts)
    return True


def _settle(tx: Tx, item: Standing, incident_id: int) -> str:
    """Tell what is owed of the incident; what became of it, as `mutes.Counted` calls it."""
    incident = incidents.get(tx, item.namespace_id, incident_id).incident
    last = mutes.last_told(tx, incident_id)
    kind = owed(incident, last)
    if kind is None:
        return "closed" if last is None and incident.status == IncidentStatus.CLOSED else "known"
    what = describe(item.kind, item.id, item.name)
    note = f"Held back until now by {what} ({item.reason}); it was opened at {format_instant(incident.opened_at)}"
    if incident.value is not None and incident.threshold is not None:
        note += f" with a value of {incident.value:g}, the threshold being {incident.threshold:g}"
    told = tell_as_it_stands(tx, item.namespace_id, kind, incident, note=f"{note}.")
    return "still_muted" if was_muted(tx, told) else "told"


def _go_on(tx: Tx, item: Standing) -> None:
    """A silence is done; of a maintenance the next window comes."""
    if item.kind == "silence":
        noise.set_due(tx, item, None)
        return
    plan = maintenance.plan(tx, item.id)
    window = None if plan.schedule is None else plan.window(tx.now)
    if window is None:
        noise.set_due(tx, item, None)
        return
    values = {
        "from_at": window.from_at,
        "until_at": window.until_at,
        "begun": 0,
        "next_due_at": window.from_at,
    }
    maintenance.update(tx, item.namespace_id, item.id, values, by_hand=False)
    tx.wake("agenda", window.from_at)


def _tell_end(tx: Tx, item: Standing, counts: dict[str, Counted]) -> None:
    """One line in the inbox of every department that it concerned, and of its maker's. A window of maintenance in which
    nothing happened is not worth one."""
    concerned = dict(counts)
    if item.kind == "silence":
        makers = [each for each in item.departments if departments.find(tx, item.namespace_id, each)]
        for each in makers or ([] if concerned else [DEFAULT_DEPARTMENT]):
            concerned.setdefault(each, mutes.Counted())
    for department, counted in sorted(concerned.items()):
        what = describe(item.kind, item.id, item.name)
        tell(
            tx,
            item.namespace_id,
            Subject(Kind.SILENCE_ENDED, None, department),
            title=f"{what[:1].upper()}{what[1:]} is over: {_summary(counted)}"[:255],
            body=_body(item, counted),
            payload={
                "event": f"{item.kind}.ended",
                "kind": Kind.SILENCE_ENDED,
                item.kind: {"id": item.id, "name": item.name, "reason": item.reason},
                "from": format_instant(item.from_at),
                "until": format_instant(item.until_at),
                "ended_by": item.ended_by,
                "department": department,
                "muted": counted.total,
                **counted.shown,
            },
        )


def _summary(counted: Counted) -> str:
    if not counted.total:
        return "nothing was muted"
    incidents_ = "1 incident was muted" if counted.total == 1 else f"{counted.total:,} incidents were muted"
    return f"{incidents_}, {counted.told:,} told now" if counted.told else f"{incidents_}, none is left to tell"


def _body(item: Standing, counted: Counted) -> str:
    ended = f"ended by {item.ended_by}" if item.ended_by else "its time is over"
    lines = [
        f"reason    {item.reason}",
        f"from      {format_instant(item.from_at)} by {item.created_by}",
        f"until     {format_instant(item.until_at)}, {ended}",
        f"muted     {counted.total:,} {'incident' if counted.total == 1 else 'incidents'}",
    ]
    if counted.total:
        became = (
            ("told now", counted.told, "still open, and nobody had been told"),
            ("closed", counted.closed, "opened and closed meanwhile"),
            ("muted on", counted.still_muted, "by another silence or maintenance"),
            ("known", counted.known, "as they had been told before"),
        )
        lines += [f"{word:<9} {count:,} {said}" for word, count, said in became if count]
    return "\n".join(lines)
