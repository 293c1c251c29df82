"""Scheduled processes under a clock that the test moves: both its changes, jumps, restarts. Nothing false or twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.clocks import FakeClock
from tests.faults.invariants import rows
from tests.faults.test_server_clock import Watched, open_watched
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.instant import format_instant, parse_instant
from trackdesk.domain.schedule import Cron, upcoming

if TYPE_CHECKING:
    from pathlib import Path

NIGHTLY = Cron(cron="30 2 * * *", timezone="Europe/Berlin")
"""A time that is skipped in spring and comes twice in autumn."""


async def expect(it: Watched, process: str, **members: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await it.ask("PUT", f"/v1/processes/{process}", members)
    return answer


def blind(it: Watched) -> list[str]:
    return [name for (name,) in rows(it.path, "SELECT name FROM processes WHERE blind_at IS NOT NULL ORDER BY name")]


@pytest.mark.parametrize("first", ["2026-10-15T12:00:00Z", "2027-03-18T12:00:00Z"], ids=["autumn", "spring"])
async def test_nights_over_a_change_of_the_clocks_miss_those_that_never_started_and_none_besides(
    tmp_path: Path, first: str
) -> None:
    async with open_watched(tmp_path, FakeClock(parse_instant(first))) as it:
        await expect(it, "backup", schedule=NIGHTLY.model_dump(), grace="10m")
        for night, fire in enumerate(upcoming(NIGHTLY, it.clock.now(), 20)):
            await it.leap(fire + 40 * SECOND - it.clock.now())
            if night not in {5, 15}:
                await it.complete(await it.start())
        found = it.incidents()
        assert [(status, occurrences, seen) for _, status, occurrences, seen, _ in found] == [("CLOSED", 1, 0)] * 2
        assert it.told() == ["opened", "closed"] * 2


@pytest.mark.parametrize("jump", [2 * HOUR, DAY, -2 * HOUR, -DAY])
async def test_a_jump_of_the_clock_makes_nothing_missing_and_nothing_twice(tmp_path: Path, jump: int) -> None:
    async with open_watched(tmp_path) as it:
        away = await expect(it, "away", schedule={"every": "3m"}, grace="1m")
        await it.pass_time(5 * MINUTE)
        await expect(it, "quarters", schedule={"cron": "*/15 * * * *"})
        await expect(it, "often", schedule={"every": "10m"}, grace="2m")
        await expect(it, "nightly", schedule=NIGHTLY.model_dump())
        await it.complete(await it.start("often"))
        before = it.incidents()
        assert before == [("away", "OPEN", 1, 0, parse_instant(away["next_expected_at"]))]
        await it.jump(jump)
        for _ in range(9):
            await it.pass_time(4 * MINUTE)
            await it.complete(await it.start("often"))
            await it.complete(await it.start("quarters"))
        assert it.incidents() == before
        assert it.told() == ["opened"]


@pytest.mark.parametrize("down", [3 * MINUTE, DAY])
async def test_after_a_downtime_what_nobody_could_see_is_blind_and_the_rest_is_waited_for(
    tmp_path: Path, down: int
) -> None:
    clock = FakeClock()
    async with open_watched(tmp_path, clock) as it:
        first = await expect(it, "soon", schedule={"every": "1m"}, grace="30s")
        await expect(it, "partly", schedule={"every": "2m"}, grace="2m")
        await expect(it, "far", schedule={"every": "5d"})
    clock.leap(down)
    async with open_watched(tmp_path, clock) as it:
        assert it.incidents() == []
        assert "soon" in blind(it)
        await it.pass_time(SECOND)
        await it.complete(await it.start("partly"))
    async with open_watched(tmp_path, clock) as it:
        await it.pass_time(100 * SECOND)
        found = it.incidents()
        assert [process for process, *_ in found] == ["soon"]
        assert found[0][4] > parse_instant(first["next_expected_at"]) + down - MINUTE


async def test_a_start_that_was_spooled_while_the_server_was_down_leaves_nothing_open(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_watched(tmp_path, clock) as it:
        process = await expect(it, "backup", schedule={"every": "1h"}, grace="30m")
        await it.pass_time(70 * MINUTE)
    clock.leap(3 * HOUR)
    async with open_watched(tmp_path, clock) as it:
        await it.pass_time(25 * MINUTE)
        assert [(name, status, seen) for name, status, _, seen, _ in it.incidents()] == [("backup", "OPEN", 1)]
        started_at = parse_instant(process["next_expected_at"]) + 15 * MINUTE
        await it.ask("POST", "/v1/processes/backup", {"started_at": format_instant(started_at)})
        assert [status for _, status, *_ in it.incidents()] == ["CLOSED"]
