"""Reading what happened to a service in a stretch of time, with bounds on how much is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.changes import Change, Changes, RunEnds, edit_text, run_changes
from trackdesk.domain.clock import DAY

if TYPE_CHECKING:
    import aiosqlite

    from trackdesk.domain.incident import Incident
    from trackdesk.store.readers import Readers

MOST_PROCESSES = 100
MOST_OF_PROCESS = 300
"""Runs of one process, the newest, that are looked at."""
MOST_ENTRIES = 20_000
"""Entries of the index of all runs that are looked at for those that name the service themselves."""
MOST_RUNS = 2_000
MOST_EDITS = 500
LONG_AGO = DAY
"""Runs that began so long before the time in question are not looked at one by one."""

_PROCESSES = "SELECT id, name FROM processes WHERE namespace_id = ? AND (service = ? OR name = ?) LIMIT ?"
_RUNS = (
    "SELECT r.seq, r.uid, p.name, r.id, r.status, r.started_at, r.completed_at, r.duration, r.error, r.triggered_by "
    "FROM json_each(?) j CROSS JOIN runs r ON r.seq = j.value JOIN processes p ON p.id = r.process_id"
)
_OF_PROCESS = (
    "SELECT seq FROM runs INDEXED BY runs_by_process WHERE process_id = ? AND started_at >= ? AND started_at < ? "
    "ORDER BY started_at DESC, seq DESC LIMIT ?"
)


def _of_service(index: str, column: str) -> str:
    """(seq, whether it names the service): of all runs in the stretch, from the index alone."""
    return (
        f"SELECT seq FROM (SELECT seq, service FROM runs INDEXED BY {index} WHERE namespace_id = ? AND {column} >= ? "
        f"AND {column} < ? AND {column} IS NOT NULL ORDER BY {column} DESC LIMIT {MOST_ENTRIES}) WHERE service = ?"
    )


_STARTED, _ENDED = _of_service("runs_by_start", "started_at"), _of_service("runs_by_completion", "completed_at")
_EDITS = (
    "SELECT at, topic, kind, ref, actor, changed FROM journal INDEXED BY journal_by_ref "
    "WHERE namespace_id = ? AND topic = ? AND at >= ? AND at < ?{} ORDER BY seq DESC LIMIT ?"
)
_OF_REFS = _EDITS.format(" AND ref IN (SELECT value FROM json_each(?))")
_OF_RULES = _EDITS.format(
    " AND (ref = ? OR NOT EXISTS (SELECT 1 FROM rules u WHERE u.namespace_id = journal.namespace_id AND u.id = ref "
    "AND u.service <> ?))"
)
_NO_EDITS = frozenset({"missing", "recovered", "blind"})
"""What happens to a process by itself."""


async def changes(readers: Readers, namespace_id: int, incident: Incident, window: int) -> Changes:
    """What came before the incident; `window` in µs."""
    until = incident.opened_at
    since = max(min(until, incident.due_at or until) - window, 0)
    async with readers.connection() as connection:
        await connection.execute_fetchall("BEGIN")
        look = _Look(connection, namespace_id, incident, (since, until))
        runs, cut = await look.runs()
        edits = await look.edits()
        await connection.execute_fetchall("ROLLBACK")
    found = [*run_changes(runs, since, until), *edits]
    return Changes.model_construct(
        incident=incident.id,
        service=incident.service,
        process=incident.process,
        from_=since,
        to=until,
        data=sorted(found, key=lambda change: change.at),
        cut=cut,
    )


class _Look:
    """One look at everything that has to do with an incident's service and process."""

    def __init__(
        self, connection: aiosqlite.Connection, namespace_id: int, incident: Incident, bounds: tuple[int, int]
    ) -> None:
        self._connection = connection
        self._space = namespace_id
        self._incident = incident
        self._bounds = bounds
        self._processes: dict[int, str] = {}

    async def runs(self) -> tuple[list[RunEnds], bool]:
        """Those that may have started or ended in the stretch, and whether there were more."""
        service, (since, until) = self._incident.service, self._bounds
        named = (self._space, service, self._incident.process, MOST_PROCESSES)
        self._processes = {row[0]: row[1] for row in await self._all(_PROCESSES, *named)}
        wanted: dict[int, None] = {}
        cut = len(self._processes) == MOST_PROCESSES
        for process in self._processes:
            rows = await self._all(_OF_PROCESS, process, since - LONG_AGO, until, MOST_OF_PROCESS)
            cut |= len(rows) == MOST_OF_PROCESS
            wanted |= dict.fromkeys(row[0] for row in rows)
        if service is not None:
            for sql in (_STARTED, _ENDED):
                wanted |= dict.fromkeys(row[0] for row in await self._all(sql, self._space, since, until, service))
        newest = sorted(wanted, reverse=True)[:MOST_RUNS]
        rows = await self._all(_RUNS, orjson.dumps(newest).decode())
        return [_ends(row) for row in rows], cut or len(wanted) > MOST_RUNS

    async def edits(self) -> list[Change]:
        """By people, of the processes, the service, its rules and those that watch every service."""
        incident, found = self._incident, []
        processes = [*self._processes.values(), incident.process or ""]
        found += await self._edits("processes", processes)
        if incident.service is not None:
            found += await self._edits("services", [incident.service])
            given = (self._space, "rules", *self._bounds, incident.rule, incident.service, MOST_EDITS)
            found += await self._all(_OF_RULES, *given)
        return [_edit(row) for row in found if row[2] not in _NO_EDITS]

    async def _edits(self, topic: str, refs: list[str]) -> list[Any]:
        return await self._all(_OF_REFS, self._space, topic, *self._bounds, orjson.dumps(refs).decode(), MOST_EDITS)

    async def _all(self, sql: str, *params: object) -> list[Any]:
        return list(await self._connection.execute_fetchall(sql, params))


def _ends(row: Any) -> RunEnds:
    _, uid, process, run_id, status, started_at, completed_at, duration, error, who = row
    message = None if error is None else orjson.loads(error).get("message")
    return RunEnds(uid, process, run_id, status, started_at, completed_at, duration, message, who)


_KINDS = {"processes": "process", "services": "service", "rules": "rule"}


def _edit(row: Any) -> Change:
    at, topic, kind, ref, actor, changed = row
    word = _KINDS[topic]
    text = edit_text(word, kind, ref, orjson.loads(changed))
    return Change.model_construct(at=at, kind=word, ref=ref, who=actor, text=text)
