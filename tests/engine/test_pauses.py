"""Pauses: nothing is expected and nobody is told, until somebody resumes or the time has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE, CALLER
from trackdesk.domain.clock import HOUR, MINUTE
from trackdesk.domain.errors import Invalid, NotFound
from trackdesk.domain.process import ChangeProcess, PauseProcess, Process
from trackdesk.engine import processes

if TYPE_CHECKING:
    from tests.engine.house import House


pytestmark = pytest.mark.usefixtures("unhurried")


async def change(house: House, **members: Any) -> Process:
    body = ChangeProcess.model_validate_json(orjson.dumps(members))
    return await processes.patch(house.engine, ALICE, "backup", body)


async def pause(house: House, **members: Any) -> Process:
    return await processes.pause(house.engine, ALICE, "backup", PauseProcess.model_validate_json(orjson.dumps(members)))


async def test_nothing_is_expected_of_a_paused_process(house: House) -> None:
    await change(house, schedule={"every": "15m"})
    process = await pause(house, reason="moving the database")

    assert (process.state, process.next_expected_at) == ("PAUSED", None)
    assert (process.paused_at, process.paused_until) == (house.now, None)
    assert (process.paused_by, process.pause_reason) == ("alice@host (via desk)", "moving the database")
    await house.pass_time(7200)
    assert house.incidents() == []
    assert house.journal("processes") == ["made", "changed", "paused"]


async def test_resumed_it_is_expected_anew(house: House) -> None:
    await change(house, schedule={"every": "15m"})
    await pause(house)
    await house.pass_time(7200)
    process = await processes.resume(house.engine, CALLER, "backup")

    assert (process.state, process.next_expected_at) == ("OK", house.now + 15 * MINUTE)
    assert (process.paused_at, process.paused_until, process.paused_by, process.pause_reason) == (None,) * 4
    await house.pass_time(3600)
    assert len(house.incidents()) == 1


async def test_a_pause_ends_by_itself(house: House) -> None:
    await change(house, schedule={"every": "15m"})
    began = house.now
    process = await pause(house, until="2h")
    assert process.paused_until == began + 2 * HOUR
    await house.pass_time(2 * 3600)

    assert house.rows("SELECT paused_at, expected_at FROM processes") == [
        {"paused_at": None, "expected_at": began + 2 * HOUR + 15 * MINUTE}
    ]
    assert house.journal("processes")[-1] == "resumed"
    assert house.values("SELECT actor FROM journal WHERE kind = 'resumed'") == ["trackdesk"]


async def test_runs_of_a_paused_process_are_recorded_and_tell_nobody(house: House) -> None:
    await change(house, default_deadline="10m", heartbeat_timeout="5m")
    await pause(house)
    late, failed = await house.start(id="late"), await house.start(id="failed")
    await house.fail(failed)
    await house.pass_time(1200)

    assert house.run(late)["deadline_status"] == "MISSED"
    assert house.run(late)["stalled"] == 1
    assert house.incidents() == []
    assert house.told() == []


async def test_pausing_a_missing_process_ends_its_incident(house: House) -> None:
    await change(house, schedule={"every": "15m"})
    await house.pass_time(3600)
    await pause(house)

    assert house.incidents()[0]["close_reason"] == "backup was paused by alice@host (via desk)"
    assert house.values("SELECT missing_since FROM processes") == [None]


async def test_an_incident_from_before_the_pause_still_closes_when_it_recovers(house: House) -> None:
    run = await house.start(deadline="10m")
    await house.pass_time(900)
    await pause(house)
    await house.complete(run)

    assert house.incidents()[0]["status"] == "CLOSED"
    assert house.told() == ["warning", "opened", "closed"]


async def test_starts_during_a_pause_move_nothing(house: House) -> None:
    await change(house, schedule={"every": "15m"})
    await pause(house)
    await house.start()
    assert house.values("SELECT expected_at FROM processes") == [None]
    assert house.values("SELECT total FROM processes") == [1]


async def test_a_pause_is_told_anew_and_said_once(house: House) -> None:
    await house.start()
    first = await pause(house, reason="a")
    await house.pass_time(60)
    await pause(house, reason="a")
    second = await pause(house, reason="b", until="1h")

    assert house.journal("processes") == ["made", "paused", "paused"]
    assert (second.paused_at, second.pause_reason) == (first.paused_at, "b")
    assert second.version == first.version


async def test_a_schedule_set_during_a_pause_counts_from_its_end(house: House) -> None:
    await house.start()
    await pause(house, until="1h")
    process = await change(house, schedule={"every": "15m"})
    assert (process.state, process.next_expected_at) == ("PAUSED", None)
    await house.pass_time(3600)
    assert house.values("SELECT expected_at FROM processes") == [house.now + 15 * MINUTE]


async def test_resuming_what_is_not_paused_changes_nothing(still: House) -> None:
    await still.start()
    process = await processes.resume(still.engine, CALLER, "backup")
    assert process.state == "RUNNING"
    assert still.journal("processes") == ["made"]


async def test_an_end_that_has_passed_is_refused(still: House) -> None:
    await still.start()
    with pytest.raises(Invalid, match="until"):
        await pause(still, until=still.at(-1))
    assert still.journal("processes") == ["made"]


async def test_an_unknown_process_is_not_made_by_a_pause(still: House) -> None:
    with pytest.raises(NotFound):
        await pause(still)
    with pytest.raises(NotFound):
        await processes.resume(still.engine, CALLER, "backup")
