"""How soon a missed deadline is an incident on the disk, and what waiting for 100,000 of them costs.

    python -m bench.deadlines [--active 100000] [--single 200] [--together 1000] [--rounds 3] [--window 1] [--idle 10]

What counts as committed is what another process sees: the database file is read while the server works on it. Those due
together are told over a webhook that gathers for `--window` seconds; with 0 each is a message of its own.
"""

import argparse
import asyncio
import json
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench import harness
from bench.ingest import StartRequest
from bench.load import Load, Numbers, drive
from bench.rules import Receiver, gathered, made
from trackdesk.domain.clock import HOUR
from trackdesk.domain.identity import new_uid
from trackdesk.domain.run import DeadlineStatus, RunStatus
from trackdesk.store import processes, runs
from trackdesk.store.database import migrate, open_database
from trackdesk.store.transaction import Tx

POLL = 0.002
"""Seconds between two looks at the database."""
QUIET = 2.0
"""Seconds of run starts before the deadline, and from it on."""
MESSAGES = 200
"""A second, at most, that go out where each is one of its own (`trackdesk.engine.delivery.PACE`)."""


def fill(path: Path, active: int) -> None:
    """A database of so many active runs, due in the hours to come, spread over 500 processes."""
    random, now = Random(5), time.time_ns() // 1000
    with closing(open_database(path)) as connection:
        migrate(connection)
        tx = Tx(connection)
        connection.execute("BEGIN")
        tx.begin(now)
        made = [processes.find_or_make(tx, 1, f"work-{number:03d}", "bench").id for number in range(500)]
        counts = processes.Counts()
        for first in range(1, active + 1, 10_000):
            rows = [_row(random, now, made, number) for number in range(first, min(first + 10_000, active + 1))]
            runs.insert(tx, rows)
            for row in rows:
                counts.started(row.process_id, now)
        counts.write(tx)
        connection.execute("COMMIT")


def _row(random: Random, now: int, made: list[int], number: int) -> runs.NewRun:
    due_at = now + HOUR + random.randrange(20 * HOUR)
    return runs.NewRun(
        number, new_uid(now), 1, made[number % 500], f"{number:08d}", 1, RunStatus.ACTIVE, DeadlineStatus.ON_TRACK, now,
        due_at, due_at - HOUR // 2, due_at - HOUR // 2, None, now, None, "{}", "{}", None, None, "cron", None,
    )  # fmt: skip


