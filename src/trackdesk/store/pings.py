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


_ACTIVE = """
SELECT wanted.value, (
    SELECT seq FROM runs WHERE process_id = wanted.value AND status = 'ACTIVE' AND id >= ? AND id < ?
    ORDER BY id DESC LIMIT 1
) FROM json_each(?) AS wanted
"""


def active(tx: Tx, process_ids: Iterable[int]) -> dict[int, int | None]:
    """By process, the number of its newest ACTIVE run that a ping without a `rid` started."""
    return dict(tx.all(_ACTIVE, (ID_PREFIX, _AFTER_PREFIX, orjson.dumps(list(process_ids)).decode())))


_NEWEST = """
SELECT wanted.key, (
    SELECT seq FROM runs
    WHERE namespace_id = json_extract(wanted.value, '$[0]') AND id = json_extract(wanted.value, '$[1]')
        AND process_id = json_extract(wanted.value, '$[2]')
    ORDER BY attempt DESC LIMIT 1
) FROM json_each(?) AS wanted
"""


def newest_of(tx: Tx, keys: Sequence[runs.Key]) -> dict[runs.Key, int | None]:
    """By key, the number of the newest attempt; when one is ACTIVE it is that one."""
    return {keys[index]: seq for index, seq in tx.all(_NEWEST, (orjson.dumps(keys).decode(),))}


def newest(tx: Tx, process_id: int) -> int | None:
    """The number of the process's newest run."""
    row = tx.one("SELECT seq FROM runs WHERE process_id = ? ORDER BY started_at DESC, seq DESC LIMIT 1", (process_id,))
    return None if row is None else int(row[0])
