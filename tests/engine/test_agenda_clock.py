"""The agenda under clocks that jump and machines that sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.clock import HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from tests.engine.house import House


async def test_a_deadline_inside_a_suspend_is_held_for_a_minute_and_then_flagged(house: House) -> None:
    run = await house.start(deadline="10m")
    await house.suspend(1800)
    assert house.run(run)["deadline_status"] == "ON_TRACK"
    await house.pass_time(50)
    assert house.run(run)["deadline_status"] == "ON_TRACK"
    await house.pass_time(10)

    assert house.run(run)["deadline_status"] == "MISSED"
    (incident,) = house.incidents()
    assert (incident["due_at"], incident["seen_late"]) == (run.deadline, 1)
    assert house.told() == ["opened"]


async def test_a_report_that_comes_within_the_minute_and_proves_timely_completion_leaves_nothing(house: House) -> None:
    run = await house.start(deadline="10m")
    in_time = house.at(500)
    await house.suspend(1800)
    await house.pass_time(20)
    await house.complete(run, completed_at=in_time)
    await house.pass_time(120)

    assert house.run(run)["deadline_status"] == "COMPLETED_ON_TIME"
    assert house.incidents() == []
    assert house.told() == []


async def test_what_falls_due_after_a_jump_is_judged_at_its_instant(house: House) -> None:
    await house.start(id="inside", deadline="10m")
    run = await house.start(id="behind", deadline="30m20s")
    await house.suspend(1800)
    await house.pass_time(15)

    assert house.run(run)["deadline_status"] == "MISSED"
    assert house.values("SELECT seen_late FROM incidents") == [0]


async def test_a_second_jump_holds_the_first_on(house: House) -> None:
    run = await house.start(deadline="10m")
    await house.suspend(1800)
    await house.pass_time(30)
    await house.suspend(1800)
    await house.pass_time(50)
    assert house.run(run)["deadline_status"] == "ON_TRACK"
    await house.pass_time(15)
    assert house.run(run)["deadline_status"] == "MISSED"


async def test_a_run_that_is_touched_while_it_is_held_does_not_keep_the_agenda_busy(house: House) -> None:
    run = await house.start(deadline="10m")
    await house.suspend(1800)
    await house.patch(run, progress={"done": 1})
    await house.settled()

    assert house.run(run)["deadline_status"] == "ON_TRACK"
    assert house.clock.next_wait is not None
    assert house.clock.next_wait > house.clock.monotonic()


async def test_a_clock_set_back_flags_nothing_twice(house: House) -> None:
    run = await house.start(deadline="10s", heartbeat_timeout=20)
    await house.pass_time(30)
    told = house.told()
    house.clock.jump(-HOUR)
    await house.pass_time(2 * 60)
    house.clock.jump(HOUR)
    await house.pass_time(3 * 60)

    assert house.told() == told
    assert house.journal("runs") == ["started", "warning", "missed", "stalled"]
    assert house.run(run)["deadline_status"] == "MISSED"


async def test_a_clock_put_right_again_forgets_what_it_had_held(house: House) -> None:
    run = await house.start(deadline="20s")
    house.clock.jump(HOUR)
    await house.pass_time(6)
    house.clock.jump(-HOUR)
    await house.pass_time(14)

    assert house.run(run)["deadline_status"] == "MISSED"
    (incident,) = house.incidents()
    assert (incident["opened_at"], incident["seen_late"]) == (run.deadline, 0)
    assert house.agenda.totals["jumps"] == 2


async def test_a_small_step_of_the_clock_is_no_jump(house: House) -> None:
    run = await house.start(deadline="10s")
    house.clock.jump(1_900_000)
    await house.pass_time(8.1)

    assert house.run(run)["deadline_status"] == "MISSED"
    assert house.values("SELECT seen_late FROM incidents") == [0]
    assert house.agenda.totals["jumps"] == 0


async def test_a_job_that_could_not_be_heard_during_a_suspend_is_not_silent(house: House) -> None:
    run = await house.start(heartbeat_timeout=300)
    await house.suspend(1800)
    woke = house.now
    await house.pass_time(200)
    assert house.run(run)["stalled"] == 0
    await house.pass_time(120)

    assert house.run(run)["stalled"] == 1
    assert abs(house.incidents()[0]["due_at"] - woke - 5 * MINUTE) < 10 * SECOND
