"""Operations on maintenance windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.maintenance import Plan, make_plan
from trackdesk.domain.schedule import pack
from trackdesk.engine import noise
from trackdesk.engine.edits import check_department, check_version, given
from trackdesk.engine.silences import check_room
from trackdesk.store import maintenance
from trackdesk.store import noise as standing

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.maintenance import ChangeMaintenance, Maintenance, NewMaintenance, PlannedWindow
    from trackdesk.domain.run import Due
    from trackdesk.domain.schedule import Cron
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

_PLAIN = ("name", "reason", "service", "department")
_AT_ONCE = 24
"""Incidents of a window that one operation tells of when it ends, about 10 ms: a ping waits no longer."""


async def add(engine: Engine, caller: Caller, body: NewMaintenance) -> Maintenance:
    """Raises Invalid; Conflict `exists`, `too_many`."""
    return await engine.writer.run(lambda tx: make(tx, caller, body.name, given(body)))


def make(tx: Tx, caller: Caller, name: str, values: dict[str, Any]) -> Maintenance:
    """`values`: members as they were given. Raises as `add` does."""
    namespace_id = caller.namespace_id
    if maintenance.named(tx, namespace_id, name) is not None:
        raise Conflict(f"There is a maintenance named {name!r} already.", code="exists")
    if values.get("reason") is None:
        raise Invalid("reason", "is required")
    check_room(tx, namespace_id)
    _check_scope(tx, namespace_id, values.get("service"), values.get("department"))
    plan = _plan(tx, values)
    maintenance_id = maintenance.insert(
        tx,
        namespace_id,
        {
            "name": name,
            "service": values.get("service"),
            "department": values.get("department"),
            "reason": values["reason"],
            "created_by": caller.actor,
            "departments": orjson.dumps(caller.departments).decode(),
            **_columns(tx, plan, plan.window(tx.now)),
        },
    )
    made = maintenance.get(tx, namespace_id, maintenance_id)
    tx.journal(namespace_id, "maintenance", "made", str(maintenance_id), caller.actor, {"name": name, **_facts(made)})
    return made


def _check_scope(tx: Tx, namespace_id: int, service: str | None, department: str | None) -> None:
    if (service is None) == (department is None):
        raise Invalid("service", "expected either a service or a department")
    check_department(tx, namespace_id, department)


def _plan(tx: Tx, values: dict[str, Any], known: Plan | None = None) -> Plan:
    """`known` with what is given; what makes it a window of the other kind takes the place of what it had. The same
    plan is given back as it is, also when it is over by now."""
    schedule, duration, from_at, until_at = was = _members(known)
    if values.get("schedule") is not None:
        from_at = until_at = None
    elif values.get("until") is not None:
        schedule = duration = None
    schedule, duration = values.get("schedule", schedule), values.get("duration", duration)
    from_at = values.get("from_", from_at)
    if "until" in values:
        until: Due | None = values["until"]
        until_at = None if until is None else _instant(until, tx.now if from_at is None else from_at)
    if known is not None and (schedule, duration, from_at, until_at) == was:
        return known
    return make_plan(schedule, duration, from_at, until_at, tx.now)


def _members(plan: Plan | None) -> tuple[Cron | None, int | None, int | None, int | None]:
    if plan is None or plan.once is None:
        return (None, None, None, None) if plan is None else (plan.schedule, plan.duration, None, None)
    return (plan.schedule, plan.duration, plan.once.from_at, plan.once.until_at)


def _instant(until: Due, counted_from: int) -> int:
    try:
        return until.resolve(counted_from)
    except ValueError as error:
        raise Invalid("until", str(error)) from None


def _columns(tx: Tx, plan: Plan, window: PlannedWindow | None) -> dict[str, Any]:
    """What is stored of when it is, with `window` as the one that is on or next."""
    begun = window is not None and window.from_at <= tx.now
    due_at = None if window is None else window.until_at if begun else window.from_at
    if due_at is not None:
        tx.wake("agenda", due_at)
    return {
        "schedule": None if plan.schedule is None else pack(plan.schedule),
        "duration": plan.duration,
        "from_at": None if window is None else window.from_at,
        "until_at": None if window is None else window.until_at,
        "begun": int(begun),
        "next_due_at": due_at,
    }


async def patch(
    engine: Engine, caller: Caller, maintenance_id: int, body: ChangeMaintenance, if_match: int | None = None
) -> Maintenance:
    """Raises NotFound, Invalid; Conflict `changed`, `exists`."""
    return await engine.writer.run(lambda tx: change(tx, caller, maintenance_id, given(body), if_match))


def change(
    tx: Tx, caller: Caller, maintenance_id: int, values: dict[str, Any], if_match: int | None = None
) -> Maintenance:
    """`values`: members as they were given. A window that is on ends at once when it would not be on any more, or is
    about something else from now on. Raises as `patch` does."""
    namespace_id = caller.namespace_id
    before = maintenance.get(tx, namespace_id, maintenance_id)
    check_version(tx, namespace_id, "maintenance", str(maintenance_id), before.version, if_match)
    for name in ("name", "reason"):
        if name in values and values[name] is None:
            raise Invalid(name, "expected a value, not null")
    columns: dict[str, Any] = {
        name: values[name] for name in _PLAIN if name in values and getattr(before, name) != values[name]
    }
    if "name" in columns and maintenance.named(tx, namespace_id, columns["name"]) is not None:
        raise Conflict(f"There is a maintenance named {columns['name']!r} already.", code="exists")
    moved = "service" in columns or "department" in columns
    if moved:
        _check_scope(
            tx, namespace_id, columns.get("service", before.service), columns.get("department", before.department)
        )
    columns |= _rearranged(tx, before, values, moved)
    if not columns:
        return before
    maintenance.update(tx, namespace_id, maintenance_id, columns)
    after = maintenance.get(tx, namespace_id, maintenance_id)
    old, new = {"name": before.name, **_facts(before)}, {"name": after.name, **_facts(after)}
    changed = {name: [old.get(name), new.get(name)] for name in {**old, **new} if old.get(name) != new.get(name)}
    tx.journal(namespace_id, "maintenance", "changed", str(maintenance_id), caller.actor, changed)
    return after


def _rearranged(tx: Tx, before: Maintenance, values: dict[str, Any], moved: bool) -> dict[str, Any]:
    """The columns that follow from another plan, or from another service or department."""
    known = maintenance.plan(tx, before.id)
    plan = _plan(tx, values, known)
    if plan == known and not moved:
        return {}
    on, window = standing.get(tx, "maintenance", before.id), plan.window(tx.now)
    columns = _columns(tx, plan, window)
    if on is not None and on.begun and (moved or not columns["begun"]):
        # What it held back is told as at any end of a window; the next one is looked for after that.
        if plan.schedule is None and window is not None:
            raise Conflict("Its window is on; delete it and make another.", code="begun")
        tx.wake("agenda", tx.now)
        columns |= {"from_at": on.from_at, "until_at": tx.now, "begun": 1, "next_due_at": tx.now}
    return columns


def _facts(found: Maintenance) -> dict[str, Any]:
    """What the journal says of it."""
    facts = {
        "service": found.service,
        "department": found.department,
        "reason": found.reason,
        "schedule": found.schedule,
        "duration": None if found.duration is None else format_duration(found.duration),
        "from": None if found.from_ is None else format_instant(found.from_),
        "until": None if found.until is None else format_instant(found.until),
    }
    return {name: value for name, value in facts.items() if value is not None}


async def delete(engine: Engine, caller: Caller, maintenance_id: int) -> None:
    """A window that is on ends before, and what it held back is told in steps; were the server to die in between, the
    maintenance still stands. Raises NotFound."""
    while not await engine.writer.run(lambda tx: _end_some(tx, caller, maintenance_id)):
        pass
    await engine.writer.run(lambda tx: remove(tx, caller, maintenance_id))


def _end_some(tx: Tx, caller: Caller, maintenance_id: int) -> bool:
    """Whether no window of it is on any more."""
    maintenance.get(tx, caller.namespace_id, maintenance_id)
    item = standing.get(tx, "maintenance", maintenance_id)
    if item is None or not item.begun:
        return True
    if item.until_at > tx.now:
        values = {"until_at": tx.now, "next_due_at": tx.now}
        maintenance.update(tx, caller.namespace_id, maintenance_id, values, by_hand=False)
        item = item._replace(until_at=tx.now)
    noise.end_some(tx, item._replace(ended_by=caller.actor), _AT_ONCE)
    return False


def remove(tx: Tx, caller: Caller, maintenance_id: int) -> None:
    """With whatever is left of a window that is on. Raises NotFound."""
    found = maintenance.get(tx, caller.namespace_id, maintenance_id)
    for _ in range(found.held // _AT_ONCE + 2):
        if _end_some(tx, caller, maintenance_id):
            break
    maintenance.delete(tx, caller.namespace_id, maintenance_id)
    facts = {"name": found.name, **_facts(found)}
    tx.journal(caller.namespace_id, "maintenance", "deleted", str(maintenance_id), caller.actor, facts)
