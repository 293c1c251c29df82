"""How much of raw SQLite's rate is left when 64 coroutines write through the group-commit writer.

    python -m bench.writer [--seconds 2] [--rounds 5] [--uvloop] [--switch 0.0005]

Every round measures all ways in turn, so that only ratios taken in the same seconds are compared. The rows look like
runs: 19 columns with two JSON texts, five indexes, one journal row each. `raw` hands the same rows to `executemany`
with as many a commit as the writer reached by itself.
"""

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import orjson

from trackdesk.store.migrate import migrate
from trackdesk.store.opening import open_database
from trackdesk.store.writer import Tx, Writer

CLIENTS = 64
SCHEMA = """
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL, namespace_id INTEGER NOT NULL,
    process_id INTEGER NOT NULL, id TEXT NOT NULL, attempt INTEGER NOT NULL, status TEXT NOT NULL,
    deadline_status TEXT, started_at INTEGER NOT NULL,
    completed_at INTEGER, deadline INTEGER, warning_at INTEGER, next_due_at INTEGER, tags TEXT NOT NULL,
    context TEXT NOT NULL, category TEXT, service TEXT, triggered_by TEXT, correlation_id TEXT
) STRICT;
CREATE UNIQUE INDEX runs_uid ON runs (uid);
CREATE UNIQUE INDEX runs_attempt ON runs (process_id, id, attempt);
CREATE UNIQUE INDEX runs_active ON runs (process_id, id) WHERE status = 'ACTIVE';
CREATE INDEX runs_due ON runs (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX runs_started ON runs (namespace_id, started_at);
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, namespace_id INTEGER NOT NULL, topic TEXT NOT NULL,
    kind TEXT NOT NULL, ref TEXT NOT NULL, actor TEXT NOT NULL, changed TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_ref ON journal (namespace_id, topic, ref, seq);
"""
INSERT = f"""
INSERT INTO runs (uid, namespace_id, process_id, id, attempt, status, deadline_status, started_at, completed_at,
    deadline, warning_at, next_due_at, tags, context, category, service, triggered_by, correlation_id)
VALUES ({", ".join("?" * 18)})
"""
JOURNAL = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
TAGS = orjson.dumps({"env": "prod", "team": "data", "region": "eu-west-1"}).decode()
CONTEXT = orjson.dumps({"host": "etl-07", "rows": 120_000, "source": "s3://bucket/path/file.parquet"}).decode()
RANDOM = Random(7)


def clock() -> int:
    return time.time_ns() // 1000


def run_row(now: int) -> tuple[Any, ...]:
    uid = f"{now:014x}{RANDOM.getrandbits(24):06x}"
    due = now + RANDOM.randrange(10**9)
    process = RANDOM.randrange(200)
    head = (uid, 1, process, uid, 1, "ACTIVE", "ON_TRACK", now, None, due + 100, due, due)
    return (*head, TAGS, CONTEXT, "etl", "warehouse", "cron", None)


def start_runs(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> Sequence[str | BaseException]:
    tx.executemany(INSERT, rows)
    for row in rows:
        tx.journal(1, "run", "started", row[0], "key:1", {"status": "ACTIVE"})
        tx.wake("agenda", row[11])
    return [row[0] for row in rows]


def start_run(row: tuple[Any, ...]) -> Any:
    return lambda tx: start_runs(tx, [row])[0]


async def through_writer(path: Path, seconds: float, each: bool) -> tuple[float, float, float]:
    """Operations a second, operations a commit, p99 in ms."""
    writer = Writer(path, clock=clock, on_commit=lambda _: None, loop=asyncio.get_running_loop())
    writer.start()
    times: list[float] = []
    until = time.perf_counter() + seconds

    async def client() -> None:
        while (before := time.perf_counter()) < until:
            row = run_row(clock())
            await (writer.run_each(start_runs, row) if each else writer.run(start_run(row)))
            times.append(time.perf_counter() - before)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    took = time.perf_counter() - started
    commits = writer.stats.commits
    await writer.aclose()
    times.sort()
    return len(times) / took, len(times) / commits, times[int(len(times) * 0.99)] * 1000


def raw(path: Path, seconds: float, a_commit: int) -> float:
    with closing(open_database(path)) as connection:
        count, seq = 0, 0
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            rows = [run_row(clock()) for _ in range(a_commit)]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, rows)
            entries = [(seq + n, row[7], 1, "run", "started", row[0], "key:1", "{}") for n, row in enumerate(rows, 1)]
            connection.executemany(JOURNAL, entries)
            connection.execute("COMMIT")
            count += a_commit
            seq += a_commit
        return count / (time.perf_counter() - started)


def fdatasync_ms(folder: Path) -> float:
    """Median of 100 appends of one page."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(bytes(4096))
            before = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - before)
    return statistics.median(times) * 1000


def fresh(folder: Path, name: str) -> Path:
    schema = folder / "schema"
    schema.mkdir(exist_ok=True)
    (schema / "0001_bench.sql").write_text(SCHEMA)
    path = folder / name
    for old in folder.glob(f"{name}*"):
        old.unlink()
    with closing(open_database(path)) as connection:
        migrate(connection, directory=schema)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--switch", type=float, default=0.0005, help="the interpreter's switch interval in seconds")
    parser.add_argument("--folder", type=Path, default=None, help="where the databases are made")
    chosen = parser.parse_args()
    sys.setswitchinterval(chosen.switch)
    if chosen.uvloop:
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    each_of_raw, single_of_raw = [], []
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        print(f"SQLite {sqlite3.sqlite_version}, fdatasync {fdatasync_ms(folder):.2f} ms, {CLIENTS} clients")
        for number in range(chosen.rounds):
            each, a_commit, p99 = asyncio.run(through_writer(fresh(folder, "each.db"), chosen.seconds, True))
            single, _, single_p99 = asyncio.run(through_writer(fresh(folder, "single.db"), chosen.seconds, False))
            bare = raw(fresh(folder, "raw.db"), chosen.seconds, round(a_commit))
            each_of_raw.append(each / bare)
            single_of_raw.append(single / bare)
            print(
                f"{number + 1}: run_each {each:,.0f}/s ({a_commit:.0f} a commit, p99 {p99:.1f} ms) = {each / bare:.2f}"
                f" of raw {bare:,.0f}/s; run {single:,.0f}/s (p99 {single_p99:.1f} ms) = {single / bare:.2f}"
            )
    print(f"median: run_each {statistics.median(each_of_raw):.2f}, run {statistics.median(single_of_raw):.2f} of raw")


if __name__ == "__main__":
    main()
