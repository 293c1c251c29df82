"""Finishing runs, and what becomes of their deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.house import CALLER, gathered
from trackdesk.domain.clock import DAY, MINUTE, SECOND
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.run import CompleteRun, Run, RunAddress
from trackdesk.engine import runs

if TYPE_CHECKING:
    from tests.engine.house import House


async def test_a_completed_run_has_its_duration_and_merged_context(still: House) -> None:
    run = await still.start(context={"a": 1, "b": 2})
    still.clock.leap(90 * SECOND)
    done = await still.complete(run, context={"b": None, "c": 3})

    assert (done.status, done.duration, done.context) == ("COMPLETED", 90 * SECOND, {"a": 1, "c": 3})
    assert still.journal("runs") == ["started", "completed"]
    assert still.rows("SELECT total, active, completed FROM processes") == [{"total": 1, "active": 0, "completed": 1}]


async def test_a_finished_run_can_not_be_finished_again(still: House) -> None:
    run = await still.start()
    await still.complete(run)

    with pytest.raises(Conflict) as caught:
        await still.fail(run)

    assert caught.value.code == "run_finished"
    assert still.run(run)["status"] == "COMPLETED"


async def test_of_many_reports_in_one_batch_the_first_counts(still: House) -> None:
    run = await still.start()
    answers = await gathered(still.complete(run), *(still.fail(run) for _ in range(10)))

    assert [isinstance(answer, Run) for answer in answers] == [True] + [False] * 10
    assert still.rows("SELECT active, completed, failed FROM processes") == [{"active": 0, "completed": 1, "failed": 0}]


async def test_completion_by_process_and_id_reaches_the_active_attempt(still: House) -> None:
    await still.complete(await still.start(id="n1"))
    await still.start(id="n1")
    address = RunAddress(process="backup", id="n1")

    done = await runs.complete(still.engine, CALLER, address, CompleteRun())

    assert done.attempt == 2


async def test_an_attempt_can_be_named(still: House) -> None:
    await still.start(id="n1")
    address = RunAddress(process="backup", id="n1", attempt=2)

    with pytest.raises(NotFound, match="attempt=2"):
        await runs.complete(still.engine, CALLER, address, CompleteRun())


async def test_a_run_of_another_namespace_is_not_found(still: House) -> None:
    run = await still.start()
    stranger = CALLER.__class__(2, "other", CALLER.role, 3, "stranger")

    with pytest.raises(NotFound):
        await runs.complete(still.engine, stranger, RunAddress(uid=run.uid), CompleteRun())


async def test_a_completion_before_the_start_is_refused(still: House) -> None:
    run = await still.start()

    with pytest.raises(Invalid, match="completed_at"):
        await still.complete(run, completed_at=still.at(-1))


async def test_a_completion_more_than_a_day_ahead_is_refused(still: House) -> None:
    run = await still.start()

    with pytest.raises(Invalid, match="completed_at"):
        await still.complete(run, completed_at=still.at(DAY / SECOND + 1))


async def test_a_run_can_finish_after_the_clock_was_set_back_by_days(still: House) -> None:
    run = await still.start()
    still.clock.jump(-3 * DAY)

    assert (await still.complete(run)).duration == 0


async def test_completion_at_the_instant_of_the_deadline_is_in_time(still: House) -> None:
    run = await still.start(deadline="1m")
    still.clock.leap(MINUTE)
    done = await still.complete(run)

    assert (done.deadline_status, done.overdue_at_finish) == ("COMPLETED_ON_TIME", False)
    assert still.incidents() == []


async def test_late_completion_that_nobody_had_seen_opens_and_closes_in_one_transaction(still: House) -> None:
    run = await still.start(deadline="1m")
    still.clock.leap(MINUTE + 5 * SECOND)
    done = await still.complete(run)

    assert (done.deadline_status, done.overdue_at_finish) == ("COMPLETED_LATE", True)
    (incident,) = still.incidents()
    assert (incident["status"], incident["due_at"]) == ("CLOSED", run.deadline)
    assert incident["close_reason"].endswith("completed, 5s after its deadline")
    assert still.told() == ["opened", "closed"]
    assert still.journal("incidents") == ["opened", "closed"]
    assert still.values("SELECT late FROM processes") == [1]


async def test_failure_after_the_deadline_counts_as_missed_and_as_failed(still: House) -> None:
    run = await still.start(deadline="1m")
    still.clock.leap(2 * MINUTE)
    done = await still.fail(run)

    assert (done.deadline_status, done.overdue_at_finish) == ("MISSED", True)
    (incident,) = still.incidents()
    assert (incident["origin"], incident["occurrences"], incident["status"]) == ("missed", 2, "OPEN")


async def test_failure_before_the_deadline_keeps_the_status_it_had(house: House) -> None:
    early, warned = await house.start(id="a", deadline="1m"), await house.start(id="b", deadline="1m")
    early = await house.fail(early)
    await house.pass_time(50)
    warned = await house.fail(warned)

    assert (early.deadline_status, warned.deadline_status) == ("ON_TRACK", "WARNING")


async def test_skipping_after_the_deadline_counts_as_missed(still: House) -> None:
    run = await still.start(deadline="1m")
    still.clock.leap(2 * MINUTE)

    assert (await still.complete(run, "SKIPPED")).deadline_status == "MISSED"
    assert [incident["status"] for incident in still.incidents()] == ["CLOSED"]


async def test_a_timely_completion_reported_late_closes_the_incident_with_the_reason(house: House) -> None:
    run = await house.start(deadline="1m")
    in_time = house.at(59)
    await house.pass_time(61)
    assert house.run(run)["deadline_status"] == "MISSED"

    done = await house.complete(run, completed_at=in_time)

    assert (done.deadline_status, done.overdue_at_finish) == ("COMPLETED_ON_TIME", False)
    (incident,) = house.incidents()
    assert incident["status"] == "CLOSED"
    assert "completed in time, at " + in_time in incident["close_reason"]
    assert house.values("SELECT late FROM processes") == [0]


async def test_a_failure_opens_an_incident_that_says_why(still: House) -> None:
    run = await still.start(service="db")
    await still.fail(run, "disk full\nat sector 9")

    (incident,) = still.incidents()
    assert (incident["origin"], incident["severity"], incident["title"]) == (
        "failed",
        "HIGH",
        "backup failed: disk full",
    )
    assert (incident["service"], incident["run_uid"], incident["status"]) == ("db", run.uid, "OPEN")


async def test_a_run_without_a_deadline_has_no_deadline_status(still: House) -> None:
    assert (await still.complete(await still.start())).deadline_status is None