class Watcher:
    """Sees incidents appear in the file."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.delays: list[float] = []
        """ms from the deadline to the first look that saw the incident."""
        self._last = 0

    async def until(self, count: int, seconds: float) -> None:
        """Look until so many have come, or give up."""
        end = time.monotonic() + seconds
        while len(self.delays) < count and time.monotonic() < end:
            rows = self._connection.execute(
                "SELECT id, due_at FROM incidents WHERE id > ? ORDER BY id", (self._last,)
            ).fetchall()
            now = time.time_ns() // 1000
            for incident, due_at in rows:
                self._last = incident
                self.delays.append((now - due_at) / 1000)
            await asyncio.sleep(POLL)


class DueRequest:
    """A run of a process of its own, whose deadline is given by its number."""

    def __init__(self, name: str, deadlines: list[float]) -> None:
        self._name = name
        self._deadlines = deadlines

    def __call__(self, number: int) -> bytes:
        body = json.dumps({"deadline": self._deadlines[(number - 1) % len(self._deadlines)]}).encode()
        head = (
            f"POST /v1/processes/{self._name}-{number:06d} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"X-API-Key: {harness.OWNER_KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def start_all(port: int, request: DueRequest, count: int) -> None:
    """As many runs, as fast as they go."""
    await asyncio.gather(*(_start_share(port, request, range(first, count + 1, 16)) for first in range(1, 17)))


async def _start_share(port: int, request: DueRequest, numbers: range) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        writer.write(request(number))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(head.decode())
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()


async def one_by_one(server: harness.Process, path: Path, count: int) -> list[float]:
    """Deadlines 25 ms apart: how late each incident was, ms."""
    begin = time.time() + 3
    watcher = Watcher(path)
    await start_all(server.port, DueRequest("single", [begin + number * 0.025 for number in range(count)]), count)
    await watcher.until(count, count * 0.025 + 20)
    return watcher.delays


class Storm(NamedTuple):
    """What one round of deadlines at one instant came to."""

    delays: list[float]
    """ms from the deadline to the first look that saw the incident."""
    quiet: Load
    during: Load
    """Run starts just before, and from the deadline on for as long, or until the last message."""
    told: int
    """Incidents that the messages speak of."""


async def together(
    server: harness.Process, path: Path, count: int, number: int, numbers: Numbers, receiver: Receiver, window: float
) -> Storm:
    """All at one instant, under load."""
    due_at = round(time.time() + count / 300 + 4, 3)
    await start_all(server.port, DueRequest(f"together-{number}", [due_at]), count)
    watcher, request = Watcher(path), StartRequest()
    await watcher.until(10**9, 0.1)  # what there was before
    watcher.delays.clear()
    receiver.bodies.clear()
    quiet = await drive(server.port, request, numbers, connections=8, seconds=QUIET, rate=400)
    if time.time() > due_at:
        raise RuntimeError("the deadline came before it had been quiet; these cores are too busy")
    await asyncio.sleep(max(due_at - 0.1 - time.time(), 0))
    lasts = QUIET if window else QUIET + count / MESSAGES
    during, _ = await asyncio.gather(
        drive(server.port, request, numbers, connections=8, seconds=lasts, rate=400), watcher.until(count, 20)
    )
    await asyncio.sleep(window + 2)
    told = sum(map(gathered, receiver.bodies))
    return Storm(watcher.delays, quiet, during, told)


async def storms(server: harness.Process, path: Path, count: int, rounds: int, window: float) -> None:
    """So many of them in turn, each printed, and their medians."""
    receiver, numbers, found = Receiver(), Numbers(), []
    async with receiver.listening() as url:
        more = {"group_window": f"{window:g}s"} if window else {}
        made(server, "/v1/channels", {"name": "storm", "url": url, "secret": "0123456789", **more})
        for number in range(rounds):
            storm = await together(server, path, count, number, numbers, receiver, window)
            found.append(storm)
            print(
                f"{len(storm.delays)} of {count} at one instant: the last after {max(storm.delays) / 1000:.2f} s,"
                f" {len(receiver.bodies)} messages of {storm.told}; 400 run starts a second p50"
                f" {storm.during.percentile(0.5):.1f}, p99 {storm.during.percentile(0.99):.1f} ms,"
                f" before {storm.quiet.percentile(0.5):.1f} and {storm.quiet.percentile(0.99):.1f} ms"
            )
    before, during = ([getattr(each, name).percentile(0.99) for each in found] for name in ("quiet", "during"))
    print(
        f"medians: the last after {statistics.median(max(each.delays) for each in found) / 1000:.2f} s; run starts"
        f" meanwhile p99 {statistics.median(during):.1f} ms, before {statistics.median(before):.1f} ms"
    )


async def measure(chosen: argparse.Namespace, where: Path) -> None:
    """All of it, printed."""
    path, idle, single = where / "trackdesk.sqlite3", chosen.idle, chosen.single
    fill(path, chosen.active)
    print(f"{chosen.active:,} active runs, fdatasync {harness.fdatasync_ms(where):.2f} ms")
    with harness.server(where) as server:
        await asyncio.sleep(2)
        before = server.cpu_seconds()
        await asyncio.sleep(idle)
        share = (server.cpu_seconds() - before) / idle
        print(f"idle: {share:.2%} of a core over {idle:g} s, {server.rss_megabytes():.0f} MB")
        delays = await one_by_one(server, path, single)
        print(
            f"{len(delays)} of {single} deadlines one by one: incident on the disk after p50"
            f" {statistics.median(delays):.1f}, p99 {harness.percentile(delays, 0.99):.1f} ms"
        )
        await storms(server, path, chosen.together, chosen.rounds, chosen.window)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--active", type=int, default=100_000)
    parser.add_argument("--single", type=int, default=200)
    parser.add_argument("--together", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window", type=float, default=1.0)
    parser.add_argument("--idle", type=float, default=10.0)
    chosen = parser.parse_args(arguments)
    with harness.folder() as where:
        harness.run(measure(chosen, where))


if __name__ == "__main__":
    main()
