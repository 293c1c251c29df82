"""Log lines as the operations write them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import orjson

from trackdesk.domain.run import LEVEL_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.run import NewLog
    from trackdesk.store.writer import Tx


_SIZES = (64, 32, 16, 8, 4, 2, 1)
"""Lines a statement: several together cost two thirds of what each by itself does."""


@cache
def _statement(lines: int) -> str:
    return (
        "INSERT INTO logs (run_seq, seq, level, message, data, logged_at) VALUES "
        f"{', '.join(['(?, ?, ?, ?, ?, ?)'] * lines)} ON CONFLICT (run_seq, seq) WHERE seq IS NOT NULL DO NOTHING"
    )


def append(tx: Tx, run_seq: int, lines: Sequence[NewLog]) -> int:
    """How many were new: a line whose `seq` the run has already is left out."""
    rows = [
        (
            run_seq,
            line.seq,
            LEVEL_ORDER[line.level],
            line.message,
            None if line.data is None else orjson.dumps(line.data).decode(),
            tx.now if line.logged_at is None else line.logged_at,
        )
        for line in lines
    ]
    done = new = 0
    for size in _SIZES:
        while len(rows) - done >= size:
            values = [value for row in rows[done : done + size] for value in row]
            new += tx.execute(_statement(size), values).rowcount
            done += size
    return new
