"""What has grown old, found without the writer: by index, a handful at a time, from the oldest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.retention import Deleted
from trackdesk.store.journal import trimmed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from trackdesk.store.readers import Readers

CHUNK = 500
"""Rows looked at by one query."""
WINDOW = 5_000
"""Runs that are looked for together."""
FIRST_SPAN = MINUTE
SHORTEST_SPAN = SECOND
"""µs of starts among which they are looked for at first, and at least."""
ENTRIES = 200
"""Entries of the journal that are looked at together, and go in one step."""


class Aging(NamedTuple):
    """A process whose runs grow old, and before which instant they have to be over to be old now; µs all."""

    id: int
    namespace_id: int
    kept: int
    before: int
    oldest: int
    """When its first run that is stored began."""


async def processes(readers: Readers, now: int, default: int) -> list[Aging]:
    """Every process that has runs and does not keep them for ever; `default` (µs) is for those without a time of their
    own. What the roll-ups have not counted is not old."""
    rows = await readers.all(
        "SELECT p.id, p.namespace_id, coalesce(p.retention, :default) AS kept, coalesce(c.minutes_to, 0), (SELECT "
        "min(started_at) FROM runs INDEXED BY runs_by_process WHERE process_id = p.id) AS oldest FROM processes p "
        "LEFT JOIN rollup_cursors c ON c.namespace_id = p.namespace_id "
        "WHERE kept > 0 AND oldest IS NOT NULL",
        {"default": default},
    )
    return [Aging(row[0], row[1], row[2], min(now - row[2], row[3]), row[4]) for row in rows]


async def of_namespace(readers: Readers, namespace_id: int, before: int, name: str | None = None) -> list[Aging]:
    """All processes that have runs, or the one of that name, as if their runs were kept until `before` (µs)."""
    rows = await readers.all(
        "SELECT p.id, p.namespace_id, 0, coalesce(c.minutes_to, 0), (SELECT min(started_at) FROM runs "
        "INDEXED BY runs_by_process WHERE process_id = p.id) AS oldest FROM processes p "
        "LEFT JOIN rollup_cursors c ON c.namespace_id = p.namespace_id "
        "WHERE p.namespace_id = ? AND p.name = coalesce(?, p.name) AND oldest IS NOT NULL",
        (namespace_id, name),
    )
    return [Aging(row[0], row[1], row[2], min(before, row[3]), row[4]) for row in rows]


async def is_process(readers: Readers, namespace_id: int, name: str) -> bool:
    return (
        await readers.one("SELECT 1 FROM processes WHERE namespace_id = ? AND name = ?", (namespace_id, name))
        is not None
    )


async def next_old(readers: Readers, aging: Sequence[Aging]) -> int | None:
    """When the first of those that are too young now may be old enough, µs; None: there is none."""
    row = await readers.one(
        f"SELECT min((SELECT min(started_at) FROM runs INDEXED BY runs_by_process WHERE process_id = {_AGING[0]} "
        f"AND started_at >= {_AGING[1]}) + {_AGING[2]}) FROM json_each(?) j",
        (orjson.dumps([(each.id, each.before, each.kept) for each in aging]).decode(),),
    )
    return None if row is None else row[0]


_AGING = tuple(f"json_extract(j.value, '$[{index}]')" for index in range(3))


async def old_runs(readers: Readers, aging: Sequence[Aging]) -> AsyncIterator[list[int]]:
    """The runs of these processes that are over for long enough, in the order in which they were stored: deleting
    neighbours touches a tenth of the pages. A run ends after it began, so they are looked for by that."""
    due = [each for each in aging if each.oldest < each.before]
    given = orjson.dumps([(each.id, each.before) for each in due]).decode()
    start, end = min((each.oldest for each in due), default=0), max((each.before for each in due), default=0)
    span, last = FIRST_SPAN, -1
    while start < end:
        rows = await readers.all(
            f"SELECT r.seq FROM json_each(?) j CROSS JOIN runs r INDEXED BY runs_by_process "
            f"ON r.process_id = {_AGING[0]} AND r.started_at >= ? AND r.started_at < min(?, {_AGING[1]}) "
            f"WHERE r.status <> 'ACTIVE' AND r.completed_at < {_AGING[1]} AND r.seq > ? ORDER BY r.seq LIMIT ?",
            (given, start, min(start + span, end), last, WINDOW),
        )
        full = len(rows) == WINDOW
        if full and span > SHORTEST_SPAN:  # to go by number through so many reads all of them for each window
            span = max(span // 8, SHORTEST_SPAN)
            continue
        if rows:
            yield [row[0] for row in rows]
        if full:  # the same time again, from there on
            last = rows[-1][0]
        else:
            start, last = start + span, -1
            span = span if len(rows) > WINDOW // 2 else span * 2


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
