"""Requests that arrive whole are answered at once, all others by aiohttp; nobody can tell which it was."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.clocks import PATIENCE, until
from tests.server.stand import OWNER_KEY, Stand, open_stand
from tests.server.stubs import stubs
from trackdesk.server import front
from trackdesk.server.app import build_app
from trackdesk.server.listen import listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from trackdesk.server.call import Call

    Dial = Callable[[str], Awaitable["Line"]]

TO_AIOHTTP = b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n"
"""Once this was asked, the connection is aiohttp's."""


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


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


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Opens connections to the server of a URL, and closes them in the end."""
    lines: list[Line] = []

    async def opened(url: str) -> Line:
        host, port = url.removeprefix("http://").split(":")
        lines.append(Line(*await asyncio.open_connection(host, int(port))))
        return lines[-1]

    yield opened
    for line in lines:
        line.writer.close()
        with suppress(ConnectionError):
            await line.writer.wait_closed()


def request(method: str, path: str, body: bytes = b"", key: str = OWNER_KEY, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"X-API-Key: {key}", *more]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def told(head: list[bytes]) -> list[bytes]:
    """What is no different from one answer to the next."""
    return sorted(line for line in head if not line.startswith((b"Date", b"X-Request-Id", b"Content-Length")))


@pytest.mark.parametrize(
    "asked",
    [
        request("POST", "/v1/processes/backup", b'{"deadline": "1h"}'),
        request("POST", "/v1/processes/backup", b'{"deadline": "soon"}'),
        request("POST", "/v1/processes/backup", b"{}", "no-such-key"),
        request("GET", "/v1/processes"),
        request("GET", "/v1/runs/nowhere"),
        request("DELETE", "/v1/processes/unknown"),
        request("POST", "/v1/notifications/read-all"),
        request("GET", "/ping/-/backup"),
        request("GET", "/ping/not-a-key/backup"),
        request("GET", "/v1/nothing"),
    ],
    ids=lambda asked: asked.split(b" HTTP")[0].decode() + str(len(asked)),
)
async def test_the_answer_is_the_same_either_way(stand: Stand, dial: Dial, asked: bytes) -> None:
    one, other = await dial(stand.url), await dial(stand.url)
    await other.ask(TO_AIOHTTP)
    await one.ask(asked)  # what it makes is made, and the next two find the same
    whole, by_aiohttp = await one.ask(asked), await other.ask(asked)
    assert told(whole[0]) == told(by_aiohttp[0])
    assert {line.split(b":")[0] for line in whole[0]} == {line.split(b":")[0] for line in by_aiohttp[0]}
    assert len(whole[1]) == len(by_aiohttp[1])


async def test_a_connection_goes_on_to_aiohttp_in_the_middle_of_its_life(stand: Stand, dial: Dial) -> None:
    line = await dial(stand.url)
    for path in ("/v1/processes", "/docs", "/v1/processes"):
        head, _ = await line.ask(request("GET", path))
        assert head[0] == b"HTTP/1.1 200 OK"


async def test_what_looks_like_a_request_within_a_body_is_part_of_the_body(stand: Stand, dial: Dial) -> None:
    inside = b'{"id": "' + request("GET", "/ping/-/smuggled").replace(b"\r\n", b" ") + b'"}'
    whole = request("POST", "/v1/processes/backup", inside)
    line = await dial(stand.url)
    await line.ask(request("GET", "/v1/processes"))
    cut = whole.index(b"GET /ping")
    line.writer.write(whole[:cut])
    await line.writer.drain()
    head, body = await line.ask(whole[cut:])
    assert head[0].startswith(b"HTTP/1.1 400")
    assert b'"field":"id"' in body


async def test_the_beginning_of_the_next_request_is_not_lost(stand: Stand, dial: Dial) -> None:
    """The second is one for aiohttp, which must be told its beginning too."""
    line = await dial(stand.url)
    first, second = request("GET", "/v1/processes"), request("GET", "/docs")
    head, _ = await line.ask(first + second[:9])
    assert head[0] == b"HTTP/1.1 200 OK"
    head, body = await line.ask(second[9:])
    assert head[0] == b"HTTP/1.1 200 OK"
    assert b"<html" in body


async def test_what_arrives_while_a_request_is_in_hand_is_answered_behind_it(stand: Stand, dial: Dial) -> None:
    line = await dial(stand.url)
    asked = request("POST", "/v1/processes/backup", b'{"id": "one"}')
    line.writer.write(asked)
    await line.writer.drain()
    line.writer.write(request("GET", "/v1/processes/backup/one") + request("GET", "/v1/nothing"))
    statuses = [(await line.answer())[0][0].split()[1] for _ in range(3)]
    assert statuses == [b"201", b"200", b"404"]


async def test_who_has_no_more_to_send_gets_the_answer_to_what_is_in_hand(stand: Stand, dial: Dial) -> None:
    line = await dial(stand.url)
    line.writer.write(request("POST", "/v1/processes/backup", b"{}"))
    line.writer.write_eof()
    head, _ = await line.answer()
    assert head[0] == b"HTTP/1.1 201 Created"
    assert await line.until_closed() == b""


async def test_a_quiet_connection_is_closed(stand: Stand, dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "KEEPALIVE_SECONDS", 0.3)
    silent, used = await dial(stand.url), await dial(stand.url)
    await used.ask(request("GET", "/v1/processes"))
    assert await silent.until_closed() == b""
    assert await used.until_closed() == b""


async def test_a_connection_that_ends_leaves_nothing_behind(stand: Stand, dial: Dial) -> None:
    app = build_app(stand.house)
    listening = await listen(app, "127.0.0.1", 0)
    line = await dial(listening.url)
    await line.ask(request("GET", "/v1/processes"))
    assert len(app.fronts) == 1
    line.writer.close()
    await until(lambda: not app.fronts)
    await listening.stop()


async def test_a_stop_answers_what_is_in_hand_and_closes_what_is_quiet(stand: Stand, dial: Dial) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Call) -> web.Response:
        asked.set()
        await go_on.wait()
        return web.Response(body=b"late")

    listening = await listen(build_app(stand.house, stubs(processes__list=slow)), "127.0.0.1", 0)
    quiet, busy = await dial(listening.url), await dial(listening.url)
    await quiet.ask(request("GET", "/healthz"))
    busy.writer.write(request("GET", "/v1/processes"))
    await asked.wait()
    stopping = asyncio.create_task(listening.stop())
    assert await quiet.until_closed() == b""
    go_on.set()
    assert (await busy.answer())[1] == b"late"
    assert await busy.until_closed() == b""
    await stopping


async def test_what_arrives_behind_the_last_request_of_a_connection_is_not_done(stand: Stand, dial: Dial) -> None:
    """Nobody would get the answer, so its sender has to be free to ask again."""
    calls, asked, go_on = 0, asyncio.Event(), asyncio.Event()

    async def last(_: Call) -> web.Response:
        nonlocal calls
        calls += 1
        asked.set()
        await go_on.wait()
        response = web.Response(body=b"bye")
        response.force_close()
        return response

    listening = await listen(build_app(stand.house, stubs(processes__list=last)), "127.0.0.1", 0)
    line = await dial(listening.url)
    line.writer.write(request("GET", "/v1/processes"))
    await asked.wait()
    line.writer.write(request("GET", "/v1/processes"))
    await stand.ask("GET", "/healthz")  # the server has read it by then
    go_on.set()
    assert (await line.answer())[1] == b"bye"
    assert await line.until_closed() == b""
    await listening.stop()
    assert calls == 1


async def test_who_reads_nothing_is_answered_no_further(stand: Stand, dial: Dial) -> None:
    """What can't be sent waits in the server's memory, which must not grow with every request."""
    calls = 0

    async def much(_: Call) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(body=bytes(4_000_000))

    listening = await listen(build_app(stand.house, stubs(processes__list=much)), "127.0.0.1", 0)
    line = await dial(listening.url)
    line.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(20):
        line.writer.write(request("GET", "/v1/processes"))
        await line.writer.drain()
        await stand.ask("GET", "/healthz")  # the server has read it by then
    assert calls < 10
    line.writer.transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(20):
        assert len((await line.answer())[1]) == 4_000_000
    await listening.stop()
