"""How things go. A run goes at once with its tags, counts and entries of the journal; its log lines follow in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.store import journal, processes
from trackdesk.store.faultpoint import reach
from trackdesk.store.runs import TAG_SETS, TAGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.store.writer import Tx


class Removed(NamedTuple):
    """How many runs went, and how many entries of the journal with them."""

    runs: int
    journal: int


_LATE = "(coalesce(deadline_status IN ('MISSED', 'COMPLETED_LATE'), 0) OR overdue_at_finish)"
_GIVEN = "(SELECT value FROM json_each(?))"
_BEYOND = 2**63 - 1
"""Greater than the number of any run."""
_MERGED = 16
"""Pages of an index of words that a step merges. What goes leaves traces in it that are to be merged some day; left to
itself, the index merges hundreds of pages in one statement."""


def remove_runs(tx: Tx, seqs: Sequence[int]) -> Removed:
    """Those of `seqs` that are finished, with what was told of them. What they left in other places stays: incidents,
    notifications, when their process last ran."""
    rows = tx.all(
        f"SELECT seq, namespace_id, process_id, uid, lower(status), {_LATE}, started_at, tags, "
        "error IS NOT NULL FROM runs "
        f"WHERE seq IN {_GIVEN} AND status <> 'ACTIVE'",
        (_json(seqs),),
    )
    if not rows:
        return Removed(0, 0)
    counts = processes.Counts()
    for _, _, process_id, _, status, late, _, _, _ in rows:
        counts.add(process_id, **{"total": -1, status: -1, "late": -late})
    counts.write(tx)
    remove_tags(tx, [(row[1], row[0], row[6], orjson.loads(row[7])) for row in rows if row[7] != "{}"])
    reach("removal.middle")
    entries = 0
    for namespace_id in {row[1] for row in rows}:
        entries += journal.forget(tx, namespace_id, "runs", [row[3] for row in rows if row[1] == namespace_id])
    let_go(tx, [row[0] for row in rows])
    if any(row[8] for row in rows):
        _merge_words(tx, "run_words")
    return Removed(len(rows), entries)


def let_go(tx: Tx, seqs: Sequence[int]) -> None:
    """The rows of runs; their lines can no longer be reached, and go with `sweep`."""
    given = _json(seqs)
    tx.execute(
        "INSERT INTO gone_runs (seq) SELECT value FROM json_each(?) "
        "WHERE EXISTS (SELECT 1 FROM logs WHERE run_seq = value)",
        (given,),
    )
    tx.execute(f"DELETE FROM runs WHERE seq IN {_GIVEN}", (given,))


def _merge_words(tx: Tx, index: str) -> None:
    tx.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', {_MERGED})")


def sweep(tx: Tx, limit: int) -> int:
    """Delete some of the lines of runs that are gone; fewer than `limit`: that was the last of them."""
    row = tx.one(
        "SELECT count(*), max(seq), json_group_array(id) FROM (SELECT g.seq, l.id FROM gone_runs g "
        "CROSS JOIN logs l INDEXED BY logs_by_run ON l.run_seq = g.seq ORDER BY g.seq LIMIT ?)",
        (limit,),
    )
    assert row is not None, "a count has a row"
    count, reached, ids = row
    tx.execute(f"DELETE FROM logs WHERE id IN {_GIVEN}", (ids,))
    reach("removal.after_lines")
    # Those before the last one reached have no lines any more: they need not be passed again.
    tx.execute("DELETE FROM gone_runs WHERE seq < ?", (reached if count == limit else _BEYOND,))
    return int(count)


def remove_tags(tx: Tx, runs: Sequence[tuple[int, int, int, dict[str, str]]]) -> None:
    """`runs`: (namespace_id, seq, started_at, tags). Tags that no run has any more go with them."""
    wanted = {(namespace_id, key, value) for namespace_id, _, _, tags in runs for key, value in tags.items()}
    if not wanted:
        return
    found = tx.all(
        "SELECT t.namespace_id, t.key, t.value, t.id FROM json_each(?) j CROSS JOIN tags t "
        "ON t.namespace_id = json_extract(j.value, '$[0]') AND t.key = json_extract(j.value, '$[1]') "
        "AND t.value = json_extract(j.value, '$[2]')",
        (_json(sorted(wanted)),),
    )
    ids = {(namespace_id, key, value): tag_id for namespace_id, key, value, tag_id in found}
    rows = [
        (ids[namespace_id, key, value], started_at, seq)
        for namespace_id, seq, started_at, tags in runs
        for key, value in tags.items()
    ]
    tx.execute(
        "DELETE FROM run_tags WHERE (tag_id, started_at, run_seq) IN (SELECT json_extract(value, '$[0]'), "
        "json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?))",
        (_json(rows),),
    )
    _drop_unused(tx, list(ids.values()))


def _drop_unused(tx: Tx, ids: Sequence[int]) -> None:
    """Those of the tags that no run has any more; the writer's memory of their ids goes too."""
    unused = tx.all(
        f"DELETE FROM tags WHERE id IN {_GIVEN} AND NOT EXISTS (SELECT 1 FROM run_tags WHERE tag_id = tags.id) "
        "RETURNING namespace_id, key, value",
        (_json(ids),),
    )
    known = tx.cache.get(TAGS, {})
    for namespace_id, key, value in unused:
        known.pop((namespace_id, (key, value)), None)
    if unused:
        tx.cache.pop(TAG_SETS, None)


def _json(values: Sequence[Any]) -> str:
    return orjson.dumps(values).decode()


def remove_notifications(tx: Tx, ids: Sequence[int]) -> tuple[int, int]:
    """Those of which nothing is to be sent any more and whose incident is closed, with deliveries, attempts and marks;
    gives how many, and how many deliveries."""
    rows = tx.all(
        f"SELECT id FROM notifications n WHERE id IN {_GIVEN} AND NOT EXISTS (SELECT 1 FROM deliveries d "
        "WHERE d.notification_id = n.id AND d.next_due_at IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM incidents i "
        "WHERE i.id = n.incident_id AND i.status <> 'CLOSED')",
        (_json(ids),),
    )
    given = _json([row[0] for row in rows])
    deliveries = tx.execute(f"DELETE FROM deliveries WHERE notification_id IN {_GIVEN}", (given,)).rowcount
    tx.execute(f"DELETE FROM notifications WHERE id IN {_GIVEN}", (given,))
    return len(rows), deliveries


def remove_incidents(tx: Tx, ids: Sequence[int], before: int) -> tuple[int, int, int]:
    """Those closed since before that instant (µs), with comments and timeline; gives how many, how many comments and
    entries of the journal."""
    rows = tx.all(
        f"SELECT id, namespace_id FROM incidents WHERE id IN {_GIVEN} AND status = 'CLOSED' AND closed_at < ? "
        "AND holds = 0",
        (_json(ids), before),
    )
    given = _json([row[0] for row in rows])
    comments = tx.execute(f"DELETE FROM comments WHERE incident_id IN {_GIVEN}", (given,)).rowcount
    tx.execute(f"DELETE FROM incidents WHERE id IN {_GIVEN}", (given,))
    _merge_words(tx, "incident_words")
    entries = 0
    for space in {row[1] for row in rows}:
        entries += journal.forget(tx, space, "incidents", [str(row[0]) for row in rows if row[1] == space])
    return len(rows), comments, entries
