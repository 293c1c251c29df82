"""Operations on departments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.notification import DEFAULT_DEPARTMENT
from trackdesk.engine.edits import given
from trackdesk.store import departments

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.notification import ChangeDepartment, Department, NewDepartment
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx


async def add(engine: Engine, caller: Caller, body: NewDepartment) -> Department:
    """Raises Conflict `exists`."""
    return await engine.writer.run(lambda tx: make(tx, caller, body))


def make(tx: Tx, caller: Caller, body: NewDepartment) -> Department:
    if departments.find(tx, caller.namespace_id, body.id) is not None:
        raise Conflict(f"There is a department {body.id!r} already.", code="exists")
    made = departments.insert(tx, caller.namespace_id, body.id, body.name, body.description)
    tx.journal(caller.namespace_id, "departments", "made", body.id, caller.actor, {"name": body.name})
    return made


async def patch(engine: Engine, caller: Caller, department_id: str, body: ChangeDepartment) -> Department:
    """Raises NotFound, Invalid."""
    return await engine.writer.run(lambda tx: change(tx, caller, department_id, body))


def change(tx: Tx, caller: Caller, department_id: str, body: ChangeDepartment) -> Department:
    before = departments.get(tx, caller.namespace_id, department_id)
    values = given(body)
    if "name" in values and values["name"] is None:
        raise Invalid("name", "expected a value, not null")
    changed = {name: [getattr(before, name), value] for name, value in values.items() if getattr(before, name) != value}
    if not changed:
        return before
    after = departments.update(tx, caller.namespace_id, department_id, {name: values[name] for name in changed})
    tx.journal(caller.namespace_id, "departments", "changed", department_id, caller.actor, changed)
    return after


async def delete(engine: Engine, caller: Caller, department_id: str) -> None:
    """Raises NotFound; Conflict `in_use` naming what refers to it."""
    await engine.writer.run(lambda tx: remove(tx, caller, department_id))


def remove(tx: Tx, caller: Caller, department_id: str) -> None:
    department = departments.get(tx, caller.namespace_id, department_id)
    if department_id == DEFAULT_DEPARTMENT:
        raise Conflict("The department 'default' gets what nothing else routes; it always exists.", code="in_use")
    users = departments.in_use_by(tx, caller.namespace_id, department_id)
    if users:
        raise Conflict(f"Department {department_id!r} is used by {'; '.join(users)}.", code="in_use")
    departments.delete(tx, caller.namespace_id, department_id)
    tx.journal(caller.namespace_id, "departments", "deleted", department_id, caller.actor, {"name": department.name})
