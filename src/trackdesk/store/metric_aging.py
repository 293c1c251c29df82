"""What has grown old of samples and their roll-ups, found without the writer, and how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import orjson

from trackdesk.domain.clock import MINUTE
from trackdesk.store.metric_cells import PACKS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx

WINDOW: Final = 5_000
"""Samples that are looked for together."""
FIRST_SPAN: Final = MINUTE
"""µs of time among which they are looked for at first."""
SERIES: Final = 50
"""Whose packs are looked for together."""
FOR_EVER: Final = 2**62

Mark = Literal["samples_from", "minutes_from", "hours_from"]
Key = tuple[str, int, int, int]
"""Table, level, series, instant."""
_TABLES: Final = (("metric_cells", 2), ("metric_packs", len(PACKS)))
"""Of roll-ups, and how many levels each has."""


async def old_samples(readers: Readers, namespace_id: int | None, before: int) -> AsyncIterator[list[int]]:
    """Samples of before an instant (µs) that are counted; None: of all namespaces. In the order in which they were
    stored: deleting neighbours touches a tenth of the pages."""
    row = await readers.one("SELECT samples_to FROM metric_counted")
    counted_to = 0 if row is None else row[0]
    rows = await readers.all(
        "SELECT id, (SELECT min(recorded_at) FROM samples WHERE series_id = s.id) AS oldest FROM series s "
        "WHERE namespace_id = coalesce(?, namespace_id) AND oldest < ?",
        (namespace_id, before),
    )
    given = orjson.dumps([row[0] for row in rows]).decode()
    start, last, span = min((row[1] for row in rows), default=before), 0, FIRST_SPAN
    while start < before:
        found = await readers.all(
            "SELECT m.id FROM json_each(?) j CROSS JOIN samples m INDEXED BY samples_by_series "
            "ON m.series_id = j.value AND m.recorded_at >= ? AND m.recorded_at < ? "
            "WHERE m.id > ? AND m.id <= ? ORDER BY m.id LIMIT ?",
            (given, start, min(start + span, before), last, counted_to, WINDOW),
        )
        if found:
            yield [row[0] for row in found]
        if len(found) == WINDOW:  # the same time again, from there on
            last = found[-1][0]
        else:
            start, last = start + span, 0
            span = span // 2 if len(found) > WINDOW // 2 else span * 2


def cut(level: int, before: int) -> int:
    """The end (µs) of the last pack that is over at an instant (µs)."""
    return before // PACKS[level] * PACKS[level]


async def old_packs(readers: Readers, namespace_id: int | None, level: int, before: int) -> AsyncIterator[list[Key]]:
    """Packs of minutes (level 0) or hours (1) that begin before an instant (µs)."""
    rows = await readers.all(
        "SELECT s.id * j.value AS id FROM series s CROSS JOIN json_each('[1, -1]') j "
        "WHERE namespace_id = coalesce(?, namespace_id) "
        "AND (SELECT min(at) FROM metric_packs WHERE level = ? AND series_id = s.id * j.value) < ?",
        (namespace_id, level, before),
    )
    async for keys in _keys(readers, "metric_packs", level, [row[0] for row in rows], before):
        yield keys


async def left_behind(readers: Readers) -> AsyncIterator[list[Key]]:
    """Roll-ups of series that are gone."""
    for table, level in [(table, level) for table, levels in _TABLES for level in range(levels)]:
        rows = await readers.all(
            f"WITH RECURSIVE next (id) AS (SELECT min(series_id) FROM {table} WHERE level = ?1 "
            f"UNION ALL SELECT (SELECT min(series_id) FROM {table} WHERE level = ?1 AND series_id > next.id) "
            "FROM next WHERE next.id IS NOT NULL) SELECT id FROM next "
            "WHERE id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM series WHERE series.id = abs(next.id))",
            (level,),
        )
        async for keys in _keys(readers, table, level, [row[0] for row in rows], FOR_EVER):
            yield keys


async def _keys(
    readers: Readers, table: str, level: int, series_ids: Sequence[int], before: int
) -> AsyncIterator[list[Key]]:
    for begin in range(0, len(series_ids), SERIES):
        found = await readers.all(
            f"SELECT series_id, at FROM json_each(?) j CROSS JOIN {table} "
            "ON level = ? AND series_id = j.value AND at < ?",
            (orjson.dumps(series_ids[begin : begin + SERIES]).decode(), level, before),
        )
        if found:
            yield [(table, level, row[0], row[1]) for row in found]


def remove_samples(tx: Tx, ids: Sequence[int]) -> int:
    """Gives how many there were."""
    return tx.execute(
        "DELETE FROM samples WHERE id IN (SELECT value FROM json_each(?))", (orjson.dumps(ids).decode(),)
    ).rowcount


def remove_keys(tx: Tx, keys: Sequence[Key]) -> int:
    """Cells and packs; gives how many there were."""
    gone = 0
    for table in {key[0] for key in keys}:
        rows = [key[1:] for key in keys if key[0] == table]
        gone += tx.executemany(f"DELETE FROM {table} WHERE level = ? AND series_id = ? AND at = ?", rows).rowcount
    return gone


def mark(tx: Tx, name: Mark, namespace_id: int | None, before: int) -> None:
    """What is older than an instant (µs) is going, None: of all namespaces. No chart is to be drawn of what is left."""
    tx.execute(
        f"INSERT INTO metric_kept (namespace_id, {name}) SELECT id, ? FROM namespaces WHERE id = coalesce(?, id) "
        f"ON CONFLICT DO UPDATE SET {name} = max({name}, excluded.{name})",
        (before, namespace_id),
    )
