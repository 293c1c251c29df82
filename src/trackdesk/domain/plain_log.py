"""Log lines of the usual form, read without a model: they come by the thousand, and the model costs most of it.

Whatever is unusual about a line, wrong or only rare, is left to the model of all log lines: it knows every member and
has the words for what it refuses.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from trackdesk.domain.ingest import LINE_UID_PATTERN, RUN_UID_PATTERN, Named
from trackdesk.domain.instant import parse_rfc3339
from trackdesk.domain.model import LOG_CHARACTERS, MAX_INTEGER, NAME_PATTERN
from trackdesk.domain.run import LEVEL_ORDER

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
