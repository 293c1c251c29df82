"""The agenda sleeps until the least instant at which something is due, and no longer."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.clocks import FakeClock
from tests.engine.house import gathered, open_house
from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.engine.agenda import SLICE
from trackdesk.store.database import backup, restore

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.engine.house import House


async def test_it_sleeps_until_the_least_due_but_at_most_five_seconds(house: House) -> None:
    await house.start(id="a", deadline="100s")
    await house.settled()
    assert house.clock.next_wait == house.clock.monotonic() + 5 * SECOND
    await house.start(id="b", deadline="2s")
    await house.settled()

    assert house.clock.next_wait == house.clock.monotonic() + 1_500_000


async def test_an_earlier_instant_ends_the_sleep_and_a_later_one_does_not(house: House) -> None:
    await house.start(id="a", deadline="4s")
    await house.settled()
    judged = house.engine.writer.stats.commits
    await house.start(id="b", deadline="400s")
    await house.settled()

    assert house.engine.writer.stats.commits == judged + 1  # the start itself


async def test_what_becomes_due_while_a_round_runs_is_not_overlooked(tmp_path: Path) -> None:
    async with open_house(tmp_path, agenda=False) as house:
        await house.start(id="a", deadline="4s")
        house.clock.leap(4 * SECOND)
        starting = asyncio.create_task(house.agenda.start())
        # The starts queue beside the first round and commit with it or right behind it.
        runs = await gathered(*(house.start(id=f"b{number}", deadline="1s") for number in range(5)))
        await starting
        await house.settled()
        await house.pass_time(1)

        assert {house.run(run)["deadline_status"] for run in runs} == {"MISSED"}
        await house.agenda.stop()


async def test_starts_and_time_that_race_leave_nobody_unjudged(house: House) -> None:
    runs = []
    for number in range(30):
        runs += await gathered(*(house.start(id=f"{number}-{each}", deadline=f"{each + 1}s") for each in range(3)))
        house.clock.leap(SECOND // 2)
    await house.pass_time(3)

    assert house.values("SELECT count(*) FROM runs WHERE deadline_status = 'MISSED'") == [len(runs)]


async def test_a_thousand_due_at_once_are_all_judged(house: House) -> None:
    await gathered(*(house.start(f"p{number % 10}", id=str(number), deadline="10s") for number in range(1000)))
    before = house.agenda.totals["judged"]
    house.clock.leap(10 * SECOND)
    await house.settled()

    assert house.agenda.totals["judged"] == before + 1000
    assert house.values("SELECT count(*) FROM runs WHERE deadline_status = 'MISSED'") == [1000]
    assert house.values("SELECT occurrences FROM incidents") == [100] * 10
    assert house.told() == ["opened"] * 10


async def test_a_start_in_the_midst_of_many_verdicts_waits_for_few_of_them(house: House) -> None:
    await gathered(*(house.start(f"p{number % 10}", id=str(number), deadline="10s") for number in range(100)))
    before = house.agenda.totals["judged"]
    house.clock.leap(10 * SECOND)
    await house.start(id="meanwhile")

    assert house.agenda.totals["judged"] - before <= 5 * SLICE


async def test_one_bad_row_is_put_off_and_said_and_the_others_are_judged(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    runs = [await house.start(id=f"n{number}", deadline=f"{20 - number}s") for number in range(6)]
    await house.settled()
    house.break_run(runs[3])
    with caplog.at_level(logging.ERROR):
        house.clock.leap(30 * SECOND)
        await house.settled()

    good = [run for number, run in enumerate(runs) if number != 3]
    assert [house.run(run)["deadline_status"] for run in good] == ["MISSED"] * 5
    bad = house.run(runs[3])
    assert (bad["deadline_status"], bad["next_due_at"]) == ("ON_TRACK", house.now + HOUR)
    assert f"run {runs[3].uid} could not be judged" in caplog.text
    assert house.agenda.health().ok


async def test_a_bad_row_that_was_mended_is_judged_an_hour_later(house: House) -> None:
    run = await house.start(deadline="10s")
    house.break_run(run)
    house.clock.leap(20 * SECOND)
    await house.settled()
    with closing(sqlite3.connect(house.path)) as connection, connection:
        connection.execute("UPDATE runs SET tags = '{}'")
    house.clock.leap(HOUR)
    await house.settled()

    assert house.run(run)["deadline_status"] == "MISSED"


async def test_health_says_that_it_runs_and_that_it_stopped(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert house.agenda.health().ok
        agenda = house.agenda
    assert not agenda.health().ok


async def test_what_fell_due_while_it_was_down_is_seen_late_with_its_true_time(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_house(tmp_path, clock=clock) as house:
        run = await house.start(deadline="1m")
        warned = await house.start("other", deadline="40m")
    clock.leap(31 * MINUTE)
    async with open_house(tmp_path, clock=clock) as house:
        (incident,) = house.incidents()
        assert (incident["due_at"], incident["opened_at"], incident["seen_late"]) == (run.deadline, clock.now(), 1)
        assert house.run(run)["deadline_status"] == "MISSED"
        assert house.run(warned)["deadline_status"] == "WARNING"
        assert sorted(house.told()) == ["opened", "warning"]
        assert house.changed("incidents")[0]["seen_late"] is True


async def test_what_was_judged_after_the_backup_is_judged_again_after_a_restore_and_seen_late(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_house(tmp_path, clock=clock) as house:
        run = await house.start(deadline="1m")
        backup(house.path, tmp_path / "backup.sqlite3")
        await house.pass_time(120)
        assert house.values("SELECT seen_late FROM incidents") == [0]
    restore(tmp_path / "backup.sqlite3", house.path)
    clock.leap(SECOND)
    for _ in range(2):  # another start changes nothing
        async with open_house(tmp_path, clock=clock) as house:
            (incident,) = house.incidents()
            assert (incident["due_at"], incident["opened_at"], incident["seen_late"]) == (run.deadline, clock.now(), 1)
            assert house.values("SELECT reason FROM blind_times") == ["restored from a backup"]


async def test_a_deadline_inside_a_quick_restart_is_seen_late_too(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_house(tmp_path, clock=clock) as house:
        await house.start(deadline="2s")
    clock.leap(3 * SECOND)
    async with open_house(tmp_path, clock=clock) as house:
        assert [incident["seen_late"] for incident in house.incidents()] == [1]


async def test_a_restart_does_nothing_twice(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_house(tmp_path, clock=clock) as house:
        await house.start(deadline="10s", heartbeat_timeout=5)
        await house.pass_time(20)
        told = house.told()
    clock.leap(MINUTE)
    async with open_house(tmp_path, clock=clock) as house:
        await house.pass_time(120)

        assert house.told() == told
        assert house.values("SELECT occurrences FROM incidents") == [2]


async def test_a_job_that_could_not_be_heard_while_it_was_down_is_not_silent(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_house(tmp_path, clock=clock) as house:
        run = await house.start(heartbeat_timeout=60)
    clock.leap(10 * MINUTE)
    async with open_house(tmp_path, clock=clock) as house:
        assert house.run(run)["stalled"] == 0
        await house.pass_time(59)
        assert house.run(run)["stalled"] == 0
        await house.pass_time(1)
        assert house.run(run)["stalled"] == 1
        (incident,) = house.incidents()
        assert (incident["due_at"], incident["seen_late"]) == (clock.now(), 0)


async def test_a_late_report_of_a_deadline_that_passed_while_it_was_down_is_seen_late(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_house(tmp_path, clock=clock):
        pass
    clock.leap(10 * MINUTE)
    async with open_house(tmp_path, clock=clock) as house:
        await house.start(started_at=house.at(-300), deadline="1m")
        await house.pass_time(10)

        assert [incident["seen_late"] for incident in house.incidents()] == [1]
