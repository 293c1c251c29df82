"""How long figures over time take when the database is large, and how long it takes to count it up.

    python -m bench.stats [--runs 1000000] [--repeat 20] [--file PATH]

The runs of `bench.lists`: 30 days of 500 processes. Every figure is that of the public function with the JSON of its
answer, read pool and models included.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench import harness
from bench.lists import NOW, fill
from trackdesk.domain.analytics import StatsFilter, TagStatsFilter
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.identity import Caller, Role
from trackdesk.domain.instant import format_instant
from trackdesk.domain.model import Value
from trackdesk.engine.rollups import Rollups
from trackdesk.runtime import tune
from trackdesk.store.analytics import run_stats
from trackdesk.store.opening import open_database
from trackdesk.store.readers import Readers
from trackdesk.store.summary import summary
from trackdesk.store.tag_analytics import tag_stats
from trackdesk.store.writer import Writer

GOAL = 100.0
"""Milliseconds at p95 for a month."""
MONTH = {"from": format_instant(NOW - 30 * DAY)}
CASES: dict[str, dict[str, Any]] = {
    "all, by hour": {**MONTH, "bucket": "hour"},
    "all, by day": {**MONTH, "bucket": "day"},
    "one process, by hour": {**MONTH, "bucket": "hour", "process": ["backup-07"]},
    "one tag, by hour": {**MONTH, "bucket": "hour", "tag": ["env:prod"]},
    "by process, by day": {**MONTH, "bucket": "day", "group_by": "process"},
    "by process, by day, 100 of them": {**MONTH, "bucket": "day", "group_by": "process", "groups": 100},
    "by process, by hour, 12 of them": {**MONTH, "bucket": "hour", "group_by": "process", "groups": 12},
    "by process, by day in Berlin": {**MONTH, "bucket": "day", "group_by": "process", "timezone": "Europe/Berlin"},
    "by tag, by day": {**MONTH, "bucket": "day", "group_by": "tag", "tag_key": "env"},
    "by tag with 5,000 values, by day": {**MONTH, "bucket": "day", "group_by": "tag", "tag_key": "customer"},
    "one process and one tag, by day": {**MONTH, "bucket": "day", "process": ["backup-07"], "tag": ["env:prod"]},
    "all, 24 h by hour": {"from": format_instant(NOW - DAY), "bucket": "hour"},
    "all, 1 h by minute": {"from": format_instant(NOW - 60 * MINUTE), "bucket": "minute", "histogram": True},
}


class Standing:
    """The clock stands still."""

    def now(self) -> int:
        return NOW

    def monotonic(self) -> int:
        return NOW

    async def wait(self, event: asyncio.Event, timeout: int) -> bool:
        raise NotImplementedError("nobody waits here")


async def count_up(path: Path) -> None:
    """All of it at once, as the first start after an upgrade does; and what the writer was kept busy for."""
    clock = Standing()
    writer = Writer(path, clock=clock.now)
    writer.start()
    try:
        async with Readers(path) as readers:
            longest = [0.0]
            run = writer.run

            async def timed(op: Callable[..., Any]) -> Any:
                begun = time.perf_counter()
                answer = await run(op)
                longest[0] = max(longest[0], time.perf_counter() - begun)
                return answer

            writer.run = timed  # type: ignore[method-assign]
            begun = time.perf_counter()
            await Rollups(clock, writer, readers).catch_up()
            took = time.perf_counter() - begun
    finally:
        await writer.aclose()
    runs = ask(path, "SELECT count(*) FROM runs WHERE completed_at IS NOT NULL")
    print(f"counted up in {took:.1f} s, {took / runs * 1e6:.0f} µs a run; longest operation {longest[0] * 1000:.0f} ms")


def ask(path: Path, sql: str) -> int:
    with closing(open_database(path)) as connection:
        return int(connection.execute(sql).fetchone()[0])


async def timed(name: str, repeat: int, case: Callable[[], Awaitable[Value]]) -> bool:
    """Prints p50 and p95 in ms; whether it is over the goal."""
    await case()
    took, cpu, size = [], [], 0
    for _ in range(repeat):
        begun, used = time.perf_counter(), time.process_time()
        size = len((await case()).to_json())
        took.append((time.perf_counter() - begun) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    slow = harness.percentile(took, 0.95)
    print(
        f"{name:<40} {statistics.median(took):>8.1f} {slow:>8.1f} {statistics.median(cpu):>8.1f} {size // 1024:>6} KiB"
    )
    return slow > GOAL


def print_plain(path: Path) -> None:
    """What it would cost without roll-ups: counts and averages by hour in SQL, without percentiles."""
    with closing(open_database(path)) as connection:
        begun, used = time.perf_counter(), time.process_time()
        connection.execute(
            "SELECT completed_at / ?, status, count(*), avg(duration) FROM runs INDEXED BY runs_by_completion "
            "WHERE namespace_id = 1 AND completed_at >= ? AND completed_at IS NOT NULL GROUP BY 1, 2",
            (HOUR, NOW - 30 * DAY),
        ).fetchall()
        wall, cpu = (time.perf_counter() - begun) * 1000, (time.process_time() - used) * 1000
    print(f"{'(plain SQL over the runs, no percentiles)':<40} {wall:>8.1f} {'':>8} {cpu:>8.1f}")


async def measure(path: Path, repeat: int) -> list[str]:
    owner = Caller(1, "default", Role.ADMIN, None, "owner")
    slow = []
    async with Readers(path) as readers:
        print(f"{'':<40} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8}")
        print_plain(path)
        tune()
        for name, given in CASES.items():
            query = StatsFilter.model_validate(given)
            if await timed(name, repeat, lambda query=query: run_stats(readers, 1, query, NOW)):  # type: ignore[misc]
                slow.append(name)
        tags = TagStatsFilter.model_validate(MONTH)
        if await timed("tags", repeat, lambda: tag_stats(readers, 1, tags, NOW)):
            slow.append("tags")
        if await timed("summary", repeat, lambda: summary(readers, owner, NOW)):
            slow.append("summary")
    return slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "stats.db"
        if not path.exists():
            fill(path, given.runs, 1000)
        before = path.stat().st_size
        if not ask(path, "SELECT count(*) FROM rollup_cursors"):
            harness.run(count_up(path))
        rows = ask(path, "SELECT count(*) FROM rollups")
        print(f"{rows} rows of roll-ups, {(path.stat().st_size - before) / 2**20:.0f} of {before / 2**20:.0f} MiB")
        slow = harness.run(measure(path, given.repeat))
    print(f"p95 over {GOAL:.0f} ms: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
