"""How large a database is and what fills it, without counting rows one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.store.readers import Readers


def _span(table: str, column: str) -> str:
    """Two looks at the ends of the table: both in one SELECT would read all of it."""
    return f"ifnull((SELECT max({column}) FROM {table}) - (SELECT min({column}) FROM {table}) + 1, 0)"


_ROWS = {
    "runs": "SELECT ifnull(sum(total), 0) FROM processes",
    "logs": f"SELECT {_span('logs', 'id')}",
    "incidents": f"SELECT {_span('incidents', 'id')}",
    "notifications": f"SELECT {_span('notifications', 'id')}",
    "deliveries": f"SELECT {_span('deliveries', 'id')}",
    "samples": f"SELECT {_span('samples', 'id')}",
    # What is older than the journal reaches is what incidents and long kept runs need.
    "journal": f"SELECT min({_span('journal', 'seq')}, (SELECT ifnull(max(seq), 0) FROM journal) - "
    "ifnull((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'journal_trimmed'), 0))",
}
ROWS_SQL = f"SELECT {', '.join(f'({sql})' for sql in _ROWS.values())}"
"""One row, in the order of `TABLES`. The numbers of the first and the last stand for a count where there is none."""
TABLES = tuple(_ROWS)
OLDEST_SQL = (
    "SELECT min((SELECT min(started_at) FROM runs INDEXED BY runs_by_start WHERE namespace_id = n.id)) "
    "FROM namespaces n"
)
"""When the oldest run that is stored began, µs."""


class Sizes(NamedTuple):
    """Bytes, and roughly how many rows."""

    file: int
    log: int
    free: int
    """Of the file, what is unused."""
    rows: dict[str, int]
    oldest_run: int | None
    """µs UTC."""


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # the log comes and goes
        return 0


async def sizes(readers: Readers, path: Path) -> Sizes:
    rows = await readers.one(ROWS_SQL)
    pages = await readers.one("SELECT * FROM pragma_page_size, pragma_freelist_count")
    oldest = await readers.one(OLDEST_SQL)
    assert rows is not None, "each of these gives a row"
    assert pages is not None, "each of these gives a row"
    assert oldest is not None, "each of these gives a row"
    counts = dict(zip(TABLES, map(int, rows), strict=True))
    log = path.with_name(path.name + "-wal")
    return Sizes(_bytes(path), _bytes(log), pages[0] * pages[1], counts, oldest[0])
