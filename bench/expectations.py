"""What it costs to wait for 10,000 scheduled processes, how soon 1,000 that stay away are incidents, and what a
schedule adds to the start of a run and to the page of a list.

    python -m bench.expectations [--processes 10000] [--together 1000] [--idle 10] [--starts 4000]

What counts as committed is what another process sees: the database file is read while the server works on it.
"""

import argparse
import asyncio
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

from bench import harness
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.filters import ProcessFilter
from trackdesk.domain.run import StartRun
from trackdesk.domain.schedule import Cron, Every, Schedule, next_after, pack
from trackdesk.engine.run_start import Start, start_runs
from trackdesk.store import expectations, process_lists, processes
from trackdesk.store.database import migrate, open_database
from trackdesk.store.readers import Readers
from trackdesk.store.transaction import Tx

POLL = 0.002
"""Seconds between two looks at the database."""
BATCH = 64
"""Starts in one transaction, as many as meet under load."""
SCHEDULES: tuple[Schedule, ...] = (
    Cron(cron="0 2 * * *", timezone="Europe/Berlin"),
    Cron(cron="30 6 * * 1-5", timezone="America/New_York"),
    Cron(cron="15 */6 * * *"),
    Every.model_construct(every=12 * HOUR),
)
ENDED = 20


def fill(path: Path, count: int, at_once: int, due_at: int) -> None:
    """So many processes that are due in the hours to come, and `at_once` more whose grace ends at `due_at` (µs)."""
    now = time.time_ns() // 1000
    with closing(open_database(path)) as connection:
        migrate(connection)
        tx = Tx(connection)
        connection.execute("BEGIN")
        tx.begin(now)
        for number in range(count):
            _expect(tx, f"work-{number:05d}", SCHEDULES[number % len(SCHEDULES)], None)
        for number in range(at_once):
            _expect(tx, f"away-{number:05d}", SCHEDULES[0], due_at)
        connection.execute("COMMIT")


def _expect(tx: Tx, name: str, schedule: Schedule, due_at: int | None) -> None:
    process = processes.find_or_make(tx, 1, name, "bench")
    processes.change(tx, process, {"schedule": pack(schedule)})
    expected_at = next_after(schedule, tx.now + HOUR) if due_at is None else due_at - 5 * MINUTE
    values = {"expected_at": expected_at, "next_due_at": expected_at + 5 * MINUTE}
    expectations.write(tx, process.id, values)


async def until_missing(path: Path, count: int, due_at: int) -> list[float]:
    """Seconds from `due_at` (µs) to the look that saw each incident."""
    delays: list[float] = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        end = time.monotonic() + 60
        while len(delays) < count and time.monotonic() < end:
            (seen,) = connection.execute("SELECT count(*) FROM incidents WHERE origin = 'missing'").fetchone()
            delays += [(time.time_ns() // 1000 - due_at) / 1e6] * (seen - len(delays))
            await asyncio.sleep(POLL)
    return delays


def starts(path: Path, count: int) -> dict[str, float]:
    """µs of CPU for each start, by what its process is; in turns, the median of the rounds."""
    ways = {
        "without a schedule": ("free", MINUTE),
        "with one, between two fires": ("between", SECOND),
        "with one, each start its next fire": ("fires", DAY),
    }
    made = {name: [f"{prefix}-{number:05d}" for number in range(BATCH)] for name, (prefix, _) in ways.items()}
    took: dict[str, list[float]] = {name: [] for name in ways}
    now = time.time_ns() // 1000
    with closing(open_database(path)) as connection:
        tx = Tx(connection)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        tx.begin(now)
        for process in (*made["with one, between two fires"], *made["with one, each start its next fire"]):
            _expect(tx, process, SCHEDULES[0], None)
        connection.execute("COMMIT")
        for turn in range(count // BATCH):
            for name, (_, step) in ways.items():
                connection.execute("BEGIN")
                tx.begin(now + turn * step)
                batch = [Start(1, "bench", process, StartRun()) for process in made[name]]
                before = time.thread_time()
                start_runs(tx, batch)
                took[name].append((time.thread_time() - before) / BATCH * 1e6)
                connection.execute("COMMIT")
    return {name: statistics.median(values) for name, values in took.items()}


def finish_some(path: Path) -> None:
    """Twenty runs, a day apart, for a thousand of the processes."""
    now = time.time_ns() // 1000
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = connection.execute("SELECT id FROM processes WHERE name LIKE 'work-%' ORDER BY id LIMIT 1000").fetchall()
        connection.executemany(
            "INSERT INTO runs (uid, namespace_id, process_id, id, attempt, status, started_at, completed_at, duration) "
            "VALUES (?, 1, ?, ?, 1, 'COMPLETED', ?, ?, ?)",
            [
                (f"p{process}-{day}", process, f"day-{day}", now - day * DAY, now - day * DAY + MINUTE, MINUTE)
                for (process,) in rows
                for day in range(1, ENDED + 1)
            ],
        )


async def pages(path: Path) -> dict[str, float]:
    """ms for a page of processes with their last twenty runs, the first time and then."""
    took: dict[str, float] = {}
    async with Readers(path) as readers:
        now = time.time_ns() // 1000
        for name, given in (
            ("50 processes", ProcessFilter(sort="next_expected_at")),
            ("50 more", ProcessFilter(sort="-next_expected_at")),
            ("50 again", ProcessFilter(sort="next_expected_at")),
            ("1,000 processes", ProcessFilter(limit=1000)),
            ("1,000 again", ProcessFilter(limit=1000)),
        ):
            before = time.perf_counter()
            await process_lists.page(readers, 1, given, now)
            took[name] = (time.perf_counter() - before) * 1000
    return took


async def measure(count: int, at_once: int, idle: float, some_starts: int, where: Path) -> None:
    """All of it, printed."""
    path = where / "trackdesk.sqlite3"
    due_at = time.time_ns() // 1000 + round((idle + 12 + count / 2000) * 1e6)
    fill(path, count, at_once, due_at)
    print(f"{count:,} scheduled processes, fdatasync {harness.fdatasync_ms(where):.2f} ms")
    with harness.server(where) as server:
        await asyncio.sleep(2)
        before = server.cpu_seconds()
        await asyncio.sleep(idle)
        share = (server.cpu_seconds() - before) / idle
        print(f"idle: {share:.2%} of a core over {idle:g} s, {server.rss_megabytes():.0f} MB")
        delays = await until_missing(path, at_once, due_at)
        late = f"the last after {max(delays):.2f} s" if delays else "none"
        print(f"{len(delays):,} of {at_once:,} missing at one instant: {late}")
    for name, took in starts(path, some_starts).items():
        print(f"a start {name}: {took:.1f} µs of CPU")
    finish_some(path)
    for name, milliseconds in (await pages(path)).items():
        print(f"a page of {name}: {milliseconds:.1f} ms")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=10_000)
    parser.add_argument("--together", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=10.0)
    parser.add_argument("--starts", type=int, default=4000)
    chosen = parser.parse_args(arguments)
    with harness.folder() as where:
        harness.run(measure(chosen.processes, chosen.together, chosen.idle, chosen.starts, where))


if __name__ == "__main__":
    main()
