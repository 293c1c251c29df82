"""Runs as the operations write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from trackdesk.domain import deadline
from trackdesk.domain.deadline import Watched
from trackdesk.domain.errors import NotFound
from trackdesk.domain.run import DeadlineStatus, Progress, Run, RunAddress, RunError, RunStatus
from trackdesk.store.rows import RUN_COLUMNS, RUN_FROM, run_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackdesk.store.writer import Tx


class RunRow(NamedTuple):
    """A stored run with what only the operations need."""

    seq: int
    process_id: int
    warning_at: int | None
    run: Run


_INSERT = """
INSERT OR FAIL INTO runs (seq, uid, namespace_id, process_id, id, attempt, status, deadline_status, started_at,
    deadline, warning_at, next_due_at, heartbeat_timeout, last_heartbeat_at, progress, tags, context, category, service,
    triggered_by, correlation_id)
"""


class NewRun(NamedTuple):
    """A row of `_INSERT`."""

    seq: int
    uid: str
    namespace_id: int
    process_id: int
    id: str
    attempt: int
    status: str
    deadline_status: str | None
    started_at: int
    deadline: int | None
    warning_at: int | None
    next_due_at: int | None
    heartbeat_timeout: int | None
    last_heartbeat_at: int
    progress: str | None
    tags: str
    context: str
    category: str | None
    service: str | None
    triggered_by: str | None
    correlation_id: str | None


def next_seq(tx: Tx) -> int:
    """The number of the next inserted run."""
    return next_seqs(tx, 1)[0]


def next_seqs(tx: Tx, count: int) -> range:
    """As many, of which some may stay unused; one writer, so a counter in its memory will do."""
    seq: int | None = tx.cache.get("run_seq")
    if seq is None:
        row = tx.one("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'runs'), 0)")
        assert row is not None
        seq = int(row[0])
    tx.cache["run_seq"] = seq + count
    return range(seq + 1, seq + count + 1)


def insert(tx: Tx, rows: Sequence[NewRun]) -> None:
    tx.insert(_INSERT, rows)


TAGS, TAG_SETS = "tags", "tag_sets"
"""What the writer remembers of tags: the id of each, and those of the tags that runs have together."""

ADD_WORDS = """
INSERT INTO run_words (rowid, message) SELECT seq, json_extract(error, '$.message') FROM runs WHERE error IS NOT NULL
"""
"""For runs that have an error as they are inserted; what becomes of it later is followed by triggers."""


def add_words(tx: Tx, seqs: Sequence[int]) -> None:
    """Let those of the new runs that failed be found by the words of their error."""
    tx.execute(f"{ADD_WORDS} AND seq IN (SELECT value FROM json_each(?))", (orjson.dumps(seqs).decode(),))


class KnownTags(NamedTuple):
    """The tags of a run as JSON and by their ids."""

    text: str
    ids: tuple[int, ...]


_NO_TAGS = KnownTags("{}", ())


def known_tags(tx: Tx, namespace_id: int, tags: dict[str, str]) -> KnownTags:
    """Most runs of a process have the same tags. What is no tag yet becomes one."""
    if not tags:
        return _NO_TAGS
    known: dict[tuple[Any, ...], KnownTags] = tx.cache.setdefault(TAG_SETS, {})
    given = (namespace_id, *tags.items())
    found = known.get(given)
    if found is None:
        if len(known) > 10_000:
            known.clear()
        ids = tuple(_tag_id(tx, namespace_id, pair) for pair in tags.items())
        found = known[given] = KnownTags(orjson.dumps(tags).decode(), ids)
    return found


def insert_tags(tx: Tx, runs: Iterable[tuple[int, int, int, dict[str, str]]]) -> None:
    """`runs`: (namespace_id, seq, started_at, tags)."""
    insert_tag_ids(tx, ((seq, at, known_tags(tx, namespace_id, tags).ids) for namespace_id, seq, at, tags in runs))


def insert_tag_ids(tx: Tx, runs: Iterable[tuple[int, int, tuple[int, ...]]]) -> None:
    """`runs`: (seq, started_at, ids of tags)."""
    rows = [(tag_id, started_at, seq) for seq, started_at, ids in runs for tag_id in ids]
    tx.insert("INSERT OR IGNORE INTO run_tags (tag_id, started_at, run_seq)", rows)


def _tag_id(tx: Tx, namespace_id: int, pair: tuple[str, str]) -> int:
    known: dict[tuple[int, tuple[str, str]], int] = tx.cache.setdefault(TAGS, {})
    tag_id = known.get((namespace_id, pair))
    if tag_id is not None:
        return tag_id
    row = tx.one("SELECT id FROM tags WHERE namespace_id = ? AND key = ? AND value = ?", (namespace_id, *pair))
    if row is None:
        row = tx.one("INSERT INTO tags (namespace_id, key, value) VALUES (?, ?, ?) RETURNING id", (namespace_id, *pair))
    assert row is not None
    if len(known) > 50_000:
        known.clear()
    known[namespace_id, pair] = int(row[0])
    return int(row[0])


OF_KEY: Final = "namespace_id = ? AND id = ? AND process_id = ?"
"""The attempts of one key, by their index."""
_IN_USE = """
SELECT namespace_id, id, process_id FROM wanted WHERE EXISTS (
    SELECT 1 FROM runs
    WHERE runs.namespace_id = wanted.namespace_id AND runs.id = wanted.id AND runs.process_id = wanted.process_id
)
"""

Key = tuple[int, str, int]
"""namespace_id, id and process_id of a run."""


def unused_keys(tx: Tx, keys: Sequence[Key]) -> set[Key]:
    """Those of which there is no run."""
    return set(keys).difference(tx.all_of("namespace_id, id, process_id", keys, _IN_USE))


def newest_of_key(tx: Tx, key: Key) -> tuple[int, int, str] | None:
    """(seq, attempt, status) of the newest attempt; when one is ACTIVE it is that one."""
    row = tx.one(f"SELECT seq, attempt, status FROM runs WHERE {OF_KEY} ORDER BY attempt DESC LIMIT 1", key)
    return None if row is None else (row[0], row[1], row[2])


_SELECT = f"SELECT {RUN_COLUMNS}, r.process_id, r.warning_at FROM {RUN_FROM} WHERE "


def _named(namespace_id: int, address: RunAddress) -> tuple[str, tuple[int | str, ...]]:
    """The condition under which it is the run, and what it takes."""
    if address.uid is not None:
        return "r.uid = ? AND r.namespace_id = ?", (address.uid, namespace_id)
    attempt: tuple[int, ...] = () if address.attempt is None else (address.attempt,)
    where = (
        "r.process_id = (SELECT id FROM processes WHERE namespace_id = ? AND name = ?) "
        f"AND r.namespace_id = ? AND r.id = ?{' AND r.attempt = ?' if attempt else ''} ORDER BY r.attempt DESC LIMIT 1"
    )
    return where, (namespace_id, address.process, namespace_id, address.id, *attempt)


def get(tx: Tx, namespace_id: int, address: RunAddress) -> RunRow:
    """Raises NotFound."""
    where, values = _named(namespace_id, address)
    row = tx.one(_SELECT + where, values)
    if row is None:
        raise NotFound(f"There is no run {address}.")
    return _run_row(row)


class Found(NamedTuple):
    """Which run it is, and whether it is ACTIVE and has to give signs of life."""

    seq: int
    uid: str
    beats: bool


def find(tx: Tx, namespace_id: int, address: RunAddress) -> Found | None:
    """For those who need to know no more; None when there is no such run."""
    where, values = _named(namespace_id, address)
    beats = "r.status = 'ACTIVE' AND r.heartbeat_timeout IS NOT NULL"
    row = tx.one(f"SELECT r.seq, r.uid, {beats} FROM runs r WHERE {where}", values)
    return None if row is None else Found(*row)


def find_uid(tx: Tx, namespace_id: int, uid: str) -> RunRow | None:
    """None when the run is gone."""
    row = tx.one(_SELECT + "r.uid = ? AND r.namespace_id = ?", (uid, namespace_id))
    return None if row is None else _run_row(row)


def by_seq(tx: Tx, seq: int) -> RunRow:
    row = tx.one(_SELECT + "r.seq = ?", (seq,))
    if row is None:
        raise NotFound(f"There is no run number {seq}.")
    return _run_row(row)


_LATER_DEADLINE = "r.deadline > ? AND r.deadline_status IN ('ON_TRACK', 'WARNING')"
"""Of a run whose warning is held: its deadline comes behind the held time and is judged at its instant."""


def _due(until: int, skip: tuple[int, int] | None) -> tuple[str, list[int]]:
    if skip is None:
        return "r.next_due_at <= ?", [until]
    return (
        f"r.next_due_at <= ? AND (r.next_due_at <= ? OR r.next_due_at > ? OR ({_LATER_DEADLINE} AND r.deadline <= ?))",
        [until, *skip, skip[1], until],
    )


def put_off_first(tx: Tx, until: int, skip: tuple[int, int] | None, next_due_at: int) -> str | None:
    """Let the run that is due first be due at `next_due_at`; gives its uid."""
    where, values = _due(until, skip)
    row = tx.one(
        f"UPDATE runs SET next_due_at = ? WHERE seq = (SELECT r.seq FROM runs r WHERE {where} "
        "ORDER BY r.next_due_at, r.seq LIMIT 1) RETURNING uid",
        (next_due_at, *values),
    )
    return None if row is None else row[0]


def due(tx: Tx, until: int, limit: int, skip: tuple[int, int] | None) -> list[tuple[int, RunRow]]:
    """Runs whose `next_due_at` is at most `until`, oldest first, with their namespace; none that fall in `skip`
    (from, to], which is held."""
    where, values = _due(until, skip)
    rows = tx.all(
        f"SELECT {RUN_COLUMNS}, r.process_id, r.warning_at, r.namespace_id FROM {RUN_FROM} WHERE {where} "
        "ORDER BY r.next_due_at, r.seq LIMIT ?",
        (*values, limit),
    )
    return [(row[-1], _run_row(row[:-1])) for row in rows]


def next_due(tx: Tx, skip: tuple[int, int] | None) -> int | None:
    """The least instant outside of `skip` (from, to] at which some run is due."""
    if skip is None:
        rows = tx.all("SELECT min(next_due_at) FROM runs WHERE next_due_at IS NOT NULL")
    else:
        start, end = skip
        rows = tx.all(
            "SELECT (SELECT min(next_due_at) FROM runs WHERE next_due_at <= ?) UNION ALL "
            "SELECT (SELECT min(next_due_at) FROM runs WHERE next_due_at > ?) UNION ALL "
            f"SELECT min(r.deadline) FROM runs r WHERE r.next_due_at > ? AND r.next_due_at <= ? AND {_LATER_DEADLINE}",
            (start, end, start, end, end),
        )
    return min((row[0] for row in rows if row[0] is not None), default=None)


def _run_row(row: tuple[Any, ...]) -> RunRow:
    return RunRow(seq=row[0], process_id=row[-2], warning_at=row[-1], run=run_from(row))


def watched(row: RunRow) -> Watched:
    run = row.run
    return Watched(
        run.started_at,
        run.deadline,
        run.deadline_status,
        row.warning_at,
        run.heartbeat_timeout,
        run.last_heartbeat_at or run.started_at,
        run.stalled,
    )


def save(tx: Tx, row: RunRow) -> None:
    """Write back everything that may change in a run."""
    run = row.run
    due_at = deadline.next_due(watched(row)) if run.status == RunStatus.ACTIVE else None
    tx.execute(
        "UPDATE runs SET status = ?, deadline_status = ?, overdue_at_finish = ?, stalled = ?, completed_at = ?, "
        "deadline = ?, warning_at = ?, duration = ?, next_due_at = ?, last_heartbeat_at = ?, progress = ?, tags = ?, "
        "context = ?, error = ? WHERE seq = ?",
        (
            run.status,
            run.deadline_status,
            run.overdue_at_finish,
            run.stalled,
            run.completed_at,
            run.deadline,
            row.warning_at,
            run.duration,
            due_at,
            run.last_heartbeat_at,
            _json(run.progress),
            orjson.dumps(run.tags).decode(),
            orjson.dumps(run.context).decode(),
            _json(run.error),
            row.seq,
        ),
    )
    if due_at is not None:
        tx.wake("agenda", due_at)


def beat(tx: Tx, row: RunRow) -> None:
    """A sign of life that changes nothing else: two columns instead of the whole row."""
    run = row.run.model_copy(update={"last_heartbeat_at": tx.now})
    due_at = deadline.next_due(watched(row._replace(run=run)))
    tx.execute("UPDATE runs SET last_heartbeat_at = ?, next_due_at = ? WHERE seq = ?", (tx.now, due_at, row.seq))
    if due_at is not None and due_at <= tx.now:  # only of a run whose verdict was held, see HOLD_LATE_REPORT
        tx.wake("agenda", due_at)


def _json(value: Progress | RunError | None) -> str | None:
    return None if value is None else orjson.dumps(value.model_dump()).decode()


def is_late(run: Run) -> bool:
    """Whether the run counts as having missed its deadline, whatever became of it."""
    return run.deadline_status in {DeadlineStatus.MISSED, DeadlineStatus.COMPLETED_LATE} or run.overdue_at_finish
