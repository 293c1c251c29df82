"""What roll-ups are made of, read beside the writer: runs that ended, packs of minutes, rows of hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trackdesk.domain.clock import DAY
from trackdesk.domain.tally import Tally
from trackdesk.store import rollup_reads as reads
from trackdesk.store.ended import ENDED_COLUMNS, ended_from
from trackdesk.store.rollups import Name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from trackdesk.domain.buckets import Counted
    from trackdesk.domain.tally import Ended
    from trackdesk.store.readers import Readers

CHUNK: Final = 500
SPREAD_OVER: Final = 30 * DAY
"""Percentiles of a process are of its runs of so long (µs)."""

_ENDED = (
    f"SELECT {ENDED_COLUMNS}, r.seq FROM runs r INDEXED BY runs_by_completion WHERE r.namespace_id = ? "
    "AND (r.completed_at, r.seq) > (?, ?) AND r.completed_at < ? AND r.completed_at IS NOT NULL "
    "ORDER BY r.completed_at, r.seq LIMIT ?"
)


async def namespaces(readers: Readers) -> list[int]:
    return [row[0] for row in await readers.all("SELECT id FROM namespaces ORDER BY id")]


async def counted(readers: Readers, namespace_id: int) -> Counted:
    """Zeros before the first run that ended."""
    async with readers.connection() as connection:
        return await reads.counted(connection, namespace_id)


async def series(readers: Readers, namespace_id: int) -> dict[Name, int]:
    """All there are, by what they count."""
    rows = await readers.all(
        "SELECT kind, process_id, key, value, id FROM rollup_series WHERE namespace_id = ?", (namespace_id,)
    )
    return {Name(*row[:4]): row[4] for row in rows}


async def first_end(readers: Readers, namespace_id: int, after: int) -> int | None:
    """When the first run ended that ended at or behind an instant; µs both."""
    row = await readers.one(
        "SELECT completed_at FROM runs INDEXED BY runs_by_completion WHERE namespace_id = ? AND completed_at >= ? "
        "AND completed_at IS NOT NULL ORDER BY completed_at LIMIT 1",
        (namespace_id, after),
    )
    return None if row is None else row[0]


class Snapshot:
    """The runs that ended in [start, end) as they are stored at one moment; `last_correction` belongs to it."""

    def __init__(self, readers: Readers, namespace_id: int, start: int, end: int) -> None:
        self._readers = readers
        self._namespace_id = namespace_id
        self._start = start
        self._end = end
        self.last_correction = 0

    async def chunks(self) -> AsyncIterator[list[Ended]]:
        """By the time they ended."""
        async with self._readers.connection() as connection:
            await connection.execute_fetchall("BEGIN")
            rows = await reads.fetch(connection, "SELECT ifnull(max(id), 0) FROM rollup_corrections")
            self.last_correction = rows[0][0]
            position = (self._start, -1)
            while True:
                rows = await reads.fetch(connection, _ENDED, self._namespace_id, *position, self._end, CHUNK)
                if rows:
                    yield list(ended_from(rows))
                if len(rows) < CHUNK:
                    break
                position = (rows[-1][0], rows[-1][-1])
            await connection.execute_fetchall("ROLLBACK")


async def next_pack(readers: Readers, namespace_id: int, after: int) -> int | None:
    """The first minute in a pack at or behind an instant; µs both."""
    row = await readers.one(
        "SELECT min(at) FROM rollup_minutes WHERE namespace_id = ? AND at >= ?", (namespace_id, after)
    )
    return None if row is None else row[0]


async def of_packs(readers: Readers, namespace_id: int, start: int, end: int) -> dict[int, Tally]:
    """What each series has in the packs of [start, end)."""
    found: dict[int, Tally] = {}
    async with readers.connection() as connection:
        for _, pack in await reads.packs(connection, namespace_id, start, end):
            _merge_flat(found, pack)
    return found


async def next_row(readers: Readers, series_id: int, after: int) -> int | None:
    """The first hour of a series at or behind an instant; µs both."""
    row = await readers.one(
        "SELECT min(at) FROM rollups WHERE level = ? AND series_id = ? AND at >= ?",
        (reads.LEVELS["hour"], series_id, after),
    )
    return None if row is None else row[0]


async def of_hours(readers: Readers, series_ids: Sequence[int], start: int, end: int) -> dict[int, Tally]:
    """What each series has in the hours of [start, end)."""
    async with readers.connection() as connection:
        found = await reads.flats(connection, "hour", series_ids, [(start, end)])
    return {series_id: Tally.of_flats(flats) for series_id, flats in found}


async def spreads(
    readers: Readers, namespace_id: int, series_ids: Sequence[int], counted_to: Counted
) -> dict[int, Tally]:
    """What each series has in the last `SPREAD_OVER` that are counted."""
    since = (counted_to.minutes_to - SPREAD_OVER) // DAY * DAY
    found: dict[int, Tally] = {}
    async with readers.connection() as connection:
        for kind, start, end in (("day", since, counted_to.days_to), ("hour", counted_to.days_to, counted_to.hours_to)):
            for series_id, flats in await reads.flats(connection, kind, series_ids, [(start, end)]):
                found.setdefault(series_id, Tally()).merge(Tally.of_flats(flats))
        wanted = set(series_ids)
        for _, pack in await reads.packs(connection, namespace_id, counted_to.hours_to, counted_to.minutes_to):
            _merge_flat(found, {key: flat for key, flat in pack.items() if key in wanted})
    return found


def _merge_flat(found: dict[int, Tally], pack: Mapping[int, list[Any]]) -> None:
    for series_id, flat in pack.items():
        found.setdefault(series_id, Tally()).merge(Tally.of_flat(flat))


def in_steps(ids: Iterable[int], size: int = 100) -> list[list[int]]:
    """The ids, some at a time."""
    every = list(ids)
    return [every[begin : begin + size] for begin in range(0, len(every), size)]
