"""A trial over what is stored says what the rule did while it arrived."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE, CALLER
from trackdesk.domain.metric import Draft, SeriesKey
from trackdesk.domain.rule import NewRule
from trackdesk.engine import metrics, rule_trial, rulebook

if TYPE_CHECKING:
    from tests.engine.house import House

SERIES = [SeriesKey(service, "LATENCY_MS", tags) for service in ("api", "web") for tags in ("{}", '{"n":"1"}')]


@pytest.mark.parametrize(
    "members",
    [
        {"recover_threshold": 90},
        {"for": "10s", "no_data_after": "20s"},
        {"aggregate": "avg", "window": "15s", "for": "4s"},
    ],
)
async def test_a_trial_finds_the_incidents_that_there_were(house: House, members: dict[str, Any]) -> None:
    body = {"id": "slow", "metric_type": "LATENCY_MS", "operator": ">", "threshold": 120, **members}
    await rulebook.add(house.engine, ALICE, NewRule.model_validate_json(orjson.dumps(body)))
    await house.settled()
    dice, level = random.Random(7), dict.fromkeys(SERIES, 100.0)
    for _ in range(100):
        key = dice.choice(SERIES[:2] if dice.random() < 0.7 else SERIES)
        level[key] = max(20.0, min(180.0, level[key] + dice.uniform(-60, 60)))
        await metrics.record(house.engine, CALLER, [Draft(key, level[key], None, None)])
        await house.pass_time(dice.choice((1, 1, 2, 5)))
    await house.pass_time(2)  # what was seen again is written once a second

    trial = await rule_trial.test(house.engine, CALLER, "slow", None)

    there = [
        (each["service"], each["due_at"], each["occurrences"], each["status"] == "CLOSED")
        for each in house.rows("SELECT * FROM incidents ORDER BY due_at, service")
    ]
    assert len(there) > 1
    assert [
        (each.service, each.opened_at, each.occurrences, each.recovered_at is not None) for each in trial.would_open
    ] == there
