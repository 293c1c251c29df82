"""Samples that are sent, counted up when a test says so, and drawn."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.engine.house import CALLER, open_house
from trackdesk.domain.clock import HOUR
from trackdesk.domain.instant import format_instant
from trackdesk.domain.metric import Draft, SeriesKey, canonical_tags
from trackdesk.domain.metric_chart import ChartFilter
from trackdesk.engine import metrics
from trackdesk.engine.metric_rollups import MetricRollups
from trackdesk.store import metric_charts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from tests.clocks import FakeClock
    from tests.engine.house import House
    from trackdesk.domain.metric_chart import MetricChart

LATENCY = "LATENCY_MS"


class Watch:
    """A house with the roll-ups of its samples, which work when they are told to."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.rollups = MetricRollups(house.clock, house.engine.writer, house.engine.readers)
        house.engine.recorded.append(self.rollups.take)

    async def send(self, value: float, *, ago: int = 0, service: str = "api", **tags: str) -> None:
        """One sample of so many µs ago."""
        await self.send_all([(self.house.now - ago, value)], service, **tags)

    async def send_all(self, samples: Sequence[tuple[int, float]], service: str = "api", **tags: str) -> None:
        key = SeriesKey(service, LATENCY, canonical_tags(tags))
        await metrics.record(self.house.engine, CALLER, [Draft(key, value, at, None) for at, value in samples])

    async def chart(self, namespace_id: int = 1, **given: Any) -> MetricChart:
        since = given.pop("since", None)
        if since is not None:
            given["from"] = format_instant(since)
        query = ChartFilter.model_validate({"metric_type": LATENCY, **given})
        return await metric_charts.chart(self.house.engine.readers, namespace_id, query, self.house.now)

    async def hours_pass(self, times: int) -> None:
        """Two at a time, each with a sample at its end."""
        for _ in range(times):
            await self.rollups.catch_up()
            self.house.clock.leap(2 * HOUR)
            await self.send(5)

    def stored(self, service: str | None = None, tags: str | None = None) -> list[tuple[int, float]]:
        """Every sample, by arrival, as another program reads it."""
        rows = self.house.rows(
            "SELECT m.recorded_at, m.value FROM samples m JOIN series s ON s.id = m.series_id JOIN services v "
            "ON v.id = s.service_id WHERE v.name = coalesce(?, v.name) AND s.tags = coalesce(?, s.tags) ORDER BY m.id",
            service,
            tags,
        )
        return [(row["recorded_at"], row["value"]) for row in rows]


@asynccontextmanager
async def open_watch(folder: Path, clock: FakeClock | None = None) -> AsyncIterator[Watch]:
    async with open_house(folder, clock=clock, agenda=False) as house:
        yield Watch(house)
