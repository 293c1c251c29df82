"""Real receivers on real sockets for the channels' tests."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from trackdesk.engine.channels.message import Message
from trackdesk.engine.channels.sender import validate_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


@pytest.fixture(scope="session", autouse=True)
def _apprise_loaded() -> None:
    """The first load takes up to a second, longer than the short deadlines of these tests."""
    validate_url("json://example.org/", None)


@pytest.fixture
def message() -> Message:
    return Message(
        delivery_id="d-0001",
        kind="opened",
        severity="HIGH",
        title="nightly-backup missed its deadline",
        body="Due 03:00, still running <now>",
        payload={"event": "incident.opened", "incident": {"id": 42, "title": "nightly-backup"}},
    )


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP receiver that answers with raw bytes, so that it can also answer wrongly, slowly or not at all."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    hang: bool = False
    drip: bytes = b""
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.requests.append(await self._read(reader))
            self.arrived.release()
            writer.write(self.answer)
            await writer.drain()
            while self.drip:
                writer.write(self.drip)
                await writer.drain()
                await asyncio.sleep(0.02)
            if self.hang:
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
        return Request(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))

    def status(self, line: str, *headers: str, body: str = "") -> None:
        lines = [f"HTTP/1.1 {line}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body]
        self.answer = "\r\n".join(lines).encode()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(made.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Mailbox:
    """An SMTP receiver; `rcpt` and `data` are its answers, `hold` keeps it silent after DATA until set."""

    port: int = 0
    received: list[tuple[list[str], str]] = field(default_factory=list)
    rcpt: str = ""
    data: str = "250 taken"
    password: str = "right"
    hold: threading.Event = field(default_factory=threading.Event)
    holding: bool = False

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: object, session: object, envelope: object, address: str, options: object
    ) -> str:
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 ok"

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802
        if self.holding:
            await asyncio.get_running_loop().run_in_executor(None, self.hold.wait, 10)
        self.received.append((envelope.rcpt_tos, envelope.content.decode()))  # type: ignore[attr-defined]
        return self.data

    def authenticate(
        self, server: object, session: object, envelope: object, mechanism: str, data: object
    ) -> AuthResult:
        right = data.password == self.password.encode()  # type: ignore[attr-defined]
        return AuthResult(success=right, handled=False)


@pytest.fixture
def mailbox(unused_port: Callable[[], int]) -> Iterator[Mailbox]:
    made = Mailbox(port=unused_port())
    controller = Controller(
        made,
        hostname="127.0.0.1",
        port=made.port,
        authenticator=made.authenticate,
        auth_require_tls=False,
        auth_required=False,
    )
    controller.start()
    yield made
    made.hold.set()
    controller.stop()


@pytest.fixture
def unused_port() -> Callable[[], int]:
    import socket

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find
