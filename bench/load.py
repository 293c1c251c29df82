"""A load generator of Python alone: raw connections, prepared bytes, one request in flight on each."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Request = Callable[[int], bytes]
"""The bytes of the request with that number."""


@dataclass
class Load:
    """What one round saw; `latencies` in seconds."""

    seconds: float
    latencies: list[float]
    refused: dict[int, int] = field(default_factory=dict)
    """Statuses other than 2xx, counted."""

    @property
    def rate(self) -> float:
        """Requests a second that were answered with 2xx."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        times = sorted(self.latencies)
        return times[min(int(len(times) * share), len(times) - 1)] * 1000 if times else float("nan")


class Numbers:
    """Counts requests over all connections and rounds, so that every id is new."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        self._next += 1
        return self._next


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered, until `until` (monotonic)."""

    def __init__(self, request: Request, numbers: Numbers, load: Load, until: float) -> None:
        self._request = request
        self._take = numbers.take
        self._load = load
        self._until = until
        self._buffer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport  # uvloop's is no asyncio.Transport, but does the same
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request(self._take()))

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        head = data.find(b"\r\n\r\n")
        start = data.find(b"\r\nContent-Length: ", 0, head + 2)
        if head < 0 or len(data) < head + 4 + int(data[start + 18 : data.find(b"\r\n", start + 18)]):
            self._buffer = data
            return
        self._buffer = b""
        now = time.perf_counter()
        if data[9] == 50:  # "2"
            self._load.latencies.append(now - self._sent)
        else:
            status = int(data[9:12])
            self._load.refused[status] = self._load.refused.get(status, 0) + 1
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            if exc is not None or time.perf_counter() < self._until:
                self.done.set_exception(exc or ConnectionError("the server closed the connection"))
            else:
                self.done.set_result(None)


async def drive(port: int, request: Request, numbers: Numbers, *, connections: int = 64, seconds: float = 3.0) -> Load:
    """Keep `connections` busy for `seconds`. Raises OSError when the server goes away."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    load = Load(seconds, [])
    made = [
        await loop.create_connection(lambda: _Connection(request, numbers, load, started + seconds), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    load.seconds = time.perf_counter() - started
    return load


async def trickle(port: int, request: Request, numbers: Numbers, *, rate: float, seconds: float) -> Load:
    """`rate` requests a second at even intervals, on as many connections as that takes, whatever the answers do."""
    loop = asyncio.get_running_loop()
    load = Load(seconds, [])
    started = time.perf_counter()
    waiting = set()
    for number in range(int(rate * seconds)):
        pause = started + number / rate - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        _, protocol = await loop.create_connection(lambda: _Connection(request, numbers, load, 0.0), "127.0.0.1", port)
        waiting.add(protocol.done)
    await asyncio.gather(*waiting)
    load.seconds = time.perf_counter() - started
    return load
