"""The whole server under a clock that the test moves: a season, jumps, downtime. No false incident, none twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import pytest

from tests.clocks import PATIENCE, FakeClock, until
from tests.engine.outbox import open_hook
from tests.faults.harness import OWNER_KEY
from tests.faults.invariants import broken, rows
from tests.template import new_database
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.instant import format_instant, parse_instant
from trackdesk.runtime import Server
from trackdesk.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

WORKERS = {"agenda", "delivery", "housekeeping", "rollups", "metric_rollups", "retention"}
"""Each of them waits on the clock when it has done what it could."""
OTHERS = {"writer", "rules"}
"""These wait for what comes."""


@dataclass
class Watched:
    """A server in this loop whose time the test decides."""

    server: Server
    clock: FakeClock
    session: aiohttp.ClientSession

    @property
    def path(self) -> Path:
        return self.server.settings.database

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"X-API-Key": OWNER_KEY, "Content-Type": "application/json"}
        data = None if body is None else orjson.dumps(body)
        async with self.session.request(method, self.server.url + path, data=data, headers=headers) as response:
            assert response.status < 300, (method, path, response.status, await response.text())
            return orjson.loads(await response.read())

    async def start(self, process: str = "backup", **body: Any) -> dict[str, Any]:
        run: dict[str, Any] = await self.ask("POST", f"/v1/processes/{process}", body)
        return run

    async def complete(self, run: dict[str, Any], **body: Any) -> None:
        await self.ask("POST", f"/v1/runs/{run['uid']}/complete", body)

    async def status(self, run: dict[str, Any]) -> str:
        return str((await self.ask("GET", f"/v1/runs/{run['uid']}"))["deadline_status"])

    async def settled(self) -> None:
        """Every worker has done what it could at this instant."""
        end = time.monotonic() + PATIENCE
        calm = 0
        while calm < 20:
            assert time.monotonic() < end, "the workers do not come to rest"
            calm = calm + 1 if self.clock.waiting >= len(WORKERS) else 0
            await asyncio.sleep(0 if calm else 0.0005)  # what is not calm waits for threads, and those for the disk

    async def pass_time(self, micros: int) -> None:
        """As for a machine that is awake, from one instant at which somebody wakes to the next."""
        target = self.clock.monotonic() + micros
        while True:
            await self.settled()
            due = self.clock.next_wait
            if due is None or due > target:
                break
            self.clock.leap(max(0, due - self.clock.monotonic()))
        self.clock.leap(target - self.clock.monotonic())
        await self.settled()

    async def leap(self, micros: int) -> None:
        """At one go: whoever slept is woken at the end."""
        await self.settled()
        self.clock.leap(micros)
        await self.settled()

    async def jump(self, micros: int) -> None:
        """The wall clock is set; somebody notices within the five seconds that anybody sleeps."""
        await self.settled()
        self.clock.jump(micros)
        await self.pass_time(6 * SECOND)

    def incidents(self) -> list[tuple[Any, ...]]:
        """(process, status, occurrences, seen_late, due_at) of each."""
        return rows(self.path, "SELECT process, status, occurrences, seen_late, due_at FROM incidents ORDER BY id")

    def told(self) -> list[str]:
        return [kind for (kind,) in rows(self.path, "SELECT kind FROM notifications ORDER BY id")]


@asynccontextmanager
async def open_watched(folder: Path, clock: FakeClock | None = None) -> AsyncIterator[Watched]:
    """Opened again on the same folder it is the same server after a restart."""
    clock = clock or FakeClock()
    settings = load({"data_dir": str(folder), "port": "0"}, {"TRACKDESK_OWNER_KEY": OWNER_KEY, "HOME": str(folder)})
    new_database(settings.database)
    async with Server(settings, clock=clock) as server, aiohttp.ClientSession() as session:
        watched = Watched(server, clock, session)
        known = {each["name"] for each in (await watched.ask("GET", "/readyz"))["workers"]}
        assert known == WORKERS | OTHERS, "settled() has to know who waits on the clock"
        await watched.settled()
        yield watched
        await watched.settled()
        assert broken(watched.path) == {}


async def test_a_season_of_nights_opens_one_incident_for_each_that_was_late_and_none_besides(tmp_path: Path) -> None:
    async with open_watched(tmp_path) as it:
        await it.ask("PATCH", "/v1/processes/backup", {"default_deadline": "6h", "warn_at": 0})
        late = failed = 0
        for night in range(40):
            run = await it.start()
            if night % 30 == 7:
                late += 1
                await it.leap(6 * HOUR)
                assert await it.status(run) == "MISSED"
                await it.leap(HOUR)
            else:
                await it.leap(5 * HOUR)
            if night % 50 == 9:
                failed += 1
                await it.complete(run, status="FAILED")
            else:
                await it.complete(run)
            await it.leap(10 * HOUR)
        found = it.incidents()
        assert len(found) == late + failed
        assert {(status, occurrences, seen) for _, status, occurrences, seen, _ in found} == {("CLOSED", 1, 0)}
        assert it.told() == ["opened", "closed"] * (late + failed)
        assert (await it.ask("GET", "/v1/processes/backup"))["runs"]["late"] == late


async def test_everything_due_on_the_way_is_said_at_its_instant(tmp_path: Path) -> None:
    async with open_watched(tmp_path) as it:
        began = it.clock.now()
        await it.start("slow", deadline="20m")
        await it.start("silent", heartbeat_timeout="5m")
        await it.pass_time(30 * MINUTE)
        said = rows(it.path, "SELECT kind, at FROM journal WHERE topic = 'runs' AND kind <> 'started' ORDER BY seq")
        assert said == [
            ("stalled", began + 5 * MINUTE),
            ("warning", began + 15 * MINUTE),
            ("missed", began + 20 * MINUTE),
        ]
        assert it.incidents() == [
            ("silent", "OPEN", 1, 0, began + 5 * MINUTE),
            ("slow", "OPEN", 1, 0, began + 20 * MINUTE),
        ]


async def test_a_channel_that_is_down_for_hours_gets_everything_in_the_end(tmp_path: Path) -> None:
    async with open_hook() as hook, open_watched(tmp_path) as it:
        hook.answer(500, 500, (429, {"Retry-After": "3600"}), 500, 500, 200)
        await it.ask("POST", "/v1/channels", {"name": "pager", "url": hook.url})
        await it.start(deadline=format_instant(it.clock.now()))
        for attempts in range(1, 7):
            await until(lambda: rows(it.path, "SELECT count(*) FROM delivery_attempts")[0][0] == attempts)  # noqa: B023
            await it.leap(HOUR)
        assert rows(it.path, "SELECT status, attempts FROM deliveries") == [("SENT", 6)]
        assert len({headers["Idempotency-Key"] for headers in hook.headers}) == 1


@pytest.mark.parametrize("jump", [2 * HOUR, DAY, -2 * HOUR, -DAY])
async def test_a_jump_of_the_clock_tells_nothing_false_and_nothing_twice(tmp_path: Path, jump: int) -> None:
    async with open_watched(tmp_path) as it:
        await it.start("missed-before", deadline="1m")
        await it.start("far", deadline=format_instant(it.clock.now() + 3 * DAY))
        done = await it.start("reported-in-time", deadline="30m")
        beating = await it.start("beating", heartbeat_timeout="10m")
        await it.pass_time(2 * MINUTE)
        before = it.incidents()
        assert [row[0] for row in before] == ["missed-before"]
        finished_at = it.clock.now()
        await it.jump(jump)
        await it.complete(done, completed_at=format_instant(finished_at))
        await it.pass_time(5 * MINUTE)
        await it.ask("PATCH", f"/v1/runs/{beating['uid']}", {})
        await it.pass_time(9 * MINUTE)
        assert it.incidents() == before
        assert it.told() == ["warning", "opened"]


@pytest.mark.parametrize("jump", [2 * HOUR, DAY])
async def test_a_deadline_inside_a_jump_is_held_a_minute_then_missed_and_marked(tmp_path: Path, jump: int) -> None:
    async with open_watched(tmp_path) as it:
        run = await it.start(deadline="30m")
        due_at = parse_instant(run["deadline"])
        await it.jump(jump)
        await it.pass_time(40 * SECOND)
        assert it.incidents() == []
        await it.pass_time(30 * SECOND)
        assert it.incidents() == [("backup", "OPEN", 1, 1, due_at)]
        assert it.told() == ["opened"]
        await it.jump(-jump)
        await it.pass_time(HOUR)
        assert it.incidents() == [("backup", "OPEN", 1, 1, due_at)]


@pytest.mark.parametrize("down", [10 * MINUTE, DAY])
async def test_what_fell_due_while_the_server_was_down_is_said_at_its_start_with_its_true_time(
    tmp_path: Path, down: int
) -> None:
    clock = FakeClock()
    async with open_watched(tmp_path, clock) as it:
        late = await it.start("late", deadline="5m")
        await it.start("later", deadline=format_instant(clock.now() + 5 * DAY))
        await it.start("beating", heartbeat_timeout="8m")
        await it.start("early", deadline="2m")
    clock.leap(down)
    async with open_watched(tmp_path, clock) as it:
        expected = [("late", "OPEN", 1, 1, parse_instant(late["deadline"]))]
        expected.append(("early", "OPEN", 1, 1, parse_instant(late["started_at"]) + 2 * MINUTE))
        assert sorted(it.incidents()) == sorted(expected)
        assert it.told() == ["opened", "opened"]
        await it.pass_time(MINUTE)
    async with open_watched(tmp_path, clock) as it:
        await it.pass_time(MINUTE)
        assert sorted(it.incidents()) == sorted(expected)
