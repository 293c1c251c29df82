"""Heads of requests as they came before, byte for byte: a job sends the same one every time, so it is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from aiohttp import web
    from aiohttp.http import RawRequestMessage

    Answers = Callable[[web.BaseRequest, Mapping[str, str]], Coroutine[Any, Any, web.StreamResponse]]
    Reply = Callable[[web.StreamResponse], None]
    AtOnce = Callable[[str | None, Reply], "Future[Any] | None"]
    """Takes the address of who asks, and what takes the answer; gives what is waited for until then, which may be
    cancelled, or None where it was answered at once."""

MOST: Final = 2048
LONGEST: Final = 1024
"""Bytes."""
MOST_SEEN: Final = 16_384


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


class Heads:
    """A head that comes a second time is kept, so that those which are never the same again (with a key for
    idempotency, say) take no room. Nothing is kept of what may change: whether a key opens is asked each time. There
    are keys in heads, so they stay in memory and are written nowhere.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self._seen: set[int] = set()
        """Hashes of what came once."""
        self.find = self._known.get

    def __len__(self) -> int:
        return len(self._known)

    def add(self, raw: bytes, head: Head) -> None:
        """`raw`: its bytes, to the empty line at its end."""
        if len(raw) > LONGEST:
            return
        hashed = hash(raw)
        if hashed not in self._seen:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen.add(hashed)
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[raw] = head
