"""What is expected of a process, and who changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE, CALLER
from trackdesk.domain.clock import MINUTE
from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.process import ChangeProcess, Process
from trackdesk.engine import processes

if TYPE_CHECKING:
    from tests.engine.house import House


async def change(house: House, name: str = "backup", if_match: int | None = None, **members: Any) -> Process:
    body = ChangeProcess.model_validate_json(orjson.dumps(members))
    return await processes.patch(house.engine, ALICE, name, body, if_match)


async def test_settings_of_a_process_that_has_not_run_yet_make_it(still: House) -> None:
    process = await change(still, default_deadline="30m", warn_at=0.5, runbook_url="https://wiki/backup")

    assert (process.default_deadline, process.warn_at, process.runbook_url) == (
        30 * MINUTE,
        0.5,
        "https://wiki/backup",
    )
    assert still.journal("processes") == ["made", "changed"]
    assert still.changed("processes")[1] == {
        "default_deadline": [None, "30m"],
        "warn_at": [0.75, 0.5],
        "runbook_url": [None, "https://wiki/backup"],
    }


async def test_absent_members_keep_their_value_and_null_takes_the_default(still: House) -> None:
    await change(still, default_deadline="30m", warn_at=0.5, auto_close=False, incident_per="run")
    process = await change(still, warn_at=None, auto_close=None, incident_per=None)

    assert process.default_deadline == 30 * MINUTE
    assert (process.warn_at, process.auto_close, process.incident_per) == (0.75, True, "process")
    assert (await change(still, default_deadline=None)).default_deadline is None


async def test_what_it_has_already_changes_nothing(still: House) -> None:
    first = await change(still, warn_at=0.5)
    second = await change(still, warn_at=0.5, auto_close=True)

    assert second.version == first.version
    assert still.journal("processes") == ["made", "changed"]


async def test_runs_under_way_keep_what_they_started_with(still: House) -> None:
    run = await still.start()
    await change(still, default_deadline="30m")

    assert still.run(run)["deadline"] is None
    assert (await still.start()).deadline == still.now + 30 * MINUTE


async def test_two_editors_are_told_who_changed_what(still: House) -> None:
    process = await change(still, warn_at=0.5)

    with pytest.raises(Conflict, match=r"alice@host \(via desk\) changed warn_at at 2026-") as caught:
        await change(still, if_match=process.version - 1, warn_at=0.9)

    assert caught.value.code == "changed"
    assert (await change(still, if_match=process.version, warn_at=0.9)).warn_at == 0.9


async def test_counting_runs_is_no_edit(still: House) -> None:
    process = await change(still, warn_at=0.5)
    await still.complete(await still.start())

    assert (await change(still, if_match=process.version, warn_at=0.9)).version == process.version + 1


async def test_a_department_that_does_not_exist_is_refused_and_makes_no_process(still: House) -> None:
    with pytest.raises(Invalid, match="department"):
        await change(still, department="nobody")

    assert still.values("SELECT count(*) FROM processes") == [0]


async def test_a_failed_edit_makes_no_process(still: House) -> None:
    with pytest.raises(Conflict):
        await processes.patch(still.engine, CALLER, "new", ChangeProcess(warn_at=0.1), 7)

    assert still.values("SELECT count(*) FROM processes") == [0]
    assert still.journal("processes") == []
