"""Samples, and the services that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import metric_chart, metrics

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body, Query
    from trackdesk.domain.metric import Sample, SamplesAccepted
    from trackdesk.domain.metric_chart import MetricChart
    from trackdesk.domain.page import Page
    from trackdesk.domain.service import Service


class Metrics(Group):
    async def send(self, body: Body) -> Sample | SamplesAccepted:
        """One sample, or up to 10,000 in a list: all of them or none."""
        return await self._call(metrics.SAMPLES_SEND, body=body)

    async def list(self, query: Query = None) -> Page[Sample]:
        return await self._call(metrics.SAMPLES_LIST, query=query)

    async def latest(self, query: Query = None) -> Page[Sample]:
        return await self._call(metrics.SAMPLES_LATEST, query=query)

    async def chart(self, query: Query = None) -> MetricChart:
        return await self._call(metric_chart.METRIC_CHART, query=query)


class Services(Group):
    async def list(self, query: Query = None) -> Page[Service]:
        return await self._call(metrics.SERVICE_LIST, query=query)

    async def add(self, body: Body) -> Service:
        return await self._call(metrics.SERVICE_ADD, body=body)

    async def get(self, service: str) -> Service:
        return await self._call(metrics.SERVICE_GET, path={"service": service})

    async def patch(self, service: str, body: Body, *, if_match: int | None = None) -> Service:
        return await self._call(metrics.SERVICE_PATCH, path={"service": service}, body=body, if_match=if_match)

    async def delete(self, service: str) -> None:
        await self._call(metrics.SERVICE_DELETE, path={"service": service})
