"""Bounds on what a request may bring, checked before anything is built of it."""

from __future__ import annotations

import math
import re
from typing import Final

from trackdesk.domain.errors import RateLimited
from trackdesk.domain.model import MAX_DEPTH

MAX_IN_FLIGHT: Final = 5_000
"""Requests in hand at once, the live streams not counted."""
BODY_SECONDS: Final = 30.0
"""How long a body may take to arrive."""
MAX_PARAMETERS: Final = 200

_STRINGS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_OTHERS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"[]", b"{}")


def too_deep(raw: bytes) -> bool:
    """Whether JSON nests deeper than `MAX_DEPTH`; what is no JSON may be either. Costs two counts for most bodies."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return False
    brackets = _STRINGS.sub(b"", raw).translate(_ONE_KIND, _OTHERS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"{}", b"")  # takes the innermost level away
        if not brackets:
            return False
    return b"{}" in brackets


class Bucket:
    """A token bucket that holds one second's worth: `rate` requests a second, bursts of as many."""

    __slots__ = ("_at", "_tokens", "rate")

    def __init__(self, rate: int, now: int) -> None:
        self.rate = rate
        self._tokens = float(rate)
        self._at = now

    def take(self, now: int) -> float:
        """Seconds to wait (0: taken). `now` is monotonic, µs."""
        self._tokens = min(float(self.rate), self._tokens + (now - self._at) * self.rate / 1_000_000)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.rate


class Buckets:
    """The rate limits of keys; at most one bucket a key, and only for keys that have a limit."""

    def __init__(self) -> None:
        self._by_key: dict[int, Bucket] = {}

    def take(self, key_id: int, rate: int, now: int) -> None:
        """Count one request. Raises RateLimited."""
        bucket = self._by_key.get(key_id)
        if bucket is None or bucket.rate != rate:
            bucket = self._by_key[key_id] = Bucket(rate, now)
        wait = bucket.take(now)
        if wait:
            raise RateLimited(f"This key may make {rate} requests a second.", max(1, math.ceil(wait)))
