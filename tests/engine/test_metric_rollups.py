"""Charts say what the samples say: late and out of order, after restarts, by every bucket, from any level."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.clocks import FakeClock, until
from tests.engine.watch import LATENCY, open_watch
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.errors import Invalid
from trackdesk.domain.instant import format_instant
from trackdesk.domain.metric_chart import ChartFilter
from trackdesk.engine import metric_rollups
from trackdesk.store import metric_cells

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.engine.watch import Watch
    from trackdesk.domain.metric_chart import ChartPoint


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    async with open_watch(tmp_path) as opened:
        yield opened


def same(point: ChartPoint, samples: list[tuple[int, float]]) -> None:
    """Counts are exact, quantiles within one per cent."""
    assert point.count == len(samples)
    if not samples:
        assert point.min is point.max is point.avg is point.last is point.p50 is None
        return
    values = sorted(value for _, value in samples)
    newest = max(at for at, _ in samples)
    assert (point.min, point.max) == (values[0], values[-1])
    assert point.last in [value for at, value in samples if at == newest]
    assert point.avg == pytest.approx(sum(values) / len(values), rel=1e-9, abs=1e-9)
    for percent, found in ((50, point.p50), (95, point.p95), (99, point.p99)):
        exact = values[max(-(-len(values) * percent // 100), 1) - 1]
        assert found is not None
        assert abs(found - exact) <= abs(exact) * 0.0101, f"p{percent}"


async def check(watch: Watch, since: int) -> None:
    """Buckets of every kind, against counting the samples one by one."""
    every = watch.stored()
    for bucket in ("10s", "90s", "1m", "7m", "hour", "6h", "day"):
        size = ChartFilter.model_validate({"metric_type": LATENCY, "bucket": bucket}).bucket or 0
        start = max(since, watch.house.now - 900 * size)
        found = await watch.chart(since=start, bucket=bucket)
        bounds = [point.time for point in found.data] + [found.meta.to]
        for index, point in enumerate(found.data):
            same(point, [each for each in every if bounds[index] <= each[0] < bounds[index + 1]])
    for bucket in ("hour", "day"):
        found = await watch.chart(since=since, bucket=bucket, tag=["host:a"])
        theirs = [each for each in watch.stored(tags='{"host":"a"}') if each[0] < found.meta.to]
        assert sum(point.count for point in found.data) == len(theirs)
    found = await watch.chart(since=since, bucket="day", group_by="service")
    for service in ("api", "db"):
        theirs = watch.stored(service)
        for point in found.data:
            if point.group == service:
                same(point, [each for each in theirs if point.time <= each[0] < point.time + DAY])


async def some_samples(watch: Watch, random: Random, since: int) -> None:
    """Most are of now; some come late, one in ten from days ago, some from a clock that is ahead."""
    now = watch.house.now
    made = []
    for _ in range(random.randrange(30)):
        ago = random.choice((0, 1, 5, 20)) if random.random() < 0.7 else random.choice((-3000, 90, 4000, 9e4, 3e5))
        at = max(now - round(ago * SECOND) - random.randrange(SECOND), since)
        made.append((at, round(random.choice((1, -1, 1e6)) * random.lognormvariate(3, 1), random.choice((0, 3)))))
    if made:
        await watch.send_all(made, random.choice(("api", "db")), host=random.choice("ab"))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_charts_say_what_the_samples_say(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of random samples, counted now and then, a few at a time, restarts in between."""
    monkeypatch.setattr(metric_rollups, "CHUNK", 17)
    monkeypatch.setattr(metric_rollups, "LATE", 5)
    random, clock = Random(seed), FakeClock()
    since = clock.now() - 4 * DAY
    for _ in range(3):
        async with open_watch(tmp_path, clock) as watch:
            for _ in range(25):
                await some_samples(watch, random, since)
                clock.leap(random.choice((5, 50, 400, 3000, 9000)) * SECOND)
                if random.random() < 0.5:
                    await watch.rollups.catch_up()
            await check(watch, since)
    async with open_watch(tmp_path, clock) as watch:
        clock.leap(2 * DAY)
        await watch.rollups.catch_up()
        assert watch.house.values("SELECT count(*) FROM metric_cells WHERE level = 0") == [0]
        assert watch.house.values("SELECT DISTINCT level FROM metric_packs") == [0, 1, 2]
        await check(watch, since)


