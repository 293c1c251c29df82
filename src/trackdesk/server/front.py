"""What stands before aiohttp's connection: requests that arrive whole are answered here, all else goes on to it.

aiohttp keeps a task, a waiter and a writer for each connection and starts another task a request, for what may come in
pieces, be streamed or be upgraded; a run start or a ping is none of that, and would spend a third of its time there.
Its parser reads the requests here as well, so that both ways agree on what a request is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from aiohttp.http_exceptions import HttpProcessingError

from trackdesk.server.answer import Answer, is_plain_message, rendered
from trackdesk.server.connection import KEEPALIVE_SECONDS, MAX_LINE
from trackdesk.server.whole import Whole

if TYPE_CHECKING:
    import asyncio

    from aiohttp import StreamReader
    from aiohttp.http import RawRequestMessage

    from trackdesk.server.app import App
    from trackdesk.server.heads import Head

log = logging.getLogger(__name__)

LARGEST: Final = 65_536
"""Bytes; more than that at once goes on to aiohttp, which takes it piece by piece."""
_END: Final = b"\r\n\r\n"


class Front(BaseProtocol):
    """One connection, until something arrives in it that is for aiohttp; from then on it is aiohttp's for good, for
    only aiohttp knows where the next request begins.

    A request's handler sees what it would see of aiohttp's own protocol: `transport`, `peername`, `sockname` and
    `ssl_context`.
    """

    ssl_context: Final = None

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop) -> None:
        parser = HttpRequestParser(
            self, loop, LARGEST, max_line_size=MAX_LINE, payload_exception=web.RequestPayloadError
        )
        super().__init__(loop, parser)
        self.peername: Any = None
        self.sockname: Any = None
        self._app = app
        self._parser: HttpRequestParser = parser
        self.task: asyncio.Future[Any] | None = None
        """The request in hand."""
        self._held = b""
        """What arrived behind it."""
        self._last = False
        """The connection ends with the answer to the request in hand."""
        self._all_sent = False
        """No more will arrive; what has is answered."""
        self._quiet_since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peername = transport.get_extra_info("peername")
        self.sockname = transport.get_extra_info("sockname")
        self._app.fronts.add(self)
        self._quiet_since = self._loop.time()
        self._timer = self._loop.call_at(self._quiet_since + KEEPALIVE_SECONDS, self._look_at_the_clock)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._let_go()
        super().connection_lost(exc)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """A body that is read calls it each time, though its reading is hardly ever stopped."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._take_held()

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        if self.task is not None or self._paused:
            self._held += data
            if len(self._held) > LARGEST and self.transport is not None:
                self.transport.pause_reading()
            return
        end = data.find(_END) + len(_END)
        heads, raw = self._app.heads, data[:end]
        head = heads.find(raw) or heads.find_but_for_rid(raw)
        if head is None:
            head = self._read(data, end)
        elif head.length != len(data) - end:
            head = None
        if head is None:
            self._hand_over(data)
        elif head.at_once is not None:
            self.task = head.at_once(self.peername[0] if self.peername else None, head.rid, self._answered)
        else:
            request = Whole(head.message, data[end:], self, self._loop, self._app.max_body)
            self.task = self._loop.create_task(self._answer(request, head))

    def _read(self, data: bytes, end: int) -> Head | None:
        """What the head says, which ends at `end`; None where `data` is not one request, or one for aiohttp."""
        if len(data) > LARGEST:
            return None
        try:
            messages, _, _ = self._parser.feed_data(data)
        except HttpProcessingError:  # aiohttp will find the same, and tell its sender
            return None
        if len(messages) != 1 or not _is_whole(len(data) - end, *messages[0]):
            return None
        head = self._app.whole(messages[0][0], len(data) - end)
        if head is not None:
            self._app.heads.add(data[:end], head)
        return head

    def eof_received(self) -> bool:
        """Who has nothing more to send may still wait for the answer to what is in hand."""
        self._all_sent = True
        return self.task is not None

    def close(self) -> None:
        """End the connection once the request in hand is answered."""
        self._last = True
        if self.task is None and self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """End it at once."""
        if self.task is not None:
            self.task.cancel()
        if self.transport is not None:
            self.transport.abort()

    async def _answer(self, request: web.BaseRequest, head: Head) -> None:
        try:
            response = await head.answers(request, head.parameters)
        except Exception:
            log.exception("a request could not be answered")
            self.task = None
            self.abort()
        else:
            self._answered(response)

    def _answered(self, response: web.StreamResponse) -> None:
        self.task = None
        try:
            self._send(response)
        except Exception:
            log.exception("an answer could not be sent")
            self.abort()
        self._take_held()

    def _send(self, response: web.StreamResponse) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        transport.write(response.raw if isinstance(response, Answer) else rendered(response))
        self._quiet_since = self._loop.time()
        if self._last or response.keep_alive is False or (self._all_sent and not self._held):
            transport.close()

    def _take_held(self) -> None:
        transport = self.transport
        if self._held and transport is not None and not transport.is_closing() and not self._paused:
            held, self._held = self._held, b""
            transport.resume_reading()
            self.data_received(held)

    def _hand_over(self, data: bytes) -> None:
        """`data` begins where a request begins."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self._let_go()
        connection = self._app.connection()
        transport.set_protocol(connection)
        connection.connection_made(transport)
        transport.resume_reading()  # the parser may have had it stopped
        connection.data_received(data)

    def _look_at_the_clock(self) -> None:
        ends_at = self._quiet_since + KEEPALIVE_SECONDS
        if self.task is None and self._loop.time() >= ends_at:
            self.close()
        else:
            self._timer = self._loop.call_at(max(ends_at, self._loop.time() + 1), self._look_at_the_clock)

    def _let_go(self) -> None:
        self._app.fronts.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _is_whole(length: int, message: RawRequestMessage, payload: StreamReader) -> bool:
    """Whether these are all of a request, with `length` bytes behind its head, and its answer needs no more than its
    bytes: the connection stays open, and nothing about it changes."""
    return (
        payload.is_eof()
        and not message.chunked
        and not message.compression
        and int(message.headers.get(hdrs.CONTENT_LENGTH, "0")) == length
        and not message.upgrade
        and is_plain_message(message.method, message.version, closes=message.should_close)
    )
