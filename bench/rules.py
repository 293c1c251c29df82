"""What a rule costs a sample, how soon a breach is on the live stream, what a storm of breaches costs everyone else.

    python -m bench.rules [--samples 40000] [--probes 150] [--rate 3000] [--rules 200] [--services 500] [--kinds 10]
                          [--minute 60]

The stream is another connection's; a breach is timed from before its POST to its `opened` event. In the storm each of
the services breaches each kind of rule once within the minute, beside 1,000 samples a second that breach nothing; a
webhook that gathers counts the messages.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web

from bench import harness
from bench.load import Load, Numbers, drive
from trackdesk.domain.evaluation import Condition, SeriesState, step
from trackdesk.domain.rule import Aggregate, Operator, Rule

TYPES = ("LATENCY_MS", "ERROR_RATE", "PACKET_LOSS", "BUFFER_RATIO")
BATCH = 10
WARM = 3.0
"""Seconds of load before anything is timed: series are made, windows read."""
WINDOWS = (("last", None), ("avg", 300), ("max", 300), ("count", 300), ("p95", 300), ("avg", 86_400), ("p95", 86_400))


def evaluation(samples: int) -> None:
    """One series at one sample a second; the window is full for most of it."""
    random = Random(3)
    values = [random.uniform(0, 150) for _ in range(samples)]
    for aggregate, seconds in WINDOWS:
        window = None if seconds is None else seconds * 1_000_000
        rule = Rule.model_construct(
            id="r", name="r", metric_type="LATENCY_MS", operator=Operator.MORE, threshold=1000.0,
            aggregate=Aggregate(aggregate), window=window, no_data_after=600_000_000,
            created_at=0, updated_at=0, version=1,
        )  # fmt: skip
        condition = Condition(rule)
        state = SeriesState(condition)
        began = time.thread_time()
        for number, value in enumerate(values):
            step(condition, state, number * 1_000_000, value, number * 1_000_000)
        took = (time.thread_time() - began) / samples * 1e6
        over = "" if seconds is None else f" over {seconds} s"
        print(f"evaluation, {aggregate}{over}: {took:.2f} µs of CPU a sample and rule")


class CalmRequest:
    """Ten samples that breach nothing, of services and types in turn."""

    def __init__(self, services: int) -> None:
        random = Random(4)
        self._made = [self._bytes(random, services) for _ in range(500)]

    @staticmethod
    def _bytes(random: Random, services: int) -> bytes:
        samples = [
            {
                "service": f"service-{random.randrange(services):03d}",
                "metric_type": random.choice(TYPES),
                "value": round(random.uniform(0, 100), 2),
            }
            for _ in range(BATCH)
        ]
        body = json.dumps(samples).encode()
        head = (
            f"POST /v1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {harness.OWNER_KEY}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def __call__(self, number: int) -> bytes:
        return self._made[number % len(self._made)]


def make_rules(server: harness.Process, count: int) -> None:
    """Three quarters look at one service, the others at all that have the metric, with windows of all kinds."""
    for number in range(count):
        aggregate, seconds = WINDOWS[number % 5]
        rule: dict[str, Any] = {
            "id": f"rule-{number:03d}",
            "metric_type": TYPES[number % len(TYPES)],
            "operator": ">",
            "threshold": 1_000_000,
            "aggregate": aggregate,
        }
        if seconds is not None:
            rule["window"] = f"{seconds}s"
        if number % 4:
            rule["service"] = f"service-{number % 50:03d}"
        made(server, "/v1/rules", rule)
    made(server, "/v1/rules", {"id": "probe", "metric_type": "PROBE_MS", "operator": ">", "threshold": 150})


def make_storm_rules(server: harness.Process, kinds: int) -> None:
    for kind in range(kinds):
        rule = {"id": f"storm-{kind}", "metric_type": f"STORM_{kind}", "operator": ">", "threshold": 150}
        made(server, "/v1/rules", rule)


def made(server: harness.Process, path: str, body: Any) -> None:
    status, answer = server.call("POST", path, json.dumps(body))
    if status != 201:
        raise RuntimeError(f"POST {path}: {status} {answer.decode()}")


class Watcher:
    """Sees incidents on the live stream."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        """By title, when."""

    @asynccontextmanager
    async def watching(self, server: harness.Process) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=None)
        address = f"http://127.0.0.1:{server.port}/v1/stream?topics=incidents"
        async with (
            aiohttp.ClientSession(headers=harness.HEADERS, timeout=timeout) as session,
            session.get(address) as response,
        ):
            reading = asyncio.create_task(self._read(response))
            yield
            reading.cancel()

    async def _read(self, response: aiohttp.ClientResponse) -> None:
        async for line in response.content:
            if line.startswith(b"data: "):
                now = time.perf_counter()
                data = json.loads(line[6:])
                if data.get("kind") == "opened":
                    self.seen[data["changed"]["title"]] = now


async def stream(server: harness.Process, chosen: argparse.Namespace) -> None:
    """Probes at random times under load, and without."""
    calm = CalmRequest(50)
    seconds = chosen.probes * 0.2 + WARM + 2
    for rate in (0, chosen.rate):
        watcher = Watcher()
        async with watcher.watching(server):
            if rate:
                before = server.cpu_seconds()
                load, delays = await asyncio.gather(
                    drive(server.port, calm, Numbers(), connections=16, seconds=seconds, rate=rate / BATCH),
                    probe(server, watcher, chosen.probes, f"busy{rate}"),
                )
                cpu = (server.cpu_seconds() - before) / seconds
                beside = f"beside {load.rate * BATCH:,.0f} samples/s, {cpu:.0%} of a core"
            else:
                delays = await probe(server, watcher, chosen.probes // 2, "calm")
                beside = "alone"
        print(
            f"{len(delays)} breaches under {chosen.rules} rules, {beside}: on the stream after p50"
            f" {statistics.median(delays):.1f}, p99 {harness.percentile(delays, 0.99):.1f} ms"
        )


async def probe(server: harness.Process, watcher: Watcher, count: int, name: str) -> list[float]:
    """Breaches 100 to 300 ms apart; ms until each was on the stream."""
    random, sent = Random(6), {}
    await asyncio.sleep(WARM)
    async with aiohttp.ClientSession(headers=harness.HEADERS) as session:
        for number in range(count):
            await asyncio.sleep(random.uniform(0.1, 0.3))
            sample = {"service": f"{name}-{number}", "metric_type": "PROBE_MS", "value": 200}
            sent[f"PROBE_MS of {name}-{number} is 200 (over 150)"] = time.perf_counter()
            async with session.post(f"http://127.0.0.1:{server.port}/v1/metrics", json=sample) as response:
                response.raise_for_status()
    await asyncio.sleep(2)
    return [(watcher.seen[title] - at) * 1000 for title, at in sent.items() if title in watcher.seen]


class Receiver:
    """A webhook that counts what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        port = harness.free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"webhook+http://127.0.0.1:{port}/hook"
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        return web.Response()


