"""What is wrong with the runs of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.run import SUPERSEDED
from trackdesk.store import runs

if TYPE_CHECKING:
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx


def overdue_or_silent(tx: Tx, process_id: int) -> bool:
    """Is any ACTIVE run of the process."""
    return (
        tx.one(
            "SELECT 1 FROM runs WHERE process_id = ? AND status = 'ACTIVE' "
            "AND (deadline_status = 'MISSED' OR stalled = 1) LIMIT 1",
            (process_id,),
        )
        is not None
    )


def failed(tx: Tx, process: ProcessRow, run_id: str | None, times: int) -> bool:
    """Did so many of the newest runs of the process (of the key, with `run_id`) fail that prove anything. Skipped and
    superseded runs prove nothing."""
    proves = "status IN ('COMPLETED', 'FAILED') AND (error IS NULL OR json_extract(error, '$.message') <> ?)"
    if run_id is None:
        rows = tx.all(
            f"SELECT status FROM runs WHERE process_id = ? AND {proves} ORDER BY started_at DESC, seq DESC LIMIT ?",
            (process.id, SUPERSEDED, times),
        )
    else:
        rows = tx.all(
            f"SELECT status FROM runs WHERE {runs.OF_KEY} AND {proves} ORDER BY attempt DESC LIMIT ?",
            (process.namespace_id, run_id, process.id, SUPERSEDED, times),
        )
    return len(rows) == times and all(status == "FAILED" for (status,) in rows)


def made_good(tx: Tx, process: ProcessRow, run_id: str | None, started_at: int, failed_at: int) -> bool:
    """Did a run of the process (of the key, with `run_id`) that started after `started_at` complete after `failed_at`
    (both µs)."""
    later = "started_at > ? AND status = 'COMPLETED' AND completed_at > ?"
    whose: str
    key: tuple[int | str, ...]
    if run_id is None:
        whose, key = "WHERE process_id = ?", (process.id,)
    else:  # by itself SQLite would go through all that ended in the namespace since
        whose, key = f"INDEXED BY runs_by_key WHERE {runs.OF_KEY}", (process.namespace_id, run_id, process.id)
    return tx.one(f"SELECT 1 FROM runs {whose} AND {later} LIMIT 1", (*key, started_at, failed_at)) is not None
