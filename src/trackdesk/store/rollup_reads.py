"""What the roll-ups hold, read on a connection that sees one state of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from trackdesk.domain.buckets import Counted
from trackdesk.domain.tally import Ended, Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import aiosqlite

MOST_VALUES: Final = 500
"""Values of a tag key, in a namespace, that are counted one by one."""
LEVELS: Final = {"minute": 0, "hour": 1, "day": 2}
COUNTS: Final = "completed, on_time, late, failed, skipped, missed, problems, took"
CORRECTION_COLUMNS: Final = "sign, completed_at, process_id, status, deadline_status, overdue, duration, tags"
_AS_JSON = f"printf('[%d,%d,%d,%d,%d,%d,%d,%d,%s,%d]', {COUNTS}, sketch, r.at)"
_SUMS = ", ".join(f"sum(r.{name})" for name in COUNTS.split(", "))


class Series(NamedTuple):
    """What is counted by itself; `kind` is all, process, key or tag."""

    id: int
    kind: str
    process_id: int
    key: str
    value: str


async def fetch(connection: aiosqlite.Connection, sql: str, *params: Any) -> list[Any]:
    """Every row."""
    return list(await connection.execute_fetchall(sql, params))


async def counted(connection: aiosqlite.Connection, namespace_id: int) -> Counted:
    """How far the namespace is counted; zeros before its first run."""
    rows = await fetch(
        connection,
        "SELECT minutes_to, hours_to, days_to FROM rollup_cursors WHERE namespace_id = ?",
        namespace_id,
    )
    return Counted(*rows[0]) if rows else Counted()


async def series(
    connection: aiosqlite.Connection,
    namespace_id: int,
    kind: str,
    *,
    processes: Collection[int] | None = None,
    keys: Collection[str] | None = None,
    value: str | None = None,
) -> list[Series]:
    """Those of a kind, narrowed by what is given."""
    where, params = ["namespace_id = ?", "kind = ?"], [namespace_id, kind]
    extra: list[Any] = []
    if keys is not None:
        where.append("key IN (SELECT value FROM json_each(?))")
        extra.append(orjson.dumps(list(keys)).decode())
    if value is not None:
        where.append("value = ?")
        extra.append(value)
    if processes is not None:
        where.append("process_id IN (SELECT value FROM json_each(?))")
        extra.append(orjson.dumps(list(processes)).decode())
    rows = await fetch(
        connection,
        f"SELECT id, kind, process_id, key, value FROM rollup_series WHERE {' AND '.join(where)}",
        *params,
        *extra,
    )
    return [Series(*row) for row in rows]


async def full_keys(connection: aiosqlite.Connection, namespace_id: int) -> set[str]:
    """Tag keys that have as many values as are counted one by one."""
    rows = await fetch(
        connection,
        "SELECT key FROM rollup_series WHERE namespace_id = ? AND kind = 'tag' GROUP BY key HAVING count(*) >= ?",
        namespace_id,
        MOST_VALUES,
    )
    return {row[0] for row in rows}


async def sums(
    connection: aiosqlite.Connection, kind: str, ids: Iterable[int], start: int, end: int
) -> dict[int, Tally]:
    """What each series has in the rows of [start, end), without how durations are spread."""
    rows = await fetch(
        connection,
        f"SELECT r.series_id, {_SUMS} FROM json_each(?) j CROSS JOIN rollups r ON r.level = ? "
        "AND r.series_id = j.value AND r.at >= ? AND r.at < ? GROUP BY r.series_id",
        orjson.dumps(list(ids)).decode(),
        LEVELS[kind],
        start,
        end,
    )
    return {row[0]: Tally(*row[1:]) for row in rows}


async def flats(
    connection: aiosqlite.Connection, kind: str, ids: Iterable[int], ranges: Sequence[tuple[int, int]]
) -> list[tuple[int, list[list[Any]]]]:
    """(series, what `Tally.flat` gave of each row in one of `ranges`, with the instant of the row behind it).

    SQLite puts them together as JSON: for thousands of rows that is half the price of a tuple and a sketch for each.
    """
    rows = await fetch(
        connection,
        f"SELECT j.value, (SELECT group_concat({_AS_JSON}) FROM rollups r WHERE r.level = ? AND r.series_id = j.value "
        "AND r.at >= json_extract(b.value, '$[0]') AND r.at < json_extract(b.value, '$[1]')) AS found "
        "FROM json_each(?) j CROSS JOIN json_each(?) b",
        LEVELS[kind],
        orjson.dumps(list(ids)).decode(),
        orjson.dumps(ranges).decode(),
    )
    return [(row[0], orjson.loads(f"[{row[1]}]")) for row in rows if row[1] is not None]


async def run_counts(
    connection: aiosqlite.Connection, kind: str, ids: Iterable[int], start: int, end: int
) -> list[tuple[int, int]]:
    """(series, how many runs it has in the rows of [start, end))."""
    rows = await fetch(
        connection,
        "SELECT j.value, (SELECT sum(r.completed + r.failed + r.skipped) FROM rollups r WHERE r.level = ? "
        "AND r.series_id = j.value AND r.at >= ? AND r.at < ?) FROM json_each(?) j",
        LEVELS[kind],
        start,
        end,
        orjson.dumps(list(ids)).decode(),
    )
    return [(row[0], row[1]) for row in rows if row[1] is not None]


def tally_from(row: Sequence[Any]) -> Tally:
    """Of `COUNTS, sketch`."""
    return Tally.of_sums(row[:8], [orjson.loads(row[8])])


async def packs(
    connection: aiosqlite.Connection, namespace_id: int, start: int, end: int
) -> list[tuple[int, dict[int, list[Any]]]]:
    """(minute, what each series has in it, as `Tally.flat` gives it)."""
    rows = await fetch(
        connection,
        "SELECT at, pack FROM rollup_minutes WHERE namespace_id = ? AND at >= ? AND at < ?",
        namespace_id,
        start,
        end,
    )
    return [(row[0], unpack(row[1])) for row in rows]


def unpack(text: str) -> dict[int, list[Any]]:
    """A pack by series id."""
    return {int(key): flat for key, flat in orjson.loads(text).items()}


async def corrections(
    connection: aiosqlite.Connection, namespace_id: int, start: int, end: int
) -> list[tuple[int, Ended]]:
    """(sign, run) of what is not worked in yet."""
    rows = await fetch(
        connection,
        f"SELECT {CORRECTION_COLUMNS} FROM rollup_corrections "
        "WHERE namespace_id = ? AND completed_at >= ? AND completed_at < ?",
        namespace_id,
        start,
        end,
    )
    return [(row[0], correction_from(row)) for row in rows]


def correction_from(row: Sequence[Any]) -> Ended:
    """Of `CORRECTION_COLUMNS`."""
    return Ended(row[1], row[2], row[3], row[4], bool(row[5]), row[6], orjson.loads(row[7]))
