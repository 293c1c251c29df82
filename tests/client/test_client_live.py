"""The live stream as a client has it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.client.stranger import Stranger
from tests.clocks import FakeClock, until
from tests.server.stand import OWNER_KEY, open_stand
from trackdesk.client import Client, LiveState, LiveStatus
from trackdesk.client.live import Patience
from trackdesk.contract.live import LiveParser, encode_change, encode_resync, encode_start
from trackdesk.domain import errors
from trackdesk.engine.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from trackdesk.contract.live import LiveEvent

QUICK = Patience(stale_after=0.1, gone_after=0.2, first_wait=0.01, longest_wait=0.02, offline_after=3)


class Listener:
    """Reads a client's live stream in the background."""

    def __init__(self, client: Client, patience: Patience | None = None) -> None:
        self.events: list[LiveEvent] = []
        self.statuses: list[LiveStatus] = []
        stream = client.live(on_status=self.statuses.append, patience=patience)
        self.task = asyncio.ensure_future(self._read(stream))

    async def _read(self, stream) -> None:  # type: ignore[no-untyped-def]
        async for event in stream:
            self.events.append(event)

    @property
    def states(self) -> list[LiveState]:
        return [status.state for status in self.statuses]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_what_happens_on_the_server_arrives(tmp_path: Path) -> None:
    async with open_stand(tmp_path, clock=SystemClock()) as stand, Client(stand.url, OWNER_KEY) as client:
        listener = Listener(client)
        await until(lambda: listener.states == [LiveState.LIVE])
        run = await client.runs.start("backup", {"id": "n1"})
        await until(lambda: any(event.ref == run.uid for event in listener.events))
        await listener.stop()


async def scripted(*parts: Callable[[web.StreamResponse], Awaitable[None]]) -> tuple[Stranger, list[str | None]]:
    """A stream that does one part for each connection, the last one for good; and what each asked to resume from."""
    asked: list[str | None] = []

    async def stream(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Last-Event-ID"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await parts[min(len(asked), len(parts)) - 1](response)
        return response

    app = web.Application()
    app.router.add_get("/v1/stream", stream)
    return await Stranger(app).start(), asked


def sending(*chunks: bytes) -> Callable[[web.StreamResponse], Awaitable[None]]:
    async def send(response: web.StreamResponse) -> None:
        for chunk in chunks:
            await response.write(chunk)

    return send


def event(number: int) -> bytes:
    return encode_change(number, "runs", 1_790_000_000_000_000, "started", f"r{number}", "ada", '{"a":[1,2]}')


async def hang(response: web.StreamResponse) -> None:
    await response.write(encode_start(9))
    await asyncio.wait({asyncio.ensure_future(asyncio.Event().wait())}, timeout=3)


async def test_a_stream_that_ends_is_resumed_after_the_last_event(tmp_path: Path) -> None:
    listening, asked = await scripted(sending(encode_start(4)), sending(event(5), event(6)), hang)
    async with Client(listening.url) as client:
        listener = Listener(client, QUICK)
        await until(lambda: len(asked) >= 3)
        await listener.stop()
    await listening.stop()
    assert asked[:3] == [None, "4", "6"]
    assert [each.ref for each in listener.events] == ["r5", "r6"]
    assert LiveState.RECONNECTING in listener.states


async def test_silence_is_stale_first_and_then_a_new_connection() -> None:
    listening, asked = await scripted(hang)
    async with Client(listening.url) as client:
        listener = Listener(client, QUICK)
        await until(lambda: len(asked) >= 2)
        await listener.stop()
    await listening.stop()
    assert listener.states[:3] == [LiveState.LIVE, LiveState.STALE, LiveState.RECONNECTING]


async def test_nobody_there_is_offline_after_some_attempts_and_it_goes_on_trying() -> None:
    async with Client("http://127.0.0.1:9") as client:
        listener = Listener(client, QUICK)
        await until(lambda: listener.states.count(LiveState.OFFLINE) >= 3)
        await listener.stop()
    assert listener.states[:3] == [LiveState.RECONNECTING, LiveState.RECONNECTING, LiveState.OFFLINE]
    assert listener.statuses[0].retry_in is not None


async def test_a_wrong_key_is_not_tried_again(tmp_path: Path) -> None:
    async with open_stand(tmp_path, clock=FakeClock()) as stand, Client(stand.url, "wrong-key-wrong-key") as client:
        with pytest.raises(errors.Unauthorized):
            async for _ in client.live():
                pass


def test_events_are_read_from_any_cut_of_the_bytes() -> None:
    whole = (
        encode_start(1) + event(2) + b": heartbeat\n\n" + encode_resync(7, "runs", "why") + encode_resync(8, None, "x")
    )
    for size in (1, 7, 64, len(whole)):
        parser = LiveParser()
        events = [each for at in range(0, len(whole), size) for each in parser.feed(whole[at : at + size])]
        assert [(each.id, each.topic, each.resync) for each in events] == [
            (2, "runs", False),
            (7, "runs", True),
            (8, None, True),
        ]
        assert events[0].changed == {"a": [1, 2]}
        assert events[0].at == 1_790_000_000_000_000
        assert parser.last_id == 8
