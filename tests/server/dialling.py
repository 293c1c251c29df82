"""Connections that send a server the very bytes a test wants."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from tests.clocks import PATIENCE
from tests.server.stand import OWNER_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Dial = Callable[..., Awaitable["Line"]]
    """Takes the server's URL, and the address to call from if it matters."""


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> tuple[list[bytes], bytes]:
        """The lines of the next answer's head, and its body."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
            lengths = [line.partition(b": ")[2] for line in head if line.startswith(b"Content-Length")]
            return head, await self.reader.readexactly(int(lengths[0])) if lengths else b""

    async def ask(self, request: bytes) -> tuple[list[bytes], bytes]:
        self.writer.write(request)
        return await self.answer()

    async def until_closed(self) -> bytes:
        """What still comes."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE)


def request(method: str, path: str, body: bytes = b"", key: str = OWNER_KEY, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"X-API-Key: {key}", *more]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def dialling() -> AsyncIterator[Dial]:
    """Opens connections, and closes them in the end."""
    lines: list[Line] = []

    async def opened(url: str, source: str | None = None) -> Line:
        host, port = url.removeprefix("http://").split(":")
        local = None if source is None else (source, 0)
        lines.append(Line(*await asyncio.open_connection(host, int(port), local_addr=local)))
        return lines[-1]

    yield opened
    for line in lines:
        line.writer.close()
        with suppress(ConnectionError):
            await line.writer.wait_closed()
