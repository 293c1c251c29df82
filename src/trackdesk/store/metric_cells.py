"""Samples counted up: what of it is stored, written whole by the one worker that counts, and read by it.

A cell has the measures of one series in a minute, an hour or a day. The last minutes are rows; they are put together in
packs, one for each hour, and counted in their hours. The hours of a day that is not over are rows; then they are put
together in a pack, and counted in their day. So nothing is counted in two rows or packs of the same level, and what is
in none of a level is in the rows of a finer one, or among the samples behind the last that is counted.

Hours and days are also kept of all series of a service and type together, as those of a family: its id is the least of
its series' with a minus before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.measures import Measures, Row, pack, unpack
from trackdesk.store.faultpoint import reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import aiosqlite

    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx

SPANS: Final = (MINUTE, HOUR, DAY)
"""µs of a cell, by level."""
PACKS: Final = (HOUR, DAY, 32 * DAY)
"""µs of a pack, by level of what is in it."""
CELL_COLUMNS: Final = "count, total, low, high, last_at, last, sketch"
_WRITE_PACK: Final = (
    "INSERT INTO metric_packs (level, series_id, at, pack) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (level, series_id, at) DO UPDATE SET pack = excluded.pack"
)
_GIVEN: Final = tuple(f"json_extract(j.value, '$[{index}]')" for index in range(3))


class Place(NamedTuple):
    """Of a cell or a pack."""

    level: int
    series_id: int
    at: int


class Counted(NamedTuple):
    """How far it is: the last sample that is counted, and before when minutes and hours are packed, µs."""

    samples_to: int
    minutes_to: int
    days_to: int


class KeptFrom(NamedTuple):
    """Since when samples, minutes and hours of a namespace have not gone for their age, µs."""

    samples_from: int = 0
    minutes_from: int = 0
    hours_from: int = 0

    def least(self, start: int) -> int:
        """The shortest span (µs) whose roll-ups reach back to an instant (µs)."""
        found = SECOND
        for since, span in ((self.samples_from, MINUTE), (self.minutes_from, HOUR), (self.hours_from, DAY)):
            if start < since:
                found = span
        return found


Packed = dict[int, Row]
"""What is in a pack, by number of the minute or hour."""


class Change(NamedTuple):
    """What one operation writes: each cell and each pack replaces the one that is there."""

    cells: Sequence[tuple[Any, ...]]
    packs: Sequence[tuple[Any, ...]]
    folded: Sequence[Place] = ()
    """Cells that are in packs from now on."""


def cell_row(place: Place, measures: Measures) -> tuple[Any, ...]:
    """Of a `Change`."""
    return (*place, *measures.row())


def pack_row(place: Place, packed: Packed) -> tuple[Any, ...]:
    """Of a `Change`."""
    return (*place, pack(place.at, sorted(packed.items()), small=place.level == 0))


def number(level: int, at: int) -> int:
    """Of the cell of an instant (µs) in its pack."""
    return at % PACKS[level] // SPANS[level]


def start(tx: Tx, minutes_to: int) -> None:
    """Count from the first sample on; what is older than `minutes_to` (µs) goes into packs at once."""
    tx.execute(
        "INSERT OR IGNORE INTO metric_counted (id, samples_to, minutes_to, days_to) VALUES (1, 0, ?, ?)",
        (minutes_to, minutes_to // DAY * DAY),
    )


def write(tx: Tx, change: Change, counted: Counted) -> None:
    """A change, and how far it is with that."""
    tx.insert(f"INSERT OR REPLACE INTO metric_cells (level, series_id, at, {CELL_COLUMNS})", change.cells)
    tx.executemany(_WRITE_PACK, change.packs)
    if change.folded:
        tx.executemany("DELETE FROM metric_cells WHERE level = ? AND series_id = ? AND at = ?", change.folded)
    reach("metrics.folding" if change.folded else "metrics.counting")
    move(tx, counted)


def move(tx: Tx, counted: Counted) -> None:
    tx.execute("UPDATE metric_counted SET samples_to = ?, minutes_to = ?, days_to = ?", counted)


async def counted(connection: aiosqlite.Connection) -> Counted | None:
    """None before anything is counted."""
    rows = list(await connection.execute_fetchall(f"SELECT {', '.join(Counted._fields)} FROM metric_counted"))
    return Counted(*rows[0]) if rows else None


async def kept(connection: aiosqlite.Connection, namespace_id: int) -> KeptFrom:
    rows = await connection.execute_fetchall(
        f"SELECT {', '.join(KeptFrom._fields)} FROM metric_kept WHERE namespace_id = ?", (namespace_id,)
    )
    return next((KeptFrom(*row) for row in rows), KeptFrom())


async def samples_after(readers: Readers, last: int, limit: int) -> list[tuple[int, int, int, float]]:
    """The next samples that arrived (id, series, instant, value), the first of them at the end."""
    rows = await readers.all(
        "SELECT id, series_id, recorded_at, value FROM samples WHERE id > ? ORDER BY id LIMIT ?", (last, limit)
    )
    return [tuple(row) for row in reversed(rows)]


async def cells(readers: Readers, places: Sequence[Place]) -> dict[Place, Measures]:
    """Those of `places` that are rows."""
    rows = await readers.all(
        f"SELECT level, series_id, at, {CELL_COLUMNS} FROM json_each(?) j CROSS JOIN metric_cells "
        f"ON level = {_GIVEN[0]} AND series_id = {_GIVEN[1]} AND at = {_GIVEN[2]}",
        (orjson.dumps([tuple(place) for place in places]).decode(),),
    )
    return {Place(*row[:3]): _measures(row[3:]) for row in rows}


async def packs(readers: Readers, places: Sequence[Place]) -> dict[Place, Packed]:
    """Those of `places` that there are."""
    rows = await readers.all(
        "SELECT level, series_id, at, pack FROM json_each(?) j CROSS JOIN metric_packs "
        f"ON level = {_GIVEN[0]} AND series_id = {_GIVEN[1]} AND at = {_GIVEN[2]}",
        (orjson.dumps([tuple(place) for place in places]).decode(),),
    )
    return {Place(*row[:3]): dict(unpack(row[2], row[3]).rows()) for row in rows}


async def families(readers: Readers, series_ids: Iterable[int]) -> dict[int, int]:
    """The family of each series that is there."""
    rows = await readers.all(
        "SELECT s.id, (SELECT -min(id) FROM series WHERE service_id = s.service_id AND metric_type = s.metric_type) "
        "FROM series s WHERE s.id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(list(series_ids)).decode(),),
    )
    return {row[0]: row[1] for row in rows}


async def series_with_rows(readers: Readers, level: int) -> list[int]:
    """Ids of those that have rows at a level, in their order."""
    rows = await readers.all(
        "WITH RECURSIVE next (id) AS (SELECT min(series_id) FROM metric_cells WHERE level = ?1 "
        "UNION ALL SELECT (SELECT min(series_id) FROM metric_cells WHERE level = ?1 AND series_id > next.id) "
        "FROM next WHERE next.id IS NOT NULL) SELECT id FROM next WHERE id IS NOT NULL",
        (level,),
    )
    return [row[0] for row in rows]


async def rows_before(
    readers: Readers, level: int, series_ids: Sequence[int], before: int
) -> list[tuple[Place, Measures]]:
    """Rows of these series from before an instant (µs)."""
    rows = await readers.all(
        f"SELECT level, series_id, at, {CELL_COLUMNS} FROM json_each(?) j CROSS JOIN metric_cells "
        "ON level = ? AND series_id = j.value AND at < ?",
        (orjson.dumps(series_ids).decode(), level, before),
    )
    return [(Place(*row[:3]), _measures(row[3:])) for row in rows]


def _measures(row: Iterable[Any]) -> Measures:
    found = Measures()
    found.take(*row)
    return found
