"""How far a long verb is, said now and then on a terminal's stderr."""

from __future__ import annotations

import sys
import time

EVERY = 0.5
"""Seconds."""
TELLING = 10_000
"""Rows."""


class Progress:
    """`quiet`: say nothing. Without a terminal nothing is said either: a log needs no countdown."""

    def __init__(self, *, quiet: bool) -> None:
        self._shows = not quiet and sys.stderr.isatty()
        self._started = self._said = time.monotonic()
        self._open = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if not self._shows or now - self._said < EVERY:
            return
        self._said, self._open = now, True
        print(f"\r{done:,} of {total:,} rows{self.speed(done)}\x1b[K", end="", file=sys.stderr)
        sys.stderr.flush()

    def speed(self, done: int) -> str:
        """Rows a second so far, in words; nothing where there are too few to tell."""
        if done < TELLING:
            return ""
        return f" ({round(done / max(time.monotonic() - self._started, 0.001)):,} a second)"

    def end(self) -> None:
        """Leaves the line to what is said next."""
        if self._open:
            print("\r\x1b[K", end="", file=sys.stderr)
