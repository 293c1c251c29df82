"""One open incident per cause: what repeats it, what clears it, what a person's closing means."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.engine.house import ALICE, gathered
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.incident import ChangeIncident, IncidentStatus
from trackdesk.domain.instant import format_instant
from trackdesk.engine import incidents

if TYPE_CHECKING:
    from tests.engine.house import House


async def close(house: House, incident_id: int = 1) -> None:
    await incidents.patch(house.engine, ALICE, incident_id, ChangeIncident(status=IncidentStatus.CLOSED))


async def reopen(house: House, incident_id: int = 1) -> None:
    await incidents.patch(house.engine, ALICE, incident_id, ChangeIncident(status=IncidentStatus.OPEN))


def statuses(house: House) -> list[str]:
    return [row["status"] for row in house.incidents()]


async def test_every_trouble_of_a_process_counts_on_its_one_incident(house: House) -> None:
    await house.start(id="late", deadline="10s")
    await house.start(id="silent", heartbeat_timeout=20)
    await house.fail(await house.start(id="broken"))
    await house.pass_time(30)

    (incident,) = house.incidents()
    assert (incident["origin"], incident["occurrences"], incident["last_seen_at"]) == (
        "failed",
        3,
        incident["opened_at"] + 20_000_000,
    )
    assert house.told() == ["opened", "warning"]
    assert house.journal("incidents") == ["opened"]


async def test_of_many_failures_in_one_batch_one_opens_and_the_others_count(still: House) -> None:
    runs = [await still.start() for _ in range(30)]
    await gathered(*(still.fail(run) for run in runs))

    assert still.values("SELECT occurrences FROM incidents") == [30]
    assert still.told() == ["opened"]


async def test_processes_have_incidents_of_their_own(still: House) -> None:
    await still.fail(await still.start("backup"))
    await still.fail(await still.start("restore"))

    assert [row["process"] for row in still.incidents()] == ["backup", "restore"]


async def test_the_database_itself_refuses_a_second_open_incident_of_a_cause(still: House) -> None:
    await still.fail(await still.start())

    with pytest.raises(sqlite3.IntegrityError):
        await still.engine.writer.run(
            lambda tx: tx.execute(
                "INSERT INTO incidents (namespace_id, origin, cause, status, severity, severity_rank, title, "
                "department, opened_at, last_seen_at, updated_at) "
                "SELECT namespace_id, origin, cause, 'OPEN', severity, severity_rank, title, department, 1, 1, 1 "
                "FROM incidents"
            )
        )


async def test_with_incident_per_run_each_run_has_its_own(house: House) -> None:
    await house.expect(incident_per="run")
    first = await house.start(id="a", deadline="10s")
    await house.start(id="b", deadline="10s")
    await house.pass_time(10)
    await house.complete(first)

    assert statuses(house) == ["CLOSED", "OPEN"]
    assert house.values("SELECT cause FROM incidents") == ["run:backup/a", "run:backup/b"]


async def test_with_incident_per_run_a_later_attempt_clears_the_failed_one(still: House) -> None:
    await still.expect(incident_per="run")
    await still.fail(await still.start(id="a"))
    await still.complete(await still.start(id="b"))
    assert statuses(still) == ["OPEN"]
    await still.complete(await still.start(id="a"))
    assert statuses(still) == ["CLOSED"]


async def test_an_incident_opened_before_incident_per_was_changed_still_recovers(still: House) -> None:
    await still.fail(await still.start())
    await still.expect(incident_per="run")
    await still.complete(await still.start())

    assert statuses(still) == ["CLOSED"]


async def test_recovery_waits_until_the_last_run_in_trouble_is_through(house: House) -> None:
    first = await house.start(id="a", deadline="10s")
    second = await house.start(id="b", deadline="10s")
    await house.pass_time(10)
    await house.complete(first)
    assert statuses(house) == ["OPEN"]
    await house.complete(second)
    assert statuses(house) == ["CLOSED"]


async def test_the_next_run_that_completes_makes_a_failure_good(still: House) -> None:
    await still.fail(await still.start())
    await still.complete(await still.start(id="n2"))

    (incident,) = still.incidents()
    assert (incident["status"], incident["close_reason"]) == ("CLOSED", "backup/n2 completed")
    assert still.told() == ["opened", "closed"]


async def test_a_skipped_run_makes_no_failure_good(still: House) -> None:
    await still.fail(await still.start())
    await still.complete(await still.start(), "SKIPPED")

    assert statuses(still) == ["OPEN"]


async def test_skipping_the_late_run_itself_ends_its_incident(house: House) -> None:
    run = await house.start(deadline="10s")
    await house.pass_time(10)
    await house.complete(run, "SKIPPED")

    assert statuses(house) == ["CLOSED"]
    assert "was skipped" in house.incidents()[0]["close_reason"]


async def test_more_time_for_a_late_run_makes_no_failure_good(house: House) -> None:
    await house.fail(await house.start(started_at=house.at(-60)))
    run = await house.start(deadline="10s")
    await house.pass_time(10)
    await house.patch(run, deadline="10m")

    assert statuses(house) == ["OPEN"]


async def test_a_superseded_attempt_is_no_failure_that_needs_making_good(house: House) -> None:
    await house.start(id="a")
    run = await house.start(id="a", on_active="supersede", deadline="10s")
    await house.pass_time(10)
    await house.patch(run, deadline="10m")

    assert statuses(house) == ["CLOSED"]


async def test_without_auto_close_recovery_is_noted_and_a_person_closes(still: House) -> None:
    await still.expect(auto_close=0)
    await still.fail(await still.start())
    await still.complete(await still.start())

    assert statuses(still) == ["OPEN"]
    assert still.journal("incidents") == ["opened", "cleared"]
    await still.complete(await still.start())
    assert still.journal("incidents") == ["opened", "cleared"]
    await still.fail(await still.start())
    assert still.values("SELECT occurrences FROM incidents") == [2]


async def test_closed_by_hand_it_stays_closed_until_its_cause_has_cleared_once(still: House) -> None:
    await still.fail(await still.start())
    await close(still)
    await still.fail(await still.start())
    assert statuses(still) == ["CLOSED"]
    assert still.told() == ["opened", "closed"]
    assert still.values("SELECT occurrences FROM incidents") == [2]

    await still.complete(await still.start())
    assert statuses(still) == ["CLOSED"]
    await still.fail(await still.start())

    assert statuses(still) == ["CLOSED", "OPEN"]
    assert still.told() == ["opened", "closed", "opened"]


async def test_what_a_person_reopens_stays_until_the_cause_has_held_and_cleared(still: House) -> None:
    await still.fail(await still.start())
    await still.complete(await still.start())
    await reopen(still)
    await still.complete(await still.start())
    assert statuses(still) == ["OPEN"]
    await still.fail(await still.start())
    await still.complete(await still.start())

    assert statuses(still) == ["CLOSED"]
    assert still.values("SELECT occurrences FROM incidents") == [2]


async def test_an_older_incident_reopened_beside_one_closed_by_hand_recovers(still: House) -> None:
    await still.fail(await still.start())
    await still.complete(await still.start())
    await still.fail(await still.start())
    await close(still, 2)
    await reopen(still, 1)
    await still.fail(await still.start())
    await still.complete(await still.start())

    assert statuses(still) == ["CLOSED", "CLOSED"]
    assert still.values("SELECT holds FROM incidents") == [0, 0]


async def test_a_deleted_incident_opens_anew_while_its_cause_holds(still: House) -> None:
    await still.fail(await still.start())
    await incidents.delete(still.engine, ALICE, 1)
    await still.fail(await still.start())

    assert [row["id"] for row in still.incidents()] == [2]
    assert still.values("SELECT incident_id FROM notifications") == [1, 2]


async def test_an_incident_goes_to_the_department_of_its_process(still: House) -> None:
    await still.engine.writer.run(
        lambda tx: tx.execute("INSERT INTO departments VALUES (1, 'ops', 'Operations', NULL, 0)")
    )
    await still.expect(department="ops")
    await still.fail(await still.start())

    assert still.values("SELECT department FROM incidents") == ["ops"]
    assert still.values("SELECT department FROM notifications") == ["ops"]


async def test_a_very_long_error_is_cut_to_a_title(still: House) -> None:
    await still.fail(await still.start(), "x" * 5000)

    assert len(still.incidents()[0]["title"]) == 255


async def test_the_title_of_a_missed_deadline_gives_its_budget(house: House) -> None:
    await house.start(deadline="10m")
    house.clock.leap(10 * MINUTE)
    await house.settled()

    assert house.values("SELECT title FROM incidents") == ["backup missed its deadline of 10m"]


async def test_an_old_failure_told_after_a_later_success_is_history(still: House) -> None:
    good = await still.start(id="yesterday", started_at=format_instant(still.now - DAY))
    await still.complete(good, completed_at=format_instant(still.now - 23 * HOUR))
    bad = await still.start(id="before", started_at=format_instant(still.now - 3 * DAY))

    await still.complete(bad, "FAILED", completed_at=format_instant(still.now - 2 * DAY))

    assert still.values("SELECT count(*) FROM incidents") == [0]


async def test_a_success_of_before_the_failure_that_is_told_afterwards_makes_nothing_good(still: House) -> None:
    await still.fail(await still.start())
    for began, ended, status in ((-600, -300, "OPEN"), (0, 60, "CLOSED")):
        run = await still.start(started_at=still.at(began))
        until = still.at(ended)
        still.clock.leap(2 * MINUTE)
        await still.complete(run, completed_at=until)

        assert [incident["status"] for incident in still.incidents()] == [status]


async def test_a_failure_told_afterwards_that_nothing_made_good_opens_its_incident(still: House) -> None:
    good = await still.start(id="before", started_at=format_instant(still.now - 3 * DAY))
    await still.complete(good, completed_at=format_instant(still.now - 2 * DAY))
    bad = await still.start(id="yesterday", started_at=format_instant(still.now - DAY))

    await still.complete(bad, "FAILED", completed_at=format_instant(still.now - 23 * HOUR))

    assert still.values("SELECT origin FROM incidents") == ["failed"]


async def test_a_run_that_fails_while_a_later_one_completed_is_news(still: House) -> None:
    slow = await still.start(id="slow")
    still.clock.leap(MINUTE)
    quick = await still.start(id="quick")
    await still.complete(quick)
    still.clock.leap(MINUTE)

    await still.fail(slow)

    assert still.values("SELECT origin FROM incidents") == ["failed"]
