"""Samples over time over HTTP: what is answered, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.stand import open_stand
from trackdesk.client import Client
from trackdesk.domain.clock import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.server.stand import Stand


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def test_a_chart_has_every_bucket_and_the_client_reads_it(stand: Stand) -> None:
    samples = [
        {"service": each, "metric_type": "LATENCY_MS", "value": value} for each, value in (("a", 1), ("b", 3e300))
    ]
    assert (await stand.ask("POST", "/v1/metrics", samples)).status == 201
    async with Client(stand.url, "owner-key-of-the-tests") as client:
        chart = await client.metrics.chart({"metric_type": "latency_ms", "bucket": "hour"})
        by_service = await client.metrics.chart({"metric_type": "LATENCY_MS", "points": 24, "group_by": "service"})
    assert len(chart.data) == 25
    last = chart.data[-1]
    assert (last.count, last.min, last.max, last.avg, last.p50) == (2, 1, 3e300, 1.5e300, 1)
    assert (chart.meta.bucket, chart.meta.series, chart.meta.from_) == (HOUR, 2, chart.data[0].time)
    assert chart.data[0].model_dump(exclude={"time", "count"}, exclude_none=True) == {}
    assert [(point.group, point.count) for point in by_service.data] == [("a", 1), ("b", 1)]


async def test_of_samples_of_one_instant_the_one_that_came_later_is_the_last(stand: Stand) -> None:
    samples = [{"service": "a", "metric_type": "LATENCY_MS", "value": value} for value in (5, 9, 3, 7)]
    assert (await stand.ask("POST", "/v1/metrics", samples)).status == 201
    async with Client(stand.url, "owner-key-of-the-tests") as client:
        for bucket in ("day", "minute", "50s"):
            chart = await client.metrics.chart({"metric_type": "LATENCY_MS", "bucket": bucket})
            assert [point.last for point in chart.data if point.count] == [7]


async def test_a_chart_of_what_nobody_sends_is_empty(stand: Stand) -> None:
    async with Client(stand.url, "owner-key-of-the-tests") as client:
        chart = await client.metrics.chart({"metric_type": "LATENCY_MS", "service": ["nobody"], "bucket": "5m"})
    assert {point.count for point in chart.data} == {0}
    assert chart.meta.bucket == 5 * MINUTE


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "metric_type"),
        ("metric_type=latency%20ms", "metric_type"),
        ("metric_type=X&bucket=1500ms", "bucket"),
        ("metric_type=X&bucket=2d", "bucket"),
        ("metric_type=X&bucket=0s", "bucket"),
        ("metric_type=X&bucket=week", "bucket"),
        ("metric_type=X&bucket=hour&points=5", "points"),
        ("metric_type=X&points=0", "points"),
        ("metric_type=X&points=1001", "points"),
        ("metric_type=X&from=never", "from"),
        ("metric_type=X&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("metric_type=X&to=9999-12-31T23:59:59Z&from=9999-12-31T00:00:00Z&bucket=day", "bucket"),
        ("metric_type=X&from=0&points=10", ""),
        ("metric_type=X&group_by=host", "group_by"),
        ("metric_type=X&tag=env", "tag"),
        ("metric_type=X&metric_type=Y", "metric_type"),
        ("metric_type=X&colour=red", "colour"),
    ],
)
async def test_a_bad_parameter_is_named(stand: Stand, query: str, field: str) -> None:
    answer = await stand.ask("GET", f"/v1/metrics/chart?{query}")
    if not field:
        assert answer.status == 200, answer.body
        return
    assert answer.status == 400, answer.body
    assert answer.field == field
