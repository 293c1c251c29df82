"""A chart of samples, each part of the range from the coarsest thing that has it.

Days and hours that are over come from roll-ups, and so do minutes; buckets that are no whole minutes from the samples
themselves. What has arrived and is not counted yet is read one by one, so that an answer is right to the last sample.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

import orjson

from trackdesk.domain.buckets import Counted as Covered
from trackdesk.domain.buckets import Piece, cover
from trackdesk.domain.clock import DAY, HOUR, MINUTE
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
MOST_CELLS: Final = 40_000
"""Minutes, hours and days that one question may put together."""
QUICK_ROWS: Final = 1000
"""Of an answer, where the length of a bucket is ours to choose."""
QUICK_CELLS: Final = 20_000
"""The same, where the length of a bucket is ours to choose."""
_LEVELS: Final = {"minute": 0, "hour": 1, "day": 2}
_LAST_CELLS: Final = 1
_PACKS_AT_ONCE, _ROWS_AT_ONCE, _BUCKETS_AT_ONCE = 50, 2000, 20
"""After which everybody else gets a turn."""
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
        named = {each.id: each.service if grouped else "" for each in found}
        families = named if tags else _families(found, grouped=grouped)
        counted = await metric_cells.counted(connection)
        least = (await metric_cells.kept(connection, namespace_id)).least(start)
        size = given.bucket or await _usual_size(connection, given, (named, families), groups, (start, end, least))
        if size % least:
            raise Invalid("bucket", _gone(start, least))
        bounds = _bounds(given, start, end, size, groups)
        reading = Reading(connection, bounds, named, families, now)
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


def _families(found: Sequence[Series], *, grouped: bool) -> dict[int, str]:
    """Of all series of a service: what hours and days are kept of."""
    least: dict[str, int] = {}
    for each in found:
        least[each.service] = min(each.id, least.get(each.service, each.id))
    return {-series_id: service if grouped else "" for service, series_id in least.items()}


async def _usual_size(
    connection: aiosqlite.Connection,
    given: ChartFilter,
    whom: tuple[dict[int, str], dict[int, str]],
    groups: int,
    range_: tuple[int, int, int],
) -> int:
    """What suits the range and the points asked for, and can be read quickly; `range_`: from, to, the shortest (µs)."""
    start, end, least = range_
    points = min(given.points or USUAL_POINTS, max(QUICK_ROWS // max(groups, 1), 1))
    size = size_for(end - start, points, least)
    if size < MINUTE and await _count(connection, whom[0], start, end, QUICK_SAMPLES + 1) > QUICK_SAMPLES:
        size = MINUTE
    for unit, coarser, ids in ((MINUTE, HOUR, whom[0]), (HOUR, DAY, whom[1])):
        if unit <= size < coarser and (end - start) // unit * len(ids) > QUICK_CELLS:
            size = coarser
    return size


async def _count(connection: aiosqlite.Connection, ids: Iterable[int], start: int, end: int, most: int) -> int:
    """Samples in [start, end), at most that many."""
    rows = await connection.execute_fetchall(
        "SELECT count(*) FROM (SELECT 1 FROM json_each(?) j CROSS JOIN samples m INDEXED BY samples_by_series "
        "ON m.series_id = j.value AND m.recorded_at >= ? AND m.recorded_at < ? LIMIT ?)",
        (_json(ids), start, end, most),
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
    """One question under way; `cells` has what was found of each group, by number of the bucket."""

    def __init__(
        self,
        connection: aiosqlite.Connection,
        bounds: Sequence[int],
        series: dict[int, str],
        families: dict[int, str],
        now: int,
    ) -> None:
        """`series` and `families`: the group of each id, of minutes and samples, and of hours and days."""
        self.cells: dict[str, list[Measures | None]] = {group: [None] * (len(bounds) - 1) for group in series.values()}
        self._connection = connection
        self._bounds = bounds
        self._size = bounds[1] - bounds[0]
        self._now = now
        self._groups = series | families
        self._series = _json(series)
        self._families = _json(families)
        self._many = (len(series), len(families), len(families))
        """Cells of an instant, by level."""

    async def read(self, counted: Counted) -> None:
        """Whole minutes. Raises Invalid (`bucket`) when it would be too much."""
        start, end = self._bounds[0], self._bounds[-1]
        pieces = self._pieces(start, end)
        cells = self._cells_of(pieces, start)
        if cells > MOST_CELLS and (cells := self._cells_of(pieces, await self._first_day())) > MOST_CELLS:
            raise Invalid(
                "bucket",
                f"{self._many[0]} series over this range would be {cells:,} pieces (at most {MOST_CELLS:,}): take "
                "longer buckets, best whole hours or days, a shorter range or fewer services",
            )
        for piece in pieces:
            await self._read_packs(_LEVELS[piece.kind], piece)
            for level in range(min(_LEVELS[piece.kind], _LAST_CELLS) + 1):
                await self._read_cells(level, piece)
        await self._read_rest(counted, start, end)

    def _cells_of(self, pieces: Iterable[Piece], since: int) -> int:
        """How many would be read at most, of from an instant (µs) to now."""
        cells = 0
        for piece in pieces:
            level = _LEVELS[piece.kind]
            cells += max(min(piece.end, self._now) - max(piece.start, since), 0) // SPANS[level] * self._many[level]
        return cells

    async def _first_day(self) -> int:
        """Before this instant (µs) nothing was measured."""
        rows = await self._connection.execute_fetchall(
            "SELECT min((SELECT min(at) FROM metric_packs WHERE level = 2 AND series_id = j.value)) "
            "FROM json_each(?) j",
            (self._families,),
        )
        found = next(iter(rows))[0]
        return self._now - 2 * DAY if found is None else int(found)

    def _pieces(self, start: int, end: int) -> list[Piece]:
        if self._size % DAY == 0:
            return [Piece("day", start, end)]
        if self._size % HOUR == 0:
            return [Piece("hour", start, end)]
        return [Piece("minute", start, end)] if self._size < HOUR else cover(self._bounds, Covered(end, end, end))

    async def _read_cells(self, level: int, piece: Piece) -> None:
        rows = await self._connection.execute_fetchall(
            f"SELECT series_id, at, {CELL_COLUMNS} FROM json_each(?) j CROSS JOIN metric_cells "
            "ON level = ? AND series_id = j.value AND at >= ? AND at < ?",
            (self._families if level else self._series, level, piece.start, piece.end),
        )
        for index, (series_id, at, *row) in enumerate(rows, 1):
            self._cell(series_id, at).take(*row)
            if index % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _read_packs(self, level: int, piece: Piece) -> None:
        span, unit = PACKS[level], SPANS[level]
        rows = await self._connection.execute_fetchall(
            "SELECT series_id, at, pack FROM json_each(?) j CROSS JOIN metric_packs "
            "ON level = ? AND series_id = j.value AND at >= ? AND at < ?",
            (self._families if level else self._series, level, piece.start // span * span, piece.end),
        )
        for index, (series_id, at, content) in enumerate(rows, 1):
            columns = unpack(at, content)
            numbers = columns.numbers
            begin, most = (
                bisect_left(numbers, (piece.start - at) // unit),
                bisect_left(numbers, (piece.end - at) // unit),
            )
            while begin < most:
                when = at + numbers[begin] * unit
                bucket = (when - self._bounds[0]) // self._size
                behind = min((self._bounds[bucket + 1] - at) // unit, numbers[most - 1] + 1)
                end = bisect_left(numbers, behind, begin, most)
                self._cell(series_id, when).take_some(columns, begin, end)
                begin = end
            if index % _PACKS_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _read_rest(self, counted: Counted, start: int, end: int) -> None:
        """What has arrived since."""
        rows = await self._connection.execute_fetchall(
            # By the index all of the range would be read.
            "SELECT series_id, recorded_at, value FROM samples NOT INDEXED WHERE id > ? AND recorded_at >= ? "
            "AND recorded_at < ? AND series_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (counted.samples_to, start, end, self._series),
        )
        await self._add(rows)

    async def read_samples(self) -> None:
        """One by one. Raises Invalid (`bucket`) when there are too many."""
        rows = await self._connection.execute_fetchall(
            # In the index, samples of one instant stand by value: which of them is the last is said by arrival.
            "SELECT series_id, recorded_at, value FROM (SELECT m.id, m.series_id, m.recorded_at, m.value "
            "FROM json_each(?) j CROSS JOIN samples m INDEXED BY samples_by_series "
            "ON m.series_id = j.value AND m.recorded_at >= ? AND m.recorded_at < ? LIMIT ?) ORDER BY id",
            (self._series, self._bounds[0], self._bounds[-1], MOST_SAMPLES + 1),
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
        start, size, groups = self._bounds[0], self._size, self._groups
        found: dict[tuple[str, int], list[tuple[int, float]]] = {}
        for index, (series_id, at, value) in enumerate(rows, 1):
            key = (groups[series_id], (at - start) // size)
            samples = found.get(key)
            if samples is None:
                samples = found[key] = []
            samples.append((at, value))
            if index % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        for (group, bucket), samples in found.items():
            self._measures(group, bucket).add_all(samples)

    def _cell(self, series_id: int, at: int) -> Measures:
        return self._measures(self._groups[series_id], (at - self._bounds[0]) // self._size)

    def _measures(self, group: str, bucket: int) -> Measures:
        found = self.cells[group][bucket]
        if found is None:
            found = self.cells[group][bucket] = Measures()
        return found


def _json(ids: Iterable[int]) -> str:
    return orjson.dumps(list(ids)).decode()


async def _points(cells: dict[str, list[Measures | None]], bounds: Sequence[int], *, grouped: bool) -> list[ChartPoint]:
    """By time, then group."""
    names = sorted(cells) or ([] if grouped else [""])
    points = []
    for bucket, at in enumerate(bounds[:-1]):
        for name in names:
            found = cells[name][bucket] if cells else None
            if found is not None or not grouped:
                points.append(_point(at, name or None, found))
        if bucket % _BUCKETS_AT_ONCE == 0:
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
