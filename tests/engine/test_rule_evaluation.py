"""Rules at work: samples in, incidents out, each sample counted once, over restarts and changes of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.house import ALICE, CALLER, open_house
from tests.engine.ruled import change, draft, rule, send, statuses
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.incident import ChangeIncident, IncidentStatus
from trackdesk.engine import incidents, metrics, rulebook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.house import House


async def test_a_breach_opens_one_incident_that_says_what_is_wrong_and_recovery_closes_it(house: House) -> None:
    await rule(house, severity="HIGH", description="see the runbook")
    began = house.now
    await send(house, 100, 180, 190, 90)

    (incident,) = house.incidents()
    assert (incident["origin"], incident["cause"]) == ("rule", "rule:slow/payments")
    assert incident["title"] == "LATENCY_MS of payments is 180 (over 150)"
    assert (incident["rule"], incident["service"], incident["severity"]) == ("slow", "payments", "HIGH")
    assert (incident["value"], incident["threshold"], incident["occurrences"]) == (180, 150, 2)
    assert (incident["due_at"], incident["department"]) == (began + SECOND, "default")
    assert (incident["status"], incident["close_reason"]) == ("CLOSED", "LATENCY_MS of payments is 90 again")
    assert house.told() == ["opened", "closed"]
    assert house.rows("SELECT * FROM rule_states") == []


async def test_an_hour_of_outage_under_two_overlapping_rules_is_two_incidents(house: House) -> None:
    await rule(house, "fast", threshold=100)
    await rule(house, "slow", **{"for": "5m"})
    began = house.now
    for first in range(0, 3600, 30):
        drafts = [draft(200, at=began + second * SECOND) for second in range(first, first + 30)]
        await metrics.record(house.engine, CALLER, drafts)
        house.clock.leap(30 * SECOND)
    await house.settled()
    assert house.values("SELECT rule FROM incidents ORDER BY id") == ["fast", "slow"]
    assert house.values("SELECT occurrences FROM incidents") == [3600, 3600]
    assert house.told() == ["opened", "opened"]


async def test_a_condition_falls_due_by_time_without_another_sample(house: House) -> None:
    await rule(house, **{"for": "5m"})
    began = house.now
    await send(house, 180)
    assert house.values("SELECT state FROM rule_states") == ["PENDING"]
    await house.pass_time(298)
    assert house.incidents() == []
    await house.pass_time(1)

    (incident,) = house.incidents()
    assert incident["title"] == "LATENCY_MS of payments is 180 (over 150 for 5m)"
    assert (incident["due_at"], incident["opened_at"], incident["occurrences"]) == (
        began + 5 * MINUTE, began + 5 * MINUTE, 1,
    )  # fmt: skip


async def test_what_comes_and_goes_within_its_time_opens_nothing(house: House) -> None:
    await rule(house, **{"for": "10s"})
    await send(house, *[200, 100] * 10)
    assert house.incidents() == []


async def test_a_recovery_threshold_keeps_a_swinging_value_one_incident(house: House) -> None:
    await rule(house, recover_threshold=100)
    await send(house, *[160, 140] * 10, 99)
    assert house.values("SELECT occurrences FROM incidents") == [10]
    assert statuses(house) == ["CLOSED"]


async def test_the_incident_of_a_service_ends_with_the_last_of_its_series(house: House) -> None:
    await rule(house)
    await send(house, 200, host="a")
    await send(house, 200, host="b")
    await send(house, 100, host="a")
    assert statuses(house) == ["OPEN"]
    await send(house, 100, host="b")
    assert statuses(house) == ["CLOSED"]
    assert house.values("SELECT title FROM incidents") == ["LATENCY_MS of payments (host=a) is 200 (over 150)"]
    assert house.values("SELECT tags FROM incidents") == ['{"host":"a"}']


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"service": "payments"}, ["payments"]),
        ({"tags": {"zone": "eu"}}, ["search"]),
        ({"metric_type": "ERROR_RATE"}, []),
        ({"enabled": False}, []),
    ],
)
async def test_a_rule_looks_at_its_scope_only(house: House, scope: dict[str, Any], expected: list[str]) -> None:
    await rule(house, **scope)
    await send(house, 200)
    await send(house, 200, service="search", zone="eu")
    assert house.values("SELECT service FROM incidents") == expected


async def test_windows_judge_the_aggregate(house: House) -> None:
    await rule(house, aggregate="avg", window="10s")
    await send(house, 100, 199, 199)
    (incident,) = house.incidents()
    assert incident["title"] == "LATENCY_MS of payments is 166 on average over 10s (over 150)"
    assert incident["value"] == 166


async def test_closed_by_hand_it_stays_closed_until_it_has_cleared(house: House) -> None:
    await rule(house)
    await send(house, 200)
    await incidents.patch(house.engine, ALICE, 1, ChangeIncident(status=IncidentStatus.CLOSED))
    await send(house, 200, 200)
    assert statuses(house) == ["CLOSED"]
    assert house.values("SELECT occurrences FROM incidents") == [3]
    await send(house, 100, 200)
    assert statuses(house) == ["CLOSED", "OPEN"]


async def test_without_auto_close_people_close_it(house: House) -> None:
    await rule(house, auto_close=False)
    await send(house, 200, 100)
    assert statuses(house) == ["OPEN"]
    assert house.journal("incidents") == ["opened", "cleared"]


async def test_samples_older_than_a_day_are_not_evaluated(house: House) -> None:
    await rule(house)
    await send(house, 200, at=house.now - DAY - SECOND)
    assert house.incidents() == []
    await send(house, 200, at=house.now - HOUR)
    assert len(house.incidents()) == 1


async def test_silence_opens_an_incident_and_the_next_sample_closes_it(house: House) -> None:
    await rule(house, no_data_after="10m")
    began = house.now
    await send(house, 100)
    await house.pass_time(599)

    (incident,) = house.incidents()
    assert incident["title"] == "No LATENCY_MS of payments for 10m"
    assert (incident["due_at"], incident["value"], incident["occurrences"]) == (began + 10 * MINUTE, None, 1)
    await send(house, 100)
    assert house.incidents()[0]["close_reason"] == "LATENCY_MS of payments arrives again"


async def test_silence_is_seen_of_what_had_sent_before_the_rule_was_made(house: House) -> None:
    await send(house, 100)
    await rule(house, operator=None, threshold=None, no_data_after="10m")
    await house.pass_time(600)
    assert house.values("SELECT title FROM incidents") == ["No LATENCY_MS of payments for 10m"]


async def test_after_a_downtime_silence_is_seen_once_one_has_listened_for_all_of_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await rule(house, no_data_after="10m")
        await send(house, 100)
        clock = house.clock
    clock.leap(HOUR)
    async with open_house(tmp_path, clock=clock) as house:
        await house.pass_time(599)
        assert house.incidents() == []
        await house.pass_time(1)
        assert len(house.incidents()) == 1


async def test_a_suspend_is_no_silence(house: House) -> None:
    await rule(house, no_data_after="10m")
    await send(house, 100)
    await house.suspend(3600)
    await house.pass_time(500)
    assert house.incidents() == []
    await house.pass_time(200)
    assert len(house.incidents()) == 1


async def test_a_changed_threshold_counts_at_once(house: House) -> None:
    await rule(house)
    await send(house, 200)
    await change(house, threshold=300)
    assert house.values("SELECT close_reason FROM incidents") == ["the rule slow was changed"]
    await change(house, threshold=100)
    await send(house, 120)
    assert statuses(house) == ["CLOSED", "OPEN"]


async def test_a_shorter_time_counts_for_what_is_pending(house: House) -> None:
    await rule(house, **{"for": "1h"})
    await send(house, 200)
    await change(house, **{"for": "5m"})
    await house.pass_time(300)
    assert len(house.incidents()) == 1


async def test_a_disabled_rule_closes_its_incident_and_a_deleted_one_leaves_it(house: House) -> None:
    await rule(house)
    await rule(house, "other")
    await send(house, 200)
    await change(house, enabled=False)
    await rulebook.delete(house.engine, ALICE, "other")
    await house.settled()
    assert [(each["rule"], each["status"]) for each in house.incidents()] == [("other", "OPEN"), ("slow", "CLOSED")]
    assert house.incidents()[1]["close_reason"] == "the rule slow was disabled"
    assert house.rows("SELECT * FROM rule_states") == []


async def test_a_rule_that_is_made_again_begins_afresh(house: House) -> None:
    await rule(house)
    await send(house, 200)
    await incidents.patch(house.engine, ALICE, 1, ChangeIncident(status=IncidentStatus.CLOSED))
    await rulebook.delete(house.engine, ALICE, "slow")
    await rule(house)
    await send(house, 200)
    assert statuses(house) == ["CLOSED", "OPEN"]


async def test_a_rule_that_looks_elsewhere_now_lets_go_of_what_it_looked_at(house: House) -> None:
    await rule(house)
    await send(house, 200)
    await change(house, service="search")
    assert statuses(house) == ["CLOSED"]
    await send(house, 200)
    assert len(house.incidents()) == 1


async def test_a_time_that_came_while_the_machine_slept_is_judged_a_minute_later(house: House) -> None:
    await rule(house, **{"for": "5m"})
    await send(house, 200)
    await house.suspend(3600)
    assert house.incidents() == []
    await house.pass_time(60)
    assert [(each["seen_late"], each["occurrences"]) for each in house.incidents()] == [(1, 1)]


async def test_a_window_goes_on_when_the_clock_is_set_back(house: House) -> None:
    await rule(house, aggregate="max", window="1m")
    await send(house, 200)
    house.clock.jump(-HOUR)
    await house.pass_time(70)
    await send(house, 100)
    assert statuses(house) == ["CLOSED"]


async def test_the_department_is_the_rules_else_the_services(house: House) -> None:
    def prepare(tx: Any) -> None:
        for name in ("shop", "money"):
            tx.execute("INSERT INTO departments (namespace_id, id, name, created_at) VALUES (1, ?, ?, 0)", (name, name))

    await house.engine.writer.run(prepare)
    await send(house, 1)
    await house.engine.writer.run(lambda tx: tx.execute("UPDATE services SET department = 'money'").rowcount)
    await rule(house)
    await rule(house, "theirs", department="shop")
    await send(house, 200)
    assert house.values("SELECT department FROM incidents ORDER BY id") == ["money", "shop"]
