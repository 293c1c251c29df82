"""What goes wrong around a server that lives: the disk, the lock, the clients, the end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import pytest

from tests.clocks import STOPS_WITHIN, until
from tests.faults.harness import OWNER_KEY, Site, open_site
from tests.faults.invariants import broken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

START = "/v1/processes/backup"
HALF = (
    f"POST {START} HTTP/1.1\r\nHost: x\r\nX-API-Key: {OWNER_KEY}\r\nContent-Type: application/json\r\n"
    'Content-Length: 4000\r\n\r\n{"id": "half-a-body", '
).encode()


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own; skips the test where none can be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    if not sys.platform.startswith("linux") or shutil.which("mount") is None:
        pytest.skip("only Linux has tmpfs")
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    """Take all that is left of the disk."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


async def connect(site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = site.life.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


@asynccontextmanager
async def connections(site: Site, count: int, said: bytes = b"") -> AsyncIterator[list[asyncio.StreamReader]]:
    """Clients that connect, say so much and then nothing more."""
    opened = [await connect(site) for _ in range(count)]
    try:
        for _, writer in opened:
            writer.write(said)
            await writer.drain()
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.close()


async def test_a_full_disk_refuses_writes_keeps_reading_and_takes_them_again_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path, 24) as disk:
        async with open_site(disk) as site:
            await site.start()
            await site.prepare()
            due = await site.made("POST", "/v1/processes/slow", {"deadline": "1500ms"})
            fill(disk / "ballast")
            async with site.load(clients=4) as crew:
                await until(lambda: crew.refused["storage_full"] >= 8)
                refused = await site.ask("POST", START, {"context": {"large": "x" * 50_000}})
                assert (refused.status, refused.json["code"]) == (503, "storage_full")
                assert int(refused.headers["Retry-After"]) > 0
                assert (await site.ask("GET", "/v1/runs")).status == 200
                readiness = await site.ask("GET", "/readyz")
                assert readiness.status == 503
                assert not next(each["ok"] for each in readiness.json["workers"] if each["name"] == "writer")
                await until(lambda: time.time_ns() // 1000 > site.rows("SELECT max(deadline) FROM runs")[0][0])
                (disk / "ballast").unlink()
                await site.acknowledge(60)
            late = "SELECT 1 FROM runs WHERE deadline_status = 'MISSED' AND uid = ?"
            await until(lambda: site.rows(late, (due["uid"],)) != [])
            await site.rest()
            assert broken(site.database) == {}
            site.ledger.check(site.rows)
            assert (await site.ask("GET", "/readyz")).status == 200


async def test_a_database_that_another_program_keeps_locked_answers_503_and_works_when_it_lets_go(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        with closing(sqlite3.connect(site.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asked = asyncio.create_task(site.ask("POST", START, {"id": "first"}))
            assert (await site.ask("GET", "/v1/runs")).status == 200
            answer = await asked
            assert (answer.status, answer.json["code"]) == (503, "overloaded")
            assert "Retry-After" in answer.headers
            waits = asyncio.create_task(site.ask("POST", START, {"id": "second"}))
            assert (await site.ask("GET", "/healthz")).status == 200
            other.execute("ROLLBACK")
        assert (await waits).status == 201
        assert site.rows("SELECT id FROM runs") == [("second",)]
        await site.check()


async def test_clients_that_stall_in_the_middle_of_a_body_hold_up_nobody_and_leave_nothing(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        async with connections(site, 50, HALF), site.load(clients=4):
            await site.acknowledge(60)
        async with connections(site, 1, HALF):
            assert await site.stop() < STOPS_WITHIN
        assert site.rows("SELECT * FROM runs WHERE id = 'half-a-body'") == []
        await site.start()
        await site.check()


async def test_a_watcher_that_goes_away_is_no_error(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        async with site.session.get(f"{site.life.url}/v1/stream", headers={"X-API-Key": OWNER_KEY}) as stream:
            await stream.content.readline()
            stream.close()
        async with site.load(clients=2):
            await site.acknowledge(20)
        await site.check()


async def test_a_receiver_that_hangs_and_a_body_that_stalls_do_not_hold_up_the_end(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        site.hook.answer("hang", 200)
        await site.made("POST", "/v1/incidents", {"title": "told to a receiver that hangs"})
        await site.hook.until_called()
        async with connections(site, 1, HALF):
            await until(lambda: len(site.hook.headers) == 1)
            assert await site.stop() < STOPS_WITHIN
        site.hook.let_go.set()
        assert site.rows("SELECT status FROM deliveries") == [("PENDING",)]
        await site.start()
        await site.check()


async def test_500_idle_connections_hold_up_neither_work_nor_the_end(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        async with connections(site, 500) as readers:
            async with site.load(clients=4):
                await site.acknowledge(60)
            assert not any(reader.at_eof() for reader in readers)
            assert await site.stop() < STOPS_WITHIN
            await asyncio.gather(*(reader.read() for reader in readers))
        await site.start()
        await site.check()


async def test_sigterm_under_load_finishes_what_is_in_hand_and_leaves_one_file(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        async with site.session.get(f"{site.life.url}/v1/stream", headers={"X-API-Key": OWNER_KEY}) as stream:
            await stream.content.readline()
            async with site.load(clients=12):
                await site.acknowledge(100)
                assert await site.stop() < STOPS_WITHIN
                assert not site.database.with_name(f"{site.database.name}-wal").exists()
                site.ledger.check(site.rows)
                await site.start()
                await site.acknowledge(20)
        await site.check()
        assert site.rows("SELECT count(*) FROM blind_times")[0][0] <= 1
