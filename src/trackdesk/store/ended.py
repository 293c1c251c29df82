"""Finished runs one by one, for what is not counted up: the last minute, and questions that no roll-up answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import Invalid
from trackdesk.domain.tally import Ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import aiosqlite

MOST_READ = 100_000
"""Runs that one question may read one by one."""

ENDED_COLUMNS = "r.completed_at, r.process_id, r.status, r.deadline_status, r.overdue_at_finish, r.duration, r.tags"
_WITHIN = "r.completed_at >= ? AND r.completed_at < ? AND r.completed_at IS NOT NULL"
_LONGEST = (
    "(SELECT ifnull(max(d.duration), 0) FROM runs d INDEXED BY runs_by_duration "
    "WHERE d.process_id = p.id AND d.duration IS NOT NULL)"
)
_OF_ALL = (
    f"SELECT {ENDED_COLUMNS} FROM runs r INDEXED BY runs_by_completion WHERE r.namespace_id = ? AND {_WITHIN} "
    "ORDER BY r.completed_at, r.seq LIMIT ?"
)
# There is no index by process and end; but who ended after an instant has begun at most the longest duration before it.
_OF_PROCESS = (
    f"SELECT {ENDED_COLUMNS} FROM processes p CROSS JOIN runs r INDEXED BY runs_by_process ON r.process_id = p.id "
    f"AND r.started_at < ? AND r.started_at >= ? - {_LONGEST} WHERE p.id = ? AND {_WITHIN} LIMIT ?"
)
_OF_TAG = (
    f"SELECT {ENDED_COLUMNS} FROM run_tags t CROSS JOIN runs r ON r.seq = t.run_seq WHERE t.tag_id = ? "
    f"AND t.started_at < ? AND t.started_at >= ? - (SELECT ifnull(max({_LONGEST}), 0) FROM processes p "
    f"WHERE p.namespace_id = ?) AND {_WITHIN} LIMIT ?"
)
_TAG_ID = "SELECT id FROM tags WHERE namespace_id = ? AND key = ? AND value = ?"


@dataclass(frozen=True, slots=True)
class Which:
    """Runs of any of `processes` (ids; None: of all), with all of `tags`."""

    namespace_id: int
    processes: tuple[int, ...] | None = None
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def all(self) -> bool:
        return self.processes is None and not self.tags

    def has(self, run: Ended) -> bool:
        """Whether a run of the namespace is one of them."""
        if self.processes is not None and run.process_id not in self.processes:
            return False
        return all(run.tags.get(key) == value for key, value in self.tags)


def ended_from(rows: Iterable[Any]) -> Iterator[Ended]:
    """Of `SELECT ENDED_COLUMNS FROM runs r`."""
    for row in rows:
        yield Ended(
            row[0], row[1], row[2], row[3], bool(row[4]), row[5], {} if row[6] == "{}" else orjson.loads(row[6])
        )


class EndedReader:
    """Reads pieces of time on one connection, `MOST_READ` runs at most in all."""

    def __init__(self, connection: aiosqlite.Connection, which: Which) -> None:
        self._connection = connection
        self._which = which
        self._left = MOST_READ

    async def read(self, start: int, end: int, *, bounded: bool = True) -> Sequence[Any]:
        """Rows of `ENDED_COLUMNS` that ended in [start, end). Raises Invalid (`from`) when there are too many."""
        limit = self._left + 1 if bounded else -1
        found: list[Any] = []
        for sql, params in await self._queries(start, end):
            found += await self._connection.execute_fetchall(sql, (*params, limit))
            if bounded and len(found) > self._left:
                raise Invalid(
                    "from",
                    f"more than {MOST_READ} runs would have to be read one by one: take a later time, or ask without "
                    "process= or tag= beside one another",
                )
        if bounded:
            self._left -= len(found)
        return found

    async def _queries(self, start: int, end: int) -> list[tuple[str, tuple[Any, ...]]]:
        which, space = self._which, self._which.namespace_id
        if which.processes is not None:
            return [(_OF_PROCESS, (end, start, process, start, end)) for process in which.processes]
        if not which.tags:
            return [(_OF_ALL, (space, start, end))]
        tag = list(await self._connection.execute_fetchall(_TAG_ID, (space, *which.tags[0])))
        return [(_OF_TAG, (tag[0][0], end, start, space, start, end))] if tag else []
