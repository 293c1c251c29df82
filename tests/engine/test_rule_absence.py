"""A rule that names a service expects it to report, also when it never has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.house import CALLER, open_house
from tests.engine.ruled import change, draft, rule, send, statuses
from trackdesk.engine import metrics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.house import House

REPORTS = {"operator": None, "threshold": None, "service": "payments", "no_data_after": "10m"}


async def test_a_service_that_never_reported_is_missed(house: House) -> None:
    await rule(house, **REPORTS)
    await house.pass_time(599)
    assert house.incidents() == []
    await house.pass_time(1)
    assert house.values("SELECT title FROM incidents") == ["No LATENCY_MS of payments for 10m"]
    assert house.values("SELECT state FROM rule_states") == ["NO_DATA"]


@pytest.mark.parametrize("tags", [{}, {"host": "a"}])
async def test_any_series_of_the_service_ends_that(house: House, tags: dict[str, str]) -> None:
    await rule(house, **REPORTS)
    await house.pass_time(600)
    await send(house, 1, **tags)
    assert statuses(house) == ["CLOSED"]
    assert house.rows("SELECT * FROM rule_states") == []
    await house.pass_time(600)
    assert statuses(house) == ["CLOSED", "OPEN"]


async def test_it_goes_on_over_a_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await rule(house, **REPORTS)
        await house.pass_time(600)
        clock = house.clock
    async with open_house(tmp_path, clock=clock) as house:
        await house.pass_time(1200)
        assert statuses(house) == ["OPEN"]
        await send(house, 1, host="a")
        assert statuses(house) == ["CLOSED"]


async def test_what_reported_while_nobody_evaluated_ends_it_at_the_start(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await rule(house, **REPORTS)
        await house.pass_time(600)
        clock = house.clock
    async with open_house(tmp_path, clock=clock, agenda=False) as house:
        await metrics.record(house.engine, CALLER, [draft(1, host="a")])
    async with open_house(tmp_path, clock=clock) as house:
        await house.settled()
        assert house.values("SELECT close_reason FROM incidents") == ["LATENCY_MS of payments arrives"]


async def test_it_counts_from_when_the_rule_is_enabled(house: House) -> None:
    await rule(house, **REPORTS, enabled=False)
    await house.pass_time(3600)
    await change(house, enabled=True)
    await house.pass_time(599)
    assert house.incidents() == []
    await house.pass_time(1)
    assert statuses(house) == ["OPEN"]
    await change(house, enabled=False)
    assert statuses(house) == ["CLOSED"]


async def test_a_service_that_reports_is_expected_by_its_own_series_only(house: House) -> None:
    await send(house, 1, host="a")
    await rule(house, **REPORTS)
    await house.pass_time(599)
    assert house.values("SELECT tags FROM series") == ['{"host":"a"}']
    await house.pass_time(1)
    assert house.values("SELECT tags FROM incidents") == ['{"host":"a"}']


async def test_a_rule_for_any_service_misses_only_what_has_reported(house: House) -> None:
    await rule(house, **{**REPORTS, "service": None})
    await house.pass_time(3600)
    assert house.incidents() == []
