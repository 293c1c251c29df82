"""The live stream over a real socket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.clocks import until
from tests.server.stand import OWNER_KEY, Stand, open_stand
from trackdesk.contract.live import HEARTBEAT_EVERY, LiveParser
from trackdesk.domain.identity import Role
from trackdesk.domain.topics import STREAM_TOPICS
from trackdesk.server.stream import MAX_REPLAY
from trackdesk.store.journal import trim

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import aiohttp

    from trackdesk.contract.live import LiveEvent
    from trackdesk.store.writer import Tx


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def journal(stand: Stand, *refs: str, topic: str = "runs", namespace: int = 1) -> None:
    def operation(tx: Tx) -> None:
        for ref in refs:
            tx.journal(namespace, topic, "started", ref, "ada", {"status": [None, "ACTIVE"]})

    await stand.engine.writer.run(operation)


class Watch:
    """An open stream, as its bytes come."""

    def __init__(self, stand: Stand, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.parser = LiveParser()
        self.raw = b""
        self.events: list[LiveEvent] = []
        self._stand = stand

    async def until(self, count: int) -> list[LiveEvent]:
        """Moves the clock on until so many events have come."""
        while len(self.events) < count:
            await self._read()
        return self.events

    async def until_raw(self, wanted: bytes) -> None:
        while wanted not in self.raw:
            await self._read()

    async def _read(self) -> None:
        waiting = asyncio.ensure_future(self.response.content.readany())
        while not waiting.done():
            await self._stand.clock.advance(50_000)
            await asyncio.wait({waiting}, timeout=0.005)
        chunk = waiting.result()
        assert chunk, f"the stream ended after {self.raw!r}"
        self.raw += chunk
        self.events += self.parser.feed(chunk)


@asynccontextmanager
async def watch(stand: Stand, query: str = "", key: str = OWNER_KEY, **headers: str) -> AsyncIterator[Watch]:
    sent = {"X-API-Key": key} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with stand.session.get(f"{stand.url}/v1/stream{query}", headers=sent) as response:
        assert response.status == 200
        opened = Watch(stand, response)
        await opened.until_raw(b"id: ")
        yield opened


async def test_an_event_carries_its_number_its_topic_and_what_changed(stand: Stand) -> None:
    async with watch(stand) as stream:
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")
        await journal(stand, "r1")
        [event] = await stream.until(1)
        assert (event.id, event.topic, event.kind, event.ref, event.actor) == (1, "runs", "started", "r1", "ada")
        assert event.changed == {"status": [None, "ACTIVE"]}
        assert b"id: 1\nevent: runs\ndata: {" in stream.raw


async def test_only_the_topics_asked_for_and_only_ones_own_namespace(stand: Stand) -> None:
    async with watch(stand, "?topics=incidents,keys") as stream:
        await journal(stand, "r1")
        await journal(stand, "i1", topic="incidents", namespace=2)
        await journal(stand, "i2", topic="incidents")
        assert [event.ref for event in await stream.until(1)] == ["i2"]


@pytest.mark.parametrize("topics", ["bogus", "runs,bogus", "runs,", "Runs"])
async def test_a_topic_that_does_not_exist_is_refused_with_those_that_do(stand: Stand, topics: str) -> None:
    answer = await stand.ask("GET", f"/v1/stream?topics={topics}")
    assert (answer.status, answer.field) == (400, "topics")
    assert ", ".join(STREAM_TOPICS) in answer.json["errors"][0]["message"]


async def test_every_topic_can_be_watched(stand: Stand) -> None:
    async with watch(stand, f"?topics={','.join(STREAM_TOPICS)}") as stream:
        await journal(stand, "r1")
        assert [event.ref for event in await stream.until(1)] == ["r1"]


@pytest.mark.parametrize("how", ["header", "query"])
async def test_coming_back_misses_nothing_and_repeats_nothing(stand: Stand, how: str) -> None:
    await journal(stand, "r1", "r2", "r3")
    query, headers = ("", {"Last_Event_ID": "1"}) if how == "header" else ("?since=1", {})
    async with watch(stand, query, **headers) as stream:
        await journal(stand, "r4")
        assert [event.ref for event in await stream.until(3)] == ["r2", "r3", "r4"]


async def test_nothing_is_lost_between_the_journal_and_what_follows(stand: Stand) -> None:
    """Many writes while a watcher comes and goes: put together, its pieces are the whole."""
    total, seen, last = 120, set[str](), 0
    refs = [f"r{number}" for number in range(total)]

    async def write() -> None:
        for ref in refs:
            await journal(stand, ref)

    writing = asyncio.ensure_future(write())
    while len(seen) < total:
        async with watch(stand, f"?since={last}") as stream:
            have = len(stream.events)
            await stream.until(min(have + 7, total - len(seen)))
            seen |= {event.ref for event in stream.events}
            last = stream.events[-1].id if stream.events else last
    await writing
    assert seen == set(refs)


async def test_too_long_away_means_read_again(stand: Stand) -> None:
    await journal(stand, *(f"r{number}" for number in range(MAX_REPLAY + 5)))
    async with watch(stand, "?since=1") as stream:
        [event] = await stream.until(1)
        assert (event.resync, event.topic, event.id) == (True, None, MAX_REPLAY + 5)


async def test_a_topic_with_very_much_news_is_told_at_once(stand: Stand) -> None:
    await journal(stand, "i1", topic="incidents")
    await journal(stand, *(f"r{number}" for number in range(300)))
    async with watch(stand, "?since=0") as stream:
        events = await stream.until(2)
        assert [(event.topic, event.resync) for event in events] == [("incidents", False), ("runs", True)]


@pytest.mark.parametrize("trimmed", [True, False])
async def test_an_id_the_journal_does_not_know_means_read_again(stand: Stand, trimmed: bool) -> None:
    await journal(stand, "r1", "r2", "r3")
    if trimmed:
        await stand.engine.writer.run(lambda tx: trim(tx, 0, 2))
    async with watch(stand, "?since=1" if trimmed else "?since=99") as stream:
        [event] = await stream.until(1)
        assert (event.resync, event.id) == (True, 3)
        await journal(stand, "r4")
        assert (await stream.until(2))[1].ref == "r4"


async def test_a_heartbeat_comes_every_15_seconds(stand: Stand) -> None:
    async with watch(stand) as stream:
        began = stand.clock.monotonic()
        await stream.until_raw(b": heartbeat")
        assert stand.clock.monotonic() - began >= HEARTBEAT_EVERY - 100_000


@pytest.mark.parametrize("last", ["abc", "-1", "9" * 30, ""])
async def test_a_last_event_id_that_is_no_number_is_refused(stand: Stand, last: str) -> None:
    answer = await stand.ask("GET", "/v1/stream", headers={"Last-Event-ID": last})
    assert (answer.status, answer.field) == (400, "Last-Event-ID")


async def test_a_revoked_key_watches_no_longer(stand: Stand) -> None:
    key = await stand.key(Role.REPORTER)
    async with watch(stand, key=key) as stream:
        assert (await stand.ask("DELETE", "/v1/keys/1")).status == 204
        ended = asyncio.ensure_future(stream.response.content.read())
        while not ended.done():
            await stand.clock.advance(50_000)
            await asyncio.wait({ended}, timeout=0.005)
        assert b"event:" not in ended.result()


async def test_a_head_on_the_stream_ends_at_once(stand: Stand) -> None:
    answer = await stand.ask("HEAD", "/v1/stream")
    assert answer.status == 200
    assert stand.engine.hub.counts.subscribers == 0


async def test_one_who_goes_is_forgotten(stand: Stand) -> None:
    async with watch(stand):
        assert stand.engine.hub.counts.subscribers == 1

    async def gone() -> bool:
        await journal(stand, "r")
        await stand.clock.advance(HEARTBEAT_EVERY)
        return stand.engine.hub.counts.subscribers == 0

    await until(gone)
    assert not stand.house.streams


async def test_open_streams_do_not_hold_up_the_end(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with open_stand(tmp_path) as stand:
        host, port = stand.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nX-API-Key: {OWNER_KEY}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        began = loop.time()
    assert loop.time() - began < 1.5
    writer.close()
