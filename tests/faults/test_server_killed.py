"""kill -9 at named points and at any moment, under clients that write: nothing acknowledged is lost, nothing is done
twice, all that must follow has followed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.clocks import until
from tests.faults.harness import READY_WITHIN, open_site
from trackdesk.store.lock import lock_path

if TYPE_CHECKING:
    from pathlib import Path

POINTS = (
    "writer.before_commit:60",
    "writer.in_batch:120",
    "writer.after_commit:60",
    "delivery.before_send:10",
    "delivery.after_send:10",
)


@pytest.mark.parametrize("point", POINTS)
async def test_a_server_killed_at_a_point_goes_on_where_it_was(tmp_path: Path, point: str) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        await site.stop()
        await site.start(kill_at=point)
        async with site.load() as crew:
            await site.died()
            await site.start()
            await site.acknowledge(60)
        assert crew.broken_off
        await site.check()


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_server_killed_again_and_again_at_any_moment_loses_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        async with site.load(clients=12, seed=seed):
            for _ in range(3):
                await site.acknowledge(chance.randint(5, 250))
                await site.kill()
                await site.start()
            await site.acknowledge(30)
        await site.check()


async def test_a_killed_server_is_ready_again_soon(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        async with site.load():
            await site.acknowledge(100)
            await site.kill()
            assert (await site.start(cold=True)).ready_in < READY_WITHIN


async def test_a_kill_during_the_first_migration_leaves_a_file_that_the_next_start_completes(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.spawn(kill_at="migrate.middle")
        await site.died()
        assert site.rows("SELECT name FROM sqlite_master") == []
        await site.start()
        await site.prepare()
        async with site.load():
            await site.acknowledge(40)
        await site.check()


async def test_a_kill_while_it_starts_hinders_no_later_start(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        for begun in (lock_path(site.database), site.database, site.folder / "trackdesk.sqlite3.alive"):
            await site.spawn()
            await until(begun.exists)
            await site.kill()
        await site.start()
        await site.prepare()
        await site.check()


async def test_a_second_server_on_the_same_file_refuses_in_one_line(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first = await site.start()
        before = len(site.log)
        second = await site.spawn()
        await second.gone.wait()
        assert second.process.returncode == 1
        said = site.log[before:].strip()
        assert "\n" not in said
        assert f"already served by process {first.process.pid}" in said
        assert (await site.ask("GET", "/readyz", url=first.url)).status == 200
