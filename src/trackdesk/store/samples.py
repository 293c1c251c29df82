"""Samples: written in the order in which they arrive, read by series and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.metric import Recorded
from trackdesk.store.conditions import among
from trackdesk.store.series import SERIES_COLUMNS, series_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx


class StoredSample(NamedTuple):
    """A row; the time is µs."""

    id: int
    series_id: int
    recorded_at: int
    value: float


def next_ids(tx: Tx, count: int) -> int:
    """The first of `count` ids that the next inserted samples get; one writer, so a counter in its memory will do."""
    last: int | None = tx.cache.get("sample_id")
    if last is None:
        row = tx.one("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'samples'), 0)")
        assert row is not None
        last = int(row[0])
    tx.cache["sample_id"] = last + count
    return last + 1


def insert(tx: Tx, rows: Sequence[tuple[int, int, int, float]]) -> None:
    """`rows`: as `StoredSample`, with ids of `next_ids`."""
    tx.insert("INSERT OR FAIL INTO samples (id, series_id, recorded_at, value)", rows)


def by_id(tx: Tx, ids: Iterable[int]) -> dict[int, Recorded]:
    """Those that are still there."""
    wanted = among("m.id", ids)
    rows = tx.all(
        f"SELECT {SERIES_COLUMNS}, m.id, m.recorded_at, m.value "
        "FROM samples m JOIN series s ON s.id = m.series_id JOIN services v ON v.id = s.service_id "
        f"WHERE {wanted.sql}",
        wanted.params,
    )
    return {row[6]: Recorded(row[0], series_from(row), row[6], row[7], row[8]) for row in rows}


_COLUMNS = "id, series_id, recorded_at, value"


async def after(readers: Readers, sample_id: int, limit: int) -> list[StoredSample]:
    """The next ones that arrived, of all namespaces, in that order."""
    rows = await readers.all(f"SELECT {_COLUMNS} FROM samples WHERE id > ? ORDER BY id LIMIT ?", (sample_id, limit))
    return [StoredSample(*row) for row in rows]


async def newest(readers: Readers, series_ids: Iterable[int]) -> dict[int, StoredSample]:
    """The last sample, by time, of each series that has any."""
    wanted = among("s.id", series_ids)
    rows = await readers.all(
        f"SELECT m.id, m.series_id, m.recorded_at, m.value FROM series s JOIN samples m ON m.id = {LAST_OF_SERIES} "
        f"WHERE {wanted.sql}",
        wanted.params,
    )
    return {row[1]: StoredSample(*row) for row in rows}


LAST_OF_SERIES = (
    "(SELECT l.id FROM samples l INDEXED BY samples_by_series WHERE l.series_id = s.id "
    "ORDER BY l.recorded_at DESC, l.id DESC LIMIT 1)"
)
"""Of series `s`: one seek. Of samples of the same instant the one that came later counts."""
