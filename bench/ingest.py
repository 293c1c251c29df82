"""Durable run starts, against a bare aiohttp handler that validates the same body and answers as many bytes.

    python -m bench.ingest [--rounds 5] [--seconds 3] [--connections 64] [--fsync 4] [--processes 10]

`--fsync MS` makes every fsync of the server that much slower, by a library that is compiled for it and preloaded.
"""

import argparse
import json
import statistics
from pathlib import Path

from bench import harness
from bench.bare import ANSWER_BYTES
from bench.load import Load, Numbers, drive

BODY = {
    "id": "000000000000",
    "deadline": "45m",
    "tags": {"env": "prod", "team": "data-platform", "region": "eu-west-1"},
    "context": {
        "host": "etl-07.internal.example",
        "source": "s3://bucket/incoming/orders.csv",
        "rows": 120000,
        "attempted_by": "airflow",
        "commit": "5f1a3c9e7b2d4680",
    },
    "triggered_by": "cron",
}


class StartRequest:
    """The bytes of a run start, its id new each time, its process one of `processes`."""

    def __init__(self, processes: int = 10) -> None:
        before, _, after = json.dumps(BODY).encode().partition(b"000000000000")
        self.body_bytes = len(before) + 12 + len(after)
        self._heads = [self._head(f"import-{number:02d}") + before for number in range(processes)]
        self._after = after

    def _head(self, process: str) -> bytes:
        return (
            f"POST /v1/processes/{process} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {harness.OWNER_KEY}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {self.body_bytes}\r\n\r\n"
        ).encode()

    def __call__(self, number: int) -> bytes:
        return b"%b%012d%b" % (self._heads[number % len(self._heads)], number, self._after)


async def _round(
    process: harness.Process, request: StartRequest, numbers: Numbers, connections: int, seconds: float
) -> tuple[Load, float]:
    """The load, and the µs of CPU that one request took."""
    before = process.cpu_seconds()
    load = await drive(process.port, request, numbers, connections=connections, seconds=seconds)
    return load, (process.cpu_seconds() - before) / max(len(load.latencies), 1) * 1e6


async def compare(
    rounds: int, seconds: float, connections: int, fsync: float, request: StartRequest, where: Path
) -> None:
    """Rounds in turn, medians and their ratio."""
    slow = harness.slow_disk(where, fsync) if fsync else {}
    if slow is None:
        print("no C compiler: the slow disk is left out")
        return
    numbers = Numbers()
    ratios, costs, p99s = [], [], []
    with harness.server(where / "data", slow) as ours, harness.bare() as bare:
        answer = ours.call("POST", "/v1/processes/warm-up", json.dumps(BODY))[1]
        if len(answer) != ANSWER_BYTES:
            print(f"note: the answer has {len(answer)} bytes, the bare handler's {ANSWER_BYTES}")
        for process in (ours, bare):
            await _round(process, request, numbers, connections, 1.0)
        for number in range(rounds):
            one, one_cpu = await _round(ours, request, numbers, connections, seconds)
            other, other_cpu = await _round(bare, request, numbers, connections, seconds)
            ratios.append(one.rate / other.rate)
            costs.append(other_cpu / one_cpu)
            p99s.append(one.percentile(0.99))
            print(
                f"{number + 1}: trackdesk {one.rate:,.0f}/s (p50 {one.percentile(0.5):.1f}, p99 {p99s[-1]:.1f} ms,"
                f" {one_cpu:.0f} µs CPU), bare {other.rate:,.0f}/s (p99 {other.percentile(0.99):.1f} ms,"
                f" {other_cpu:.0f} µs): {ratios[-1]:.0%}" + (f"; refused {one.refused}" if one.refused else "")
            )
        sync = harness.fdatasync_ms(where)
        added = f" + {fsync:g} ms" if fsync else ""
        print(
            f"median {statistics.median(ratios):.0%} of bare (by CPU {statistics.median(costs):.0%}), "
            f"p99 {statistics.median(p99s):.1f} ms, {connections} connections, body {request.body_bytes} bytes, "
            f"fdatasync {sync:.2f} ms{added}, {ours.rss_megabytes():.0f} MB"
        )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--fsync", type=float, default=0.0, help="ms that every fsync takes longer")
    parser.add_argument("--processes", type=int, default=10, help="over how many names the runs are spread")
    chosen = parser.parse_args(arguments)
    with harness.folder() as where:
        request = StartRequest(chosen.processes)
        harness.run(compare(chosen.rounds, chosen.seconds, chosen.connections, chosen.fsync, request, where))


if __name__ == "__main__":
    main()
