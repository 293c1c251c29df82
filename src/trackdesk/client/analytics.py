"""Figures: headline counts, runs over time, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import analytics

if TYPE_CHECKING:
    from trackdesk.client.encoding import Query
    from trackdesk.domain.analytics import Stats as RunStats
    from trackdesk.domain.analytics import TagStats
    from trackdesk.domain.summary import Summary


class Stats(Group):
    async def summary(self) -> Summary:
        return await self._call(analytics.SUMMARY)

    async def runs(self, query: Query = None) -> RunStats:
        return await self._call(analytics.RUN_STATS, query=query)

    async def tags(self, query: Query = None) -> TagStats:
        return await self._call(analytics.TAG_STATS, query=query)
