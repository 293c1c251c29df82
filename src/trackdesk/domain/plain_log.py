"""Log lines of the usual form, read without a model: they come by the thousand, and the model costs most of it.

Whatever is unusual about a line, wrong or only rare, is left to the model of all log lines: it knows every member and
has the words for what it refuses. Neighbours that have the same members are read together, member by member, and stay
so until they are written: a third of what a line costs in all is saved by that, little of it in the reading.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.ingest import LINE_UID_PATTERN, RUN_UID_PATTERN, Named
from trackdesk.domain.instant import parse_rfc3339, parse_rfc3339_all
from trackdesk.domain.model import LOG_CHARACTERS, MAX_INTEGER, NAME_PATTERN
from trackdesk.domain.run import LEVEL_ORDER

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

_MARK = b'"log"'
_new = tuple.__new__
"""A named tuple's own takes twice as long."""
_uid = re.compile(LINE_UID_PATTERN, re.ASCII).fullmatch
_run = re.compile(RUN_UID_PATTERN, re.ASCII).fullmatch
_name = re.compile(NAME_PATTERN, re.ASCII).fullmatch


class PlainLog(NamedTuple):
    """Has the members of `LogLine` that are read of one, under the same names."""

    uid: str | None
    named: Named
    message: str
    level: str
    logged_at: int | None
    seq: int | None
    kind: str = "log"
    data: dict[str, Any] | None = None
    """A line with data is not plain."""


def plain_log(raw: bytes) -> PlainLog | None:
    """None for all but a log line in which nothing is wrong or rare."""
    if _MARK not in raw:
        return None
    try:
        given = orjson.loads(raw)
        if type(given) is not dict or given.pop("kind", None) != "log":
            return None
        take = given.pop
        named = _named(take("run", None), take("start", None), take("process", None), take("id", None))
        message, level = take("message", ""), take("level", "INFO")
        uid, at, seq = take("uid", None), take("logged_at", None), take("seq", None)
        if (
            named is None
            or given  # another member
            or type(message) is not str
            or not 0 < len(message) <= LOG_CHARACTERS
            or "\x00" in message
            or level not in LEVEL_ORDER
            or not (at is None or type(at) is str)
            or not (seq is None or (type(seq) is int and 0 <= seq <= MAX_INTEGER))
            or not (uid is None or _uid(uid))
        ):
            return None
        return _new(PlainLog, (uid, named, message, level, None if at is None else parse_rfc3339(at), seq, "log", None))
    except (ValueError, TypeError):  # broken JSON, an impossible time, a list where a text belongs
        return None


@lru_cache(maxsize=1024)
def _named(run: str | None, start: str | None, process: str | None, run_id: str | None) -> Named | None:
    """Lines that come together are mostly of few runs. Raises TypeError for what is no text."""
    by_key = process is not None and run_id is not None and _name(process) and _name(run_id)
    by_run = run is not None and _run(run)
    by_start = start is not None and _uid(start)
    if bool(by_key) + bool(by_run) + bool(by_start) != 1:
        return None
    if sum(name is not None for name in (run, start, process, run_id)) != (2 if by_key else 1):
        return None
    return Named(run, start, process, run_id, None)


class PlainLogs(NamedTuple):
    """Log lines by member, each with a value for every line; None for a member that none of them has."""

    names: Sequence[Hashable]
    """What stands for the run of a line."""
    named: dict[Hashable, Named]
    """How the lines name these runs."""
    messages: Sequence[str]
    levels: Sequence[str]
    logged_at: Sequence[int] | None
    seqs: Sequence[int] | None
    uids: Sequence[str] | None

    def lines(self) -> Iterator[PlainLog]:
        """One by one."""
        none = (None,) * len(self.messages)
        uids, at, seqs = self.uids or none, self.logged_at or none, self.seqs or none
        rows = zip(uids, self.names, self.messages, self.levels, at, seqs, strict=True)
        return (PlainLog(uid, self.named[name], *rest) for uid, name, *rest in rows)


def plain_logs(raws: Sequence[bytes]) -> PlainLogs | None:
    """None for all but log lines with the same members in which nothing is wrong or rare."""
    if not raws or _MARK not in raws[0] or _MARK not in raws[-1]:
        return None
    try:
        given = list(map(orjson.loads, raws))
        shape = tuple(given[0])
        if len(shape) < 2 or set(map(type, given)) != {dict} or set(map(len, given)) != {len(shape)}:
            return None
        columns = dict(zip(shape, zip(*map(itemgetter(*shape), given), strict=True), strict=True))
        return _by_member(columns, len(given))
    except (ValueError, TypeError, KeyError):  # broken JSON, an impossible time, other members, a list for a text
        return None


def _by_member(columns: dict[str, tuple[Any, ...]], count: int) -> PlainLogs | None:
    """Raises KeyError, TypeError, ValueError for what is not plain."""
    take = columns.pop
    kinds, messages, levels = take("kind"), take("message"), take("level", None) or ("INFO",) * count
    names, named = _all_named(columns)
    at, seqs, uids = take("logged_at", None), take("seq", None), take("uid", None)
    lengths = set(map(len, messages))
    if (
        columns  # another member
        or set(kinds) != {"log"}
        or set(map(type, messages)) != {str}
        or not (min(lengths) > 0 and max(lengths) <= LOG_CHARACTERS)
        or "\x00" in "".join(messages)
        or not LEVEL_ORDER.keys() >= set(levels)
        or not (seqs is None or (set(map(type, seqs)) == {int} and min(seqs) >= 0 and max(seqs) <= MAX_INTEGER))
        or not (uids is None or all(map(_uid, uids)))
    ):
        return None
    return PlainLogs(names, named, messages, levels, None if at is None else parse_rfc3339_all(at), seqs, uids)


def _all_named(columns: dict[str, tuple[Any, ...]]) -> tuple[Sequence[Hashable], dict[Hashable, Named]]:
    """Raises KeyError for runs that are not named by their uid alone, or by process and id; ValueError for a name that
    is none."""
    names: Sequence[Any]
    if "run" in columns:
        names = columns.pop("run")
        named = {name: _named(name, None, None, None) for name in set(names)}
    else:
        names = list(zip(columns.pop("process"), columns.pop("id"), strict=True))
        named = {name: _named(None, None, *name) for name in set(names)}
    found = {name: how for name, how in named.items() if how is not None}
    if len(found) < len(named):
        raise ValueError("a name that is none")
    return names, found
