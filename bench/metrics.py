"""`POST /v1/metrics`: single samples against a bare aiohttp handler that validates the same body with the same model
and answers as many bytes; batches against stdlib `executemany` of the same rows into a copy of the schema; then idle.

    python -m bench.metrics [--rounds 5] [--seconds 3] [--connections 64] [--services 20] [--batch 500] [--requests 40]
                            [--idle 10]

What the copy is spared: HTTP, JSON, every check, and handing on what was committed.
"""

import argparse
import http.client
import json
import sqlite3
import statistics
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import harness
from bench.bare import SAMPLE_BYTES
from bench.load import Load, Numbers, drive
from trackdesk.store.migrate import migrate
from trackdesk.store.opening import open_database

TYPES = ("LATENCY_MS", "ERROR_RATE", "PACKET_LOSS")


def sample(number: int, services: int) -> dict[str, Any]:
    """Of one of three series of one of so many services."""
    return {
        "service": f"checkout-{number % services:03d}",
        "metric_type": TYPES[number % len(TYPES)],
        "value": round(100 + number % 997 / 7, 3),
        "recorded_at": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "tags": {"env": "prod", "region": "eu-west-1"},
    }


class SampleRequest:
    """The bytes of one sample; a few thousand are made before the time is taken, and sent in turn."""

    def __init__(self, services: int) -> None:
        self._made = [self._bytes(json.dumps(sample(number, services)).encode()) for number in range(2_000)]
        self.body_bytes = len(json.dumps(sample(0, services)))

    def _bytes(self, body: bytes) -> bytes:
        head = (
            f"POST /v1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {harness.OWNER_KEY}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def __call__(self, number: int) -> bytes:
        return self._made[number % len(self._made)]


async def _round(process: harness.Process, request: SampleRequest, chosen: argparse.Namespace) -> tuple[Load, float]:
    """The load, and the µs of CPU that one request took."""
    before = process.cpu_seconds()
    load = await drive(process.port, request, Numbers(), connections=chosen.connections, seconds=chosen.seconds)
    return load, (process.cpu_seconds() - before) / max(len(load.latencies), 1) * 1e6


async def single(ours: harness.Process, chosen: argparse.Namespace) -> None:
    """Rounds in turn, medians of their ratios."""
    request = SampleRequest(chosen.services)
    answer = ours.call("POST", "/v1/metrics", json.dumps(sample(0, chosen.services)))[1]
    if abs(len(answer) - SAMPLE_BYTES) > 5:
        print(f"note: the answer has {len(answer)} bytes, the bare handler's {SAMPLE_BYTES}")
    ratios, costs, p99s = [], [], []
    with harness.bare() as bare:
        for number in range(chosen.rounds + 1):
            one, one_cpu = await _round(ours, request, chosen)
            other, other_cpu = await _round(bare, request, chosen)
            if not number:
                continue  # to warm up
            ratios.append(one.rate / other.rate)
            costs.append(other_cpu / one_cpu)
            p99s.append(one.percentile(0.99))
            print(
                f"{number}: trackdesk {one.rate:,.0f}/s (p50 {one.percentile(0.5):.1f}, p99 {p99s[-1]:.1f} ms, "
                f"{one_cpu:.0f} µs CPU), bare {other.rate:,.0f}/s ({other_cpu:.0f} µs): {ratios[-1]:.0%}"
                + (f"; refused {one.refused}" if one.refused else "")
            )
    print(
        f"median single: {statistics.median(ratios):.0%} of bare (by CPU {statistics.median(costs):.0%}), p99 "
        f"{statistics.median(p99s):.1f} ms, {chosen.connections} connections, body {request.body_bytes} bytes"
    )


class Copy:
    """A database of the same schema, into which samples go by `executemany` alone."""

    def __init__(self, source: Path, path: Path) -> None:
        self._source = source
        self._connection = open_database(path)
        migrate(self._connection)
        self._last = 0

    def take(self, batches: int) -> tuple[float, float]:
        """Rows a second for what was added to the source since the last time, and µs of CPU a row."""
        with closing(sqlite3.connect(self._source)) as source:
            rows = source.execute("SELECT * FROM samples WHERE id > ? ORDER BY id", (self._last,)).fetchall()
        self._last = rows[-1][0] if rows else self._last
        size = max(1, len(rows) // batches)
        execute, many = self._connection.execute, self._connection.executemany
        started, before = time.perf_counter(), time.process_time()
        for place in range(0, len(rows), size):
            execute("BEGIN IMMEDIATE")
            many(
                "INSERT INTO samples (id, series_id, recorded_at, value) VALUES (?, ?, ?, ?)",
                rows[place : place + size],
            )
            execute("COMMIT")
        cost = (time.process_time() - before) / max(len(rows), 1) * 1e6
        return len(rows) / (time.perf_counter() - started), cost

    def close(self) -> None:
        self._connection.close()


def batches(ours: harness.Process, chosen: argparse.Namespace, where: Path) -> None:
    """One request after the other over one connection, then the very rows into the copy, as many a commit."""
    ratios, costs = [], []
    copy = Copy(where / "data" / "trackdesk.sqlite3", where / "copy.sqlite3")
    copy.take(1)
    connection = http.client.HTTPConnection("127.0.0.1", ours.port)
    count = chosen.requests * chosen.batch
    for number in range(chosen.rounds + 1):
        made = [
            json.dumps([sample(request * chosen.batch + place, chosen.services) for place in range(chosen.batch)])
            for request in range(chosen.requests)
        ]
        before, started = ours.cpu_seconds(), time.perf_counter()
        for body in made:
            connection.request("POST", "/v1/metrics", body, harness.HEADERS)
            answer = connection.getresponse()
            told = json.loads(answer.read())
            if answer.status != 201 or told["accepted"] != chosen.batch:
                raise RuntimeError(f"{answer.status}: {str(told)[:300]}")
        rate = count / (time.perf_counter() - started)
        cost = (ours.cpu_seconds() - before) / count * 1e6
        raw, raw_cost = copy.take(chosen.requests)
        if not number:
            continue  # to warm up
        ratios.append(rate / raw)
        costs.append(raw_cost / cost)
        print(
            f"{number}: batches {rate:,.0f}/s ({cost:.1f} µs CPU a sample), "
            f"raw {raw:,.0f}/s ({raw_cost:.1f} µs): {ratios[-1]:.2f}"
        )
    copy.close()
    by_cpu = statistics.median(costs)
    print(f"median batches of {chosen.batch}: {statistics.median(ratios):.2f} of executemany (by CPU {by_cpu:.2f})")


def idle(ours: harness.Process, seconds: float, where: Path) -> None:
    with closing(sqlite3.connect(where / "data" / "trackdesk.sqlite3")) as stored:
        count, series = stored.execute(
            "SELECT (SELECT count(*) FROM samples), (SELECT count(*) FROM series)"
        ).fetchone()
    before = ours.cpu_seconds()
    time.sleep(seconds)
    used = (ours.cpu_seconds() - before) / seconds
    print(f"idle with {count:,} samples of {series} series: {used:.1%} of a core, {ours.rss_megabytes():.0f} MB")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--services", type=int, default=20)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--requests", type=int, default=40, help="batches a round")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds")
    chosen = parser.parse_args(arguments)
    with harness.folder() as where, harness.server(where / "data") as ours:
        harness.pin(harness.last_core())
        batches(ours, chosen, where)  # first: what is counted up beside it is then its own
        harness.run(single(ours, chosen))
        idle(ours, chosen.idle, where)
        print(f"fdatasync {harness.fdatasync_ms(where):.2f} ms")


if __name__ == "__main__":
    main()
