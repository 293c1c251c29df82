"""What pings look up, and runs that are written when they have ended already."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.ping import ID_PREFIX
from trackdesk.store import processes, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx

_INSERT = """
INSERT OR FAIL INTO runs (seq, uid, namespace_id, process_id, id, attempt, status, deadline_status, started_at,
    completed_at, deadline, warning_at, duration, last_heartbeat_at, context, category, service, error)
"""
_AFTER_PREFIX = ID_PREFIX[:-1] + chr(ord(ID_PREFIX[-1]) + 1)


class EndedRun(NamedTuple):
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
    completed_at: int
    deadline: int | None
    warning_at: int | None
    duration: int
    last_heartbeat_at: int
    context: str
    category: str | None
    service: str | None
    error: str | None


def insert_ended(tx: Tx, rows: Sequence[EndedRun]) -> None:
    tx.insert(_INSERT, rows)
    failed = [row.seq for row in rows if row.error is not None]
    if failed:
        runs.add_words(tx, failed)


def process_of(tx: Tx, uuid: str) -> ProcessRow | None:
    """The process whose own secret this is."""
    row = tx.one("SELECT namespace_id, name FROM processes WHERE ping_uuid = ?", (uuid,))
    return None if row is None else processes.find(tx, *row)


class Meant(NamedTuple):
    """A run that is there, as far as a ping that means it has to know it."""

    seq: int
    uid: str
    id: str
    attempt: int
    status: str
    started_at: int
    completed_at: int | None
    deadline: int | None
    deadline_status: str | None
    stalled: bool


_COLUMNS = ", ".join(f"r.{name}" for name in Meant._fields)


class FinishedRun(NamedTuple):
    """What becomes of an ACTIVE run."""

    seq: int
    status: str
    deadline_status: str | None
    overdue_at_finish: bool
    completed_at: int
    duration: int
    error: str | None


_FINISH = f"""
UPDATE OR FAIL runs SET stalled = 0, next_due_at = NULL, {
    ", ".join(
        f"{name} = json_extract(finished.value, '$[{place}]')"
        for place, name in enumerate(FinishedRun._fields[1:-1], 1)
    )
} FROM json_each(?) AS finished WHERE runs.seq = json_extract(finished.value, '$[0]')
"""


def finish(tx: Tx, rows: Sequence[FinishedRun]) -> None:
    """In one statement, which leaves alone what hardly any has: a trigger looks for the words of an error."""
    if rows:
        tx.execute(_FINISH, (orjson.dumps([row[:-1] for row in rows]).decode(),))
    failed = [(row.error, row.seq) for row in rows if row.error is not None]
    if failed:
        tx.executemany("UPDATE runs SET error = ? WHERE seq = ?", failed)


_ACTIVE = f"""
SELECT wanted.value, {_COLUMNS} FROM json_each(?) AS wanted CROSS JOIN runs r ON r.seq = (
    SELECT seq FROM runs WHERE process_id = wanted.value AND status = 'ACTIVE' AND id >= ? AND id < ?
    ORDER BY id DESC LIMIT 1
)
"""


def active(tx: Tx, process_ids: Iterable[int]) -> dict[int, Meant | None]:
    """By process, its newest ACTIVE run that a ping without a `rid` started."""
    ids = list(process_ids)
    rows = tx.all(_ACTIVE, (orjson.dumps(ids).decode(), ID_PREFIX, _AFTER_PREFIX))
    return {**dict.fromkeys(ids), **{row[0]: Meant(*row[1:]) for row in rows}}


_NEWEST = f"""
SELECT wanted.key, {_COLUMNS} FROM json_each(?) AS wanted CROSS JOIN runs r ON r.seq = (
    SELECT seq FROM runs
    WHERE namespace_id = json_extract(wanted.value, '$[0]') AND id = json_extract(wanted.value, '$[1]')
        AND process_id = json_extract(wanted.value, '$[2]')
    ORDER BY attempt DESC LIMIT 1
)
"""


def newest_of(tx: Tx, keys: Sequence[runs.Key]) -> dict[runs.Key, Meant | None]:
    """By key, the newest attempt; when one is ACTIVE it is that one."""
    rows = tx.all(_NEWEST, (orjson.dumps(keys).decode(),))
    return {**dict.fromkeys(keys), **{keys[row[0]]: Meant(*row[1:]) for row in rows}}


def newest(tx: Tx, process_id: int) -> Meant | None:
    """The process's newest run."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM runs r WHERE process_id = ? ORDER BY started_at DESC, seq DESC LIMIT 1", (process_id,)
    )
    return None if row is None else Meant(*row)
