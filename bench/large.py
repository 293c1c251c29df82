"""Looking a run up and finishing it over HTTP when a million are stored and active.

    python -m bench.large [--runs 1000000] [--calls 300]

One caller, one call at a time, so each figure is the whole way: request, engine, commit, answer. The lists are in
`bench.lists`.
"""

import argparse
import http.client
import json
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

from bench import harness
from bench.deadlines import fill

Call = Callable[[int], tuple[str, str]]


def timed(port: int, numbers: list[int], call: Call) -> list[float]:
    """ms of each call on one connection. Raises RuntimeError for an answer other than 200."""
    took = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        for number in numbers:
            method, path = call(number)
            before = time.perf_counter()
            connection.request(method, path, b"{}" if method == "POST" else None, harness.HEADERS)
            response = connection.getresponse()
            answer = response.read()
            took.append((time.perf_counter() - before) * 1000)
            if response.status != 200:
                raise RuntimeError(answer.decode())
    return took


def measure(stored: int, calls: int, where: Path) -> None:
    """All of it, printed."""
    fill(where / "trackdesk.sqlite3", stored)
    size = (where / "trackdesk.sqlite3").stat().st_size / 2**20
    print(f"{stored:,} active runs, {size:,.0f} MB, fdatasync {harness.fdatasync_ms(where):.2f} ms")
    numbers = Random(3).sample(range(1, stored + 1), calls)
    ways: dict[str, Call] = {
        "look up by process and id": lambda number: ("GET", _run(number)),
        "first page of a process": lambda number: ("GET", f"/v1/runs?process=work-{number % 500:03d}"),
        "complete": lambda number: ("POST", f"{_run(number)}/complete"),
        "look up by uid": lambda number: ("GET", f"/v1/runs/{uids[number]}"),
    }
    with harness.server(where) as server:
        uids = {number: json.loads(server.call("GET", _run(number))[1])["uid"] for number in numbers}
        for name, call in ways.items():
            took = timed(server.port, numbers, call)
            print(f"{name}: p50 {statistics.median(took):.2f}, p95 {harness.percentile(took, 0.95):.2f} ms")
        print(f"{server.rss_megabytes():.0f} MB of memory")


def _run(number: int) -> str:
    return f"/v1/processes/work-{number % 500:03d}/{number:08d}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=300)
    chosen = parser.parse_args(arguments)
    harness.pin(harness.last_core())
    with harness.folder() as where:
        measure(chosen.runs, chosen.calls, where)


if __name__ == "__main__":
    main()
