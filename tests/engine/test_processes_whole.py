"""A process as a whole: all its settings put, its failures counted, what a change would have alerted, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.process import ChangeProcess, Process
from trackdesk.domain.trial import Trial, TryProcess
from trackdesk.engine import processes, trial
from trackdesk.store import process_lists

if TYPE_CHECKING:
    from tests.engine.house import House


async def put(house: House, if_match: int | None = None, **members: Any) -> tuple[Process, bool]:
    body = ChangeProcess.model_validate_json(orjson.dumps(members))
    return await processes.put(house.engine, ALICE, "backup", body, if_match)


async def tried(house: House, **members: Any) -> Trial:
    return await trial.test(house.engine, ALICE, "backup", TryProcess.model_validate_json(orjson.dumps(members)))


async def test_put_makes_a_process_and_says_so(still: House) -> None:
    first, made = await put(still, schedule={"every": "15m"}, grace="2m")
    again, made_again = await put(still, schedule={"every": "15m"}, grace="2m")
    assert (made, made_again) == (True, False)
    assert again.version == first.version


async def test_put_gives_what_is_absent_its_default(still: House) -> None:
    await put(
        still, schedule={"every": "15m"}, warn_at=0.5, alert_after_failures=3, description="copies", retention="30d"
    )
    process, _ = await put(still, default_deadline="30m")

    assert (process.schedule, process.next_expected_at, process.description, process.retention) == (None,) * 4
    assert (process.warn_at, process.alert_after_failures, process.default_deadline) == (0.75, 1, 30 * MINUTE)


async def test_put_of_nothing_is_a_process_without_settings(still: House) -> None:
    process, made = await processes.put(still.engine, ALICE, "backup", None)
    assert made
    assert process.ping_uuid is not None


async def test_put_keeps_to_the_version_it_was_made_on(still: House) -> None:
    await put(still, warn_at=0.5)
    with pytest.raises(Conflict) as caught:
        await put(still, 7, warn_at=0.6)
    assert caught.value.code == "changed"


async def test_each_process_has_an_address_of_its_own(still: House) -> None:
    await still.start("a")
    await still.start("b")
    assert len(set(still.values("SELECT ping_uuid FROM processes"))) == 2


async def test_only_the_nth_failure_in_a_row_opens_an_incident(still: House) -> None:
    await put(still, alert_after_failures=3)
    for _ in range(2):
        await still.fail(await still.start())
    await still.complete(await still.start())
    for number in range(3):
        assert still.incidents() == []
        await still.fail(await still.start())
        assert (await process_lists.get(still.engine.readers, 1, "backup")).state == "FAILING", number

    (incident,) = still.incidents()
    assert (incident["origin"], incident["occurrences"]) == ("failed", 1)
    await still.complete(await still.start())
    assert still.incidents()[0]["status"] == "CLOSED"


async def test_superseded_and_skipped_runs_neither_count_nor_break_the_row(still: House) -> None:
    await put(still, alert_after_failures=2)
    await still.fail(await still.start())
    await still.start(id="a")
    again = await still.start(id="a", on_active="supersede")
    await still.complete(again, "SKIPPED")
    assert still.incidents() == []
    await still.fail(await still.start())
    assert len(still.incidents()) == 1


async def test_a_failure_below_the_number_counts_on_an_incident_that_is_open(house: House) -> None:
    await put(house, alert_after_failures=5)
    run = await house.start(deadline="1m")
    await house.pass_time(120)
    await house.fail(run)
    assert house.values("SELECT occurrences FROM incidents") == [2]


async def test_a_run_key_by_itself_counts_its_attempts(still: House) -> None:
    await put(still, alert_after_failures=2, incident_per="run")
    await still.fail(await still.start(id="a"))
    await still.fail(await still.start(id="b"))
    assert still.incidents() == []
    await still.fail(await still.start(id="a"))
    assert len(still.incidents()) == 1


async def nights(house: House) -> list[int]:
    """Ten runs, a day apart, of twenty minutes each; the fourth never came, the seventh failed. Gives their starts."""
    began = house.now - 10 * DAY
    starts = [began + number * DAY for number in range(10) if number != 3]
    for number, at in enumerate(starts):
        run = await house.start(started_at=at / 1e6)
        end = {"completed_at": (at + 20 * MINUTE) / 1e6}
        await (house.complete(run, "FAILED", **end) if number == 5 else house.complete(run, **end))
    return starts


async def test_a_trial_says_what_would_have_been_alerted_and_changes_nothing(still: House) -> None:
    starts = await nights(still)
    before = still.rows("SELECT * FROM processes")
    found = await tried(still, schedule={"every": "1d"}, grace="1h", default_deadline="30m")

    assert [each.origin for each in found.incidents] == ["missing", "failed"]
    assert found.incidents[0].at == starts[2] + DAY + HOUR
    assert found.incidents[0].until == starts[3]
    assert (found.count, found.runs, found.capped) == (2, 9, False)
    assert (found.from_, found.to) == (still.now - 30 * DAY, still.now)
    assert found.next_expected == [still.now + number * DAY for number in range(1, 6)]
    assert still.rows("SELECT * FROM processes") == before
    assert still.journal("incidents") == ["opened", "closed"]


async def test_a_trial_takes_what_is_not_named_from_the_process(still: House) -> None:
    await nights(still)
    assert (await tried(still, since="11d")).count == 1
    await put(still, alert_after_failures=2)
    assert (await tried(still, since="11d")).count == 0
    assert (await tried(still, since="11d", default_deadline="10m")).count == 8
    assert (await tried(still, since="3d", alert_after_failures=None, default_deadline="10m")).count == 3


async def test_a_trial_over_too_many_runs_takes_the_newest_and_says_so(
    still: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "MOST_RUNS", 4)
    starts = await nights(still)
    found = await tried(still, default_deadline="10m")
    assert (found.runs, found.capped, found.from_, found.count) == (4, True, starts[-4], 3)


@pytest.mark.parametrize("members", [{"schedule": {"every": "15m"}, "grace": "1h"}, {"since": "2126-01-01T00:00:00Z"}])
async def test_a_trial_of_what_can_not_be_is_refused(still: House, members: dict[str, Any]) -> None:
    await still.start()
    with pytest.raises(Invalid):
        await tried(still, **members)


async def test_a_process_goes_with_its_runs_and_its_incident_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "DELETED_AT_ONCE", 2)
    for number in range(5):
        await house.fail(await house.start(id=f"r{number}", tags={"a": "b"}))
    await house.start("other")
    await processes.delete(house.engine, ALICE, "backup")

    assert house.values("SELECT name FROM processes") == ["other"]
    assert house.values("SELECT count(*) FROM runs") == [1]
    assert house.values("SELECT count(*) FROM run_tags") == [0]
    assert house.incidents()[0]["close_reason"] == "backup was deleted by alice@host (via desk)"
    assert house.journal("processes") == ["made", "made", "deleted"]
    with pytest.raises(NotFound):
        await processes.delete(house.engine, ALICE, "backup")
    again = await house.start()
    assert house.run(again)["attempt"] == 1


async def test_a_process_with_a_run_that_is_active_stays(still: House) -> None:
    await still.complete(await still.start())
    await still.start()
    with pytest.raises(Conflict) as caught:
        await processes.delete(still.engine, ALICE, "backup")
    assert caught.value.code == "process_active"
    assert still.values("SELECT total FROM processes") == [2]
