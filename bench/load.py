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
    """Sends the next request as soon as the last one is answered and `every` seconds have passed, until `until`."""

    def __init__(self, request: Request, numbers: Numbers, load: Load, until: float, every: float) -> None:
        self._request = request
        self._take = numbers.take
        self._load = load
        self._until = until
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = self._loop.create_future()

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
            pause = self._sent + self._every - now
            if pause > 0:
                self._loop.call_later(pause, self._send)
            else:
                self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            if exc is not None or time.perf_counter() < self._until:
                self.done.set_exception(exc or ConnectionError("the server closed the connection"))
            else:
                self.done.set_result(None)


async def drive(
    port: int,
    request: Request,
    numbers: Numbers,
    *,
    connections: int = 64,
    seconds: float = 3.0,
    rate: float | None = None,
) -> Load:
    """Keep `connections` busy for `seconds`, with at most `rate` requests a second altogether.

    Raises OSError when the server goes away.
    """
    loop = asyncio.get_running_loop()
    every = 0.0 if rate is None else connections / rate
    started = time.perf_counter()
    load = Load(seconds, [])
    made = []
    for number in range(connections):
        if every:
            await asyncio.sleep(started + number * every / connections - time.perf_counter())
        made.append(
            await loop.create_connection(
                lambda: _Connection(request, numbers, load, started + seconds, every), "127.0.0.1", port
            )
        )
    await asyncio.gather(*(protocol.done for _, protocol in made))
    load.seconds = time.perf_counter() - started
    return load
