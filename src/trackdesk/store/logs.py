"""Log lines as the operations write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from trackdesk.domain.run import LEVEL_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.run import NewLog
    from trackdesk.store.writer import Tx


def append(tx: Tx, run_seq: int, lines: Sequence[NewLog]) -> int:
    """How many were new: a line whose `seq` the run has already is left out."""
    return tx.executemany(
        "INSERT INTO logs (run_seq, seq, level, message, data, logged_at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (run_seq, seq) WHERE seq IS NOT NULL DO NOTHING",
        [
            (
                run_seq,
                line.seq,
                LEVEL_ORDER[line.level],
                line.message,
                None if line.data is None else orjson.dumps(line.data).decode(),
                tx.now if line.logged_at is None else line.logged_at,
            )
            for line in lines
        ],
    ).rowcount
