"""Durable pings, against a bare aiohttp handler that answers OK to the same request and writes nothing.

python -m bench.pings [--rounds 5] [--seconds 3] [--connections 64] [--processes 10] [--pairs]

`--pairs` sends starts and ends in turn, each two of one process with a `rid`.
"""

import argparse
import json
import statistics
from pathlib import Path
from uuid import UUID

from bench import harness
from bench.load import Load, Numbers, Request, drive


def success(key: str, processes: int) -> Request:
    """A success of one process after the other, as curl sends it."""
    heads = [_head(f"/ping/{key}/backup-{number:03d}") for number in range(processes)]
    return lambda number: heads[number % processes]


def pairs(key: str, processes: int) -> Request:
    """A start and its end in turn."""

    def request(number: int) -> bytes:
        pair, is_end = divmod(number, 2)
        suffix = "" if is_end else "/start"
        return _head(f"/ping/{key}/backup-{pair % processes:03d}{suffix}?rid={UUID(int=pair)}")

    return request


def _head(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n".encode()


async def _round(
    process: harness.Process, request: Request, numbers: Numbers, connections: int, seconds: float
) -> tuple[Load, float]:
    """The load, and the µs of CPU that one ping took."""
    before = process.cpu_seconds()
    load = await drive(process.port, request, numbers, connections=connections, seconds=seconds)
    return load, (process.cpu_seconds() - before) / max(len(load.latencies), 1) * 1e6


async def compare(chosen: argparse.Namespace, where: Path) -> None:
    """Rounds in turn, medians and their ratio."""
    numbers = Numbers()
    ratios, costs, p99s = [], [], []
    with harness.server(where / "data") as ours, harness.bare() as bare:
        made = ours.call("POST", "/v1/keys", json.dumps({"name": "pings", "role": "INGEST"}))[1]
        key = str(json.loads(made)["key"])
        request = (pairs if chosen.pairs else success)(key, chosen.processes)
        plain = success(key, chosen.processes)
        for process in (ours, bare):
            await _round(process, plain, numbers, chosen.connections, 1.0)
        for number in range(chosen.rounds):
            one, one_cpu = await _round(ours, request, numbers, chosen.connections, chosen.seconds)
            other, other_cpu = await _round(bare, plain, numbers, chosen.connections, chosen.seconds)
            ratios.append(one.rate / other.rate)
            costs.append(one_cpu)
            p99s.append(one.percentile(0.99))
            print(
                f"{number + 1}: trackdesk {one.rate:,.0f}/s (p50 {one.percentile(0.5):.1f}, p99 {p99s[-1]:.1f} ms,"
                f" {one_cpu:.0f} µs CPU), bare {other.rate:,.0f}/s ({other_cpu:.0f} µs): {ratios[-1]:.0%}"
                + (f"; refused {one.refused}" if one.refused else "")
            )
        print(
            f"median {statistics.median(ratios):.0%} of bare, {statistics.median(costs):.0f} µs CPU a ping, "
            f"p99 {statistics.median(p99s):.1f} ms, {chosen.connections} connections, {chosen.processes} processes, "
            f"fdatasync {harness.fdatasync_ms(where):.2f} ms, {ours.rss_megabytes():.0f} MB"
        )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--processes", type=int, default=10, help="over how many names the pings are spread")
    parser.add_argument("--pairs", action="store_true", help="starts and ends instead of successes alone")
    chosen = parser.parse_args(arguments)
    with harness.folder() as where:
        harness.run(compare(chosen, where))


if __name__ == "__main__":
    main()
