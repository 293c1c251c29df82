"""Counts and times of incidents, read from indexes alone."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident import IncidentStatus, Severity
from trackdesk.domain.incident_stats import AGES, OLDER, USUAL_WINDOW, IncidentStats, Taken, TimesTaken
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    import aiosqlite

    from trackdesk.domain.incident_stats import IncidentStatsFilter
    from trackdesk.store.readers import Readers

_BY_STATUS = (
    "SELECT status, count(*) FROM incidents INDEXED BY incidents_by_status WHERE namespace_id = ? GROUP BY status"
)
_YOUNGER = ", ".join("count(*) FILTER (WHERE opened_at > ?)" for _ in AGES)
_OPEN = (
    f"SELECT severity_rank, count(*), sum(assignee IS NULL), min(opened_at), {_YOUNGER} "
    "FROM incidents INDEXED BY incidents_open_by_severity "
    "WHERE namespace_id = ? AND status <> 'CLOSED' GROUP BY severity_rank"
)
_OPENED = (
    "SELECT count(*) FROM incidents INDEXED BY incidents_by_opening "
    "WHERE namespace_id = ? AND opened_at >= ? AND opened_at < ?"
)


def _times(column: str, index: str) -> str:
    """One row: of each severity, the durations as a JSON list; a list handed over as one text is quicker than rows."""
    lists = ", ".join(
        f"json_group_array({column} - opened_at) FILTER (WHERE severity_rank = {rank})" for rank in range(len(Severity))
    )
    return (
        f"SELECT {lists} FROM incidents INDEXED BY {index} "
        f"WHERE namespace_id = ? AND {column} >= ? AND {column} < ? AND {column} IS NOT NULL"
    )


_ACKNOWLEDGED = _times("triaged_at", "incidents_by_triage")
_CLOSED = _times("closed_at", "incidents_by_closing")


async def stats(readers: Readers, namespace_id: int, given: IncidentStatsFilter, now: int) -> IncidentStats:
    """`now` µs. Raises Invalid (`from`)."""
    to = now if given.to is None else given.to
    since = max(to - USUAL_WINDOW, 0) if given.from_ is None else given.from_
    if since >= to:
        raise Invalid("from", f"expected a time before `to` ({format_instant(to)})", format_instant(since))
    end = to + 1 if given.to is None else to  # what happened at this very instant has happened
    async with readers.connection() as connection:
        await connection.execute_fetchall("BEGIN")
        by_status = {row[0]: row[1] for row in await _all(connection, _BY_STATUS, namespace_id)}
        standing = await _all(connection, _OPEN, *(now - bound for _, bound in AGES), namespace_id)
        opened = (await _all(connection, _OPENED, namespace_id, since, end))[0][0]
        taken = (await _all(connection, _ACKNOWLEDGED, namespace_id, since, end))[0]
        closed = (await _all(connection, _CLOSED, namespace_id, since, end))[0]
        await connection.execute_fetchall("ROLLBACK")
    acknowledge, close = [orjson.loads(text) for text in taken], [orjson.loads(text) for text in closed]
    return IncidentStats.model_construct(
        at=now,
        by_status={str(each): by_status.get(each, 0) for each in IncidentStatus},
        **_standing(standing),
        from_=since,
        to=to,
        opened=opened,
        times=_taken(list(chain(*acknowledge)), list(chain(*close))),
        times_by_severity={str(each): _taken(acknowledge[rank], close[rank]) for rank, each in enumerate(Severity)},
    )


async def _all(connection: aiosqlite.Connection, sql: str, *params: object) -> list[Any]:
    return list(await connection.execute_fetchall(sql, params))


def _taken(acknowledge: list[int], close: list[int]) -> TimesTaken:
    return TimesTaken.model_construct(acknowledge=Taken.of(acknowledge), close=Taken.of(close))


def _standing(rows: list[Any]) -> dict[str, Any]:
    """Of those that are not CLOSED; `rows` as `_OPEN` gives them, one a severity."""
    by_severity = {row[0]: row[1] for row in rows}
    younger = [0, *(sum(row[4 + index] for row in rows) for index in range(len(AGES))), sum(by_severity.values())]
    names = (*(name for name, _ in AGES), OLDER)
    return {
        "by_severity": {str(each): by_severity.get(rank, 0) for rank, each in enumerate(Severity)},
        "by_age": {name: younger[index + 1] - younger[index] for index, name in enumerate(names)},
        "unassigned": sum(row[2] for row in rows),
        "oldest_open_at": min((row[3] for row in rows), default=None),
    }
