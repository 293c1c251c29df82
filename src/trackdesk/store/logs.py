"""Log lines as the operations write them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from trackdesk.domain.run import LEVEL_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.plain_log import PlainLogs
    from trackdesk.store.writer import Tx


_SIZES = (256, 128, 64, 32, 16, 8, 4, 2, 1)
"""Lines a statement: many together cost half of what each by itself does."""
_COLUMNS = ("run_seq", "seq", "level", "message", "logged_at", "data")


@cache
def _statement(columns: int, lines: int) -> str:
    marks = f"({', '.join('?' * columns)})"
    return (
        f"INSERT OR FAIL INTO logs ({', '.join(_COLUMNS[:columns])}) VALUES {', '.join([marks] * lines)} "
        "ON CONFLICT (run_seq, seq) WHERE seq IS NOT NULL DO NOTHING"
    )


class Told(Protocol):
    """What is written of a line."""

    @property
    def message(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def data(self) -> dict[str, Any] | None: ...
    @property
    def logged_at(self) -> int | None: ...
    @property
    def seq(self) -> int | None: ...


class OfRun(NamedTuple):
    """Lines of one run."""

    run_seq: int
    lines: Sequence[Told]


def append(tx: Tx, told: Sequence[OfRun]) -> list[int]:
    """For each how many were new: a line whose `seq` the run has already is left out."""
    if len({each.run_seq for each in told}) < len(told):
        return [count for each in told for count in append(tx, [each])]
    before = tx.one("SELECT max(id) FROM logs") if len(told) > 1 else None
    lines = [line for each in told for line in each.lines]
    columns: list[Sequence[Any]] = [
        [each.run_seq for each in told for _ in each.lines],
        [line.seq for line in lines],
        [LEVEL_ORDER[line.level] for line in lines],
        [line.message for line in lines],
        [tx.now if line.logged_at is None else line.logged_at for line in lines],
    ]
    data = [line.data for line in lines]
    if any(each is not None for each in data):
        columns.append([None if each is None else orjson.dumps(each).decode() for each in data])
    new = _insert(tx, columns)
    if new == len(lines):
        return [len(each.lines) for each in told]
    if before is None:
        return [new]
    counts = dict(tx.all("SELECT run_seq, count(*) FROM logs WHERE id > ? GROUP BY run_seq", (before[0] or 0,)))
    return [counts.get(each.run_seq, 0) for each in told]


def append_plain(tx: Tx, run_seqs: Sequence[int], told: PlainLogs) -> int:
    """Lines with the run of each, and how many of them were new."""
    levels = list(map(LEVEL_ORDER.__getitem__, told.levels))
    seqs, at = told.seqs or (None,) * len(levels), told.logged_at or (tx.now,) * len(levels)
    return _insert(tx, [run_seqs, seqs, levels, told.messages, at])


def _insert(tx: Tx, columns: Sequence[Sequence[Any]]) -> int:
    """Gives how many were new. A column less is to be bound where no line has data."""
    width, lines = len(columns), len(columns[0])
    values: list[Any] = [None] * (width * lines)
    for place, column in enumerate(columns):
        values[place::width] = column
    done, new = 0, 0
    for size in _SIZES:
        while lines - done >= size:
            new += tx.execute(_statement(width, size), values[done * width : (done + size) * width]).rowcount
            done += size
    return new
