"""A chart of samples, each part of the range from the coarsest thing that has it.

Days and hours that are over come from roll-ups, and so do minutes; buckets that are no whole minutes from the samples
themselves. What has arrived and is not counted yet is read one by one, so that an answer is right to the last sample.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

import orjson

from trackdesk.domain.buckets import Counted as Covered
from trackdesk.domain.buckets import Piece, cover
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.errors import Invalid
from trackdesk.domain.filters import tag_pair
from trackdesk.domain.instant import format_instant, within
from trackdesk.domain.measures import Measures, unpack
from trackdesk.domain.metric_chart import (
    MOST_ROWS,
    USUAL_POINTS,
    ChartMeta,
    ChartPoint,
    MetricChart,
    edges,
    size_for,
)
from trackdesk.store import metric_cells, series
from trackdesk.store.metric_cells import CELL_COLUMNS, PACKS, SPANS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import aiosqlite

    from trackdesk.domain.metric import Series
    from trackdesk.domain.metric_chart import ChartFilter
    from trackdesk.store.metric_cells import Counted
    from trackdesk.store.readers import Readers

MOST_SAMPLES: Final = 50_000
"""Samples that one question may read one by one, but for those that are not counted yet."""
QUICK_SAMPLES: Final = 10_000
"""The same, where the length of a bucket is ours to choose."""
MOST_CELLS: Final = 60_000
"""Minutes, hours and days that one question may put together."""
QUICK_CELLS: Final = 20_000
"""The same, where the length of a bucket is ours to choose."""
_LEVELS: Final = {"minute": 0, "pack": 0, "hour": 1, "day": 2}
_AT_ONCE: Final = 200
"""Packs, or figures, after which everybody else gets a turn."""
_PERCENTS: Final = (50, 95, 99)


async def chart(readers: Readers, namespace_id: int, given: ChartFilter, now: int) -> MetricChart:
    """`now` µs. Raises Invalid (`from`, `to`, `bucket`, `points`, `service`)."""
    start, end = _window(given, now)
    tags = [tag_pair(tag) for tag in given.tag]
    found = await series.matching(readers, namespace_id, given.service, (given.metric_type,), tags)
    grouped = given.group_by == "service"
    groups = len({each.service for each in found}) if grouped else 1
    if groups > MOST_ROWS // 2:
        raise Invalid("service", f"{groups} services would be too many groups; name those to compare")
    async with readers.connection() as connection:
        await connection.execute_fetchall("BEGIN")
        ids = [each.id for each in found]
        counted = await metric_cells.counted(connection)
        least = SECOND if counted is None else counted.least(start)
        size = given.bucket or await _usual_size(connection, given, ids, groups, (start, end, least))
        if size % least:
            raise Invalid("bucket", _gone(start, least))
        bounds = _bounds(given, start, end, size, groups)
        reading = Reading(connection, bounds, {each.id: each.service if grouped else "" for each in found})
        if size % MINUTE or counted is None:
            await reading.read_samples()
        else:
            await reading.read(counted)
        await connection.execute_fetchall("ROLLBACK")
    data = await _points(reading.cells, bounds, grouped=grouped)
    return MetricChart.trusted(data=data, meta=_meta(given, bounds, size, found))


def _window(given: ChartFilter, now: int) -> tuple[int, int]:
    """From when to when, µs: [start, end); a day up to and with now."""
    if given.bucket is not None and given.points is not None:
        raise Invalid("points", "expected either bucket or points")
    end = now + 1 if given.to is None else given.to
    start = max(end - 1 - DAY, 0) if given.from_ is None else given.from_
    if start >= end:
        raise Invalid("from", "expected a time before `to`, which is now when absent")
    return start, end


async def _usual_size(
    connection: aiosqlite.Connection, given: ChartFilter, ids: Sequence[int], groups: int, range_: tuple[int, int, int]
) -> int:
    """What suits the range and the points asked for, and can be read quickly; `range_`: from, to, the shortest (µs)."""
    start, end, least = range_
    points = min(given.points or USUAL_POINTS, max(MOST_ROWS // max(groups, 1), 1))
    size = size_for(end - start, points, least)
    if size < MINUTE and await _count(connection, ids, start, end, QUICK_SAMPLES + 1) > QUICK_SAMPLES:
        size = MINUTE
    for unit, coarser in ((MINUTE, HOUR), (HOUR, DAY)):
        if unit <= size < coarser and (end - start) // unit * len(ids) > QUICK_CELLS:
            size = coarser
    return size


async def _count(connection: aiosqlite.Connection, ids: Sequence[int], start: int, end: int, most: int) -> int:
    """Samples in [start, end), at most that many."""
    rows = await connection.execute_fetchall(
        "SELECT count(*) FROM (SELECT 1 FROM json_each(?) j CROSS JOIN samples m INDEXED BY samples_by_series "
        "ON m.series_id = j.value AND m.recorded_at >= ? AND m.recorded_at < ? LIMIT ?)",
        (orjson.dumps(ids).decode(), start, end, most),
    )
    return int(next(iter(rows))[0])


def _gone(start: int, least: int) -> str:
    kept = {MINUTE: "minute", HOUR: "hour", DAY: "day"}[least]
    return f"what was measured at {format_instant(start)} is kept by the {kept} only: take whole {kept}s"


def _bounds(given: ChartFilter, start: int, end: int, size: int, groups: int) -> list[int]:
    try:
        bounds = edges(start, end, size)
        within(bounds[-1], given.to)
    except (ValueError, OverflowError) as error:
        raise Invalid("bucket", str(error)) from None
    if groups > 1 and (len(bounds) - 1) * groups > MOST_ROWS:
        raise Invalid(
            "bucket",
            f"{len(bounds) - 1} buckets of {groups} services are too many (at most {MOST_ROWS} rows): take longer "
            "buckets, a shorter range or fewer services",
        )
    return bounds


class Reading:
    """One question under way; `cells` has what was found, by number of the bucket and name of the group."""

    def __init__(self, connection: aiosqlite.Connection, bounds: Sequence[int], groups: dict[int, str]) -> None:
        self.cells: dict[tuple[int, str], Measures] = {}
        self._connection = connection
        self._bounds = bounds
        self._groups = groups
        """By id of the series."""
        self._ids = orjson.dumps(list(groups)).decode()

    async def read(self, counted: Counted) -> None:
        """Whole minutes. Raises Invalid (`bucket`) when it would be too much."""
        start, end = self._bounds[0], self._bounds[-1]
        pieces = cover(self._bounds, Covered(end, counted.hours_to, counted.days_to))
        cells = sum((piece.end - piece.start) // SPANS[_LEVELS[piece.kind]] for piece in pieces) * len(self._groups)
        if cells > MOST_CELLS:
            raise Invalid(
                "bucket",
                f"{len(self._groups)} series over this range would be {cells:,} pieces (at most {MOST_CELLS:,}): take "
                "longer buckets, best whole hours or days, a shorter range or fewer services",
            )
        for piece in pieces:
            await self._read_cells(piece)
            await self._read_packs(piece)
        await self._read_rest(counted, start, end)

    async def _read_cells(self, piece: Piece) -> None:
        rows = await self._connection.execute_fetchall(
            f"SELECT series_id, at, {CELL_COLUMNS} FROM json_each(?) j CROSS JOIN metric_cells "
            "ON level = ? AND series_id = j.value AND at >= ? AND at < ?",
            (self._ids, _LEVELS[piece.kind], piece.start, piece.end),
        )
        for row in rows:
            self._cell(row[0], row[1]).take(*row[2:])

    async def _read_packs(self, piece: Piece) -> None:
        level = _LEVELS[piece.kind]
        if level == len(PACKS):
            return
        span, unit = PACKS[level], SPANS[level]
        rows = await self._connection.execute_fetchall(
            "SELECT series_id, at, pack FROM json_each(?) j CROSS JOIN metric_packs "
            "ON level = ? AND series_id = j.value AND at >= ? AND at < ?",
            (self._ids, level, piece.start // span * span, piece.end),
        )
        for index, (series_id, at, content) in enumerate(rows, 1):
            for number, measures in unpack(at, content):
                if piece.start <= at + number * unit < piece.end:
                    self._cell(series_id, at + number * unit).take(*measures)
            if index % _AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _read_rest(self, counted: Counted, start: int, end: int) -> None:
        """What has arrived since."""
        rows = await self._connection.execute_fetchall(
            "SELECT series_id, recorded_at, value FROM samples WHERE id > ? AND recorded_at >= ? AND recorded_at < ? "
            "AND series_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (counted.samples_to, start, end, self._ids),
        )
        await self._add(rows)

    async def read_samples(self) -> None:
        """One by one. Raises Invalid (`bucket`) when there are too many."""
        rows = await self._connection.execute_fetchall(
            "SELECT m.series_id, m.recorded_at, m.value FROM json_each(?) j CROSS JOIN samples m "
            "INDEXED BY samples_by_series ON m.series_id = j.value AND m.recorded_at >= ? AND m.recorded_at < ? "
            "LIMIT ?",
            (self._ids, self._bounds[0], self._bounds[-1], MOST_SAMPLES + 1),
        )
        found = list(rows)
        if len(found) > MOST_SAMPLES:
            raise Invalid(
                "bucket",
                f"more than {MOST_SAMPLES:,} samples would have to be read one by one: take buckets of whole minutes, "
                "or a shorter range",
            )
        await self._add(found)

    async def _add(self, rows: Iterable[Any]) -> None:
        for index, (series_id, at, value) in enumerate(rows, 1):
            self._cell(series_id, at).add(at, value)
            if index % 2000 == 0:
                await asyncio.sleep(0)

    def _cell(self, series_id: int, at: int) -> Measures:
        key = (bisect_right(self._bounds, at) - 1, self._groups[series_id])
        found = self.cells.get(key)
        if found is None:
            found = self.cells[key] = Measures()
        return found


async def _points(cells: dict[tuple[int, str], Measures], bounds: Sequence[int], *, grouped: bool) -> list[ChartPoint]:
    keys = sorted(cells) if grouped else [(bucket, "") for bucket in range(len(bounds) - 1)]
    points = []
    for index, key in enumerate(keys, 1):
        points.append(_point(bounds[key[0]], key[1] or None, cells.get(key)))
        if index % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return points


def _point(at: int, group: str | None, measures: Measures | None) -> ChartPoint:
    if measures is None:
        return ChartPoint.trusted(
            time=at, group=group, count=0, min=None, max=None, avg=None, last=None, p50=None, p95=None, p99=None
        )
    p50, p95, p99 = measures.quantiles(_PERCENTS)
    return ChartPoint.trusted(
        time=at,
        group=group,
        count=measures.count,
        min=measures.low,
        max=measures.high,
        avg=measures.average,
        last=measures.last,
        p50=p50,
        p95=p95,
        p99=p99,
    )


def _meta(given: ChartFilter, bounds: Sequence[int], size: int, found: Sequence[Series]) -> ChartMeta:
    return ChartMeta.trusted(
        metric_type=given.metric_type,
        from_=bounds[0],
        to=bounds[-1],
        bucket=size,
        group_by=given.group_by,
        series=len(found),
    )
