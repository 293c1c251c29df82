"""Starts of the usual form, alone or among the lines of `/v1/ingest`, read without a model, which takes three times as
long.

Whatever is unusual about one, wrong or only rare, is left to its model, which knows every member and has the words for
what it refuses.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from trackdesk.domain.ingest import LINE_UID_PATTERN
from trackdesk.domain.instant import parse_duration, parse_rfc3339
from trackdesk.domain.model import (
    CONTEXT_BYTES,
    LABEL_PATTERN,
    MAX_INTEGER,
    NAME_PATTERN,
    SHORT_CHARACTERS,
    check_label,
    check_tags,
)
from trackdesk.domain.run import Due, check_heartbeat, parse_due

_MARK = b'"run.start"'
_NUL = b"\\u0000"
_ON_ACTIVE = frozenset({"refuse", "supersede"})
_FLAT = frozenset({str, int, bool, type(None)})
"""Not floats: an integer beyond 64 bits is read as one, and must be refused."""
_uid = re.compile(LINE_UID_PATTERN, re.ASCII).fullmatch
_name = re.compile(NAME_PATTERN, re.ASCII).fullmatch
_is_label = re.compile(LABEL_PATTERN).fullmatch


class PlainStart(NamedTuple):
    """Has the members of `StartLine` and `StartRun`, under the same names."""

    uid: str | None
    process: str
    """Empty where the path of the request says it."""
    id: str | None
    deadline: Due | None
    tags: dict[str, str]
    context: dict[str, Any]
    triggered_by: str | None
    started_at: int | None
    category: str | None = None
    service: str | None = None
    correlation_id: str | None = None
    on_active: str = "refuse"
    heartbeat_timeout: int | None = None
    total: int | None = None
    kind: str = "run.start"


def plain_start(raw: bytes) -> PlainStart | None:
    """A line; None for all but a start in which nothing is wrong or rare."""
    if _MARK not in raw:
        return None
    given = _members(raw)
    if given is None or given.pop("kind", None) != "run.start":
        return None
    uid, process = given.pop("uid", None), given.pop("process", None)
    try:
        return _read(uid, process, given) if _known_name(process) and (uid is None or _uid(uid)) else None
    except TypeError:  # a number where a text belongs
        return None


def plain_body(raw: bytes) -> PlainStart | None:
    """The body of a request to start a run; None likewise."""
    given = _members(raw)
    return None if given is None else _read(None, "", given)


def _members(raw: bytes) -> dict[str, Any] | None:
    if _NUL in raw or len(raw) > CONTEXT_BYTES:
        return None
    try:
        given = orjson.loads(raw)
    except ValueError:
        return None
    return given if type(given) is dict else None


def _read(uid: str | None, process: str, given: dict[str, Any]) -> PlainStart | None:
    """`given` is emptied."""
    take = given.pop
    try:
        run_id, due, tags, context = take("id", None), take("deadline", None), take("tags", {}), take("context", {})
        by, at = take("triggered_by", None), take("started_at", None)
        if (
            not (run_id is None or _name(run_id))
            or type(tags) is not dict
            or not (not tags or _are_tags(tuple(tags.items())))
            or type(context) is not dict
            or not _FLAT.issuperset(map(type, context.values()))
            or not (at is None or type(at) is str)
        ):
            return None
        by = None if by is None else _short(by)
        due, at = None if due is None else _due(due), None if at is None else parse_rfc3339(at)
        if not given:
            return PlainStart(uid, process, run_id, due, tags, context, by, at)
        return PlainStart(uid, process, run_id, due, tags, context, by, at, *_rarer(given))
    except (ValueError, TypeError):  # an impossible time, a number where a text belongs
        return None


def _rarer(given: dict[str, Any]) -> tuple[Any, ...]:
    """The members that most leave out. Raises ValueError or TypeError where the model is to be asked."""
    take = given.pop
    category, service, correlation_id = take("category", None), take("service", None), take("correlation_id", None)
    on_active, heartbeat, total = take("on_active", "refuse"), take("heartbeat_timeout", None), take("total", None)
    if (
        given  # another member
        or on_active not in _ON_ACTIVE
        or not (total is None or (type(total) is int and 0 <= total <= MAX_INTEGER))
    ):
        raise ValueError(given)
    return (
        None if category is None else _short(category),
        None if service is None else _label(service),
        None if correlation_id is None else _short(correlation_id),
        on_active,
        None if heartbeat is None else _heartbeat(heartbeat),
        total,
    )


def _short(text: str) -> str:
    if len(text) > SHORT_CHARACTERS or type(text) is not str:
        raise ValueError(text)
    return text


# What comes by the thousand is mostly the same few words. Each raises TypeError for what is no text.


@lru_cache(maxsize=1024)
def _known_name(text: str) -> bool:
    return _name(text) is not None


@lru_cache(maxsize=1024)
def _are_tags(pairs: tuple[tuple[str, str], ...]) -> bool:
    check_tags(dict(pairs))
    return True


@lru_cache(maxsize=1024)
def _label(text: str) -> str:
    if not _is_label(text):
        raise ValueError(text)
    return check_label(text)


@lru_cache(maxsize=1024)
def _due(text: str) -> Due:
    if type(text) is not str:
        raise TypeError(text)  # numbers are rare, and 1, 1.0 and True would be one key
    return parse_due(text)


@lru_cache(maxsize=1024)
def _heartbeat(text: str) -> int:
    timeout = parse_duration(text)
    check_heartbeat(timeout)
    return timeout
