"""Path parameters: what each name in a path stands for, and what it must look like."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from trackdesk.domain.errors import Invalid
from trackdesk.domain.model import LABEL_PATTERN, NAME_PATTERN
from trackdesk.domain.ping import UUID_PATTERN

PATTERNS: Final[dict[str, str]] = {
    "process": NAME_PATTERN,
    "id": NAME_PATTERN,
    "uid": r"^[0-9a-z]{26}$",
    "incident": r"^(INC-)?[1-9][0-9]{0,17}$",
    "comment": r"^[1-9][0-9]{0,17}$",
    "attachment": r"^[1-9][0-9]{0,17}$",
    "notification": r"^[1-9][0-9]{0,17}$",
    "channel": r"^[1-9][0-9]{0,17}$",
    "silence": r"^[1-9][0-9]{0,17}$",
    "maintenance": r"^[1-9][0-9]{0,17}$",
    "delivery": r"^[1-9][0-9]{0,17}$",
    "ping_key": r"^(-|[A-Za-z0-9_.-]{16,200})$",
    "ping_uuid": UUID_PATTERN,
    "signal": r"^(start|fail|log|[0-9]{1,3})$",
    "key": r"^[1-9][0-9]{0,17}$",
    "department": LABEL_PATTERN,
    "service": LABEL_PATTERN,
    "rule": LABEL_PATTERN,
}

HINTS: Final[dict[str, str]] = {
    "process": "1 to 100 of A-Z a-z 0-9 _ . : -",
    "id": "1 to 100 of A-Z a-z 0-9 _ . : -",
    "uid": "the 26 characters of a run's uid",
    "incident": "a number or INC-42",
    "ping_key": "an INGEST key, no higher one; or - for the key in X-API-Key",
    "ping_uuid": "the ping_uuid of a process",
    "signal": "start, fail, log, or an exit code 0 to 255",
    "department": "1 to 100 printable characters without '/'",
    "service": "1 to 100 printable characters without '/'",
    "rule": "1 to 100 printable characters without '/'",
}

_COMPILED: Final = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}
_LONGEST: Final = 200
"""Characters that any of them may have; no longer ones are remembered."""


def fits(name: str, value: str) -> bool:
    """Whether `check` takes it."""
    return len(value) <= _LONGEST and _fits(name, value)


@lru_cache(maxsize=1024)  # jobs name the same few again and again
def _fits(name: str, value: str) -> bool:
    return _COMPILED[name].search(value) is not None and not value.endswith("\n") and value.isprintable()


def check(name: str, value: str) -> str:
    """The value of a path parameter as it stands. Raises Invalid, naming it."""
    if not fits(name, value):
        raise Invalid(name, f"expected {HINTS.get(name, 'a number')}", value)
    return value


def number(name: str, value: str) -> int:
    """The number in a path parameter; `INC-42` is 42. Raises Invalid."""
    return int(check(name, value).removeprefix("INC-"))
