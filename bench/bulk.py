"""`/v1/ingest`, 500 lines a request, against stdlib `executemany` of the same rows into a copy of the schema.

    python -m bench.bulk [--rounds 5] [--requests 20] [--lines 500]

Each round sends requests one after the other over one connection, then puts the very rows that the server wrote for
them (runs with their tags, log lines, the names of lines, the journal) into another file of the same schema, opened in
the same way: the same columns, a request's rows a commit, and Python's module for SQLite as it comes, without the
adapter that trackdesk gives it. What the copy is spared: HTTP, JSON, every check, ids to be drawn and keys to be looked
up, the counts of the process (one statement for a batch), and that a request may be written in more commits than one.
"""

import argparse
import http.client
import json
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bench import harness
from trackdesk.store.migrate import migrate
from trackdesk.store.opening import open_database
from trackdesk.store.runs import NewRun

HEADERS = {"X-API-Key": harness.OWNER_KEY, "Content-Type": "application/x-ndjson"}
RUNS = 10
"""Over how many runs log lines are spread, and over how many processes runs."""
TABLES = {"log": ("logs",), "run.start": ("runs", "run_tags", "journal")}
COLUMNS = {"runs": ", ".join(NewRun._fields)}
"""Of tables of which a row is not written as a whole."""
AFTER = {"logs": "id", "runs": "seq", "run_tags": "run_seq", "journal": "seq", "ingest_uids": "rowid"}


def log_line(number: int) -> dict[str, Any]:
    return {
        "kind": "log",
        "process": "bulk",
        "id": f"n{number % RUNS}",
        "message": f"batch {number} of many: 311 rows written to warehouse.orders",
        "level": "INFO",
        "logged_at": f"2026-01-02T03:{number // 60_000 % 60:02d}:{number // 1000 % 60:02d}.{number % 1000 * 1000:06d}Z",
        "seq": number,
    }


def start_line(number: int) -> dict[str, Any]:
    return {
        "kind": "run.start",
        "process": f"import-{number % RUNS}",
        "id": f"{number:012d}",
        "deadline": "45m",
        "tags": {"env": "prod", "team": "data-platform"},
        "context": {"host": "etl-07.internal.example", "rows": 120_000},
        "triggered_by": "cron",
    }


MAKERS = {"log": log_line, "run.start": start_line}


def bodies(kind: str, first: int, requests: int, lines: int, uids: bool) -> list[bytes]:
    """What is sent, made before the time is taken."""
    made = []
    for request in range(requests):
        numbers = range(first + request * lines, first + (request + 1) * lines)
        every = [MAKERS[kind](number) for number in numbers]
        if uids:
            every = [{**line, "uid": f"{kind}-{number:016x}"} for line, number in zip(every, numbers, strict=True)]
        made.append(b"".join(json.dumps(line).encode() + b"\n" for line in every))
    return made


