"""kill -9 while samples are counted up or packed: every sample is counted once, in its minute, hour and day."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.clocks import until
from tests.faults.harness import Site, open_site
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    from pathlib import Path

SERVICES, EACH, STEP = 8, 160, 16 * MINUTE
"""Samples of each service, and µs between them: almost two days."""


async def send(site: Site, start: int) -> None:
    samples = [
        {
            "service": f"s{service}",
            "metric_type": "LATENCY_MS",
            "value": number,
            "recorded_at": format_instant(start + number * STEP),
        }
        for number in range(EACH)
        for service in range(SERVICES)
    ]
    assert (await site.made("POST", "/v1/metrics", samples))["accepted"] == len(samples)


def begin_before(site: Site, start: int) -> None:
    """As if roll-ups had been at work then: what comes later is rows at first, and is packed when its time is over.

    A server that has just started may have counted some of it already: that is forgotten with how far it was.
    """
    with closing(sqlite3.connect(site.database)) as connection, connection:
        connection.execute("DELETE FROM metric_cells")
        connection.execute("DELETE FROM metric_packs")
        connection.execute(
            "INSERT OR REPLACE INTO metric_counted (id, samples_to, minutes_to, days_to) VALUES (1, 0, ?, ?)",
            (start // HOUR * HOUR, start // DAY * DAY),
        )


async def counts(site: Site, start: int, bucket: str) -> dict[str, Any]:
    """How many samples charts find, by service."""
    query = f"metric_type=LATENCY_MS&group_by=service&bucket={bucket}&from={format_instant(start)}"
    found: dict[str, Any] = {}
    for point in (await site.made("GET", f"/v1/metrics/chart?{query}"))["data"]:
        found[point["group"]] = found.get(point["group"], 0) + point["count"]
    return found


async def check(site: Site, start: int, times: int) -> None:
    expected = {f"s{service}": times * EACH for service in range(SERVICES)}
    for bucket in ("hour", "day"):
        assert await counts(site, start, bucket) == expected


@pytest.mark.parametrize("point", ["metrics.counting:2", "metrics.folding:2"])
async def test_samples_that_were_being_counted_at_a_kill_are_counted_once(tmp_path: Path, point: str) -> None:
    async with open_site(tmp_path) as site:
        start = time.time_ns() // 1000 - 2 * DAY
        await site.start()
        await send(site, start)
        await site.stop()
        begin_before(site, start)
        await site.spawn(kill_at=point)
        await site.died()
        await site.start()
        await check(site, start, 1)
        packed = "SELECT days_to >= ? FROM metric_counted"  # in the hour after midnight yesterday is not packed yet
        await until(lambda: site.rows(packed, ((start + DAY) // DAY * DAY,)) == [(1,)])
        await check(site, start, 1)
        await send(site, start)  # all of it is late now
        await check(site, start, 2)
        await site.stop()
        await site.start()
        await until(lambda: site.rows("SELECT samples_to FROM metric_counted") == [(2 * SERVICES * EACH,)])
        await check(site, start, 2)
        assert site.rows("SELECT count(*) FROM metric_cells WHERE level = 0 AND at < ?", (start + DAY,)) == [(0,)]
        await site.check()
