"""How long a write waits while old runs are deleted, and how much of the file comes back.

    python -m bench.retention [--old 100000] [--lines 3] [--rate 200] [--minutes 10]

A hundred thousand runs with three tags, log lines and their entries in the journal have grown old as the server
starts. Its own worker deletes them while runs are started at a steady rate. Beside it, in turn with it, another server
over the same database that keeps everything gets the same load; whoever is not measured stands still.
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from random import Random

from bench import harness
from bench.ingest import StartRequest
from bench.load import Load, Numbers, drive
from trackdesk.domain.clock import DAY, MINUTE, SECOND
from trackdesk.domain.identity import new_uid
from trackdesk.domain.run import DeadlineStatus, RunStatus
from trackdesk.store import processes, runs
from trackdesk.store.database import migrate, open_database
from trackdesk.store.transaction import Tx

AGE = 100 * DAY
LONG = 0.05
"""Seconds that no write is to wait."""
LEAST = 2_000
"""Free pages that a server keeps."""
SLICE = 2.0
"""Seconds of one round of load."""
_FINISHED = """
UPDATE runs SET status = 'COMPLETED', deadline_status = 'COMPLETED_ON_TIME', completed_at = started_at + 60000000,
    duration = 60000000, next_due_at = NULL
"""


def fill(path: Path, count: int, lines: int) -> None:
    """So many runs of 200 processes, over an hour, all over for 100 days, counted by the roll-ups already."""
    random, began = Random(5), time.time_ns() // 1000 - AGE
    with closing(open_database(path)) as connection:
        migrate(connection)
        connection.execute("PRAGMA synchronous = OFF")
        tx = Tx(connection)
        connection.execute("BEGIN")
        tx.begin(began)
        made = [processes.find_or_make(tx, 1, f"old-{number:03d}", "bench").id for number in range(200)]
        for first in range(1, count + 1, 5_000):
            _fill_some(tx, random, made, range(first, min(first + 5_000, count + 1)), began, lines)
            tx.write_journal()
            tx.committed()
            tx.begin(began)
        tx.execute(_FINISHED)
        tx.execute(
            "UPDATE processes SET total = counted, completed = counted FROM (SELECT process_id, count(*) AS counted "
            "FROM runs GROUP BY process_id) WHERE process_id = processes.id"
        )
        until = (time.time_ns() // 1000) // DAY * DAY
        tx.execute("INSERT INTO rollup_cursors VALUES (1, ?, ?, ?, ?)", (until,) * 4)
        tx.execute("INSERT INTO rollup_series (namespace_id, kind) VALUES (1, 'all')")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _fill_some(tx: Tx, random: Random, made: list[int], numbers: range, began: int, lines: int) -> None:
    rows, tags, logs = [], [], []
    for number in numbers:
        at = began + number * 36_000
        tag = {"env": "prod", "host": f"n{random.randrange(50)}", "order": str(number // 10)}
        rows.append(_row(random, made, number, at, json.dumps(tag)))
        tags.append((1, number, at, tag))
        logs += [(number, line, 1, f"step {line} of {lines}: 120 rows", None, at) for line in range(1, lines + 1)]
        tx.journal(1, "runs", "started", rows[-1].uid, "bench", {"process": "old", "id": f"{number:08d}"}, at=at)
        ended = {"status": ["ACTIVE", "COMPLETED"], "deadline_status": ["ON_TRACK", "COMPLETED_ON_TIME"]}
        tx.journal(1, "runs", "completed", rows[-1].uid, "bench", ended, at=at + MINUTE)
    runs.insert(tx, rows)
    runs.insert_tags(tx, tags)
    tx.executemany("INSERT INTO logs (run_seq, seq, level, message, data, logged_at) VALUES (?, ?, ?, ?, ?, ?)", logs)


def _row(random: Random, made: list[int], number: int, at: int, tags: str) -> runs.NewRun:
    deadline = at + 600 * SECOND
    return runs.NewRun(
        number, new_uid(at), 1, random.choice(made), f"{number:08d}", 1, RunStatus.ACTIVE, DeadlineStatus.ON_TRACK, at,
        deadline, None, None, None, at, None, tags, '{"host":"etl-07","rows":120000}', None, None, "cron", None,
    )  # fmt: skip


def left(path: Path) -> int:
    """Old runs, runs whose lines are left behind, and pages that are yet to be given back."""
    try:
        return _left(path)
    except sqlite3.OperationalError:  # a server that was stopped in the middle of a commit keeps its lock
        return 1


def _left(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0)) as connection:
        before = time.time_ns() // 1000 - 90 * DAY
        old = connection.execute("SELECT count(*) FROM runs WHERE started_at < ?", (before,)).fetchone()[0]
        gone = connection.execute("SELECT count(*) FROM gone_runs").fetchone()[0]
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        return int(old + gone + (free if free > LEAST else 0))


def megabytes(path: Path) -> float:
    """Of the file and its log together."""
    return sum(each.stat().st_size for each in (path, path.with_name(path.name + "-wal")) if each.exists()) / 2**20


async def in_turn(servers: list[harness.Process], path: Path, rate: float, longest: float) -> tuple[list[Load], float]:
    """Rounds of load on each, while the others stand still, until all that is old at `path` is gone; what each has
    seen, and after how many seconds of its own the first one was done."""
    numbers, request, rounds, began = Numbers(), StartRequest(), 0, time.monotonic()
    waits: list[list[float]] = [[] for _ in servers]
    for server in servers:
        os.kill(server.pid, signal.SIGSTOP)
    while await harness.off_loop(lambda: left(path)) and time.monotonic() - began < longest:
        rounds += 1
        for server, seen in zip(servers, waits, strict=True):
            os.kill(server.pid, signal.SIGCONT)
            load = await drive(server.port, request, numbers, connections=8, seconds=SLICE, rate=rate)
            seen.extend(load.latencies)
            os.kill(server.pid, signal.SIGSTOP)
    for server in servers:
        os.kill(server.pid, signal.SIGCONT)
    return [Load(rounds * SLICE, seen) for seen in waits], rounds * SLICE


async def measure(old: int, lines: int, rate: float, minutes: float, where: Path) -> None:
    """All of it, printed."""
    paths = [where / name / "trackdesk.sqlite3" for name in ("deleting", "keeping")]
    for path in paths:
        path.parent.mkdir()
    fill(paths[0], old, lines)
    shutil.copy(paths[0], paths[1])
    print(f"{old:,} old runs, {megabytes(paths[0]):.0f} MB, fdatasync {harness.fdatasync_ms(where):.2f} ms")
    with (
        harness.server(paths[0].parent) as deleting,
        harness.server(paths[1].parent, {"TRACKDESK_RETENTION": "off"}) as keeping,
    ):
        loads, seconds = await in_turn([deleting, keeping], paths[0], rate, minutes * 60)
        rest = left(paths[0])
        print(f"{rest:,} rows and pages left" if rest else f"all gone after {seconds:.0f} s")
        for name, load in zip(("deleting", "keeping"), loads, strict=True):
            shown = ", ".join(f"p{share * 100:g} {load.percentile(share):.1f}" for share in (0.5, 0.95, 0.99, 0.999))
            waited = sum(each > LONG for each in load.latencies)
            longest = max(load.latencies) * 1000
            print(f"{name}: {load.rate:.0f} starts a second, {shown}, longest {longest:.1f} ms, {waited} over 50 ms")
        for name, server in (("deleting", deleting), ("keeping", keeping)):
            print(f"{name}: {server.cpu_seconds():.1f} s of CPU, {server.rss_megabytes():.0f} MB of memory")
    print(f"{megabytes(paths[0]):.0f} MB afterwards, {megabytes(paths[1]):.0f} MB where all was kept")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=3)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--minutes", type=float, default=10)
    chosen = parser.parse_args(arguments)
    with harness.folder() as where:
        harness.run(measure(chosen.old, chosen.lines, chosen.rate, chosen.minutes, where))


if __name__ == "__main__":
    main()
