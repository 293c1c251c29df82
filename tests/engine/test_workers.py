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


class Work:
    """Fails as often as it is told to, then waits."""

    def __init__(self, clock: FakeClock, failures: int) -> None:
        self.clock = clock
        self.failures = failures
        self.began: list[int] = []
        self.forever = asyncio.Event()
        self.worker = Supervised("tester", self.run, clock)

    async def run(self) -> None:
        self.began.append(self.clock.monotonic())
        if len(self.began) <= self.failures:
            raise ValueError("no luck")
        self.worker.well()
        await self.forever.wait()


async def test_it_starts_again_after_pauses_that_grow(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    work = Work(clock, failures=4)
    with caplog.at_level(logging.ERROR):
        work.worker.start()
        await until(lambda: clock.waiting > 0)
        await clock.advance(MINUTE)
    await work.worker.stop()

    pauses = [after - before for before, after in zip(work.began, work.began[1:], strict=False)]
    assert pauses == [SECOND // 5, 2 * SECOND // 5, 4 * SECOND // 5, 8 * SECOND // 5]
    assert caplog.text.count("worker tester failed; it starts again") == 4


async def test_its_health_says_what_is_wrong_until_a_round_went_well() -> None:
    clock = FakeClock()
    work = Work(clock, failures=1)
    assert not work.worker.health().ok
    work.worker.start()
    await until(lambda: bool(work.began))
    assert not work.worker.health().ok
    assert "ValueError: no luck" in work.worker.health().detail
    await clock.advance(SECOND)
    assert work.worker.health().ok

    await work.worker.stop()

    assert work.worker.health().detail == "not running"


async def test_it_is_stopped_in_the_middle_of_a_pause() -> None:
    clock = FakeClock()
    work = Work(clock, failures=100)
    work.worker.start()
    await until(lambda: clock.waiting > 0)
    await work.worker.stop()

    assert not work.worker.health().ok
    assert len(work.began) == 1


async def test_after_a_minute_of_good_work_the_next_pause_is_short_again() -> None:
    clock = FakeClock()
    work = Work(clock, failures=8)
    work.worker.start()
    await until(lambda: clock.waiting > 0)
    await clock.advance(5 * MINUTE)
    work.forever.set()  # a worker that ends is started again like one that failed
    await until(lambda: clock.waiting > 0)
    ended = clock.monotonic()
    work.forever.clear()
    await clock.advance(SECOND)
    await work.worker.stop()

    assert work.began[-1] - ended == SECOND // 10
