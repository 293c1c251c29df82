"""Rules and samples for them, as tests write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tests.engine.house import ALICE, CALLER
from trackdesk.domain.metric import Draft, SeriesKey, canonical_tags
from trackdesk.domain.rule import ChangeRule, NewRule
from trackdesk.engine import metrics, rulebook

if TYPE_CHECKING:
    from tests.engine.house import House

LATENCY = {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 150}


async def rule(house: House, rule_id: str = "slow", **members: Any) -> None:
    body = {"id": rule_id, **LATENCY, **members}
    await rulebook.add(house.engine, ALICE, NewRule.model_validate_json(orjson.dumps(body)))
    await house.settled()


async def change(house: House, rule_id: str = "slow", **members: Any) -> None:
    await rulebook.patch(house.engine, ALICE, rule_id, ChangeRule.model_validate_json(orjson.dumps(members)))
    await house.settled()


def draft(
    value: float, service: str = "payments", at: int | None = None, metric: str = "LATENCY_MS", **tags: str
) -> Draft:
    return Draft(SeriesKey(service, metric, canonical_tags(tags)), float(value), at, None)


async def send(house: House, *values: float, service: str = "payments", at: int | None = None, **tags: str) -> None:
    """Samples one after the other, a second apart."""
    for value in values:
        await metrics.record(house.engine, CALLER, [draft(value, service, at, **tags)])
        await house.pass_time(1)


def statuses(house: House) -> list[str]:
    return [each["status"] for each in house.incidents()]
