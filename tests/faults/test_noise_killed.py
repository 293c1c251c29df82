"""Killed while a silence ends, or while a group is sent: everything is told, and inside nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.clocks import START, FakeClock
from tests.engine.house import open_house
from tests.engine.outbox import open_hook, open_outbox
from tests.faults.invariants import broken
from trackdesk.engine.agenda import SLICE

SILENCED = """
import asyncio, sys
from pathlib import Path
from tests.engine.house import open_house
from tests.engine.test_silences import report, silence

async def main():
    async with open_house(Path(sys.argv[1])) as house:
        await silence(house, until="1m")
        for index in range(60):
            await report(house, f"slow {index}")
        await house.pass_time(61)

asyncio.run(main())
"""
GATHERED = """
import asyncio, sys
from pathlib import Path
from tests.engine.outbox import open_outbox

async def main():
    async with open_outbox(Path(sys.argv[1])) as outbox:
        await outbox.channel("ops", sys.argv[2], group_window="1m")
        await outbox.tell(count=7)
        await outbox.until_asleep()
        await outbox.clock.advance(60_000_001)
        await outbox.until_statuses("SENT", *["GROUPED"] * 7)

asyncio.run(main())
"""


async def killed_at(point: str, script: str, *words: str) -> None:
    environment = {**os.environ, "TRACKDESK_KILL_AT": point, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *words, env=environment)
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL


@pytest.mark.parametrize("point", ["noise.released:1", "noise.released:3"])
async def test_killed_as_a_silence_ends_it_tells_each_once(tmp_path: Path, point: str) -> None:
    await killed_at(point, SILENCED, str(tmp_path))
    async with open_house(tmp_path, agenda=False) as house:
        before = len(house.rows("SELECT 1 FROM notifications WHERE muted IS NULL"))
        assert before == (0 if point.endswith(":1") else 2 * SLICE)
    async with open_house(tmp_path, clock=FakeClock(START + 62_000_000)) as house:
        told = house.values("SELECT incident_id FROM notifications WHERE muted IS NULL AND kind = 'opened' ORDER BY 1")
        assert told == list(range(1, 61))
        assert house.told().count("silence_ended") == 1
        assert house.journal("silences") == ["made", "ended"]
        assert house.values("SELECT count(*) FROM mutes WHERE released_at IS NULL") == [0]
    assert broken(tmp_path / "trackdesk.db") == {}


@pytest.mark.parametrize("point", ["delivery.group_closed:1", "delivery.before_send:1", "delivery.after_send:1"])
async def test_killed_around_the_sending_of_a_group_it_sends_all_of_it_with_the_same_id(
    tmp_path: Path, point: str
) -> None:
    async with open_hook() as hook:
        await killed_at(point, GATHERED, str(tmp_path), hook.url)
        assert len(hook.bodies) == (1 if point.startswith("delivery.after") else 0)
        async with open_outbox(tmp_path, clock=FakeClock(START + 61_000_000)) as outbox:
            await outbox.tell(title="into the next window")
            await outbox.until_statuses("SENT", *["GROUPED"] * 7, "PENDING", "GROUPED")
        assert {body["count"] for body in hook.bodies} == {7}
        assert len({headers["Idempotency-Key"] for headers in hook.headers}) == 1
        assert len(hook.bodies) == (2 if point.startswith("delivery.after") else 1)
    assert broken(tmp_path / "trackdesk.db") == {}