@pytest.mark.parametrize("point", ["write", "move"])
async def test_counting_that_is_broken_off_is_done_again_with_the_same_result(
    tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every operation once; what it did is taken back with its transaction."""
    clock = FakeClock()
    since = clock.now() - DAY
    real = getattr(metric_cells, point)
    for nth in (1, 2, 4):
        async with open_watch(tmp_path, clock) as watch:
            for minute in range(90):
                await watch.send(minute + nth, host=str(minute % 12))
                clock.leap(MINUTE)
            await watch.send(1, ago=7 * HOUR)
            left = nth

            def breaks(*args: Any, **named: Any) -> None:
                nonlocal left
                real(*args, **named)
                left -= 1
                if left <= 0:  # also when the writer tries once more
                    raise RuntimeError("power failure")

            monkeypatch.setattr(metric_cells, point, breaks)
            with pytest.raises(RuntimeError):
                await watch.hours_pass(9)
            monkeypatch.setattr(metric_cells, point, real)
            await watch.send(2, ago=3 * HOUR)
            await check(watch, since)
            await watch.rollups.catch_up()
            await check(watch, since)


async def test_a_late_sample_lands_in_its_minute_hour_and_day(watch: Watch) -> None:
    await watch.send(1)
    watch.house.clock.leap(5 * DAY)
    await watch.rollups.catch_up()
    at = watch.house.now - 3 * DAY
    await watch.send(7, ago=3 * DAY)
    for _ in range(2):
        for size, bucket in ((MINUTE, "minute"), (HOUR, "hour"), (DAY, "day")):
            found = await watch.chart(since=at - size, to=format_instant(at + size), bucket=bucket)
            assert [point.time for point in found.data if point.count] == [at // size * size]
        await watch.rollups.catch_up()
    assert watch.house.values("SELECT samples_to FROM metric_counted") == [2]


async def test_what_was_counted_stays_when_samples_go(watch: Watch) -> None:
    for _ in range(5):
        await watch.send(4)
        watch.house.clock.leap(MINUTE)
    await watch.rollups.catch_up()
    await watch.house.engine.writer.run(lambda tx: tx.execute("DELETE FROM samples") and None)
    found = await watch.chart(bucket="day")
    assert sum(point.count for point in found.data) == 5
    await watch.send(5)
    await watch.rollups.catch_up()
    assert sum(point.count for point in (await watch.chart(bucket="hour")).data) == 6


async def test_the_worker_counts_when_a_minute_closes(watch: Watch) -> None:
    await watch.rollups.start()
    try:
        await until(lambda: watch.house.clock.waiting > 0)
        await watch.send(3)
        await watch.house.clock.advance(MINUTE + 2 * SECOND)
        await until(lambda: watch.house.values("SELECT samples_to FROM metric_counted") == [1])
        assert watch.rollups.health().ok
    finally:
        await watch.rollups.stop()


async def test_many_samples_are_counted_before_their_minute_closes(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_rollups, "MANY", 10)
    await watch.rollups.start()
    try:
        await until(lambda: watch.house.clock.waiting > 0)
        for _ in range(10):
            await watch.send(3)
        await until(lambda: watch.house.values("SELECT samples_to FROM metric_counted") == [10])
    finally:
        await watch.rollups.stop()


async def test_groups_are_services_and_tags_narrow(watch: Watch) -> None:
    await watch.send(1, service="api", host="a")
    await watch.send(2, service="api", host="b")
    await watch.send(9, service="db", host="a")
    await watch.rollups.catch_up()
    found = await watch.chart(bucket="hour", group_by="service")
    assert [(point.group, point.count, point.max) for point in found.data] == [("api", 2, 2.0), ("db", 1, 9.0)]
    one = await watch.chart(bucket="day", tag=["host:a"])
    assert [point.count for point in one.data if point.count] == [2]
    assert one.meta.series == 2
    nothing = await watch.chart(bucket="hour", service=["nobody"])
    assert {point.count for point in nothing.data} == {0}


@pytest.mark.parametrize(
    ("given", "bucket"),
    [
        ({"points": 60}, 30 * MINUTE),
        ({"points": 1000, "hours": 1}, 5 * SECOND),
        ({"hours": 1}, 30 * SECOND),
        ({"hours": 24 * 90}, DAY),
        ({"hours": 24 * 3650, "points": 10}, 728 * DAY),
    ],
)
async def test_points_choose_a_bucket_that_suits(watch: Watch, given: dict[str, Any], bucket: int) -> None:
    since = watch.house.now - given.pop("hours", 24) * HOUR
    found = await watch.chart(since=since, **given)
    assert found.meta.bucket == bucket


async def test_a_range_that_begins_long_before_the_first_sample_is_no_more_to_read(watch: Watch) -> None:
    for number in range(5):
        await watch.send(number, service=f"s{number}", ago=3 * DAY)
    await watch.rollups.catch_up()
    found = await watch.chart(since=0, points=1000)
    assert sum(point.count for point in found.data) == 5


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"bucket": "1m", "days": 3}, "bucket"),
        ({"bucket": "1s", "days": 1}, "bucket"),
        ({"bucket": "1m", "points": 5}, "points"),
        ({"days": -1}, "from"),
        ({"bucket": "1s", "days": 0.01, "gone": "samples"}, "bucket"),
        ({"bucket": "30m", "days": 1, "gone": "minutes"}, "bucket"),
        ({"bucket": "6h", "days": 1, "gone": "hours"}, "bucket"),
    ],
)
async def test_what_can_not_be_drawn_is_refused_by_name(watch: Watch, given: dict[str, Any], field: str) -> None:
    await watch.send(1)
    await watch.rollups.catch_up()
    if gone := given.pop("gone", None):
        sql, now = f"INSERT INTO metric_kept (namespace_id, {gone}_from) VALUES (1, ?)", watch.house.now
        await watch.house.engine.writer.run(lambda tx: tx.execute(sql, (now,)) and None)
    since = watch.house.now - round(given.pop("days", 1) * DAY)
    with pytest.raises(Invalid) as refused:
        await watch.chart(since=since, **given)
    assert refused.value.errors[0].field == field
