"""The names of ingested lines that were taken in the last day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.once import KEPT_FOR
from trackdesk.store import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.run import Run
    from trackdesk.store.writer import Tx


_STARTED = "json_extract(CAST(answer AS TEXT), '$.uid')"
"""The run that an answer is about; NULL for answers about anything else."""


class TakenUid(NamedTuple):
    """A row; `run_uid` is the run that the line started, `sample_id` the sample that it became; None for lines of
    other kinds."""

    namespace_id: int
    uid: str
    run_uid: str | None
    taken_at: int
    sample_id: int | None = None


def find(tx: Tx, namespace_id: int, uids: Sequence[str]) -> dict[str, str | None]:
    """Those of `uids` that were taken, each with the run that it started."""
    if not uids:
        return {}
    return dict(
        tx.all(
            "SELECT uid, run_uid FROM ingest_uids WHERE namespace_id = ? AND taken_at > ? "
            "AND uid IN (SELECT value FROM json_each(?))",
            (namespace_id, tx.now - KEPT_FOR, orjson.dumps(uids).decode()),
        )
    )


def samples_of(tx: Tx, namespace_id: int, uids: Sequence[str]) -> dict[str, int | None]:
    """Those of `uids` that were taken, each with the sample that it became."""
    return dict(
        tx.all(
            "SELECT uid, sample_id FROM ingest_uids WHERE namespace_id = ? AND taken_at > ? "
            "AND uid IN (SELECT value FROM json_each(?))",
            (namespace_id, tx.now - KEPT_FOR, orjson.dumps(uids).decode()),
        )
    )


def started_with(tx: Tx, caller: str, keys: Sequence[str]) -> dict[str, str]:
    """The runs that `caller` started with an Idempotency-Key that is one of `keys`."""
    if not keys:
        return {}
    return dict(
        tx.all(
            f"SELECT key, {_STARTED} AS run_uid FROM idempotency WHERE caller = ? AND created_at > ? "
            "AND key IN (SELECT value FROM json_each(?)) AND run_uid IS NOT NULL",
            (caller, tx.now - KEPT_FOR, orjson.dumps(keys).decode()),
        )
    )


def started_in(tx: Tx, namespace_id: int, keys: Sequence[str]) -> dict[str, str]:
    """The runs that anybody in the namespace started with an Idempotency-Key that is one of `keys`."""
    if not keys:
        return {}
    return dict(
        tx.all(
            f"SELECT i.key, {_STARTED} AS run_uid FROM json_each(?) asked CROSS JOIN idempotency i "
            "ON i.key = asked.value AND i.caller > ? AND i.caller < ? WHERE i.created_at > ? AND run_uid IS NOT NULL",
            (orjson.dumps(keys).decode(), f"{namespace_id}:", f"{namespace_id};", tx.now - KEPT_FOR),
        )
    )


def started_by(tx: Tx, namespace_id: int, uid: str) -> Run | None:
    """The run that a line of this name started, as it is now."""
    row = tx.one(
        "SELECT run_uid FROM ingest_uids WHERE namespace_id = ? AND uid = ? AND taken_at > ?",
        (namespace_id, uid, tx.now - KEPT_FOR),
    )
    found = None if row is None or row[0] is None else runs.find_uid(tx, namespace_id, row[0])
    return None if found is None else found.run


def take(tx: Tx, rows: Sequence[TakenUid]) -> None:
    """Names that were forgotten may be taken again."""
    into = "INTO ingest_uids (namespace_id, uid, run_uid, taken_at, sample_id)"
    # Most are new, and a statement that replaces nothing keeps no copies of the pages it touches.
    if rows and tx.insert(f"INSERT OR IGNORE {into}", rows) < len(rows):
        tx.insert(f"INSERT OR REPLACE {into}", rows)


def forget_old(tx: Tx, limit: int = 500) -> int:
    """Drops what is past its time, in small steps; gives how many went."""
    return tx.execute(
        "DELETE FROM ingest_uids WHERE (namespace_id, uid) IN "
        "(SELECT namespace_id, uid FROM ingest_uids WHERE taken_at <= ? ORDER BY taken_at LIMIT ?)",
        (tx.now - KEPT_FOR, limit),
    ).rowcount
