"""A request that has arrived whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aiohttp import EMPTY_PAYLOAD, StreamReader, web

if TYPE_CHECKING:
    import asyncio

    from aiohttp.http import RawRequestMessage


class Whole(web.BaseRequest):
    """Its body is at hand as `raw`. Without a writer and a task, only an `Answer` or a whole response can be given to
    it. A response to it leaves its connection open and has a body; see `is_plain`.
    """

    def __init__(
        self, message: RawRequestMessage, raw: bytes, protocol: Any, loop: asyncio.AbstractEventLoop, most: int
    ) -> None:
        nothing = cast("Any", None)
        super().__init__(message, EMPTY_PAYLOAD, protocol, nothing, nothing, loop, client_max_size=most)
        self.raw = self._read_bytes = raw

    @property
    def body_exists(self) -> bool:
        return bool(self.raw)

    @property
    def content(self) -> StreamReader:
        """For those who read any body in pieces."""
        if self.raw and self._payload is EMPTY_PAYLOAD:
            self._payload = StreamReader(self._protocol, len(self.raw), loop=self._loop)
            self._payload.feed_data(self.raw)
            self._payload.feed_eof()
        return self._payload
