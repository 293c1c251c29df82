"""Starts that did not come: found once, with when they were expected, and recovered by the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE, gathered, open_house
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident import ChangeIncident, IncidentStatus
from trackdesk.domain.process import ChangeProcess, Process
from trackdesk.engine import incidents, processes
from trackdesk.store import blind, process_lists

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.house import House

pytestmark = pytest.mark.usefixtures("unhurried")

EVERY = {"every": "15m"}
DAILY = {"cron": "0 17 * * *", "timezone": "Europe/Berlin"}
AT_FIVE = 1_790_002_800_000_000
"""2026-09-21T15:00:00Z, five in the afternoon in Berlin: the first one after the tests begin."""


async def change(house: House, name: str = "backup", **members: Any) -> Process:
    return await processes.patch(house.engine, ALICE, name, ChangeProcess.model_validate_json(orjson.dumps(members)))


def expected(house: House, name: str = "backup") -> tuple[int | None, int | None]:
    """(expected_at, missing_since)."""
    (row,) = house.rows("SELECT expected_at, missing_since FROM processes WHERE name = ?", name)
    return row["expected_at"], row["missing_since"]


async def test_a_process_is_expected_from_the_moment_its_schedule_is_set(house: House) -> None:
    began = house.now
    assert (await change(house, schedule=EVERY)).next_expected_at == began + 15 * MINUTE
    assert (await change(house, "nightly", schedule=DAILY)).next_expected_at == AT_FIVE


async def test_a_start_that_does_not_come_opens_one_incident_after_its_grace(house: House) -> None:
    await change(house, schedule=DAILY, grace="10m")
    await house.pass_time((AT_FIVE - house.now) / 1e6 + 599)
    assert house.incidents() == []
    await house.pass_time(1)

    (incident,) = house.incidents()
    assert incident["title"] == "backup never started (expected 17:00 Europe/Berlin)"
    assert (incident["origin"], incident["due_at"], incident["opened_at"]) == (
        "missing",
        AT_FIVE,
        AT_FIVE + 10 * MINUTE,
    )
    assert (incident["seen_late"], incident["run_uid"], incident["severity"]) == (0, None, "HIGH")
    assert house.told() == ["opened"]
    assert house.journal("processes") == ["made", "changed", "missing"]
    assert house.agenda.totals["missing"] == 1


async def test_it_stays_missing_without_being_told_again_at_each_fire(house: House) -> None:
    await change(house, schedule=EVERY)
    first, _ = expected(house)
    await house.pass_time(3600)

    assert expected(house) == (first, first)
    assert house.values("SELECT occurrences FROM incidents") == [1]
    assert house.told() == ["opened"]


async def test_it_recovers_when_it_runs(house: House) -> None:
    await change(house, schedule=EVERY, grace="1m")
    await house.pass_time(3600)
    run = await house.start()

    assert expected(house) == (house.now + 15 * MINUTE, None)
    (incident,) = house.incidents()
    assert incident["status"] == "CLOSED"
    assert incident["close_reason"] == f"backup/{run.id} started, 45m after it was expected"
    assert house.told() == ["opened", "closed"]
    assert house.journal("processes")[-2:] == ["missing", "recovered"]


async def test_a_start_in_time_moves_the_expectation_on(house: House) -> None:
    await change(house, schedule=DAILY)
    await house.pass_time((AT_FIVE - house.now) / 1e6 + 20)
    await house.start(id="first")
    assert expected(house) == (AT_FIVE + DAY, None)
    await house.start(id="second")
    assert expected(house) == (AT_FIVE + DAY, None)
    await house.pass_time(3600)
    assert house.incidents() == []


async def test_many_starts_at_once_count_as_each_would(house: House) -> None:
    await change(house, schedule=EVERY)
    await change(house, "other", schedule=EVERY)
    await house.pass_time(600)
    await gathered(*(house.start(name) for name in ("backup", "other", "free", "backup")))

    assert expected(house) == expected(house, "other") == (house.now + 15 * MINUTE, None)
    assert expected(house, "free") == (None, None)
    assert house.values("SELECT total FROM processes ORDER BY name") == [2, 1, 1]


async def test_a_late_report_that_proves_a_start_in_time_recovers_it(house: House) -> None:
    await change(house, schedule=DAILY)
    await house.pass_time((AT_FIVE - house.now) / 1e6 + 3600)
    assert len(house.incidents()) == 1
    run = await house.start(started_at=AT_FIVE / 1e6 + 60)

    assert house.incidents()[0]["close_reason"] == (
        f"backup/{run.id} had started in time, at 2026-09-21T15:01:00.000000Z, as was reported afterwards"
    )
    assert expected(house) == (AT_FIVE + DAY, None)


async def test_a_late_report_of_another_day_recovers_nothing(house: House) -> None:
    await change(house, schedule=DAILY)
    await house.pass_time((AT_FIVE - house.now) / 1e6 + 3600)
    await house.start(started_at=AT_FIVE / 1e6 - 12 * 3600)

    assert expected(house) == (AT_FIVE, AT_FIVE)
    assert house.incidents()[0]["status"] == "OPEN"


async def test_starts_told_one_after_the_other_afterwards_alarm_nobody_in_between(house: House) -> None:
    await change(house, schedule=EVERY, grace="1m")
    began = house.now / 1e6
    await house.pass_time(3600)
    told = house.told()
    for minutes in (15, 30, 45, 60):
        await house.start(started_at=began + minutes * 60)
        await house.pass_time(2)

    assert house.told() == [*told, "closed"]
    assert expected(house) == (round((began + 75 * 60) * 1e6), None)


async def test_a_missing_process_and_its_failed_run_are_one_incident(house: House) -> None:
    await change(house, schedule=EVERY, grace="1m")
    await house.fail(await house.start())
    await house.pass_time(3600)

    (incident,) = house.incidents()
    assert (incident["origin"], incident["occurrences"], incident["status"]) == ("failed", 2, "OPEN")
    run = await house.start()
    assert house.incidents()[0]["status"] == "OPEN"
    await house.complete(run)
    assert house.incidents()[0]["status"] == "CLOSED"


async def test_an_old_run_that_completes_does_not_end_the_absence_of_a_new_one(house: House) -> None:
    await change(house, schedule=EVERY, grace="1m")
    run = await house.start()
    await house.pass_time(3600)
    await house.complete(run)

    assert house.incidents()[0]["status"] == "OPEN"
    await house.start()
    assert house.incidents()[0]["status"] == "CLOSED"


async def test_with_an_incident_for_each_run_missing_is_one_of_its_own(house: House) -> None:
    await change(house, schedule=EVERY, grace="1m", incident_per="run")
    await house.fail(await house.start(id="a"))
    await house.pass_time(3600)
    await house.start(id="b")

    assert [(each["origin"], each["status"]) for each in house.incidents()] == [
        ("failed", "OPEN"),
        ("missing", "CLOSED"),
    ]


async def test_closed_by_hand_it_stays_closed_until_it_has_run_once(house: House) -> None:
    await change(house, schedule=EVERY, grace="1m")
    await house.pass_time(3600)
    await incidents.patch(house.engine, ALICE, 1, ChangeIncident(status=IncidentStatus.CLOSED))
    await house.fail(await house.start(id="first"))
    assert [each["status"] for each in house.incidents()] == ["CLOSED", "OPEN"]


async def test_a_schedule_taken_away_ends_what_is_missing(house: House) -> None:
    await change(house, schedule=EVERY)
    await house.pass_time(3600)
    process = await change(house, schedule=None)

    assert (process.state, process.next_expected_at, process.missing_since) == ("OK", None, None)
    assert house.incidents()[0]["close_reason"] == ("what is expected of backup was changed by alice@host (via desk)")
    await house.pass_time(7200)
    assert len(house.incidents()) == 1


async def test_a_longer_grace_also_counts_for_the_start_that_did_not_come(house: House) -> None:
    await change(house, schedule={"every": "2h"}, grace="1m")
    await house.pass_time(2 * 3600 + 120)
    assert (await processes_of(house)).state == "MISSING"
    process = await change(house, grace="1h")
    assert (process.state, process.missing_since) == ("OK", None)
    assert house.incidents()[0]["status"] == "CLOSED"
    await house.pass_time(3600)
    assert [each["status"] for each in house.incidents()] == ["CLOSED", "OPEN"]


async def processes_of(house: House, name: str = "backup") -> Process:
    return await process_lists.get(house.engine.readers, 1, name)


async def test_a_shorter_grace_counts_at_once(house: House) -> None:
    await change(house, schedule={"every": "2h"}, grace="1h")
    await house.pass_time(2 * 3600 + 600)
    assert house.incidents() == []
    await change(house, grace="1m")
    await house.settled()
    assert len(house.incidents()) == 1


@pytest.mark.parametrize("members", [{"schedule": EVERY, "grace": "16m"}, {"grace": "20m"}])
async def test_a_grace_longer_than_the_period_is_refused(still: House, members: dict[str, Any]) -> None:
    await change(still, schedule=EVERY, grace="2m")
    with pytest.raises(Invalid, match="grace"):
        await change(still, **members)
    assert still.values("SELECT grace FROM processes") == [2 * MINUTE]


async def test_expectations_are_no_edits(house: House) -> None:
    process = await change(house, schedule=EVERY)
    await house.pass_time(3600)
    await house.start()
    assert (await change(house, schedule=EVERY)).version == process.version


async def test_a_window_that_fell_into_a_downtime_is_blind(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await change(house, schedule=DAILY, grace="30m")
        clock = house.clock
    clock.leap(AT_FIVE - clock.now() + 6 * HOUR)
    async with open_house(tmp_path, clock=clock) as house:
        process = await processes_of(house)
        assert (process.state, process.blind_at, process.next_expected_at) == ("OK", AT_FIVE, AT_FIVE + DAY)
        assert house.journal("processes") == ["made", "changed", "blind"]
        assert house.incidents() == []
        clock.leap(AT_FIVE + DAY - clock.now())
        await house.pass_time(HOUR / 1e6)
        assert [each["due_at"] for each in house.incidents()] == [AT_FIVE + DAY]


async def test_a_window_partly_in_a_downtime_is_judged_with_the_rest_of_its_grace_and_marked(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await change(house, schedule=DAILY, grace="30m")
        await house.pass_time((AT_FIVE - house.now) / 1e6 + 600)
        clock = house.clock
    clock.leap(6 * HOUR)
    async with open_house(tmp_path, clock=clock) as house:
        assert house.incidents() == []
        await house.pass_time(21 * 60)
        (incident,) = house.incidents()
        assert (incident["due_at"], incident["seen_late"]) == (AT_FIVE, 1)


async def test_what_went_missing_before_a_downtime_stays_missing_and_is_told_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await change(house, schedule=EVERY)
        await house.pass_time(3600)
        clock = house.clock
    clock.leap(HOUR)
    async with open_house(tmp_path, clock=clock) as house:
        await house.pass_time(3600)
        assert house.told() == ["opened"]
        await house.start()
        assert house.told() == ["opened", "closed"]


@pytest.mark.parametrize("jump", [2 * HOUR, DAY])
async def test_a_jump_ahead_opens_nothing_for_what_lay_inside(house: House, jump: int) -> None:
    await change(house, schedule=EVERY)
    await change(house, "hourly", schedule={"cron": "0 * * * *"})
    await house.pass_time(600)
    await house.start()
    await house.start("hourly")
    await house.suspend(jump / 1e6)
    await house.pass_time(120)
    assert house.incidents() == []
    await house.start()
    await house.pass_time(600)
    assert house.incidents() == []


@pytest.mark.parametrize("jump", [2 * HOUR, DAY])
async def test_after_a_jump_back_it_is_soon_expected_again(house: House, jump: int) -> None:
    await change(house, schedule=EVERY)
    await house.pass_time(60)
    await house.start()
    house.clock.jump(-jump)
    await house.pass_time(61)
    assert house.incidents() == []
    at, _ = expected(house)
    assert at is not None
    assert at - house.now <= 30 * MINUTE
    await house.pass_time(3600)
    assert len(house.incidents()) == 1


async def test_a_bad_row_does_not_keep_others_from_being_judged(house: House) -> None:
    await change(house, "bad", schedule=EVERY)
    await change(house, "good", schedule=EVERY)
    await house.expect("bad", schedule='{"cron":"no cron","timezone":"UTC"}', next_due_at=house.now + MINUTE)
    await house.pass_time(1800)

    assert [each["process"] for each in house.incidents()] == ["good"]


async def test_channels_that_ask_are_told_of_missing_and_recovered(house: House) -> None:
    house_channel = {
        "namespace_id": 1, "name": "pager", "url_sealed": "", "url_shown": "x", "kinds": '["missing","recovered"]',
        "created_at": 0, "updated_at": 0,
    }  # fmt: skip

    def add(tx: Any) -> None:
        names = ", ".join(house_channel)
        marks = ", ".join("?" * len(house_channel))
        tx.execute(f"INSERT INTO channels ({names}) VALUES ({marks})", tuple(house_channel.values()))
        tx.cache.clear()

    await house.engine.writer.run(add)
    await change(house, schedule=EVERY)
    await house.pass_time(3600)
    await house.start()
    found = house.rows(
        "SELECT kind, title, in_inbox, payload FROM notifications WHERE kind IN ('missing', 'recovered')"
    )
    assert [(each["kind"], each["title"], each["in_inbox"]) for each in found] == [
        ("missing", "backup is missing", 0),
        ("recovered", "backup has recovered", 0),
    ]
    assert orjson.loads(found[0]["payload"])["event"] == "process.missing"
    assert orjson.loads(found[1]["payload"])["run"]["status"] == "ACTIVE"


async def test_blind_time_of_another_hour_marks_nothing(house: House) -> None:
    await house.engine.writer.run(lambda tx: blind.record(tx, tx.now - DAY, tx.now - HOUR, "down"))
    await change(house, schedule=EVERY)
    await house.pass_time(3600)
    assert house.values("SELECT seen_late FROM incidents") == [0]
