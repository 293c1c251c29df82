"""Durable pings, against a bare aiohttp handler that answers OK to the same request and writes nothing.

python -m bench.pings [--rounds 9] [--seconds 1] [--connections 64 128 256] [--processes 10] [--pairs]

How many callers there are at once decides how many pings share a commit, and a commit writes a page of every index of
every process, be it for one ping or for twenty. `--pairs` sends starts, and ends of runs that were started before, each
two of one process with a `rid` of their own.
"""

import argparse
import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from bench import harness
from bench.load import Load, Numbers, Request, drive

LENGTH = 512
"""Starts between the start of a run and its end: more than are on their way at once."""


def success(key: str, processes: int) -> Request:
    """A success of one process after the other, as curl sends it."""
    heads = [_head(f"/ping/{key}/backup-{number:03d}") for number in range(processes)]
    return lambda number: heads[number % processes]


def pairs(key: str, processes: int) -> Request:
    """A start, and the end of one that was answered before."""

    def request(number: int) -> bytes:
        pair, is_end = divmod(number, 2)
        if is_end:
            pair -= LENGTH
        suffix = "" if is_end else "/start"
        return _head(f"/ping/{key}/backup-{pair % processes:03d}{suffix}?rid={UUID(int=pair % 2**128)}")

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


@dataclass
class Seen:
    """The rounds with one number of connections."""

    ratios: list[float] = field(default_factory=list)
    by_cpu: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)


async def compare(chosen: argparse.Namespace, where: Path) -> None:
    """Rounds in turn, medians and their ratio."""
    numbers = Numbers()
    seen = {connections: Seen() for connections in chosen.connections}
    with harness.server(where / "data") as ours, harness.bare() as bare:
        made = ours.call("POST", "/v1/keys", json.dumps({"name": "pings", "role": "INGEST"}))[1]
        key = str(json.loads(made)["key"])
        request = (pairs if chosen.pairs else success)(key, chosen.processes)
        plain = success(key, chosen.processes)
        for process in (ours, bare):
            await _round(process, plain, numbers, max(chosen.connections), 1.0)
        for number in range(chosen.rounds):
            for connections, found in seen.items():
                one, one_cpu = await _round(ours, request, numbers, connections, chosen.seconds)
                other, other_cpu = await _round(bare, plain, numbers, connections, chosen.seconds)
                found.ratios.append(one.rate / other.rate)
                found.by_cpu.append(other_cpu / one_cpu)
                found.costs.append(one_cpu)
                found.p99s.append(one.percentile(0.99))
                print(
                    f"{number + 1}, {connections}: trackdesk {one.rate:,.0f}/s (p50 {one.percentile(0.5):.1f}, "
                    f"p99 {found.p99s[-1]:.1f} ms, {one_cpu:.0f} µs CPU), bare {other.rate:,.0f}/s "
                    f"({other_cpu:.0f} µs): {found.ratios[-1]:.0%}"
                    + (f"; refused {one.refused}" if one.refused else "")
                )
        for connections, found in seen.items():
            print(
                f"{connections} connections: median {statistics.median(found.ratios):.0%} of bare "
                f"(by CPU {statistics.median(found.by_cpu):.0%}), {statistics.median(found.costs):.0f} µs CPU a ping, "
                f"p99 {statistics.median(found.p99s):.1f} ms"
            )
        sync, memory = harness.fdatasync_ms(where), ours.rss_megabytes()
        print(f"{chosen.processes} processes, fdatasync {sync:.2f} ms, {memory:.0f} MB")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--connections", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--processes", type=int, default=10, help="over how many names the pings are spread")
    parser.add_argument("--pairs", action="store_true", help="starts and ends instead of successes alone")
    chosen = parser.parse_args(arguments)
    with harness.folder() as where:
        harness.run(compare(chosen, where))


if __name__ == "__main__":
    main()
