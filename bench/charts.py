"""How long charts of metrics take when very many samples are stored, and what the server does meanwhile.

    python -m bench.charts [--samples 10000000] [--repeat 20] [--file PATH] [--idle 30]

Samples of 50 services, each of latency in 4 series and of one other type, every 30 seconds: of the last two weeks as
they came, of 90 days counted up. Every figure is that of the public function with the JSON of its answer, read pool and
models included. At last a server over the same file, with nothing to do.
"""

import argparse
import asyncio
import math
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from bench import harness
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.measures import Measures, Row, pack
from trackdesk.domain.metric_chart import ChartFilter
from trackdesk.engine.metric_rollups import MetricRollups
from trackdesk.store.database import migrate, open_database
from trackdesk.store.metric_cells import PACKS
from trackdesk.store.metric_charts import chart
from trackdesk.store.readers import Readers
from trackdesk.store.writer import Writer

GOAL = 100.0
"""Milliseconds at p95 of any chart."""
NOW = 1_790_000_000 * SECOND // DAY * DAY + 10 * HOUR + 37 * MINUTE + 20 * SECOND
DAYS, RAW_DAYS = 90, 14
SERVICES, HOSTS = 50, 4
EVERY = 30 * SECOND
TEMPLATES = 30
"""Days of which all are made; none has the same neighbours twice in a row."""


class Day(NamedTuple):
    """A day of one series: when (µs since midnight) what was measured, and that counted up."""

    samples: list[tuple[int, float]]
    minutes: list[bytes]
    """Packs, by hour."""
    hours: list[Row]
    """Their last samples since midnight."""
    whole: Row


