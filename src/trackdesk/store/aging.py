"""What has grown old, found without the writer: by index, a handful at a time, from the oldest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.retention import Deleted
from trackdesk.store.journal import trimmed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from trackdesk.store.readers import Readers

CHUNK = 500
"""Rows looked at by one query."""
ENTRIES = 200
"""Entries of the journal that are looked at together, and go in one step."""


class Aging(NamedTuple):
    """A process and how long its finished runs are kept."""

    id: int
    namespace_id: int
    kept: int
    """µs; 0: for ever."""
    oldest: int | None
    """When its first run that is stored began, µs."""


async def processes(readers: Readers, default: int) -> list[Aging]:
    """Every process that has runs; `default` (µs) is for those without a time of their own."""
    rows = await readers.all(
        "SELECT id, namespace_id, coalesce(retention, ?), (SELECT min(started_at) FROM runs INDEXED BY runs_by_process "
        "WHERE process_id = p.id) FROM processes p WHERE total > 0",
        (default,),
    )
    return [Aging(*row) for row in rows]


async def of_namespace(readers: Readers, namespace_id: int, name: str | None = None) -> list[int]:
    """The ids of its processes, or of the one that has this name."""
    rows = await readers.all(
        "SELECT id FROM processes WHERE namespace_id = ? AND name = coalesce(?, name)", (namespace_id, name)
    )
    return [row[0] for row in rows]


async def first_after(readers: Readers, process_id: int, started_at: int) -> int | None:
    """When the first run began that began at or behind an instant; µs both."""
    row = await readers.one(
        "SELECT min(started_at) FROM runs INDEXED BY runs_by_process WHERE process_id = ? AND started_at >= ?",
        (process_id, started_at),
    )
    return None if row is None else row[0]


async def old_runs(readers: Readers, process_id: int, before: int) -> AsyncIterator[list[int]]:
    """The runs of a process that are finished since before an instant (µs). A run ends after it began, so that those
    are among the ones that began before it."""
    position = (-1, -1)
    while True:
        rows = await readers.all(
            "SELECT started_at, seq, status <> 'ACTIVE' AND completed_at < ? FROM runs INDEXED BY runs_by_process "
            "WHERE process_id = ? AND started_at < ? AND (started_at, seq) > (?, ?) ORDER BY started_at, seq LIMIT ?",
            (before, process_id, before, *position, CHUNK),
        )
        if old := [row[1] for row in rows if row[2]]:
            yield old
        if len(rows) < CHUNK:
            return
        position = (rows[-1][0], rows[-1][1])


async def old_notifications(readers: Readers, namespace_id: int | None, before: int) -> AsyncIterator[list[int]]:
    """Those made before an instant (µs) of which nothing is to be sent any more, but for those of open incidents."""
    after = 0
    while True:
        rows = await readers.all(
            "SELECT n.id, n.created_at < ?, n.namespace_id = coalesce(?, n.namespace_id) AND NOT EXISTS "
            "(SELECT 1 FROM deliveries d WHERE d.notification_id = n.id AND d.next_due_at IS NOT NULL) AND NOT EXISTS "
            "(SELECT 1 FROM incidents i WHERE i.id = n.incident_id AND i.status <> 'CLOSED') "
            "FROM notifications n WHERE n.id > ? ORDER BY n.id LIMIT ?",
            (before, namespace_id, after, CHUNK),
        )
        if old := [row[0] for row in rows if row[1] and row[2]]:
            yield old
        if len(rows) < CHUNK or not rows[-1][1]:
            return
        after = rows[-1][0]


async def old_incidents(
    readers: Readers, namespace_id: int, before: int, process: str | None = None
) -> AsyncIterator[list[int]]:
    """Those closed before an instant (µs) whose cause has cleared since."""
    position = (-1, -1)
    while True:
        rows = await readers.all(
            "SELECT opened_at, id, closed_at < ? AND holds = 0 AND coalesce(process = ?, ? IS NULL) FROM incidents "
            "INDEXED BY incidents_by_status WHERE namespace_id = ? AND status = 'CLOSED' AND opened_at < ? "
            "AND (opened_at, id) > (?, ?) ORDER BY opened_at, id LIMIT ?",
            (before, process, process, namespace_id, before, *position, CHUNK),
        )
        if old := [row[1] for row in rows if row[2]]:
            yield old
        if len(rows) < CHUNK:
            return
        position = (rows[-1][0], rows[-1][1])


async def old_entries(readers: Readers, after: int, before: int, *, down_to: int = 0) -> AsyncIterator[tuple[int, int]]:
    """Ranges (after, up to] of the journal that were written before an instant (µs), or numbered up to `down_to`."""
    while True:
        rows = await readers.all(
            "SELECT seq, at < ? OR seq <= ? FROM journal WHERE seq > ? ORDER BY seq LIMIT ?",
            (before, down_to, after, ENTRIES),
        )
        young = next((index for index, row in enumerate(rows) if not row[1]), len(rows))
        if not young:
            return
        yield after, rows[young - 1][0]
        if young < ENTRIES:
            return
        after = rows[-1][0]


async def trimmed_to(readers: Readers) -> int:
    """Up to which entry the journal has been looked through; what is left before it stays with what it tells of."""
    row = await readers.one("SELECT value FROM facts WHERE name = 'journal_trimmed'")
    return 0 if row is None else int(row[0])


async def newest_entry(readers: Readers) -> int:
    row = await readers.one("SELECT max(seq) FROM journal")
    return 0 if row is None or row[0] is None else int(row[0])


async def counted_to(readers: Readers) -> dict[int, int]:
    """By namespace: every run that was finished before this instant (µs) is in the roll-ups."""
    return {row[0]: row[1] for row in await readers.all("SELECT namespace_id, minutes_to FROM rollup_cursors")}


async def left_behind(readers: Readers) -> bool:
    """Whether there are lines of runs that are gone."""
    return await readers.one("SELECT 1 FROM gone_runs LIMIT 1") is not None


async def namespaces(readers: Readers) -> list[int]:
    return [row[0] for row in await readers.all("SELECT id FROM namespaces")]


async def count_runs(readers: Readers, seqs: Sequence[int]) -> Deleted:
    """What goes with these runs."""
    row = await readers.one(
        "SELECT count(*), sum((SELECT count(*) FROM logs WHERE run_seq = r.seq)), sum((SELECT count(*) FROM journal "
        "WHERE namespace_id = r.namespace_id AND topic = 'runs' AND ref = r.uid)) "
        "FROM runs r WHERE seq IN (SELECT value FROM json_each(?))",
        (orjson.dumps(seqs).decode(),),
    )
    return Deleted() if row is None else Deleted(runs=row[0], logs=row[1] or 0, journal=row[2] or 0)


async def count_notifications(readers: Readers, ids: Sequence[int]) -> Deleted:
    row = await readers.one(
        "SELECT count(*), sum((SELECT count(*) FROM deliveries WHERE notification_id = n.id)) FROM notifications n "
        "WHERE id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(ids).decode(),),
    )
    return Deleted() if row is None else Deleted(notifications=row[0], deliveries=row[1] or 0)


async def count_incidents(readers: Readers, ids: Sequence[int]) -> Deleted:
    row = await readers.one(
        "SELECT count(*), sum((SELECT count(*) FROM comments WHERE incident_id = i.id)), sum((SELECT count(*) "
        "FROM journal WHERE namespace_id = i.namespace_id AND topic = 'incidents' AND ref = CAST(i.id AS TEXT))) "
        "FROM incidents i WHERE id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(ids).decode(),),
    )
    return Deleted() if row is None else Deleted(incidents=row[0], comments=row[1] or 0, journal=row[2] or 0)


async def count_entries(readers: Readers, after: int, up_to: int, namespace_id: int) -> int:
    """What `journal.trim` would take."""
    row = await readers.one(
        f"SELECT count(*) FROM journal WHERE {trimmed(runs_too=False)}", (after, up_to, namespace_id)
    )
    return 0 if row is None else int(row[0])