class Copy:
    """A database of the same schema, into which rows go by `executemany` alone."""

    def __init__(self, source: Path, path: Path) -> None:
        self._source = source
        self._connection = open_database(path)
        migrate(self._connection)
        self._connection.execute("PRAGMA foreign_keys = OFF")  # what the rows refer to is in the other file
        self._last: dict[str, int] = {}

    def take(self, tables: tuple[str, ...], batches: int) -> tuple[float, float]:
        """Rows a second, of the first table, for what was added to the source since the last time; and µs of CPU a
        row."""
        new = {table: rows for table in tables if (rows := self._new(table))}
        count = len(new[tables[0]])
        execute, many = self._connection.execute, self._connection.executemany
        parts = [
            [
                (table, rows[number * len(rows) // batches : (number + 1) * len(rows) // batches])
                for number in range(batches)
            ]
            for table, rows in new.items()
        ]
        inserts = {
            table: f"INSERT INTO {table} {_named(table)} VALUES ({', '.join('?' * len(rows[0]))})"
            for table, rows in new.items()
        }
        sqlite3.adapters.pop((type(None), sqlite3.PrepareProtocol), None)
        started, before = time.perf_counter(), time.process_time()
        for batch in zip(*parts, strict=True):
            execute("BEGIN IMMEDIATE")
            for table, rows in batch:
                many(inserts[table], rows)
            execute("COMMIT")
        cost = (time.process_time() - before) / max(count, 1) * 1e6
        return count / (time.perf_counter() - started), cost

    def _new(self, table: str) -> list[tuple[Any, ...]]:
        column = AFTER[table]
        with closing(sqlite3.connect(self._source)) as source:
            if table == "ingest_uids":
                rows = source.execute("SELECT * FROM ingest_uids ORDER BY taken_at").fetchall()
                done = self._last.get(table, 0)
                self._last[table] = len(rows)
                return rows[done:]
            rows = source.execute(
                f"SELECT {COLUMNS.get(table, '*')} FROM {table} WHERE {column} > ? ORDER BY {column}",
                (self._last.get(table, 0),),
            ).fetchall()
            self._last[table] = source.execute(f"SELECT max({column}) FROM {table}").fetchone()[0] or 0
        return rows

    def close(self) -> None:
        self._connection.close()


def _named(table: str) -> str:
    return f"({COLUMNS[table]})" if table in COLUMNS else ""


def send(connection: http.client.HTTPConnection, made: list[bytes], lines: int) -> float:
    """Lines a second."""
    started = time.perf_counter()
    for body in made:
        connection.request("POST", "/v1/ingest", body, HEADERS)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        if answer.status != 200 or told["accepted"] != lines:
            raise RuntimeError(f"{answer.status}: {str(told)[:300]}")
    return len(made) * lines / (time.perf_counter() - started)


def compare(chosen: argparse.Namespace, where: Path) -> None:
    """Rounds in turn, medians of their ratios."""
    ratios: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    first = 0
    with harness.server(where / "data") as ours:
        connection = http.client.HTTPConnection("127.0.0.1", ours.port)
        for number in range(RUNS):
            ours.call("POST", "/v1/processes/bulk", json.dumps({"id": f"n{number}"}))
        copy = Copy(where / "data" / "trackdesk.sqlite3", where / "copy.sqlite3")
        copy.take(("runs", "run_tags", "journal"), 1)
        for number in range(chosen.rounds + 1):
            for kind, tables in TABLES.items():
                for uids in (False, True):
                    made = bodies(kind, first, chosen.requests, chosen.lines, uids)
                    first += chosen.requests * chosen.lines
                    before = ours.cpu_seconds()
                    rate = send(connection, made, chosen.lines)
                    cost = (ours.cpu_seconds() - before) / (chosen.requests * chosen.lines) * 1e6
                    raw, raw_cost = copy.take((*tables, "ingest_uids") if uids else tables, chosen.requests)
                    if not number:
                        continue  # to warm up
                    name = f"{kind} with uid" if uids else kind
                    ratios.setdefault(name, []).append(rate / raw)
                    costs.setdefault(name, []).append(raw_cost / cost)
                    ours_is = f"{rate:,.0f}/s ({cost:.0f} µs CPU a line)"
                    print(f"{number}: {name}: {ours_is}, raw {raw:,.0f}/s ({raw_cost:.0f} µs): {rate / raw:.2f}")
        copy.close()
        for name, found in ratios.items():
            by_cpu = statistics.median(costs[name])
            print(f"median {name}: {statistics.median(found):.2f} of executemany (by CPU {by_cpu:.2f})")
        print(f"{chosen.lines} lines a request, fdatasync {harness.fdatasync_ms(where):.2f} ms")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--lines", type=int, default=500)
    chosen = parser.parse_args(arguments)
    harness.pin(harness.last_core())
    with harness.folder() as where:
        compare(chosen, where)


if __name__ == "__main__":
    main()
