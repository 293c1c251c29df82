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
_PLAIN = ("run_seq", "seq", "level", "message", "logged_at")
_WITH_DATA = (*_PLAIN, "data")


@cache
def _statement(columns: tuple[str, ...], lines: int) -> str:
    marks = f"({', '.join('?' * len(columns))})"
    return (
        f"INSERT OR FAIL INTO logs ({', '.join(columns)}) VALUES {', '.join([marks] * lines)} "
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
    if any(type(line) is not PlainLog and line.data is not None for each in told for line in each.lines):
        new = _insert(tx, _WITH_DATA, _with_data(told, tx.now))
    else:
        new = _insert(tx, _PLAIN, _plain(told, tx.now))
    if new == sum(len(each.lines) for each in told):
        return [len(each.lines) for each in told]
    if before is None:
        return [new]
    counts = dict(tx.all("SELECT run_seq, count(*) FROM logs WHERE id > ? GROUP BY run_seq", (before[0] or 0,)))
    return [counts.get(each.run_seq, 0) for each in told]


def _plain(told: Sequence[OfRun], now: int) -> list[Any]:
    """Of lines without data: what is bound is a good part of what a line costs."""
    values: list[Any] = []
    for run_seq, lines in told:
        for line in lines:
            if type(line) is PlainLog:  # most of those that come by the thousand, and places are quicker than names
                _, _, message, level, at, seq, _, _ = line
                values += (run_seq, seq, LEVEL_ORDER[level], message, now if at is None else at)
            else:
                values += (run_seq, *_of(line, now))
    return values


def _with_data(told: Sequence[OfRun], now: int) -> list[Any]:
    values: list[Any] = []
    for run_seq, lines in told:
        for line in lines:
            packed = None if line.data is None else orjson.dumps(line.data).decode()
            values += (run_seq, *_of(line, now), packed)
    return values


def _of(line: Told, now: int) -> tuple[int | None, int, str, int]:
    return line.seq, LEVEL_ORDER[line.level], line.message, now if line.logged_at is None else line.logged_at


def _insert(tx: Tx, columns: tuple[str, ...], values: list[Any]) -> int:
    done, new = 0, 0
    for size in _SIZES:
        step = size * len(columns)
        while len(values) - done >= step:
            new += tx.execute(_statement(columns, size), values[done : done + step]).rowcount
            done += step
    return new
