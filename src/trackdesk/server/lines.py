"""Bodies that are taken line by line while they arrive, so that none of them is ever in memory as a whole."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from trackdesk.domain.errors import Invalid, TooLarge, UnsupportedMedia
from trackdesk.server.limits import BODY_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from trackdesk.contract.endpoint import Endpoint

MAX_LINE: Final = 1_048_576
"""Bytes of one line."""
WHOLE_SECONDS: Final = 600.0
"""How long a body may take to arrive as a whole; each piece of it has `BODY_SECONDS`."""


class LeftToHandler:
    """What stands for the body of an endpoint that reads it itself: only its type and announced size are looked at."""

    def __init__(self, endpoint: Endpoint[Any]) -> None:
        self._max = endpoint.max_body
        self._takes = endpoint.takes

    async def read(self, request: web.BaseRequest) -> bytes:
        """Nothing. Raises TooLarge, UnsupportedMedia."""
        if (request.content_length or 0) > self._max:
            raise too_large(self._max)
        given = request.headers.get(hdrs.CONTENT_TYPE)
        if given is not None and given.partition(";")[0].strip().lower() != self._takes:
            raise UnsupportedMedia(f"Expected Content-Type: {self._takes}, not {given[:100]!r}.")
        return b""

    def parse(self, _: bytes) -> None:
        """There is nothing to parse yet."""


async def pieces(request: web.BaseRequest, limit: int) -> AsyncIterator[bytes]:
    """The body as it comes. Raises TooLarge over `limit` bytes, Invalid for what stalls, breaks off or is no HTTP."""
    until = monotonic() + WHOLE_SECONDS
    size = 0
    while True:
        patience = min(BODY_SECONDS, until - monotonic())
        try:
            async with asyncio.timeout(patience):
                piece = await request.content.readany()
        except TimeoutError:
            raise Invalid("body", f"nothing came for {max(patience, 0):g} s") from None
        except (web.RequestPayloadError, HttpProcessingError) as error:
            raise Invalid("body", f"could not be read: {type(error).__name__}") from None
        if not piece:
            return
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        yield piece


class Splitter:
    """Cuts pieces into lines; of a line over `MAX_LINE` only its beginning is kept, which is still too long."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that end in `piece`, without their ends."""
        first, *others = piece.split(b"\n")
        self._keep(first)
        if not others:
            return []
        lines = [self._taken(), *others[:-1]]
        self._keep(others[-1])
        return lines

    def last(self) -> bytes:
        """What follows the last line's end."""
        return self._taken()

    def _keep(self, part: bytes) -> None:
        if self._size <= MAX_LINE:
            self._rest.append(part)
            self._size += len(part)

    def _taken(self) -> bytes:
        line = b"".join(self._rest)
        self._rest, self._size = [], 0
        return line


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"A body here may have {limit} bytes.")