def made_day(random: Random) -> Day:
    """More at noon than at night, with a tail."""
    samples = []
    for at in range(0, DAY, EVERY):
        load = 1.5 - math.cos(at / DAY * 2 * math.pi)
        value = round(40 * load * random.lognormvariate(0, 0.4), 2)
        samples.append((at + random.randrange(SECOND), value))
    whole, hours, minutes = Measures(), [], []
    for hour in range(24):
        of_hour, cells = Measures(), []
        for minute in range(60):
            cell = Measures()
            first = (hour * 60 + minute) * MINUTE // EVERY
            cell.add_all(samples[first : first + MINUTE // EVERY])
            cells.append((minute, cell.row()))
            of_hour.take(*cell.row())
        minutes.append(pack(hour * HOUR, cells))
        hours.append(of_hour.row())
        whole.take(*of_hour.row())
    return Day(samples, minutes, hours, whole.row())


def moved(row: Row, by: int) -> Row:
    """With its last sample so much (µs) later."""
    return (*row[:4], row[4] + by, *row[5:])


def fill(path: Path, count: int) -> None:
    """So many samples up to now, and what counting them up would have left; 2 minutes."""
    random = Random(7)
    days = [made_day(random) for _ in range(TEMPLATES)]
    today = NOW // DAY * DAY
    with closing(open_database(path)) as connection:
        migrate(connection)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        series = make_series(connection)
        for index in range(DAYS + 1):
            fill_day(connection, series, days, today - index * DAY, index)
        fill_days(connection, series, days, today)
        counted = fill_samples(connection, series, days, count)
        hour = NOW // HOUR * HOUR
        connection.execute(
            "INSERT INTO metric_counted (id, samples_to, minutes_to, days_to) VALUES (1, ?, ?, ?)",
            (counted, hour, today),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make_series(connection: sqlite3.Connection) -> list[int]:
    for number in range(SERVICES):
        connection.execute(
            "INSERT INTO services (namespace_id, name, created_at, updated_at) VALUES (1, ?, 0, 0)",
            (f"service-{number:02d}",),
        )
        kinds = [("LATENCY_MS", f'{{"host":"n{host}"}}') for host in range(HOSTS)] + [("ERROR_RATE", "{}")]
        for metric_type, tags in kinds:
            connection.execute(
                "INSERT INTO series (namespace_id, service_id, metric_type, tags) VALUES (1, ?, ?, ?)",
                (number + 1, metric_type, tags),
            )
    return [row[0] for row in connection.execute("SELECT id FROM series ORDER BY id")]


def which(days: list[Day], series: int, at: int) -> Day:
    return days[(series * 7 + at // DAY * (1 + series % 5)) % len(days)]


def families(series: list[int]) -> dict[int, list[int]]:
    """The series of each service and type, by the id under which hours and days of them together are kept."""
    found: dict[int, list[int]] = {}
    for first in range(0, len(series), HOSTS + 1):
        hosts = series[first : first + HOSTS]
        found[-hosts[0]] = hosts
        found[-series[first + HOSTS]] = [series[first + HOSTS]]
    return found


def together(rows: list[Row]) -> Row:
    every = Measures()
    for row in rows:
        every.take(*row)
    return every.row()


def fill_day(connection: sqlite3.Connection, series: list[int], days: list[Day], midnight: int, index: int) -> None:
    """Minutes and hours as they are when the day, or of today the hours before this one, are counted."""
    hours = 24 if index else (NOW - midnight) // HOUR
    packs: list[tuple[int, int, int, bytes]] = []
    cells: list[tuple[Any, ...]] = []
    for each in series:
        day = which(days, each, midnight)
        packs += [(0, each, midnight + hour * HOUR, day.minutes[hour]) for hour in range(hours)]
    for each, members in ({each: [each] for each in series} | families(series)).items():
        theirs = [which(days, member, midnight) for member in members]
        rows = [(hour, moved(together([day.hours[hour] for day in theirs]), midnight)) for hour in range(hours)]
        if index:
            packs.append((1, each, midnight, pack(midnight, rows, small=False)))
        else:
            cells += [(1, each, midnight + hour * HOUR, *row) for hour, row in rows]
    connection.executemany("INSERT INTO metric_packs VALUES (?, ?, ?, ?)", packs)
    connection.executemany(f"INSERT INTO metric_cells VALUES ({', '.join('?' * 10)})", cells)


def fill_days(connection: sqlite3.Connection, series: list[int], days: list[Day], today: int) -> None:
    """Whole days, 32 in a pack."""
    starts = {(today - index * DAY) // PACKS[2] * PACKS[2] for index in range(1, DAYS + 1)}
    for each, members in ({each: [each] for each in series} | families(series)).items():
        for start in starts:
            midnights = range(max(start, today - DAYS * DAY), min(start + PACKS[2], today), DAY)
            rows = []
            for at in midnights:
                whole = together([which(days, member, at).whole for member in members])
                rows.append(((at - start) // DAY, moved(whole, at)))
            if rows:
                values = (2, each, start, pack(start, rows, small=False))
                connection.execute("INSERT INTO metric_packs VALUES (?, ?, ?, ?)", values)


def samples_between(
    series: list[int], days: list[Day], start: int, end: int, number: int
) -> Iterator[tuple[int, int, int, float]]:
    """In the order of time, numbered from behind `number`."""
    for midnight in range(start // DAY * DAY, end, DAY):
        theirs = [(each, which(days, each, midnight).samples) for each in series]
        for slot in range(DAY // EVERY):
            if start <= midnight + slot * EVERY < end:
                for each, samples in theirs:
                    at, value = samples[slot]
                    number += 1
                    yield number, each, midnight + at, value


def fill_samples(connection: sqlite3.Connection, series: list[int], days: list[Day], count: int) -> int:
    """The newest `count` but for those of the last minute; gives how many of them are of before this hour."""
    first = max(NOW - count * EVERY // len(series), NOW - RAW_DAYS * DAY)
    index = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'samples_by_series'").fetchone()[0]
    connection.execute("DROP INDEX samples_by_series")
    insert = "INSERT INTO samples VALUES (?, ?, ?, ?)"
    connection.executemany(insert, samples_between(series, days, first, NOW - MINUTE, 0))
    connection.execute(index)
    before = "SELECT count(*) FROM samples WHERE recorded_at < ?"
    return int(connection.execute(before, (NOW // HOUR * HOUR,)).fetchone()[0])


def fill_last_minute(path: Path) -> None:
    """Samples that are not counted yet."""
    random = Random(7)
    days = [made_day(random) for _ in range(TEMPLATES)]
    with closing(open_database(path)) as connection:
        series = [row[0] for row in connection.execute("SELECT id FROM series ORDER BY id")]
        last = connection.execute("SELECT max(id) FROM samples").fetchone()[0]
        rows = samples_between(series, days, NOW - MINUTE, NOW - EVERY, last)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO samples VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")


class Standing:
    """The clock stands still."""

    def now(self) -> int:
        return NOW

    def monotonic(self) -> int:
        return NOW

    async def wait(self, event: asyncio.Event, timeout: int) -> bool:
        raise NotImplementedError("nobody waits here")


async def count_hour(path: Path) -> None:
    """The hour that is not over, but for its last minute, as the server's own worker counts it."""
    writer = Writer(path, clock=Standing().now)
    writer.start()
    try:
        async with Readers(path) as readers:
            rollups = MetricRollups(Standing(), writer, readers)
            began, used, before = time.perf_counter(), time.process_time(), ask(path, _COUNTED)
            await rollups.catch_up()
            wall, cpu = time.perf_counter() - began, time.process_time() - used
            samples = ask(path, _COUNTED) - before
    finally:
        await writer.aclose()
    print(f"counted {samples:,} samples in {wall:.1f} s, {cpu / samples * 1e6:.1f} µs of CPU each")


_COUNTED = "SELECT samples_to FROM metric_counted"


def ask(path: Path, sql: str) -> int:
    with closing(open_database(path)) as connection:
        return int(connection.execute(sql).fetchone()[0])


RANGES = {"1 h": HOUR, "24 h": DAY, "7 d": 7 * DAY, "30 d": 30 * DAY, "90 d": 90 * DAY}
WHOM: dict[str, dict[str, Any]] = {
    "one series": {"service": ["service-07"], "tag": ["host:n1"]},
    "one service": {"service": ["service-07"]},
    "all together": {},
    "all by service": {"group_by": "service"},
}
MORE: dict[str, tuple[int, dict[str, Any]]] = {
    "one series, 24 h by minute": (DAY, {**WHOM["one series"], "bucket": "minute"}),
    "one series, 30 d by hour": (30 * DAY, {**WHOM["one series"], "bucket": "hour"}),
    "one service, 1 h by 5 s": (HOUR, {**WHOM["one service"], "bucket": "5s"}),
    "one service, 24 h by 5 m": (DAY, {**WHOM["one service"], "bucket": "5m"}),
    "one service, 3 d by 5 m": (3 * DAY, {**WHOM["one service"], "bucket": "5m"}),
    "one service, 30 d by hour": (30 * DAY, {**WHOM["one service"], "bucket": "hour"}),
    "five services, 24 h by 15 m": (
        DAY,
        {"service": [f"service-{each:02d}" for each in range(5)], "group_by": "service", "bucket": "15m"},
    ),
    "all by service, 30 d by day": (30 * DAY, {"group_by": "service", "bucket": "day"}),
}


def cases() -> Iterator[tuple[str, ChartFilter]]:
    """Those with points as the console asks, and some with a bucket."""
    asked = [(f"{whom}, {name}", length, given) for whom, given in WHOM.items() for name, length in RANGES.items()]
    for name, length, given in [*asked, *((name, *more) for name, more in MORE.items())]:
        start = {"from": format_instant(NOW - length)}
        yield name, ChartFilter.model_validate({"metric_type": "LATENCY_MS", **start, **given})


async def measure(path: Path, repeat: int) -> list[str]:
    """Prints p50, p95 and CPU in ms; gives those over the goal."""
    slow = []
    async with Readers(path) as readers:
        print(f"{'':<30} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8} {'bucket':>8} {'rows':>6}")
        for name, query in cases():
            found = await chart(readers, 1, query, NOW)
            took, cpu = [], []
            for _ in range(repeat):
                begun, used = time.perf_counter(), time.process_time()
                found = await chart(readers, 1, query, NOW)
                found.to_json()
                took.append((time.perf_counter() - begun) * 1000)
                cpu.append((time.process_time() - used) * 1000)
            worst = harness.percentile(took, 0.95)
            bucket = format_duration(found.meta.bucket)
            print(
                f"{name:<30} {statistics.median(took):>8.1f} {worst:>8.1f} {statistics.median(cpu):>8.1f} "
                f"{bucket:>8} {len(found.data):>6}"
            )
            if worst > GOAL:
                slow.append(name)
    return slow


def idle(path: Path, seconds: float) -> None:
    """What a server with nothing to do uses, once it has come to rest."""
    kept = {f"TRACKDESK_RETENTION{what}": "off" for what in ("", "_SAMPLES", "_MINUTES", "_HOURS")}
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        data = Path(folder)
        (data / "trackdesk.sqlite3").hardlink_to(path)
        with harness.server(data, kept) as server:
            time.sleep(10)
            before = server.cpu_seconds()
            time.sleep(seconds)
            used = server.cpu_seconds() - before
            print(f"idle: {used / seconds * 100:.2f} % of a core over {seconds:.0f} s, {server.rss_megabytes():.0f} MB")


def sizes(path: Path) -> str:
    """Bytes of each table with its indexes, where SQLite can tell."""
    names = ("samples", "samples_by_series", "metric_packs", "metric_cells")
    with closing(open_database(path)) as connection:
        try:
            rows = dict(
                connection.execute(
                    f"SELECT name, sum(pgsize) FROM dbstat WHERE name IN ({', '.join('?' * len(names))}) GROUP BY name",
                    names,
                )
            )
        except sqlite3.OperationalError:
            return "its parts can't be told apart with this SQLite"
    return ", ".join(f"{name} {rows[name] / 2**20:.0f} MiB" for name in names)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--file", type=Path, help="keep the database here, and use it when it is there")
    parser.add_argument("--idle", type=float, default=30)
    given = parser.parse_args(arguments)
    with harness.folder() as folder:
        path = given.file or folder / "charts.db"
        if not path.exists():
            began = time.monotonic()
            fill(path, given.samples)
            harness.run(count_hour(path))
            fill_last_minute(path)
            print(f"made in {time.monotonic() - began:.0f} s")
        print(f"{ask(path, 'SELECT count(*) FROM samples'):,} samples; {sizes(path)}")
        slow = harness.run(measure(path, given.repeat))
        if given.idle:
            idle(path, given.idle)
    print(f"p95 over {GOAL:.0f} ms: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
