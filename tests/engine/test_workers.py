"""Workers are supervised: a bad moment is a line in the log and a sentence in their health, not the end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tests.clocks import FakeClock, until
from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.engine.workers import Supervised

if TYPE_CHECKING:
    import pytest


class Trier(Supervised):
    """Fails as often as it is told to, then waits."""

    name = "tester"

    def __init__(self, clock: FakeClock, failures: int) -> None:
        super().__init__(clock)
        self.failures = failures
        self.began: list[int] = []
        self.forever = asyncio.Event()

    async def _work(self) -> None:
        self.began.append(self._clock.monotonic())
        if len(self.began) <= self.failures:
            raise ValueError("no luck")
        self._well()
        await self.forever.wait()


async def test_it_starts_again_after_pauses_that_grow(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    worker = Trier(clock, failures=4)
    with caplog.at_level(logging.ERROR):
        await worker.start()
        await until(lambda: clock.waiting > 0)
        await clock.advance(MINUTE)
    await worker.stop()

    pauses = [after - before for before, after in zip(worker.began, worker.began[1:], strict=False)]
    assert pauses == [SECOND // 10, 2 * SECOND // 10, 4 * SECOND // 10, 8 * SECOND // 10]
    assert caplog.text.count("worker tester failed; it starts again") == 4


async def test_its_health_says_what_is_wrong_until_a_round_went_well() -> None:
    clock = FakeClock()
    worker = Trier(clock, failures=1)
    assert not worker.health().ok
    await worker.start()
    await until(lambda: bool(worker.began))
    assert not worker.health().ok
    assert "ValueError: no luck" in worker.health().detail
    await clock.advance(SECOND)
    assert worker.health().ok

    await worker.stop()

    assert worker.health().detail == "not running"


async def test_it_is_stopped_in_the_middle_of_a_pause() -> None:
    clock = FakeClock()
    worker = Trier(clock, failures=100)
    await worker.start()
    await until(lambda: clock.waiting > 0)
    await worker.stop()

    assert not worker.health().ok
    assert len(worker.began) == 1


async def test_after_a_minute_of_good_work_the_next_pause_is_short_again() -> None:
    clock = FakeClock()
    worker = Trier(clock, failures=8)
    await worker.start()
    await until(lambda: clock.waiting > 0)
    await clock.advance(5 * MINUTE)
    worker.forever.set()  # a worker that ends is started again like one that failed
    await until(lambda: clock.waiting > 0)
    ended = clock.monotonic()
    worker.forever.clear()
    await clock.advance(SECOND)
    await worker.stop()

    assert worker.began[-1] - ended == SECOND // 10
