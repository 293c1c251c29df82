"""Bounds that keep one caller from taking everything."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

from aiohttp import StreamReader
from hypothesis import given
from hypothesis import strategies as some

from tests.clocks import until
from tests.server.dialling import dialling, request
from tests.server.stand import OWNER_KEY, open_stand
from tests.server.stubs import echo, stubs
from trackdesk.contract import paths
from trackdesk.contract.work import RUN_START
from trackdesk.domain.identity import Role
from trackdesk.domain.model import MAX_DEPTH
from trackdesk.server import bind, body
from trackdesk.server.limits import Bucket, too_deep

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from aiohttp import web

    from trackdesk.server.call import Call


async def test_more_requests_than_can_be_in_hand_are_told_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bind, "MAX_IN_FLIGHT", 2)
    let_go = asyncio.Event()

    async def slow(call: Call) -> web.Response:
        await let_go.wait()
        return await echo(call)

    async with open_stand(tmp_path, stubs(runs__list=slow)) as stand:
        waiting = [asyncio.ensure_future(stand.ask("GET", "/v1/runs")) for _ in range(2)]
        await until(lambda: stand.house.statistics.in_flight == 2)
        refused = await stand.ask("GET", "/v1/runs")
        assert (refused.status, refused.json["code"], refused.headers["Retry-After"]) == (503, "overloaded", "1")
        let_go.set()
        assert [answer.status for answer in await asyncio.gather(*waiting)] == [200, 200]
        assert stand.house.statistics.in_flight == 0


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS", 0.05)
    async with open_stand(tmp_path, stubs()) as stand:
        host, port = stand.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/processes/a HTTP/1.1\r\nHost: x\r\nX-API-Key: {OWNER_KEY}\r\nContent-Length: 9\r\n\r\n{{"
        writer.write(head.encode())
        answer = await reader.readuntil(b"}]}")
        writer.close()
    assert b" 400 " in answer
    assert b"did not arrive within" in answer


async def test_a_packed_body_that_nobody_reads_is_not_unpacked_after_its_refusal(tmp_path: Path) -> None:
    packed = gzip.compress(bytes(8 << 20))
    async with open_stand(tmp_path, stubs()) as stand, dialling() as dial:
        line = await dial(stand.url)
        head, _ = await line.ask(request("POST", "/v1/processes/a", packed, "x" * 20, "Content-Encoding: gzip"))
        assert head[0].startswith(b"HTTP/1.1 401 ")
        assert b"Connection: close" in head
        assert await line.until_closed() == b""


async def test_a_packed_body_over_its_limit_is_not_unpacked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = 0

    def counted(stream: StreamReader, data: bytes, size: int = 0) -> bool:
        nonlocal unpacked
        unpacked += len(data)
        return feed(stream, data, size)

    feed = StreamReader.feed_data
    monkeypatch.setattr(StreamReader, "feed_data", counted)
    packed = gzip.compress(bytes(48 << 20))
    async with open_stand(tmp_path, stubs()) as stand, dialling() as dial:
        asked = request("POST", "/v1/processes/a", packed, OWNER_KEY, "Content-Encoding: gzip")
        head, _ = await (await dial(stand.url)).ask(asked)
    assert head[0].startswith(b"HTTP/1.1 413 ")
    assert unpacked < 8 * RUN_START.max_body


async def test_a_ping_that_ends_its_connection_says_so(tmp_path: Path) -> None:
    packed = gzip.compress(bytes(8 << 20))
    async with open_stand(tmp_path) as stand, dialling() as dial:
        path, line = f"/ping/{await stand.key(Role.INGEST)}/a", await dial(stand.url)
        head, body = await line.ask(request("POST", path, packed, "x", "Content-Encoding: gzip"))
        assert (head[:2], body) == ([b"HTTP/1.1 201 Created", b"Connection: close"], b"Created")
        assert await line.until_closed() == b""
        assert b"Connection: close" not in (await (await dial(stand.url)).ask(request("POST", path)))[0]


def test_what_a_path_names_is_remembered_unless_it_is_long() -> None:
    paths._fits.cache_clear()
    assert paths.fits("service", "a" * 100)
    assert not paths.fits("service", "a" * 60_000)
    assert paths._fits.cache_info().currsize == 1


def test_a_bucket_holds_one_second_and_fills_evenly() -> None:
    bucket = Bucket(10, 0)
    assert [bucket.take(0) for _ in range(10)] == [0.0] * 10
    assert bucket.take(0) == 0.1
    assert bucket.take(100_000) == 0.0
    assert bucket.take(100_000) > 0
    assert [bucket.take(60_000_000) for _ in range(11)].count(0.0) == 10


_json = some.recursive(
    some.none() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=30,
)


@given(document=_json, wrapped=some.integers(0, 40))
def test_depth_is_found_whatever_the_texts_hold(document: object, wrapped: int) -> None:
    import json

    for level in range(wrapped):
        document = [document, "]}"] if level % 2 else {'"[{': document}
    assert too_deep(json.dumps(document).encode()) is (_depth(document) > MAX_DEPTH)


def _depth(value: object) -> int:
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if children is None else 1 + max(map(_depth, children), default=0)
