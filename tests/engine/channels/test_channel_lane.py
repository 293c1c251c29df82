from __future__ import annotations

import asyncio
import threading

import pytest

from tests.clocks import PATIENCE
from trackdesk.engine.channels import lane as lanes
from trackdesk.engine.channels.lane import Lane, LaneBusyError


async def test_work_that_overstays_makes_the_lane_busy_until_it_ends() -> None:
    lane, gate, ended = Lane("slow"), threading.Event(), threading.Event()

    def hang() -> None:
        gate.wait(PATIENCE)
        ended.set()

    with pytest.raises(TimeoutError):
        await lane.run(hang, 0.05)
    started = asyncio.get_running_loop().time()
    with pytest.raises(LaneBusyError):
        await lane.run(lambda: 1, 5)
    assert asyncio.get_running_loop().time() - started < 4
    gate.set()
    assert ended.wait(PATIENCE)
    assert await _until_idle(lane) == 7


async def _until_idle(lane: Lane) -> int:
    while True:
        try:
            return await lane.run(lambda: 7, 5)
        except LaneBusyError:
            await asyncio.sleep(0)


async def test_two_pieces_of_quick_work_follow_each_other() -> None:
    lane = Lane("quick")
    assert await asyncio.gather(*(lane.run(lambda n=n: n, 5) for n in range(5))) == [0, 1, 2, 3, 4]


async def test_what_the_work_raises_reaches_the_caller() -> None:
    def fail() -> None:
        raise ValueError("inside")

    lane = Lane("failing")
    with pytest.raises(ValueError, match="inside"):
        await lane.run(fail, 5)
    assert await lane.run(lambda: 1, 5) == 1


async def test_a_cancelled_wait_leaves_the_lane_usable_after_the_work_ends() -> None:
    lane, gate, begun = Lane("cancelled"), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(PATIENCE)

    task = asyncio.create_task(lane.run(work, PATIENCE))
    await asyncio.to_thread(begun.wait, PATIENCE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    assert await _until_idle(lane) == 7


async def test_the_threads_of_all_lanes_together_are_bounded() -> None:
    gate = threading.Event()
    hanging = [Lane(f"hanging {n}") for n in range(lanes.MAX_THREADS)]
    results = await asyncio.gather(
        *(lane.run(lambda: gate.wait(PATIENCE), 0.3) for lane in hanging), return_exceptions=True
    )
    assert all(isinstance(result, TimeoutError) for result in results)
    one_more = Lane("one more")
    with pytest.raises(LaneBusyError, match="64"):
        await one_more.run(lambda: 1, 5)
    gate.set()
    assert await _until_idle(one_more) == 7
    for lane in hanging:
        assert await _until_idle(lane) == 7
