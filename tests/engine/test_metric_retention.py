"""Samples go after two weeks, their minutes after three months, their hours after two years; days stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.clocks import FakeClock
from tests.engine.old_age import clean, execute, worker
from tests.engine.watch import open_watch
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.errors import Invalid
from trackdesk.domain.retention import Kept
from trackdesk.store import metric_aging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.engine.watch import Watch


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    """Samples of 1,000, 100, 20 and 1 days ago, two each of two series."""
    async with open_watch(tmp_path, FakeClock()) as opened:
        for days in (1000, 100, 20, 1):
            for service in ("api", "db"):
                at = opened.house.now - days * DAY
                await opened.send_all([(at, 1.0), (at + HOUR, 2.0)], service)
        yield opened


def days_of(watch: Watch, sql: str) -> list[int]:
    """How many days ago these are, each number once."""
    return sorted({(watch.house.now - at) // DAY + 1 for at in watch.house.values(sql)}, reverse=True)


async def look(watch: Watch, **kept: int) -> None:
    await worker(watch.house, Kept(90 * DAY, **kept)).look()


async def test_each_level_goes_after_its_own_time(watch: Watch) -> None:
    watch.house.clock.leap(HOUR)
    await watch.rollups.catch_up()
    await look(watch)
    assert len(watch.stored()) == 4
    packs = "SELECT count(*) FROM metric_packs WHERE level = ?"
    assert [watch.house.values(packs, level) for level in (0, 1, 2)] == [[8], [12], [16]]
    found = await watch.chart(since=watch.house.now - 1001 * DAY, bucket="day")
    assert sum(point.count for point in found.data) == 16


async def test_what_is_not_counted_yet_stays(watch: Watch) -> None:
    await look(watch)
    assert len(watch.stored()) == 16


async def test_nothing_goes_where_everything_is_kept_for_ever(watch: Watch) -> None:
    await watch.rollups.catch_up()
    await look(watch, samples=0, minutes=0, hours=0)
    assert len(watch.stored()) == 16
    assert watch.house.values("SELECT count(*) FROM metric_packs WHERE level = 0") == [16]


async def test_no_chart_is_drawn_of_what_is_gone_in_part(watch: Watch) -> None:
    await watch.rollups.catch_up()
    await look(watch)
    since = watch.house.now - 95 * DAY
    with pytest.raises(Invalid, match="by the hour only: take whole hours"):
        await watch.chart(since=since, bucket="90m", to=watch.house.at(-94 * 86_400))
    found = await watch.chart(since=since, points=1000, to=watch.house.at(-94 * 86_400))
    assert found.meta.bucket == HOUR
    with pytest.raises(Invalid, match="by the minute only"):
        await watch.chart(since=watch.house.now - 20 * DAY, bucket="10s", to=watch.house.at(-20 * 86_400 + 60))


async def test_a_cleanup_in_one_namespace_leaves_charts_of_others_as_fine_as_they_were(watch: Watch) -> None:
    await watch.rollups.catch_up()
    await execute(watch.house, "INSERT INTO namespaces (id, name, created_at) VALUES (2, 'other', 0)")
    await execute(watch.house, "UPDATE services SET namespace_id = 2 WHERE name = 'db'")
    await execute(watch.house, "UPDATE series SET namespace_id = 2 WHERE id = 2")
    await clean(watch.house, older_than="10d")
    found = {"since": watch.house.now - 20 * DAY, "bucket": "10s", "to": watch.house.at(-20 * 86_400 + 60)}
    with pytest.raises(Invalid, match="by the minute only"):
        await watch.chart(**found)
    chart = await watch.chart(namespace_id=2, **found)
    assert [point.count for point in chart.data] == [1, 0, 0, 0, 0, 0]


async def test_a_late_sample_of_long_ago_is_counted_in_its_day(watch: Watch) -> None:
    await watch.rollups.catch_up()
    await look(watch)
    await watch.send(5, ago=1000 * DAY)
    for _ in range(2):
        await watch.rollups.catch_up()
        await look(watch)
        found = await watch.chart(since=watch.house.now - 1001 * DAY, bucket="day")
        assert next(point.count for point in found.data if point.count) == 5


async def test_roll_ups_of_a_service_that_is_gone_go_too(watch: Watch) -> None:
    await watch.rollups.catch_up()
    gone = "DELETE FROM series WHERE service_id = (SELECT id FROM services WHERE name = 'db')"
    await watch.house.engine.writer.run(lambda tx: tx.execute(gone) and None)
    await look(watch)
    assert watch.house.values("SELECT DISTINCT series_id FROM metric_packs ORDER BY 1") == [-1, 1]
    assert watch.house.values("SELECT DISTINCT level FROM metric_packs") == [0, 1, 2]


@pytest.mark.parametrize(
    ("body", "samples", "rollups"), [({}, 12, 0), ({"what": ["rollups"]}, 0, 24), ({"what": ["runs"]}, 0, 0)]
)
async def test_a_cleanup_counts_first_what_it_deletes_then(
    watch: Watch, body: dict[str, Any], samples: int, rollups: int
) -> None:
    watch.house.clock.leap(HOUR)
    await watch.rollups.catch_up()
    would = await clean(watch.house, older_than="10d", dry_run=True, **body)
    assert len(watch.stored()) == 16
    did = await clean(watch.house, older_than="10d", **body)
    assert (did.samples, did.rollups) == (would.samples, would.rollups) == (samples, rollups)
    assert len(watch.stored()) == 16 - samples


async def test_samples_are_found_in_the_order_in_which_they_are_stored(watch: Watch) -> None:
    start = watch.house.now - 30 * DAY
    await watch.send_all([(start + (minute * 7919 % 600) * MINUTE, 1.0) for minute in range(600)])
    await watch.rollups.catch_up()
    found = [ids async for ids in metric_aging.old_samples(watch.house.engine.readers, None, start + 600 * MINUTE)]
    assert all(ids == sorted(ids) for ids in found)
    assert sorted(sample for ids in found for sample in ids) == [*range(1, 9), *range(17, 617)]
