"""Requests that arrive whole are answered at once, all others by aiohttp; nobody can tell which it was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.clocks import until
from tests.server.dialling import dialling, request
from tests.server.stand import Stand, open_stand
from tests.server.stubs import stubs
from trackdesk.server import front
from trackdesk.server.app import build_app
from trackdesk.server.listen import listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.server.dialling import Dial
    from trackdesk.server.call import Call

TO_AIOHTTP = b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n"
"""Once this was asked, the connection is aiohttp's."""


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    async with dialling() as opened:
        yield opened


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
    for _ in range(2):  # what it makes is made, and the head of the next one is known
        await one.ask(asked)
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


class Slow:
    """A handler that says when it is asked, and answers when it is told to go on; with `last`, nothing after that."""

    def __init__(self, *, last: bool = False) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.calls = 0
        self._last = last

    async def __call__(self, _: Call) -> web.Response:
        self.calls += 1
        self.asked.set()
        await self.go_on.wait()
        response = web.Response(body=b"late")
        if self._last:
            response.force_close()
        return response


async def test_all_that_was_sent_before_the_end_is_answered(stand: Stand, dial: Dial) -> None:
    slow = Slow()
    listening = await listen(build_app(stand.house, stubs(processes__list=slow)), "127.0.0.1", 0)
    line = await dial(listening.url)
    line.writer.write(request("GET", "/v1/processes"))
    await slow.asked.wait()
    line.writer.write(request("GET", "/v1/processes"))
    line.writer.write_eof()
    await stand.ask("GET", "/healthz")  # the server has read it by then
    slow.go_on.set()
    assert [(await line.answer())[1] for _ in range(2)] == [b"late", b"late"]
    assert await line.until_closed() == b""
    await listening.stop()


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
    slow = Slow()
    listening = await listen(build_app(stand.house, stubs(processes__list=slow)), "127.0.0.1", 0)
    quiet, busy = await dial(listening.url), await dial(listening.url)
    await quiet.ask(request("GET", "/healthz"))
    busy.writer.write(request("GET", "/v1/processes"))
    await slow.asked.wait()
    stopping = asyncio.create_task(listening.stop())
    assert await quiet.until_closed() == b""
    slow.go_on.set()
    assert (await busy.answer())[1] == b"late"
    assert await busy.until_closed() == b""
    await stopping


async def test_what_arrives_behind_the_last_request_of_a_connection_is_not_done(stand: Stand, dial: Dial) -> None:
    """Nobody would get the answer, so its sender has to be free to ask again."""
    slow = Slow(last=True)
    listening = await listen(build_app(stand.house, stubs(processes__list=slow)), "127.0.0.1", 0)
    line = await dial(listening.url)
    line.writer.write(request("GET", "/v1/processes"))
    await slow.asked.wait()
    line.writer.write(request("GET", "/v1/processes"))
    await stand.ask("GET", "/healthz")  # the server has read it by then
    slow.go_on.set()
    assert (await line.answer())[1] == b"late"
    assert await line.until_closed() == b""
    await listening.stop()
    assert slow.calls == 1


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
