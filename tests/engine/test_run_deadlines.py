"""Warnings and missed deadlines: at the instant, once each, every run its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.clock import SECOND

if TYPE_CHECKING:
    from tests.engine.house import House


async def test_warning_and_missed_come_at_their_instants_and_once_each(house: House) -> None:
    run = await house.start(deadline="40s")
    await house.pass_time(29.999999)
    assert house.run(run)["deadline_status"] == "ON_TRACK"
    await house.pass_time(0.000001)
    assert house.run(run)["deadline_status"] == "WARNING"
    await house.pass_time(9.999999)
    assert house.run(run)["deadline_status"] == "WARNING"
    await house.pass_time(0.000001)
    assert house.run(run)["deadline_status"] == "MISSED"
    await house.pass_time(120)

    assert house.journal("runs") == ["started", "warning", "missed"]
    assert house.told() == ["warning", "opened"]
    assert house.values("SELECT at FROM journal WHERE topic = 'runs'") == [
        run.started_at,
        run.started_at + 30 * SECOND,
        run.started_at + 40 * SECOND,
    ]
    (incident,) = house.incidents()
    assert (incident["due_at"], incident["opened_at"], incident["seen_late"]) == (run.deadline, run.deadline, 0)
    assert house.values("SELECT late FROM processes") == [1]


async def test_overlapping_runs_have_their_own_deadlines(house: House) -> None:
    first = await house.start(id="a", deadline="20s")
    await house.pass_time(10)
    second = await house.start(id="b", deadline="20s")
    await house.pass_time(12)

    assert house.run(first)["deadline_status"] == "MISSED"
    assert house.run(second)["deadline_status"] == "ON_TRACK"
    await house.pass_time(8)
    assert house.run(second)["deadline_status"] == "MISSED"
    assert house.values("SELECT occurrences FROM incidents") == [2]


async def test_a_warning_that_its_deadline_has_overtaken_is_not_told(house: House) -> None:
    run = await house.start(deadline="40s")
    house.clock.leap(60 * SECOND)
    await house.settled()

    assert house.run(run)["deadline_status"] == "MISSED"
    assert house.told() == ["opened"]
    assert house.journal("runs") == ["started", "missed"]


async def test_a_share_of_nothing_or_all_of_the_budget_gives_no_warning(house: House) -> None:
    await house.expect("never", warn_at=0.0)
    await house.expect("at-the-end", warn_at=1.0)
    await house.start("never", deadline="20s")
    await house.start("at-the-end", deadline="20s")
    await house.pass_time(20)

    assert house.told() == ["opened", "opened"]


async def test_a_run_that_finishes_in_time_is_never_flagged(house: House) -> None:
    run = await house.start(deadline="40s")
    await house.pass_time(29)
    await house.complete(run)
    await house.pass_time(60)

    assert house.incidents() == []
    assert house.told() == []


async def test_the_warning_says_how_much_time_is_left(house: House) -> None:
    await house.start(id="n1", deadline="40s")
    await house.pass_time(30)

    assert house.values("SELECT title FROM notifications") == ["backup / n1 has 10s left before its deadline"]


async def test_a_completed_run_recovers_what_it_had_missed(house: House) -> None:
    run = await house.start(id="n1", deadline="20s")
    await house.pass_time(80)
    await house.complete(run)

    assert house.incidents()[0]["close_reason"] == "backup/n1 completed, 1m after its deadline"
    assert house.told() == ["warning", "opened", "closed"]
    assert house.values("SELECT late FROM processes") == [1]
