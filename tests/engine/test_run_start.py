"""Starting runs: attempts, what stands in the way, what they are born as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.house import gathered
from tests.engine.test_telling_routes import channel
from trackdesk.domain.clock import DAY, MINUTE, SECOND
from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.notification import Kind
from trackdesk.domain.run import Run
from trackdesk.store import incident_lists

if TYPE_CHECKING:
    from tests.engine.house import House


async def test_a_first_run_makes_its_process_and_is_attempt_one(still: House) -> None:
    run = await still.start("backup", id="n1", tags={"env": "prod"}, context={"rows": 7}, total=10)

    assert (run.process, run.id, run.attempt, run.status) == ("backup", "n1", 1, "ACTIVE")
    assert run.started_at == run.last_heartbeat_at == still.now
    assert run.progress is not None
    assert (run.progress.done, run.progress.total) == (0, 10)
    assert still.values("SELECT name FROM processes") == ["backup"]
    assert still.journal("processes") == ["made"]
    assert still.journal("runs") == ["started"]
    assert still.values("SELECT key || '=' || value FROM tags") == ["env=prod"]


async def test_a_run_without_an_id_gets_a_short_one_that_sorts_by_time(still: House) -> None:
    first = await still.start()
    still.clock.leap(SECOND)
    second = await still.start()

    assert len(first.id) == 14
    assert first.id < second.id


async def test_many_runs_made_in_one_batch_get_ids_of_their_own(still: House) -> None:
    runs = await gathered(*(still.start() for _ in range(600)))

    assert len({run.id for run in runs}) == len({run.uid for run in runs}) == 600


async def test_runs_made_in_many_batches_of_one_millisecond_get_ids_of_their_own(still: House) -> None:
    runs = [run for _ in range(10) for run in await gathered(*(still.start() for _ in range(300)))]

    assert len({run.id for run in runs}) == 3000


async def test_a_run_that_is_active_stands_in_the_way_of_another_attempt(still: House) -> None:
    await still.start(id="n1")

    with pytest.raises(Conflict, match=r"ACTIVE \(attempt 1\)") as caught:
        await still.start(id="n1")

    assert caught.value.code == "run_active"
    assert still.values("SELECT total FROM processes") == [1]


async def test_after_a_run_has_finished_the_same_id_starts_its_next_attempt(still: House) -> None:
    await still.complete(await still.start(id="n1"))

    assert (await still.start(id="n1")).attempt == 2


async def test_the_same_id_is_free_in_another_process(still: House) -> None:
    await still.start("backup", id="n1")

    assert (await still.start("restore", id="n1")).attempt == 1


async def test_superseding_ends_the_old_attempt_as_failed_without_an_incident(still: House) -> None:
    old = await still.start(id="n1")
    new = await still.start(id="n1", on_active="supersede")

    row = still.run(old)
    assert (new.attempt, row["status"], row["error"]) == (2, "FAILED", '{"message":"superseded","backtrace":null}')
    assert still.journal("runs") == ["started", "superseded", "started"]
    assert still.incidents() == []


async def test_of_many_starts_of_one_key_in_one_batch_one_succeeds(still: House) -> None:
    answers = await gathered(*(still.start(id="n1") for _ in range(40)))

    assert sum(isinstance(answer, Run) for answer in answers) == 1
    assert {answer.code for answer in answers if isinstance(answer, Conflict)} == {"run_active"}
    assert still.values("SELECT count(*) FROM runs") == [1]


async def test_many_that_supersede_one_another_in_one_batch_leave_one_active(still: House) -> None:
    answers = await gathered(*(still.start(id="n1", on_active="supersede") for _ in range(20)))

    assert sorted(run.attempt for run in answers) == list(range(1, 21))
    assert still.values("SELECT attempt FROM runs WHERE status = 'ACTIVE'") == [20]
    assert still.rows("SELECT total, active, failed FROM processes") == [{"total": 20, "active": 1, "failed": 19}]


async def test_one_refused_start_in_a_batch_leaves_its_neighbours_alone(still: House) -> None:
    await still.start(id="n1")

    answers = await gathered(*(still.start(id=f"n{number}") for number in range(4)))

    assert [isinstance(answer, Run) for answer in answers] == [True, False, True, True]
    assert still.values("SELECT total FROM processes") == [4]


async def test_a_duration_is_a_deadline_counted_from_the_start(still: House) -> None:
    run = await still.start(started_at=still.at(-60), deadline="30m")

    assert run.deadline == still.now - MINUTE + 30 * MINUTE
    assert run.deadline_status == "ON_TRACK"
    assert still.run(run)["warning_at"] == still.now - MINUTE + 30 * MINUTE * 3 // 4


async def test_a_deadline_in_the_past_makes_a_run_that_is_born_missed(still: House) -> None:
    run = await still.start(deadline=still.at(-60))

    assert run.deadline_status == "MISSED"
    (incident,) = still.incidents()
    assert (incident["origin"], incident["due_at"], incident["run_uid"]) == ("missed", run.deadline, run.uid)
    assert still.journal("runs") == ["started", "missed"]
    assert still.told() == ["opened"]
    assert still.values("SELECT late FROM processes") == [1]
    assert still.run(run)["next_due_at"] is None


async def test_a_run_told_afterwards_that_ended_in_time_alarms_nobody(house: House) -> None:
    run = await house.start(started_at=house.at(-600), deadline="1m")
    await house.complete(run, completed_at=house.at(-570))
    await house.pass_time(60)

    assert house.incidents() == []
    assert house.told() == []
    assert house.run(run)["deadline_status"] == "COMPLETED_ON_TIME"


async def test_a_run_told_afterwards_whose_end_is_not_told_is_missed_ten_seconds_later(house: House) -> None:
    run = await house.start(started_at=house.at(-600), deadline="1m")
    await house.pass_time(9)
    assert house.incidents() == []
    await house.pass_time(2)

    assert house.run(run)["deadline_status"] == "MISSED"
    assert [incident["due_at"] for incident in house.incidents()] == [run.deadline]


async def past_run(house: House) -> None:
    run = await house.start(started_at=house.at(-600), deadline="1m")
    await house.complete(run, completed_at=house.at(-300))


async def test_a_run_told_afterwards_that_ended_late_is_recorded_as_missed_and_as_over_and_wakes_nobody(
    house: House,
) -> None:
    await channel(house, kinds=[Kind.OPENED, Kind.CLOSED, Kind.MISSED])
    await past_run(house)

    assert [incident["status"] for incident in house.incidents()] == ["CLOSED"]
    assert house.journal("incidents") == ["opened", "closed"]
    assert house.rows("SELECT kind, in_inbox FROM notifications ORDER BY id") == [
        {"kind": "opened", "in_inbox": 0},
        {"kind": "closed", "in_inbox": 0},
        {"kind": "missed", "in_inbox": 0},
    ]
    sent = "SELECT n.kind FROM deliveries d JOIN notifications n ON n.id = d.notification_id"
    assert house.values(sent) == ["missed"]
    steps = (await incident_lists.routing(house.engine.readers, 1, 1)).steps
    assert steps[-1].detail == "closed: the run was over before it was reported, and told to nobody"


async def test_where_people_close_incidents_that_of_a_run_told_afterwards_is_told_and_theirs_to_close(
    house: House,
) -> None:
    await house.expect(auto_close=0)
    await past_run(house)

    assert [incident["status"] for incident in house.incidents()] == ["OPEN"]
    assert house.values("SELECT in_inbox FROM notifications") == [1]


async def test_a_run_told_afterwards_that_ended_late_counts_on_the_incident_that_stands(house: House) -> None:
    await house.fail(await house.start())
    await past_run(house)

    assert [incident["occurrences"] for incident in house.incidents()] == [2]


async def test_a_run_reported_after_its_warning_is_born_in_warning_and_warned_of(still: House) -> None:
    run = await still.start(started_at=still.at(-9), deadline="10s")

    assert run.deadline_status == "WARNING"
    assert still.journal("runs") == ["started", "warning"]
    assert still.told() == ["warning"]
    assert still.run(run)["next_due_at"] == run.deadline


async def test_the_default_deadline_and_settings_of_the_process_apply(still: House) -> None:
    await still.expect(default_deadline=10 * MINUTE, heartbeat_timeout=MINUTE, service="db", category="night")
    run = await still.start()
    own = await still.start(deadline="5m", service="web")

    assert run.deadline == run.started_at + 10 * MINUTE
    assert (run.heartbeat_timeout, run.service, run.category) == (MINUTE, "db", "night")
    assert own.deadline == own.started_at + 5 * MINUTE
    assert own.service == "web"


@pytest.mark.parametrize(("share", "warning_after"), [(0.75, 45), (0.5, 30), (0.0, None), (1.0, None)])
async def test_the_warning_comes_at_its_share_of_the_budget(
    still: House, share: float, warning_after: int | None
) -> None:
    await still.expect(warn_at=share)
    run = await still.start(deadline="1m")

    expected = None if warning_after is None else run.started_at + warning_after * SECOND
    assert still.run(run)["warning_at"] == expected
    assert still.run(run)["next_due_at"] == expected or run.deadline


async def test_a_start_more_than_a_day_ahead_is_refused_and_leaves_nothing(still: House) -> None:
    with pytest.raises(Invalid, match="started_at"):
        await still.start(started_at=still.at(DAY / SECOND + 1))

    assert still.values("SELECT count(*) FROM processes") == [0]


async def test_a_deadline_beyond_what_can_be_written_is_refused(still: House) -> None:
    still.clock.jump(253_402_300_000 * SECOND - still.now)

    with pytest.raises(Invalid, match="deadline"):
        await still.start(deadline="1d")


async def test_a_job_whose_clock_is_ahead_can_finish_at_once(still: House) -> None:
    run = await still.start(started_at=still.at(3600))
    done = await still.complete(run)

    assert done.duration == 0
    assert done.completed_at == run.started_at


async def test_a_start_too_far_ahead_is_refused_with_the_time_it_named(still: House) -> None:
    named = still.at(2 * 86_400)
    with pytest.raises(Invalid, match=f"a day ahead, not '{named}'"):
        await still.start(started_at=named)
