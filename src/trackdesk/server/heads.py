"""Heads of requests as they came before, byte for byte: a job sends the same one every time, so it is read once.

A `rid` at the end of the first line is another each time; heads that differ in nothing else are one, read once too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from aiohttp import web
    from aiohttp.http import RawRequestMessage

    Answers = Callable[[web.BaseRequest, Mapping[str, str]], Coroutine[Any, Any, web.StreamResponse]]
    Reply = Callable[[web.StreamResponse], None]
    AtOnce = Callable[[str | None, str | None, Reply], "Future[Any] | None"]
    """Takes the address of who asks, the `rid`, and what takes the answer; gives what is waited for until then, which
    may be cancelled, or None where it was answered at once."""

MOST: Final = 2048
LONGEST: Final = 1024
"""Bytes."""
MOST_SEEN: Final = 16_384
_WITH_RID: Final = re.compile(
    rb"([^\r\n?]*\?rid=)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})( HTTP/1\.1\r\n.*)", re.DOTALL
)
"""A head up to its `rid`, that in the form in which it is stored, and the rest."""


class Head(NamedTuple):
    """All that the head says."""

    message: RawRequestMessage
    length: int
    """Of the body, in bytes."""
    answers: Answers
    parameters: Mapping[str, str]
    """Of the path."""
    at_once: AtOnce | None
    """Answers without the request, where nothing but the head has a say in it."""
    rid: str | None
    """All of the query, in the head of which this was read."""


class Heads:
    """A head that comes a second time is kept, so that those which are never the same again (with a key for
    idempotency, say) take no room. Nothing is kept of what may change: whether a key opens is asked each time. There
    are keys in heads, so they stay in memory and are written nowhere.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self._but_for_rid: dict[tuple[bytes, bytes], Head] = {}
        """By what stands before and behind the `rid`."""
        self._seen: set[int] = set()
        """Hashes of what came once."""
        self.find = self._known.get

    def __len__(self) -> int:
        return len(self._known) + len(self._but_for_rid)

    def find_but_for_rid(self, raw: bytes) -> Head | None:
        """What is known of a head with another `rid`, with the one of `raw`."""
        cut = _WITH_RID.fullmatch(raw)
        head = None if cut is None else self._but_for_rid.get((cut[1], cut[3]))
        return None if cut is None or head is None else head._replace(rid=cut[2].decode())

    def add(self, raw: bytes, head: Head) -> None:
        """`raw`: its bytes, to the empty line at its end."""
        if len(raw) > LONGEST:
            return
        cut = None if head.rid is None else _WITH_RID.fullmatch(raw)
        key = raw if cut is None else (cut[1], cut[3])
        hashed = hash(key)
        if hashed not in self._seen:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen.add(hashed)
            return
        if len(self) >= MOST:
            self._known.clear()
            self._but_for_rid.clear()
        if isinstance(key, bytes):
            self._known[key] = head
        else:
            self._but_for_rid[key] = head
