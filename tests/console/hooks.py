"""A receiver of webhooks on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Hook:
    """Answers with the status that a test wants."""

    status: str = "200 OK"
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()


@asynccontextmanager
async def open_hook() -> AsyncIterator[Hook]:
    hook = Hook()
    receiver = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    hook.url = f"webhook+http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/hook"
    try:
        yield hook
    finally:
        receiver.close()
