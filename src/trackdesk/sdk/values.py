"""What may be sent, checked before anything runs; and anything at all made fit to be sent."""

from __future__ import annotations

import json
import math
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_MESSAGE = 16_384
MAX_BACKTRACE = 65_536
MAX_JSON = 65_536
MAX_TAGS = 20
_MAX_DEPTH = 24
_MAX_INTEGER = 2**53 - 1

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_TAG_KEY = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_SHORT = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?(?:(\d{1,9})ms)?", re.ASCII)
_ISO = re.compile(r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?()", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_SIZES = (86_400, 3_600, 60, 1, 0.001)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")


def shown(text: str) -> str:
    """One line in which nothing is left that a terminal would obey: a server's answer may hold anything."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def now_micros() -> int:
    """µs since the epoch by this machine's clock."""
    return time.time_ns() // 1000


def rfc3339(micros: int) -> str:
    """`2026-01-02T03:04:05.678901Z` of µs since the epoch."""
    return (_EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(field: str, text: str) -> float:
    """Seconds of `30m`, `1h30m`, `45s` or `PT30M`. Raises ValueError naming `field`."""
    for pattern in (_SHORT, _ISO):
        match = pattern.fullmatch(text)
        if match is not None and any(match.groups()):
            return sum(int(part) * size for part, size in zip(match.groups(), _SIZES, strict=True) if part)
    raise ValueError(f'{field}: expected a duration such as "30m", "1h30m", "45s" or "PT30M", not {text!r}')


def instant(field: str, text: str) -> str:
    """The same text when it is an RFC 3339 time with an offset. Raises ValueError naming `field`."""
    if not _RFC3339.fullmatch(text):
        raise ValueError(f'{field}: expected an RFC 3339 time with an offset ("2026-01-02T03:04:05Z"), not {text!r}')
    try:
        datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(f"{field}: {text!r} is no time ({error})") from None
    return text


def deadline(text: str) -> str:
    """The same text when it is a duration or an RFC 3339 time with an offset. Raises ValueError."""
    if _RFC3339.fullmatch(text):
        return instant("deadline", text)
    try:
        seconds("deadline", text)
    except ValueError:
        raise ValueError(
            'deadline: expected a duration ("30m", "1h30m", "PT30M") or an RFC 3339 time with an offset '
            f'("2026-01-02T03:04:05Z"), not {text!r}'
        ) from None
    return text


def name(field: str, text: str) -> str:
    """The same text when it can name a process or a run. Raises ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{field}: expected 1 to 100 of A-Z a-z 0-9 _ . : -, not {text!r}")
    return text


def tags(pairs: dict[str, object]) -> dict[str, str]:
    """Tags as they travel. Raises ValueError naming the tag."""
    if len(pairs) > MAX_TAGS:
        raise ValueError(f"tags: expected at most {MAX_TAGS}, not {len(pairs)}")
    ready = {str(key): text(str(value), 1_000) for key, value in pairs.items()}
    for key, value in ready.items():
        if not _TAG_KEY.fullmatch(key):
            raise ValueError(f"tags: expected keys of 1 to 128 of A-Z a-z 0-9 _ . / -, not {key!r}")
        if not 1 <= len(value) <= 256:
            raise ValueError(f"tags.{key}: expected 1 to 256 characters, not {len(value)}")
    return ready


def text(value: str, longest: int) -> str:
    """Without what JSON or the server can't take (NUL, lone surrogates), cut to `longest` characters."""
    clean = _UNSENDABLE.sub("\ufffd", value)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def plain(value: object, depth: int = 0) -> Any:
    """Any value as JSON can carry it; what it can't becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value, MAX_JSON)
    if isinstance(value, int) and abs(value) <= _MAX_INTEGER:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if depth < _MAX_DEPTH:
        if isinstance(value, dict):
            return {text(str(key), 200): plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [plain(item, depth + 1) for item in value]
    return text(str(value), 1_000)


def plain_object(value: dict[str, Any]) -> dict[str, Any]:
    """A context or the data of a log line; one over 64 KiB is replaced by a note of its size."""
    ready: dict[str, Any] = plain(value)
    size = len(json.dumps(ready, ensure_ascii=False).encode())
    return ready if size <= MAX_JSON else {"left_out": f"{size} bytes, at most {MAX_JSON} are kept"}
