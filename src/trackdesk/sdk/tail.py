"""The last lines of what a command says, kept while it is passed through."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.sdk.values import MAX_MESSAGE, now_micros

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 64 * 1024


class Line(NamedTuple):
    """`at` is µs since the epoch: when the line was complete."""

    at: int
    level: str
    text: str


class Tail:
    """The last `lines` lines of several streams together, in the order they came, at most 64 KiB."""

    def __init__(self, lines: int) -> None:
        self._kept: deque[tuple[int, str, bytes]] = deque()
        self._most = lines
        self._size = 0
        self._open: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def feed(self, level: str, data: bytes) -> None:
        """The next bytes of the stream whose lines are of `level`."""
        now = now_micros()
        with self._lock:
            whole, ended, rest = (self._open.get(level, b"") + data).rpartition(b"\n")
            if ended:
                for line in whole.split(b"\n"):
                    self._keep(now, level, line)
            # A line without end must not grow without bound either.
            self._open[level] = rest[-MAX_MESSAGE:]

    def lines(self) -> Iterator[Line]:
        """What is kept, with lines that never ended as they stand."""
        with self._lock:
            for level, rest in self._open.items():
                if rest:
                    self._keep(now_micros(), level, rest)
            self._open.clear()
            kept = list(self._kept)
        for at, level, raw in kept:
            yield Line(at, level, raw.decode("utf-8", "replace"))

    def _keep(self, at: int, level: str, raw: bytes) -> None:
        # Of a line that draws itself anew over and over (a progress bar) the last state counts.
        line = raw.rstrip(b"\r").rpartition(b"\r")[2][:MAX_MESSAGE]
        if not line.strip():
            return
        self._kept.append((at, level, line))
        self._size += len(line)
        while len(self._kept) > self._most or self._size > MAX_BYTES:
            self._size -= len(self._kept.popleft()[2])
