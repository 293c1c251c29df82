"""Counts and times of incidents, read from indexes alone."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import orjson

from trackdesk.domain.clock import SECOND
from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident import IncidentStatus, Severity
from trackdesk.domain.incident_stats import AGES, OLDER, USUAL_WINDOW, IncidentStats, Taken, TimesTaken
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    import aiosqlite

    from trackdesk.domain.incident_stats import IncidentStatsFilter
    from trackdesk.store.readers import Readers

UNIT: Final = SECOND // 10
"""µs; to so much the times are told."""
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
    """One row: of each severity, the durations in `UNIT`s as a JSON list. Handed over as one text it is quicker than
    rows, and Python sorts small numbers in half the time."""
    taken = f"({column} - opened_at) / {UNIT}"
    lists = ", ".join(
        f"json_group_array({taken}) FILTER (WHERE severity_rank = {rank})" for rank in range(len(Severity))
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
    times = await asyncio.to_thread(_times_of, taken, closed)  # sorting so many takes its time
    return IncidentStats.model_construct(
        at=now,
        by_status={str(each): by_status.get(each, 0) for each in IncidentStatus},
        **_standing(standing),
        from_=since,
        to=to,
        opened=opened,
        times=times[-1],
        times_by_severity={str(each): times[rank] for rank, each in enumerate(Severity)},
    )


def _times_of(acknowledge: Sequence[str], close: Sequence[str]) -> list[TimesTaken]:
    """Of each severity and then of all; given the durations of each as JSON, in `UNIT`s."""
    both = [[sorted(orjson.loads(text)) for text in texts] for texts in (acknowledge, close)]
    for lists in both:
        lists.append(sorted(chain(*lists)))  # quick, for they are in order each
    return [
        TimesTaken.model_construct(acknowledge=Taken.of(one, UNIT), close=Taken.of(other, UNIT))
        for one, other in zip(*both, strict=True)
    ]


async def _all(connection: aiosqlite.Connection, sql: str, *params: object) -> list[Any]:
    return list(await connection.execute_fetchall(sql, params))


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
