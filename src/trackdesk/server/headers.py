"""Headers that every answer carries."""

from __future__ import annotations

from itertools import count
from secrets import token_hex
from typing import Final

from multidict import CIMultiDict, istr

REQUEST_ID: Final = istr("X-Request-Id")
BASE_HEADERS: Final = {
    "Server": "trackdesk",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
JSON_HEADERS: Final = CIMultiDict({**BASE_HEADERS, "Content-Type": "application/json"})

_PREFIX: Final = token_hex(4)
_numbers: Final = count(1)


def new_request_id() -> str:
    """Unique among all servers and starts for what logs need: a random start and a number."""
    return f"{_PREFIX}-{next(_numbers):x}"
