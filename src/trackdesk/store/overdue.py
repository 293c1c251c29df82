"""ACTIVE runs past their deadline, as analytics count them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import aiosqlite

    from trackdesk.store.ended import Which

_OF_NAMESPACE = (
    "FROM runs r INDEXED BY runs_by_deadline_status WHERE r.namespace_id = ? AND r.deadline_status = 'MISSED' "
    "AND r.status = 'ACTIVE' AND r.deadline_status IS NOT NULL "
    "AND r.deadline_status NOT IN ('ON_TRACK', 'COMPLETED_ON_TIME')"
)
_OF_PROCESS = (
    "FROM runs r INDEXED BY runs_late WHERE r.process_id = ? AND r.status = 'ACTIVE' "
    "AND (r.deadline_status = 'MISSED' OR r.stalled = 1) AND r.deadline_status = 'MISSED'"
)


async def count_overdue(connection: aiosqlite.Connection, which: Which) -> int:
    """How many there are, where no tag is asked for."""
    if which.processes is None:
        rows = list(await connection.execute_fetchall(f"SELECT count(*) {_OF_NAMESPACE}", (which.namespace_id,)))
        return int(rows[0][0])
    total = 0
    for process in which.processes:
        rows = list(await connection.execute_fetchall(f"SELECT count(*) {_OF_PROCESS}", (process,)))
        total += int(rows[0][0])
    return total


async def overdue_runs(
    connection: aiosqlite.Connection, which: Which, *, tagged: bool = True
) -> list[tuple[int, dict[str, str], int]]:
    """(process id, tags, how many such runs); without tags where neither `tagged` nor `which` asks for them."""
    rows: list[Any] = []
    tagged = tagged or bool(which.tags)
    columns, last = ("r.tags, 1", "") if tagged else ("'{}', count(*)", " GROUP BY r.process_id")
    if which.processes is None:
        sql = f"SELECT r.process_id, {columns} {_OF_NAMESPACE}{last}"
        rows += await connection.execute_fetchall(sql, (which.namespace_id,))
    else:
        for process in which.processes:
            sql = f"SELECT r.process_id, {columns} {_OF_PROCESS}{last}"
            rows += await connection.execute_fetchall(sql, (process,))
    wanted = set(which.tags)
    found = [(int(row[0]), orjson.loads(row[1]), int(row[2])) for row in rows]
    return [each for each in found if wanted <= each[1].items()] if wanted else found
