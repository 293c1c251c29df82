"""How long the lists take when the database is large: p50 and p95 of each filter and sort.

    python -m bench.lists [--runs 1000000] [--incidents 50000] [--repeat 40] [--file PATH]

A fifth of the runs is active, spread over 500 processes; a twentieth of the others failed. With `--file` the database
is kept and used again. Every figure is that of the public function and of its answer made into JSON, read pool and
models included; HTTP adds a tenth of a millisecond. CPU is the median, for cores that are shared.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import orjson

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.filters import IncidentFilter, NotificationFilter, ProcessFilter, RunFilter
from trackdesk.domain.identity import Caller, Role
from trackdesk.domain.model import Value
from trackdesk.domain.run import RunAddress
from trackdesk.runtime import tune
from trackdesk.store import inbox, incident_lists, process_lists, run_lists
from trackdesk.store.migrate import migrate
from trackdesk.store.opening import open_database
from trackdesk.store.readers import Readers
from trackdesk.store.runs import ADD_WORDS
from trackdesk.store.summary import summary

GOAL = 20.0
"""Milliseconds at p95."""
NOW = 1_767_312_000 * SECOND
PROCESSES = 500
CASE = Callable[[], Awaitable[object]]
_ERRORS = ("connection refused by db-{}", "disk full on node {}", "timeout after {} s", "exit code {}")


def names() -> list[str]:
    kinds = ("backup", "import", "report", "sync", "cleanup", "deploy", "billing", "mail", "index", "export")
    return [f"{kind}-{number:02}" for kind in kinds for number in range(PROCESSES // 10)]


def run_rows(count: int, random: Random) -> Iterator[tuple[object, ...]]:
    """As `COLUMNS`; the newest fifth is active, with some stragglers among the old ones."""
    step = 30 * DAY // count
    for seq in range(1, count + 1):
        started = NOW - (count - seq) * step
        active = seq > count * 0.81 or random.random() < 0.0125
        duration = int(random.expovariate(1 / (5 * MINUTE))) + SECOND
        chance, deadline = random.random(), started + random.randrange(1, 90) * 20 * MINUTE
        status = "ACTIVE" if active else "FAILED" if chance < 0.04 else "SKIPPED" if chance < 0.05 else "COMPLETED"
        if random.random() < 0.4:
            deadline_status, due = None, None
        elif status == "COMPLETED":
            due, deadline_status = deadline, "COMPLETED_LATE" if duration > deadline - started else "COMPLETED_ON_TIME"
        else:
            late, close = chance < 0.02, chance < 0.03
            due, deadline_status = deadline, "MISSED" if late else "WARNING" if close else "ON_TRACK"
        tags = {"env": random.choice(("prod", "test", "dev")), "customer": f"c{random.randrange(5000)}"}
        error = random.choice(_ERRORS).format(random.randrange(500)) if status == "FAILED" else None
        yield (
            seq,
            f"{seq:08x}{random.getrandbits(72):018x}",
            random.randrange(PROCESSES) + 1,
            f"run-{random.getrandbits(40):010x}",
            status,
            deadline_status,
            int(active and chance < 0.001),
            started,
            None if active else started + duration,
            due,
            None if active else duration,
            orjson.dumps(tags).decode(),
            orjson.dumps({"host": f"node-{seq % 40}", "pid": seq}).decode(),
            None if error is None else orjson.dumps({"message": error, "backtrace": None}).decode(),
            f"category-{seq % 12}",
            f"service-{seq % 80}",
        )


COLUMNS = (
    "seq, uid, process_id, id, status, deadline_status, stalled, started_at, completed_at, deadline, duration, tags, "
    "context, error, category, service"
)


def fill(path: Path, runs: int, incidents: int) -> None:
    """Indexes are built after the rows, which is four times as fast."""
    random = Random(7)
    with closing(open_database(path)) as connection:
        migrate(connection)
        connection.execute("PRAGMA synchronous = OFF")
        later = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 'runs'"
        ).fetchall()
        for name, _ in later:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO processes (namespace_id, name, created_at, updated_at) VALUES (1, ?, 0, 0)",
            [(name,) for name in names()],
        )
        marks = ", ".join("?" * 16)
        connection.executemany(
            f"INSERT INTO runs ({COLUMNS}, namespace_id, attempt) VALUES ({marks}, 1, 1)", run_rows(runs, random)
        )
        connection.execute(ADD_WORDS)
        connection.execute(
            "INSERT INTO tags (namespace_id, key, value) SELECT DISTINCT 1, j.key, j.value FROM runs, json_each(tags) j"
        )
        connection.execute(
            "INSERT INTO run_tags SELECT t.id, r.started_at, r.seq FROM runs r, json_each(r.tags) j "
            "JOIN tags t ON t.namespace_id = 1 AND t.key = j.key AND t.value = j.value ORDER BY 1, 2, 3"
        )
        for _, sql in later:
            connection.execute(sql)
        for column, condition in (
            ("total", "1"),
            ("active", "status = 'ACTIVE'"),
            ("completed", "status = 'COMPLETED'"),
            ("failed", "status = 'FAILED'"),
        ):
            counted = f"SELECT count(*) FROM runs WHERE process_id = processes.id AND {condition}"
            connection.execute(f"UPDATE processes SET {column} = ({counted})")
        fill_incidents(connection.executemany, incidents, random)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def fill_incidents(insert: Callable[..., object], count: int, random: Random) -> None:
    every = names()
    rows = []
    for number in range(1, count + 1):
        opened = NOW - (count - number) * MINUTE
        rank = random.choices(range(4), (4, 5, 3, 0.1))[0]
        open_one = number > count * 0.99
        rows.append(
            (
                number,
                random.choice(("OPEN", "TRIAGED", "IN_PROGRESS")) if open_one else "CLOSED",
                ("LOW", "MEDIUM", "HIGH", "CRITICAL")[rank],
                rank,
                f"{random.choice(every)} missed its deadline",
                random.choice(_ERRORS).format(random.randrange(500)),
                random.choice(every),
                random.choice((None, "alice", "bob", "carol")),
                random.choice(("default", "ops", "dev")),
                *(opened, opened + HOUR, opened + random.randrange(DAY)),
            )
        )
    insert(
        "INSERT INTO incidents (id, namespace_id, origin, status, severity, severity_rank, title, description, "
        "process, assignee, department, opened_at, last_seen_at, updated_at) "
        "VALUES (?, 1, 'missed', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    insert(
        "INSERT INTO notifications "
        "(id, namespace_id, kind, severity, title, body, incident_id, department, created_at) "
        "VALUES (?, 1, 'opened', ?, ?, ?, ?, ?, ?)",
        [(row[0], row[2], row[4], row[5], row[0], row[8], row[9]) for row in rows],
    )


class Bench:
    def __init__(self, readers: Readers, runs: int, incidents: int, repeat: int) -> None:
        self.readers = readers
        self.runs = runs
        self.incidents = incidents
        self.repeat = repeat
        self.random = Random(11)
        self.slow: list[str] = []

    async def time(self, name: str, case: CASE) -> None:
        took, cost = [], []
        await case()
        for _ in range(self.repeat):
            begun, before = time.perf_counter(), time.process_time()
            answer = await case()
            if isinstance(answer, Value):
                answer.to_json()
            took.append((time.perf_counter() - begun) * 1000)
            cost.append((time.process_time() - before) * 1000)
        p95 = statistics.quantiles(took, n=20)[-1]
        self.slow += [name] if p95 > GOAL else []
        figures = (statistics.median(took), p95, max(took), statistics.median(cost))
        print(f"{name:<58} {' '.join(f'{figure:9.2f}' for figure in figures)}", flush=True)

    def page(self, **given: object) -> CASE:
        """A page of runs; a callable member is called each time, for another value."""

        async def case() -> object:
            values = {name: value() if callable(value) else value for name, value in given.items()}
            return await run_lists.page(self.readers, 1, RunFilter.model_validate(values), NOW)

        return case

    def incident_page(self, **given: object) -> CASE:
        async def case() -> object:
            return await incident_lists.page(self.readers, 1, IncidentFilter.model_validate(given), NOW)

        return case

    async def deep(self, depth: int, **given: object) -> CASE:
        """The page behind `depth` rows."""
        cursor = None
        for _ in range(depth // 1000):
            page = await run_lists.page(
                self.readers, 1, RunFilter.model_validate({**given, "limit": 1000, "cursor": cursor}), NOW
            )
            cursor = page.meta.next or cursor
        return self.page(**given, cursor=cursor)

    async def run_cases(self) -> None:
        every = names()

        def process() -> list[str]:
            return [self.random.choice(every)]

        def customer() -> list[str]:
            return [f"customer:c{self.random.randrange(5000)}"]

        rows = await self.readers.all(
            "SELECT r.uid, p.name, r.id FROM runs r JOIN processes p ON p.id = r.process_id "
            f"WHERE r.seq % {max(self.runs // 1000, 1)} = 0"
        )
        some = [tuple(row) for row in rows]

        async def by_uid() -> object:
            return await run_lists.get(self.readers, 1, RunAddress(uid=self.random.choice(some)[0]))

        async def by_key() -> object:
            _, name, run_id = self.random.choice(some)
            return await run_lists.get(self.readers, 1, RunAddress(process=name, id=run_id))

        await self.time("run by uid", by_uid)
        await self.time("run by process and id", by_key)
        cases: dict[str, dict[str, object]] = {
            "all": {},
            "all, oldest first": {"sort": "started_at"},
            "status=ACTIVE": {"status": ["ACTIVE"]},
            "status=FAILED": {"status": ["FAILED"]},
            "status=FAILED,SKIPPED": {"status": ["FAILED", "SKIPPED"]},
            "deadline_status=MISSED": {"deadline_status": ["MISSED"]},
            "deadline_status=ON_TRACK": {"deadline_status": ["ON_TRACK"]},
            "deadline_status=COMPLETED_ON_TIME": {"deadline_status": ["COMPLETED_ON_TIME"]},
            "stalled": {"stalled": True},
            "process": {"process": process},
            "process, 20 of them": {"process": lambda: self.random.sample(every, 20)},
            "process + status=FAILED": {"process": process, "status": ["FAILED"]},
            "process + status=ACTIVE": {"process": process, "status": ["ACTIVE"]},
            "category": {"category": lambda: [f"category-{self.random.randrange(12)}"]},
            "service": {"service": lambda: [f"service-{self.random.randrange(80)}"]},
            "service + process": {"service": ["service-3"], "process": process},
            "tag, common": {"tag": ["env:prod"]},
            "tag, rare": {"tag": customer},
            "tag, rare and common": {"tag": lambda: [*customer(), "env:prod"]},
            "tag, common + process": {"tag": ["env:prod"], "process": process},
            "id": {"id": lambda: [self.random.choice(some)[2]]},
            "q id:prefix": {"q": lambda: f"id:run-{self.random.getrandbits(12):03x}*"},
            "q -status:COMPLETED": {"q": "-status:COMPLETED"},
            "q process:prefix*": {"q": "process:backup-*"},
            "q started:<2h duration:>10m": {"q": "started:<2d duration:>10m"},
            "running_longer_than=20d": {"running_longer_than": "20d"},
            "search, a process": {"search": lambda: process()[0]},
            "search, a word of many processes": {"search": "backup"},
            "search, an error": {"search": "disk"},
            "search, a rare error": {"search": lambda: f"db-{self.random.randrange(500)}"},
            "search, nothing": {"search": "nothing-like-it"},
            "status=ACTIVE, by deadline": {"status": ["ACTIVE"], "sort": "deadline"},
            "status=ACTIVE + process, by deadline": {"status": ["ACTIVE"], "process": process, "sort": "deadline"},
            "status=ACTIVE + tag, by deadline": {"status": ["ACTIVE"], "tag": ["env:prod"], "sort": "deadline"},
            "all, by completion": {"sort": "-completed_at"},
            "status=FAILED, by completion": {"status": ["FAILED"], "sort": "-completed_at"},
            "deadline_status=MISSED, by completion": {"deadline_status": ["MISSED"], "sort": "-completed_at"},
            "process, by completion": {"process": process, "sort": "-completed_at"},
            "service, by completion": {"service": ["service-3"], "sort": "-completed_at"},
            "process, by duration": {"process": process, "sort": "-duration"},
        }
        for name, given in cases.items():
            await self.time(name, self.page(**given))
        half = self.runs // 2
        await self.time(f"all, behind {half}", await self.deep(half))
        await self.time(
            "status=ACTIVE, by deadline, behind 100000", await self.deep(100_000, status=["ACTIVE"], sort="deadline")
        )
        await self.time("all, 1000 a page", self.page(limit=1000))

    async def other_cases(self) -> None:
        owner = Caller(1, "default", Role.ADMIN, None, "owner")
        cases: dict[str, dict[str, object]] = {
            "incidents": {},
            "incidents, open, by severity": {"q": "-status:closed", "sort": "-severity"},
            "incidents, by update": {"sort": "-updated_at"},
            "incidents, assignee + severity=CRITICAL": {"assignee": ["alice"], "severity": ["CRITICAL"]},
            "incidents, severity=CRITICAL": {"severity": ["CRITICAL"]},
            "incidents, process, by severity": {"process": ["backup-01"], "sort": "-severity"},
            "incidents, department, by update": {"department": ["ops"], "sort": "-updated_at"},
            "incidents, search, common": {"search": "disk"},
            "incidents, search, rare": {"search": "db-17"},
            "incidents, q origin:report (none)": {"q": "origin:report"},
        }
        for name, given in cases.items():
            await self.time(name, self.incident_page(**given))
        await self.time("processes, a page", lambda: process_lists.page(self.readers, 1, ProcessFilter(), NOW))
        late = ProcessFilter.model_validate({"state": ["LATE", "FAILING"]})
        await self.time("processes, late or failing", lambda: process_lists.page(self.readers, 1, late, NOW))
        await self.time("process", lambda: process_lists.get(self.readers, 1, "backup-01"))
        await self.time("inbox", lambda: inbox.page(self.readers, owner, NotificationFilter()))
        unread = NotificationFilter(unread=True)
        await self.time("inbox, unread", lambda: inbox.page(self.readers, owner, unread))
        found = NotificationFilter(search="db-17")
        await self.time("inbox, search", lambda: inbox.page(self.readers, owner, found))
        await self.time("summary", lambda: summary(self.readers, owner, NOW))


async def measure(path: Path, size: float, repeat: int) -> list[str]:
    async with Readers(path) as readers:
        runs, incidents = (await readers.all("SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM incidents)"))[0]
        print(f"{runs} runs, {incidents} incidents, {size:.0f} MiB; milliseconds")
        print(f"{'':<58} {'p50':>9} {'p95':>9} {'max':>9} {'CPU':>9}")
        tune()
        bench = Bench(readers, runs, incidents, repeat)
        await bench.run_cases()
        await bench.other_cases()
    return bench.slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--incidents", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "lists.db"
        if not path.exists():
            begun = time.perf_counter()
            fill(path, given.runs, given.incidents)
            print(f"filled in {time.perf_counter() - begun:.0f} s")
        slow = asyncio.run(measure(path, path.stat().st_size / 2**20, given.repeat))
    print(f"p95 over {GOAL:.0f} ms: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
