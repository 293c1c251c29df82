"""Counts, ages and times of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.store.house import DEFAULT, NOW
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident_stats import IncidentStatsFilter
from trackdesk.store import incident_stats

if TYPE_CHECKING:
    from tests.store.house import House
    from trackdesk.domain.incident_stats import IncidentStats


async def stats(house: House, **given: str) -> IncidentStats:
    async with house.readers() as readers:
        return await incident_stats.stats(readers, DEFAULT, IncidentStatsFilter.model_validate(given), NOW)


def closed(house: House, ago: int, acknowledge: int, close: int, **columns: str) -> None:
    at = NOW - ago
    house.incident(opened_at=at, status="CLOSED", triaged_at=at + acknowledge, closed_at=at + close, **columns)


async def test_without_incidents_everything_is_zero_and_no_time_is_known(house: House) -> None:
    found = await stats(house)
    assert found.by_status == {"OPEN": 0, "TRIAGED": 0, "IN_PROGRESS": 0, "CLOSED": 0}
    assert found.by_age == {"1h": 0, "1d": 0, "7d": 0, "30d": 0, "older": 0}
    assert (found.times.close.count, found.times.close.mean, found.oldest_open_at) == (0, None, None)


async def test_counts_are_by_status_severity_and_age(house: House) -> None:
    for ago, severity in ((0, "LOW"), (HOUR - 1, "LOW"), (HOUR, "HIGH"), (8 * DAY, "HIGH"), (31 * DAY, "CRITICAL")):
        house.incident(opened_at=NOW - ago, severity=severity)
    house.incident(opened_at=NOW - 2 * HOUR, status="TRIAGED", assignee="ada", triaged_at=NOW)
    closed(house, DAY, MINUTE, HOUR)
    house.incident(namespace_id=house.namespace("other"))
    found = await stats(house)
    assert found.by_status == {"OPEN": 5, "TRIAGED": 1, "IN_PROGRESS": 0, "CLOSED": 1}
    assert found.by_severity == {"LOW": 2, "MEDIUM": 0, "HIGH": 3, "CRITICAL": 1}
    assert found.by_age == {"1h": 2, "1d": 2, "7d": 0, "30d": 1, "older": 1}
    assert (found.unassigned, found.oldest_open_at, found.opened) == (5, NOW - 31 * DAY, 6)


async def test_times_are_those_of_what_was_taken_and_closed_in_the_window(house: House) -> None:
    closed(house, DAY, MINUTE, HOUR, severity="HIGH")
    closed(house, DAY, 3 * MINUTE, 2 * HOUR, severity="HIGH")
    closed(house, 2 * DAY, 8 * MINUTE, 9 * HOUR, severity="LOW")
    closed(house, 40 * DAY, MINUTE, 39 * DAY, severity="LOW")
    closed(house, 40 * DAY, MINUTE, DAY)
    times = (await stats(house)).times
    assert (times.acknowledge.count, times.acknowledge.mean, times.acknowledge.p50) == (3, 4 * MINUTE, 3 * MINUTE)
    assert (times.close.count, times.close.p50) == (4, 5 * HOUR + 30 * MINUTE)
    assert times.close.mean == (12 * HOUR + 39 * DAY) // 4, "what took longer than the window counts where it ended"
    high = (await stats(house)).times_by_severity["HIGH"]
    assert (high.close.count, high.close.mean) == (2, 90 * MINUTE)
    assert (await stats(house, to="2026-01-01T01:30:00Z")).times.close.count == 3


async def test_a_window_that_ends_before_it_begins_is_refused(house: House) -> None:
    with pytest.raises(Invalid, match="from: expected a time before `to`"):
        await stats(house, **{"from": "2026-01-03T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
