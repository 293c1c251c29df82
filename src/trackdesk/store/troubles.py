"""What is wrong with the runs of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.run import SUPERSEDED

if TYPE_CHECKING:
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


def failed(tx: Tx, process_id: int, run_id: str | None, times: int) -> bool:
    """Did so many of the newest runs of the process (of the key, with `run_id`) fail that prove anything. Skipped and
    superseded runs prove nothing."""
    proves = "status IN ('COMPLETED', 'FAILED') AND (error IS NULL OR json_extract(error, '$.message') <> ?)"
    if run_id is None:
        rows = tx.all(
            f"SELECT status FROM runs WHERE process_id = ? AND {proves} ORDER BY started_at DESC, seq DESC LIMIT ?",
            (process_id, SUPERSEDED, times),
        )
    else:
        rows = tx.all(
            f"SELECT status FROM runs WHERE process_id = ? AND id = ? AND {proves} ORDER BY attempt DESC LIMIT ?",
            (process_id, run_id, SUPERSEDED, times),
        )
    return len(rows) == times and all(status == "FAILED" for (status,) in rows)


def made_good(tx: Tx, process_id: int, run_id: str | None, started_at: int, failed_at: int) -> bool:
    """Did a run of the process (of the key, with `run_id`) that started after `started_at` complete after `failed_at`
    (both µs)."""
    later = "started_at > ? AND status = 'COMPLETED' AND completed_at > ?"
    key = "" if run_id is None else " AND id = ?"
    values = (process_id, started_at, failed_at, *(() if run_id is None else (run_id,)))
    return tx.one(f"SELECT 1 FROM runs WHERE process_id = ? AND {later}{key} LIMIT 1", values) is not None
