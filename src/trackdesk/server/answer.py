"""An answer whose bytes are all known: its head is put together from parts made once, and goes out in one write."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web
from aiohttp.hdrs import METH_HEAD
from aiohttp.http import HttpVersion11

from trackdesk.server.headers import BASE_HEADERS
from trackdesk.server.whole import Whole

if TYPE_CHECKING:
    from asyncio import WriteTransport
    from collections.abc import Mapping

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http import HttpVersion
    from aiohttp.web import BaseRequest


def is_plain(request: BaseRequest) -> bool:
    """Whether the connection stays open and a body follows, so that nothing in the head depends on the request."""
    return type(request) is Whole or is_plain_message(request.method, request.version, closes=not request.keep_alive)


def is_plain_message(method: str, version: HttpVersion, *, closes: bool) -> bool:
    """The same of what a request is made of."""
    return not closes and version == HttpVersion11 and method != METH_HEAD


def head(status: int, content_type: str, more: Mapping[str, str] | None = None) -> bytes:
    """The part of an answer's head that is the same every time."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    headers = {**BASE_HEADERS, "Content-Type": content_type, **(more or {})}
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), ""]).encode()


class Answer(web.StreamResponse):
    """Stands in for `web.Response` where `is_plain` holds: building and writing that one's headers takes a third of
    what aiohttp spends on a small request. `raw` is all of it; see `written` and `Constant`.

    It is a `StreamResponse` by its interface alone (status, keep_alive, force_close, prepare, write_eof), and has none
    of its state.
    """

    _ends = False

    def __init__(self, status: int, raw: bytes) -> None:
        self.raw = raw
        self._code = status
        self._request: BaseRequest | None = None

    @property
    def status(self) -> int:
        return self._code

    @property
    def prepared(self) -> bool:
        return self._request is not None

    @property
    def keep_alive(self) -> bool:
        return not self._ends

    def force_close(self) -> None:
        """Its sender is told that the connection ends with it, as by any other response."""
        self._ends = True
        self.raw = self.raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        self._request = request
        return None

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - all of it is known
        transport = None if self._request is None else self._request.transport
        if transport is not None and not transport.is_closing():
            cast("WriteTransport", transport).write(self.raw)


def written(head: bytes, lines: str, body: bytes) -> bytes:
    """The bytes of an answer; `head` comes from the function of that name, `lines` are further header lines, each with
    its line end."""
    return b"%bContent-Length: %d\r\n%b%b\r\n%b" % (head, len(body), lines.encode(), _date(), body)


class Constant:
    """An answer that is the same every time but for its date."""

    def __init__(self, status: int, content_type: str, more: Mapping[str, str], body: bytes) -> None:
        self._status = status
        self._head = head(status, content_type, more)
        self._body = body
        self._date = b""
        self._raw = b""

    def __call__(self) -> Answer:
        if _date() is not self._date:
            self._date = _date()
            self._raw = written(self._head, "", self._body)
        return Answer(self._status, self._raw)


def rendered(response: web.StreamResponse) -> bytes:
    """The same of any response whose body is bytes."""
    assert isinstance(response, web.Response), "nothing else is answered in one write"
    body = response.body or b""
    assert isinstance(body, bytes), "see above"
    more = {} if response.keep_alive is not False else {"Connection": "close"}
    lines = [f"{name}: {value}\r\n" for name, value in (*response.headers.items(), *more.items())]
    if response.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(body)}\r\n")
    status = f"HTTP/1.1 {response.status} {response.reason}\r\n"
    return b"%b%b%b\r\n%b" % (status.encode(), "".join(lines).encode(), _date(), body)


class _Date:
    """The Date line of this second."""

    def __init__(self) -> None:
        self.second = 0
        self.line = b""


_now: Final = _Date()


def _date() -> bytes:
    second = int(time.time())
    if second != _now.second:
        _now.line = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        _now.second = second
    return _now.line
