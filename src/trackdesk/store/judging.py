"""What time makes of runs, written without a look at what it never changes: of the indexes of runs, most stay as they
are, and their pages out of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.deadline import next_due
from trackdesk.store.runs import watched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackdesk.store.runs import RunRow
    from trackdesk.store.writer import Tx


class Judged(NamedTuple):
    """An ACTIVE run as a verdict left it; its silence counts from `heard_at` (µs), by default from its last sign of
    life."""

    row: RunRow
    heard_at: int | None


def write(tx: Tx, judged: Iterable[Judged]) -> None:
    """The verdicts, and when each run is due next."""
    rows = []
    for row, heard_at in judged:
        watch = watched(row)
        due_at = next_due(watch if heard_at is None else watch._replace(last_heartbeat_at=heard_at))
        rows.append((row.run.deadline_status, row.run.stalled, due_at, row.seq))
        if due_at is not None:
            tx.wake("agenda", due_at)
    tx.executemany("UPDATE runs SET deadline_status = ?, stalled = ?, next_due_at = ? WHERE seq = ?", rows)
