"""Calls about figures: of all, of runs over time, of tags."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import analytics
from trackdesk.domain.identity import Permission
from trackdesk.domain.summary import Summary

SUMMARY: Final = Endpoint[Summary](
    "stats.summary", (("GET", "/v1/stats/summary"),), Permission.READ, "Headline counts", Summary
)
RUN_STATS: Final = Endpoint[analytics.Stats](
    "stats.runs",
    (("GET", "/v1/runs/stats"),),
    Permission.READ,
    "Finished runs over time, in buckets, by process or by the values of a tag",
    analytics.Stats,
    query=analytics.StatsFilter,
)
TAG_STATS: Final = Endpoint[analytics.TagStats](
    "stats.tags",
    (("GET", "/v1/tags"),),
    Permission.READ,
    "Which tag values hold the problems",
    analytics.TagStats,
    query=analytics.TagStatsFilter,
)