async def storm(server: harness.Process, chosen: argparse.Namespace) -> None:
    """Every service breaches every kind once, spread over the minute."""
    receiver, calm = Receiver(), CalmRequest(50)
    breaches = chosen.services * chosen.kinds
    async with receiver.listening() as url:
        window = f"{int(chosen.minute)}s"
        made(server, "/v1/channels", {"name": "storm", "url": url, "secret": "0123456789", "group_window": window})
        make_storm_rules(server, chosen.kinds)
        before = await drive(server.port, calm, Numbers(), connections=8, seconds=10, rate=100)
        during, _ = await asyncio.gather(
            drive(server.port, calm, Numbers(), connections=8, seconds=chosen.minute, rate=100),
            breach(server, chosen),
        )
        await asyncio.sleep(chosen.minute + 8)
        _, body = server.call("GET", "/v1/incidents?limit=1&rule=storm-0")
        opened = json.loads(body)["meta"]["total"]
    counts = [gathered(each) for each in receiver.bodies]
    print(
        f"{breaches:,} breaches within {chosen.minute:g} s over {chosen.services} services: {opened * chosen.kinds:,}"
        f" incidents, {len(counts)} messages that speak of {sum(counts):,}; 1,000 samples/s meanwhile"
        f" p99 {during.percentile(0.99):.1f} ms, before {before.percentile(0.99):.1f} ms"
    )


def gathered(body: dict[str, Any]) -> int:
    """How many notifications a message speaks of."""
    return int(body["count"]) if body["event"] == "group" else 1


async def breach(server: harness.Process, chosen: argparse.Namespace) -> Load | None:
    """One request a service and kind, evenly spread."""
    pairs = [(service, kind) for kind in range(chosen.kinds) for service in range(chosen.services)]
    every, began = chosen.minute / len(pairs), time.perf_counter()
    async with aiohttp.ClientSession(headers=harness.HEADERS) as session:
        for number, (service, kind) in enumerate(pairs):
            await asyncio.sleep(max(began + number * every - time.perf_counter(), 0))
            sample = {"service": f"storm-{service:03d}", "metric_type": f"STORM_{kind}", "value": 200}
            async with session.post(f"http://127.0.0.1:{server.port}/v1/metrics", json=sample) as response:
                response.raise_for_status()
    return None


async def measure(chosen: argparse.Namespace, where: Path) -> None:
    """All of it, printed."""
    evaluation(chosen.samples)
    print(f"fdatasync {harness.fdatasync_ms(where):.2f} ms")
    with harness.server(where) as server:
        make_rules(server, chosen.rules)
        if chosen.probes:
            await stream(server, chosen)
        if chosen.kinds:
            await storm(server, chosen)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=40_000)
    parser.add_argument("--probes", type=int, default=150)
    parser.add_argument("--rate", type=int, default=3000)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--services", type=int, default=500)
    parser.add_argument("--kinds", type=int, default=10)
    parser.add_argument("--minute", type=float, default=60.0)
    chosen = parser.parse_args(arguments)
    with harness.folder() as where:
        harness.run(measure(chosen, where))


if __name__ == "__main__":
    main()
