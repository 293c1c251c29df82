"""Log lines as the operations write them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from trackdesk.domain.plain_log import PlainLog
from trackdesk.domain.run import LEVEL_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.store.writer import Tx


_SIZES = (256, 128, 64, 32, 16, 8, 4, 2, 1)
"""Lines a statement: many together cost half of what each by itself does."""
_COLUMNS = ("run_seq", "seq", "level", "message", "data", "logged_at")
_WIDTH = len(_COLUMNS)


@cache
def _statement(lines: int) -> str:
    marks = f"({', '.join('?' * _WIDTH)})"
    return (
        f"INSERT OR FAIL INTO logs ({', '.join(_COLUMNS)}) VALUES {', '.join([marks] * lines)} "
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
    new = _insert(tx, _values(told, tx.now))
    if new == sum(len(each.lines) for each in told):
        return [len(each.lines) for each in told]
    if before is None:
        return [new]
    counts = dict(tx.all("SELECT run_seq, count(*) FROM logs WHERE id > ? GROUP BY run_seq", (before[0] or 0,)))
    return [counts.get(each.run_seq, 0) for each in told]


def _values(told: Sequence[OfRun], now: int) -> list[Any]:
    values: list[Any] = []
    for run_seq, lines in told:
        for line in lines:
            if type(line) is PlainLog:  # most of those that come by the thousand, and names take longer than places
                _, _, message, level, at, seq, _, _ = line
                values += (run_seq, seq, LEVEL_ORDER[level], message, None, now if at is None else at)
                continue
            data, at = line.data, line.logged_at
            packed = None if data is None else orjson.dumps(data).decode()
            values += (run_seq, line.seq, LEVEL_ORDER[line.level], line.message, packed, now if at is None else at)
    return values


def _insert(tx: Tx, values: list[Any]) -> int:
    done, new = 0, 0
    for size in _SIZES:
        step = size * _WIDTH
        while len(values) - done >= step:
            new += tx.execute(_statement(size), values[done : done + step]).rowcount
            done += step
    return new
