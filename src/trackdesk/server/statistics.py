"""What the server counts about itself: requests by endpoint and status class, and how long they took."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the latency buckets, seconds; beyond the last is one more."""
_CLASSES: Final = 6


class EndpointCounts:
    """One endpoint's histogram for each class of status (2xx, 4xx, …)."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [[0] * (len(BOUNDS) + 1) for _ in range(_CLASSES)]
        self.seconds = [0.0] * _CLASSES

    def count(self, status: int, took: float) -> None:
        """`took` in seconds."""
        kind = status // 100
        self.buckets[kind][bisect_left(BOUNDS, took)] += 1
        self.seconds[kind] += took


class Statistics:
    """All endpoints, by name."""

    def __init__(self) -> None:
        self.endpoints: dict[str, EndpointCounts] = {}
        self.in_flight = 0
        self.unrouted = 0

    def of(self, name: str) -> EndpointCounts:
        """The counts of one endpoint, made at first use."""
        return self.endpoints.setdefault(name, EndpointCounts())
