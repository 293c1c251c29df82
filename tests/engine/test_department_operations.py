from pathlib import Path

import pytest

from tests.engine.outbox import ADMIN, open_outbox
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.identity import NewKey, Role
from trackdesk.domain.notification import ChangeDepartment, NewDepartment
from trackdesk.engine import departments, keys
from trackdesk.store import incidents

OPS = NewDepartment(id="ops", name="Operations", description="Nights and weekends.")


async def test_a_department_is_made_once(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        made = await departments.add(outbox.engine, ADMIN, OPS)
        assert (made.id, made.name, made.created_at) == ("ops", "Operations", outbox.clock.now())
        with pytest.raises(Conflict) as caught:
            await departments.add(outbox.engine, ADMIN, OPS)
        assert caught.value.code == "exists"


async def test_null_clears_the_description_but_not_the_name(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await departments.add(outbox.engine, ADMIN, OPS)
        after = await departments.patch(outbox.engine, ADMIN, "ops", ChangeDepartment(description=None))
        assert (after.name, after.description) == ("Operations", None)
        with pytest.raises(Invalid, match="name"):
            await departments.patch(outbox.engine, ADMIN, "ops", ChangeDepartment(name=None))
        with pytest.raises(NotFound):
            await departments.patch(outbox.engine, ADMIN, "nowhere", ChangeDepartment(name="x"))


async def test_the_default_department_stays(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        with pytest.raises(Conflict) as caught:
            await departments.delete(outbox.engine, ADMIN, "default")
        assert caught.value.code == "in_use"


async def test_a_department_in_use_names_what_uses_it(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await departments.add(outbox.engine, ADMIN, OPS)
        await outbox.channel("mail-ops", "webhook+https://hooks.example.org/x", department="ops")
        for number in range(5):
            incident = {"origin": "report", "severity": "LOW", "title": f"n {number}", "department": "ops"}
            await outbox.engine.writer.run(lambda tx, new=incident: incidents.insert(tx, 1, None, new))
        await keys.add(outbox.engine, ADMIN, NewKey(name="desk", role=Role.REPORTER, departments=["ops"]))
        await outbox.engine.writer.run(
            lambda tx: tx.execute(
                "INSERT INTO processes (namespace_id, name, department, created_at, updated_at) "
                "VALUES (1, 'nightly-backup', 'ops', 0, 0)"
            )
        )
        with pytest.raises(Conflict) as caught:
            await departments.delete(outbox.engine, ADMIN, "ops")
        assert caught.value.detail == (
            "Department 'ops' is used by process nightly-backup; open incidents INC-1, INC-2, INC-3 and 2 more; "
            "channel mail-ops; key desk."
        )


async def test_a_department_that_nothing_uses_is_deleted(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await departments.add(outbox.engine, ADMIN, OPS)
        await departments.delete(outbox.engine, ADMIN, "ops")
        with pytest.raises(NotFound):
            await departments.delete(outbox.engine, ADMIN, "ops")
        kinds = await outbox.rows("SELECT kind FROM journal WHERE topic = 'departments' ORDER BY seq")
        assert kinds == [("made",), ("deleted",)]
