"""How long triage takes with 50,000 incidents: the first page of every filter in every order, figures, what changed.

    python -m bench.triage [--incidents 50000] [--repeat 20] [--open 0.01] [--file PATH]

Each figure is that of the public function and of its answer made into JSON, read pool and models included. Of the
combinations of a filter and an order the slowest of each filter is shown, and every one that takes over 20 ms of CPU.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import product
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench.lists import NOW, fill
from trackdesk.domain.changes import USUAL_WINDOW
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.filters import IncidentFilter
from trackdesk.domain.incident_stats import IncidentStatsFilter
from trackdesk.domain.instant import format_instant
from trackdesk.domain.model import Value
from trackdesk.runtime import tune
from trackdesk.store import changes, incident_lists, incident_stats
from trackdesk.store.opening import open_database
from trackdesk.store.readers import Readers

GOAL = 20.0
"""Milliseconds at p95."""
RUNS = 100_000
SORTS = ("-opened_at", "opened_at", "-updated_at", "updated_at", "-severity", "severity")
FILTERS: dict[str, dict[str, object]] = {
    "none": {},
    "status=OPEN": {"status": ["OPEN"]},
    "status=CLOSED": {"status": ["CLOSED"]},
    "status=OPEN,TRIAGED,IN_PROGRESS": {"status": ["OPEN", "TRIAGED", "IN_PROGRESS"]},
    "severity=LOW": {"severity": ["LOW"]},
    "severity=CRITICAL": {"severity": ["CRITICAL"]},
    "origin=rule": {"origin": ["rule"]},
    "origin=report": {"origin": ["report"]},
    "service": {"service": ["service-3"]},
    "service, 20 of them": {"service": [f"service-{number}" for number in range(20)]},
    "process": {"process": ["backup-01"]},
    "rule": {"rule": ["rule-7"]},
    "department": {"department": ["ops"]},
    "assignee": {"assignee": ["alice"]},
    "reported_by": {"reported_by": ["dora"]},
    "opened_after": {"opened_after": format_instant(NOW - 2 * DAY)},
    "opened_before": {"opened_before": format_instant(NOW - 20 * DAY)},
    "opened in an hour": {
        "opened_after": format_instant(NOW - 9 * DAY),
        "opened_before": format_instant(NOW - 9 * DAY + HOUR),
    },
    "search, common": {"search": "disk"},
    "search, rare": {"search": "db-17"},
    "search, nothing": {"search": "nothing-like-it"},
    "service + status=CLOSED": {"service": ["service-3"], "status": ["CLOSED"]},
    "service + severity=CRITICAL": {"service": ["service-3"], "severity": ["CRITICAL"]},
    "department + status=OPEN": {"department": ["ops"], "status": ["OPEN"]},
    "department + severity=CRITICAL": {"department": ["ops"], "severity": ["CRITICAL"]},
    "assignee + origin=rule": {"assignee": ["alice"], "origin": ["rule"]},
    "origin=rule + severity=CRITICAL": {"origin": ["rule"], "severity": ["CRITICAL"]},
    "q -status:closed severity:>=high": {"q": "-status:closed severity:>=high"},
    "q -origin:missed": {"q": "-origin:missed"},
    "q process:backup-*": {"q": "process:backup-*"},
    "q opened:<2h": {"q": "opened:<2h"},
    "q -service:service-3": {"q": "-service:service-3"},
    "q title:deadline": {"q": "title:deadline"},
}


class Figure(NamedTuple):
    """Milliseconds."""

    p50: float
    p95: float
    most: float
    cpu: float
    """The most of all threads: what the wall clock would say on cores that are not shared."""


def spread(path: Path, still_open: float) -> None:
    """Give the incidents what `bench.lists` leaves out: origins, services, rules, reporters and times."""
    random = Random(5)
    with closing(open_database(path)) as connection:
        rows = connection.execute("SELECT id, opened_at FROM incidents ORDER BY id").fetchall()
        first_open = len(rows) * (1 - still_open)
        changes_ = []
        for number, opened in rows:
            origin = random.choices(("missed", "failed", "rule", "alert", "report"), (40, 25, 25, 8, 2))[0]
            closed = number <= first_open
            taken = opened + int(random.expovariate(1 / (20 * MINUTE)))
            status = "CLOSED" if closed else random.choice(("OPEN", "TRIAGED", "IN_PROGRESS"))
            changes_.append(
                (
                    origin,
                    f"service-{random.randrange(80)}",
                    f"rule-{random.randrange(40)}" if origin == "rule" else None,
                    random.choice(("dora", "emil")) if origin == "report" else None,
                    status,
                    None if status == "OPEN" else taken,
                    taken + int(random.expovariate(1 / (3 * HOUR))) if closed else None,
                    number,
                )
            )
        connection.execute("BEGIN")
        connection.executemany(
            "UPDATE incidents SET origin = ?, service = ?, rule = ?, reported_by = ?, status = ?, triaged_at = ?, "
            "closed_at = ? WHERE id = ?",
            changes_,
        )
        connection.execute("UPDATE processes SET service = 'service-' || (id % 80)")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def timed(case: Callable[[], Awaitable[object]], repeat: int) -> Figure:
    took, cost = [], []
    await case()
    for _ in range(repeat):
        begun, before = time.perf_counter(), time.process_time()
        answer = await case()
        if isinstance(answer, Value):
            answer.to_json()
        took.append((time.perf_counter() - begun) * 1000)
        cost.append((time.process_time() - before) * 1000)
    return Figure(statistics.median(took), statistics.quantiles(took, n=20)[-1], max(took), max(cost))


def say(name: str, figure: Figure) -> None:
    print(f"{name:<58} {' '.join(f'{each:9.2f}' for each in figure)}", flush=True)


class Bench:
    def __init__(self, readers: Readers, repeat: int) -> None:
        self.readers = readers
        self.repeat = repeat
        self.slow: list[str] = []

    async def time(self, name: str, case: Callable[[], Awaitable[object]]) -> Figure:
        figure = await timed(case, self.repeat)
        if figure.cpu > GOAL:
            self.slow.append(f"{name} ({figure.cpu:.0f} ms)")
        return figure

    async def lists(self) -> None:
        found: dict[str, list[tuple[Figure, str]]] = {}
        for (name, given), sort in product(FILTERS.items(), SORTS):
            wanted = IncidentFilter.model_validate({**given, "sort": sort})

            async def case(wanted: IncidentFilter = wanted) -> object:
                return await incident_lists.page(self.readers, 1, wanted, NOW)

            figure = await self.time(f"{name}, {sort}", case)
            found.setdefault(name, []).append((figure, sort))
        for name, figures in found.items():
            figure, sort = max(figures, key=lambda each: each[0].cpu)
            say(f"{name} (slowest: {sort})", figure)

    async def others(self) -> None:
        month = IncidentStatsFilter()
        year = IncidentStatsFilter.model_validate({"from": format_instant(NOW - 365 * DAY)})

        async def figures(given: IncidentStatsFilter) -> object:
            return await incident_stats.stats(self.readers, 1, given, NOW)

        say("figures of 30 days", await self.time("figures of 30 days", lambda: figures(month)))
        say("figures of all", await self.time("figures of all", lambda: figures(year)))
        row = await self.readers.one("SELECT max(id) FROM incidents WHERE service = 'service-3'")
        assert row is not None
        incident = await incident_lists.get(self.readers, 1, row[0])

        async def changed() -> object:
            return await changes.changes(self.readers, 1, incident, USUAL_WINDOW)

        say("what changed before one", await self.time("what changed before one", changed))
        say("the timeline of one", await self.time("the timeline of one", self.timeline(incident.id)))

    def timeline(self, number: int) -> Callable[[], Awaitable[object]]:
        return lambda: incident_lists.timeline(self.readers, 1, number, IncidentFilter())


async def measure(path: Path, repeat: int) -> list[str]:
    async with Readers(path) as readers:
        row = await readers.one("SELECT count(*), sum(status <> 'CLOSED') FROM incidents")
        assert row is not None
        print(f"{row[0]} incidents, {row[1]} of them open; milliseconds")
        print(f"{'':<58} {'p50':>9} {'p95':>9} {'max':>9} {'CPU':>9}")
        tune()
        bench = Bench(readers, repeat)
        await bench.lists()
        await bench.others()
    return bench.slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--incidents", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--open", type=float, default=0.01, help="share of the incidents that is not CLOSED")
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "triage.db"
        if not path.exists():
            fill(path, RUNS, given.incidents)
            spread(path, given.open)
        slow = asyncio.run(measure(path, given.repeat))
    print(f"CPU over {GOAL:.0f} ms: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
