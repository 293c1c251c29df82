"""What was measured, as charts and sparklines want it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from trackdesk.widgets import when
from trackdesk.widgets.cells import Trend
from trackdesk.widgets.time_chart import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackdesk.client import Client
    from trackdesk.domain.metric_chart import MetricChart
    from trackdesk.domain.service import Service

TREND = when.HOUR
"""µs that a sparkline is about."""
TREND_POINTS = 20
_AT_ONCE = 100
"""Services whose sparklines are read with one call."""
_CALLS = 8
"""At the same time: each is about one metric type."""


async def read_chart(client: Client, query: dict[str, Any], limits: tuple[int, int], points: int) -> MetricChart:
    """What was measured of what `query` names, in at most about so many buckets. Raises what the client raises."""
    from trackdesk.domain.instant import format_instant  # noqa: PLC0415 - loaded by now

    start, end = map(format_instant, limits)
    return await client.metrics.chart({**query, "from": start, "to": end, "points": points})


def readings_of(chart: MetricChart) -> list[Reading]:
    return [
        Reading(each.time, each.count, each.min, each.max, each.avg, each.p50, each.p95, each.p99)
        for each in chart.data
    ]


class Trends:
    """The last hour of services and their metrics, kept while they are not read again."""

    EVERY = 10 * when.SECOND
    """µs from one reading of the same ones to the next: news comes every second."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Trend] = {}
        self._read_at: dict[tuple[str, str], int] = {}

    def of(self, service: str, metric_type: str) -> Trend:
        return self._known.get((service, metric_type)) or Trend(metric_type)

    async def read(self, client: Client, wanted: Iterable[tuple[str, str]], now: int) -> None:
        """What of `wanted`, (service, metric type), was not read just now. Raises what the client raises."""
        due: dict[str, list[str]] = {}
        for service, metric_type in wanted:
            if now - self._read_at.get((service, metric_type), -self.EVERY) >= self.EVERY:
                due.setdefault(metric_type, []).append(service)
        calls = [
            (metric_type, names[first : first + _AT_ONCE])
            for metric_type, names in due.items()
            for first in range(0, len(names), _AT_ONCE)
        ]
        for first in range(0, len(calls), _CALLS):
            few = calls[first : first + _CALLS]
            await asyncio.gather(*(self._read(client, names, metric_type, now) for metric_type, names in few))

    async def _read(self, client: Client, names: Sequence[str], metric_type: str, now: int) -> None:
        query = {"service": list(names), "metric_type": metric_type, "group_by": "service"}
        chart = await read_chart(client, query, (now - TREND, now), TREND_POINTS)
        meta = chart.meta
        found: dict[str, dict[int, float | None]] = {}
        for each in chart.data:
            found.setdefault(each.group or names[0], {})[each.time] = each.p50
        for name in names:
            values = found.get(name, {})
            row = [values.get(at) for at in range(meta.from_, meta.to, meta.bucket)]
            last = next((value for value in reversed(row) if value is not None), None)
            self._known[name, metric_type] = Trend(metric_type, row, last)
            self._read_at[name, metric_type] = now


def leading_types(services: Iterable[Service]) -> dict[str, list[str]]:
    """The metric types of each service, those that most of them have before the others: so equal ones stand below each
    other where they can, and none is missing."""
    services = list(services)
    counted = Counter(metric_type for each in services for metric_type in each.metric_types)
    return {each.name: sorted(each.metric_types, key=lambda name: (-counted[name], name)) for each in services}
