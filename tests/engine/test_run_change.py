"""What else happens to runs: patches, heartbeats, log lines, deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.store import removal

if TYPE_CHECKING:
    from tests.engine.house import House


async def test_context_is_merged_and_null_removes_a_member(still: House) -> None:
    run = await still.start(context={"a": 1, "b": {"c": 2}})

    assert (await still.patch(run, context={"a": None, "b": 3})).context == {"b": 3}
    assert (await still.patch(run, context=None)).context == {}


async def test_tags_are_replaced_and_found_by_their_new_values(still: House) -> None:
    run = await still.start(tags={"env": "prod", "team": "a"})
    changed = await still.patch(run, tags={"env": "test"})

    assert changed.tags == {"env": "test"}
    assert still.values("SELECT value FROM run_tags JOIN tags ON tags.id = tag_id") == ["test"]
    assert still.changed("runs")[-1] == {"tags": [{"env": "prod", "team": "a"}, {"env": "test"}]}
    assert (await still.patch(run, tags=None)).tags == {}
    assert still.values("SELECT count(*) FROM run_tags") == [0]


async def test_progress_is_merged_member_by_member(still: House) -> None:
    run = await still.start(total=100)
    run = await still.patch(run, progress={"done": 10, "ok": 9})
    run = await still.patch(run, progress={"done": 20, "total": None})

    assert run.progress is not None
    assert run.progress.model_dump() == {"done": 20, "total": None, "ok": 9, "failed": None, "skipped": None}
    assert (await still.patch(run, progress=None)).progress is None


async def test_progress_and_heartbeats_are_not_in_the_journal(still: House) -> None:
    run = await still.start()
    await still.patch(run, progress={"done": 1}, context={"a": 1})
    await still.patch(run)

    assert still.journal("runs") == ["started"]


async def test_a_finished_run_does_not_change(still: House) -> None:
    run = await still.start()
    await still.complete(run)

    with pytest.raises(Conflict) as caught:
        await still.patch(run, tags={"a": "b"})

    assert caught.value.code == "run_finished"


async def test_a_merged_context_that_grows_too_large_is_refused(still: House) -> None:
    run = await still.start(context={"a": "x" * 40_000})

    with pytest.raises(Invalid, match="65536 bytes"):
        await still.patch(run, context={"b": "x" * 40_000})

    assert still.run(run)["context"] == '{"a":"' + "x" * 40_000 + '"}'


async def test_extending_a_missed_deadline_closes_the_incident_with_the_reason(house: House) -> None:
    run = await house.start(deadline="1m")
    await house.pass_time(61)
    run = await house.patch(run, deadline="10m")

    assert run.deadline_status == "ON_TRACK"
    (incident,) = house.incidents()
    assert incident["status"] == "CLOSED"
    assert "was moved to" in incident["close_reason"]
    assert house.values("SELECT late FROM processes") == [0]
    await house.pass_time(10 * 60)
    assert house.run(run)["deadline_status"] == "MISSED"
    assert [row["status"] for row in house.incidents()] == ["CLOSED", "OPEN"]


async def test_removing_a_missed_deadline_closes_the_incident(house: House) -> None:
    run = await house.start(deadline="1m")
    await house.pass_time(61)
    run = await house.patch(run, deadline=None)

    assert (run.deadline, run.deadline_status) == (None, None)
    assert "was removed" in house.incidents()[0]["close_reason"]
    assert house.run(run)["next_due_at"] is None


async def test_a_deadline_moved_into_the_past_is_missed_at_once(still: House) -> None:
    run = await still.start(deadline="10m")
    still.clock.leap(2 * MINUTE)
    run = await still.patch(run, deadline="1m")

    assert run.deadline_status == "MISSED"
    assert still.incidents()[0]["due_at"] == run.started_at + MINUTE
    assert still.journal("runs") == ["started", "changed", "missed"]
    assert still.values("SELECT late FROM processes") == [1]


async def test_a_deadline_moved_so_near_that_its_warning_has_passed_warns(still: House) -> None:
    run = await still.start(deadline="10m")
    still.clock.leap(MINUTE)
    run = await still.patch(run, deadline="70s")

    assert run.deadline_status == "WARNING"
    assert still.told() == ["warning"]


async def test_the_same_deadline_again_changes_nothing(still: House) -> None:
    run = await still.start(deadline="10m")
    await still.patch(run, deadline="10m")

    assert still.journal("runs") == ["started"]


async def test_a_deadline_given_later_is_watched(house: House) -> None:
    run = await house.start()
    await house.patch(run, deadline="1m")
    await house.pass_time(60)

    assert house.run(run)["deadline_status"] == "MISSED"


async def test_lines_with_the_same_number_are_stored_once(still: House) -> None:
    run = await still.start()

    assert await still.log(run, {"message": "a", "seq": 1}, {"message": "b", "seq": 2}) == 2
    assert await still.log(run, {"message": "b", "seq": 2}, {"message": "c", "seq": 3}, {"message": "d"}) == 2
    assert still.values("SELECT message FROM logs ORDER BY id") == ["a", "b", "c", "d"]


async def test_a_finished_run_still_takes_log_lines(still: House) -> None:
    run = await still.start()
    await still.complete(run)

    assert await still.log(run, {"message": "late tail", "level": "ERROR"}) == 1
    assert still.rows("SELECT level, logged_at FROM logs") == [{"level": 3, "logged_at": still.now}]


async def test_tags_that_went_with_their_last_run_are_made_again_for_the_next(still: House) -> None:
    await still.delete(await still.start(tags={"a": "b"}))
    run = await still.start(tags={"a": "b"})

    assert still.rows(
        "SELECT t.key, t.value, r.uid FROM run_tags JOIN tags t ON t.id = tag_id JOIN runs r ON seq = run_seq"
    ) == [{"key": "a", "value": "b", "uid": run.uid}]


async def test_a_deleted_run_takes_its_lines_and_tags_with_it(still: House) -> None:
    keep = await still.start(started_at=still.at(-100))
    run = await still.start(tags={"a": "b"})
    await still.log(run, {"message": "line"})
    await still.delete(run)

    assert still.values("SELECT uid FROM runs") == [keep.uid]
    assert still.values("SELECT count(*) FROM tags") == still.values("SELECT count(*) FROM run_tags") == [0]
    await still.engine.writer.run(lambda tx: removal.sweep(tx, 10))
    assert still.values("SELECT count(*) FROM logs") == still.values("SELECT count(*) FROM gone_runs") == [0]
    assert still.rows("SELECT total, active, last_run_at FROM processes") == [
        {"total": 1, "active": 1, "last_run_at": keep.started_at}
    ]
    with pytest.raises(NotFound):
        await still.delete(run)


async def test_deleting_the_last_late_run_ends_its_incident(house: House) -> None:
    first = await house.start(id="a", deadline="10s")
    second = await house.start(id="b", deadline="10s")
    await house.pass_time(10)
    await house.delete(first)
    assert house.incidents()[0]["status"] == "OPEN"

    await house.delete(second)

    (incident,) = house.incidents()
    assert (incident["status"], incident["occurrences"]) == ("CLOSED", 2)
    assert "was deleted" in incident["close_reason"]


async def test_deleting_a_failed_run_leaves_its_incident(still: House) -> None:
    run = await still.start()
    await still.fail(run)
    await still.delete(run)

    assert still.incidents()[0]["status"] == "OPEN"
    assert still.values("SELECT failed FROM processes") == [0]


async def test_a_run_that_goes_silent_is_stalled_and_resumes_with_a_sign_of_life(house: House) -> None:
    run = await house.start(heartbeat_timeout=30)
    await house.pass_time(29.999999)
    assert house.run(run)["stalled"] == 0
    await house.pass_time(0.000001)
    assert house.run(run)["stalled"] == 1
    (incident,) = house.incidents()
    assert (incident["origin"], incident["due_at"]) == ("stalled", run.started_at + 30 * SECOND)

    resumed = await house.patch(run)

    assert not resumed.stalled
    assert house.journal("runs") == ["started", "stalled", "resumed"]
    assert "sign of life" in house.incidents()[0]["close_reason"]
    assert house.run(run)["next_due_at"] == house.now + 30 * SECOND


@pytest.mark.parametrize("sign", ["heartbeat", "progress", "log", "context"])
async def test_a_sign_of_life_puts_the_silence_off(house: House, sign: str) -> None:
    run = await house.start(heartbeat_timeout=30)
    await house.pass_time(20)
    if sign == "log":
        await house.log(run, {"message": "at it"})
    elif sign == "heartbeat":
        await house.patch(run)
    else:
        await house.patch(run, **{sign: {"done": 1}})
    await house.pass_time(29)
    assert house.run(run)["stalled"] == 0
    await house.pass_time(1)
    assert house.run(run)["stalled"] == 1


async def test_a_log_line_resumes_a_stalled_run(house: House) -> None:
    run = await house.start(heartbeat_timeout=30)
    await house.pass_time(30)
    await house.log(run, {"message": "here I am"})

    assert house.run(run)["stalled"] == 0
    assert house.incidents()[0]["status"] == "CLOSED"


async def test_a_run_that_is_late_and_silent_stays_late_when_it_resumes(house: House) -> None:
    run = await house.start(heartbeat_timeout=30, deadline="20s")
    await house.pass_time(30)
    await house.patch(run)

    (incident,) = house.incidents()
    assert (incident["status"], incident["occurrences"]) == ("OPEN", 2)


async def test_stalled_runs_that_complete_end_their_incident(house: House) -> None:
    run = await house.start(heartbeat_timeout=30)
    await house.pass_time(30)
    done = await house.complete(run)

    assert not done.stalled
    assert house.incidents()[0]["status"] == "CLOSED"
