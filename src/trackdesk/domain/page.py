"""Lists: what each answers, and the cursor by which it goes on."""

from __future__ import annotations

import base64
import binascii
from typing import Generic, TypeVar

import orjson

from trackdesk.domain.errors import Invalid
from trackdesk.domain.model import Value

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
COUNT_CAP = 10_000


class PageMeta(Value):
    limit: int
    next: str | None = None
    total: int | None = None
    total_capped: bool = False


class Page(Value, Generic[T]):
    data: list[T]
    meta: PageMeta


def encode_cursor(sort: str, position: list[int | str | None]) -> str:
    """Where a page ended, as text of `[A-Za-z0-9_-]`; it only fits lists sorted the same way."""
    return base64.urlsafe_b64encode(orjson.dumps([sort, *position])).decode().rstrip("=")


def decode_cursor(cursor: str, sort: str, length: int) -> list[int | str | None]:
    """The position in `cursor`: `length` values. Raises Invalid."""
    try:
        given = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        given = None
    if not isinstance(given, list) or len(given) != length + 1:
        raise Invalid("cursor", "expected a cursor from `meta.next` of this list", cursor)
    if given[0] != sort:
        raise Invalid("cursor", f"this cursor continues a list sorted by {given[0]}; start again for {sort}")
    position = given[1:]
    if not all(value is None or (isinstance(value, int | str) and not isinstance(value, bool)) for value in position):
        raise Invalid("cursor", "expected a cursor from `meta.next` of this list", cursor)
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in position):
        raise Invalid("cursor", "expected a cursor from `meta.next` of this list", cursor)
    return position
