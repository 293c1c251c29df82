"""Operations on services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.engine.edits import check_department, check_version, given
from trackdesk.store import service_lists, services

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.service import ChangeService, NewService, Service
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

DELETED_AT_ONCE = 1_000
"""Rows deleted in one operation, a few ms."""


async def add(engine: Engine, caller: Caller, body: NewService) -> Service:
    """Raises Conflict `exists`; Invalid for a department that doesn't exist."""
    await engine.writer.run(lambda tx: make(tx, caller, body))
    return await service_lists.get(engine.readers, caller.namespace_id, body.name, engine.clock.now())


def make(tx: Tx, caller: Caller, body: NewService) -> None:
    if services.find(tx, caller.namespace_id, body.name) is not None:
        raise Conflict(f"There is a service {body.name!r} already.", code="exists")
    check_department(tx, caller.namespace_id, body.department)
    _check_others(body.name, body.depends_on)
    services.insert(tx, caller.namespace_id, body.name, body.description, body.department, body.depends_on)
    tx.journal(caller.namespace_id, "services", "made", body.name, caller.actor)


async def patch(engine: Engine, caller: Caller, name: str, body: ChangeService, if_match: int | None = None) -> Service:
    """Raises NotFound; Conflict `changed`; Invalid for a department that doesn't exist."""
    await engine.writer.run(lambda tx: change(tx, caller, name, body, if_match))
    return await service_lists.get(engine.readers, caller.namespace_id, name, engine.clock.now())


def change(tx: Tx, caller: Caller, name: str, body: ChangeService, if_match: int | None = None) -> None:
    before = services.get(tx, caller.namespace_id, name)
    check_version(tx, caller.namespace_id, "services", name, before.version, if_match)
    values = given(body)
    if "department" in values:
        check_department(tx, caller.namespace_id, values["department"])
    _check_others(name, values.get("depends_on", []))
    changed = {name: [getattr(before, name), value] for name, value in values.items() if getattr(before, name) != value}
    if changed:
        services.change(tx, before, {name: values[name] for name in changed})
        tx.journal(caller.namespace_id, "services", "changed", name, caller.actor, changed)


def _check_others(name: str, depends_on: list[str]) -> None:
    if name in depends_on:
        raise Invalid("depends_on", "expected other services", name)


async def delete(engine: Engine, caller: Caller, name: str) -> None:
    """With its samples, in small steps: whoever is interrupted finds a service with fewer samples. Raises NotFound;
    Conflict `in_use` naming what refers to it, `still_sending` when more samples come meanwhile than go."""
    left = await service_lists.count_samples(engine.readers, caller.namespace_id, name)
    while (gone := await engine.writer.run(lambda tx: delete_some(tx, caller, name))) is not None:
        left -= gone
        if left <= -DELETED_AT_ONCE:
            raise Conflict(
                f"Service {name!r} is sending samples faster than they are deleted. As many as it had are gone; the "
                "service stays with those that came since. Stop what sends them, then delete it again.",
                code="still_sending",
            )


def delete_some(tx: Tx, caller: Caller, name: str) -> int | None:
    """The next of its samples, and how many they were; None: none are left and the service itself is gone."""
    service = services.get(tx, caller.namespace_id, name)
    users = services.in_use_by(tx, service)
    if users:
        raise Conflict(f"Service {name!r} is used by {'; '.join(users)}.", code="in_use")
    gone = services.delete_samples(tx, service, DELETED_AT_ONCE)
    if gone == DELETED_AT_ONCE or not services.delete_rollups(tx, service, DELETED_AT_ONCE):
        return gone
    services.delete(tx, service)
    tx.journal(caller.namespace_id, "services", "deleted", name, caller.actor)
    return None
