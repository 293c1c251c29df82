"""A service goes with its samples, in steps, and the deletion comes to an end whatever is sent meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.engine.house import ALICE, CALLER
from tests.engine.ruled import draft
from trackdesk.domain.errors import Conflict
from trackdesk.engine import metrics, services

if TYPE_CHECKING:
    from tests.engine.house import House


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "DELETED_AT_ONCE", 2)


async def send_on(house: House, count: int) -> None:
    while True:
        await metrics.record(house.engine, CALLER, [draft(2)] * count)


async def test_a_service_goes_with_all_its_samples(house: House) -> None:
    await metrics.record(house.engine, CALLER, [draft(1)] * 7)
    await services.delete(house.engine, ALICE, "payments")
    assert house.values("SELECT count(*) FROM samples") == [0]
    assert house.values("SELECT count(*) FROM services") == [0]


async def test_a_sender_that_is_faster_keeps_the_service_but_not_what_stood_there(house: House) -> None:
    await metrics.record(house.engine, CALLER, [draft(1)] * 7)
    house.clock.leap(1_000_000)
    sending = asyncio.create_task(send_on(house, 5))
    try:
        with pytest.raises(Conflict, match="faster than they are deleted") as refused:
            await services.delete(house.engine, ALICE, "payments")
    finally:
        sending.cancel()
    assert refused.value.code == "still_sending"
    assert house.values("SELECT DISTINCT value FROM samples") == [2]
    assert house.values("SELECT name FROM services") == ["payments"]
