import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.console.frames import until
from trackdesk.console.feed import MAX_REFS, Feed, Live
from trackdesk.widgets.view import Changed


@dataclass
class Event:
    topic: str
    ref: str | None = None
    resync: bool = False


class Listener:
    """A feed over a queue, and what it said."""

    def __init__(self, *, stale_after: float = 20.0) -> None:
        self.queue: asyncio.Queue[Event | OSError] = asyncio.Queue()
        self.changes: list[Changed] = []
        self.states: list[Live] = []
        self.opened = 0
        self.refused = 0
        self.feed = Feed(
            self.stream,
            self.changes.append,
            self.states.append,
            now=lambda: 1_000_000,
            stale_after=stale_after,
            first_retry=0.001,
        )

    async def stream(self) -> AsyncIterator[Event]:
        self.opened += 1
        if self.refused:
            self.refused -= 1
            raise ConnectionRefusedError("refused")
        while True:
            event = await self.queue.get()
            if isinstance(event, OSError):
                raise event
            yield event

    def send(self, *events: Event | OSError) -> None:
        for event in events:
            self.queue.put_nowait(event)

    def state(self) -> str:
        return self.feed.live.state


@asynccontextmanager
async def running(listener: Listener) -> AsyncIterator[Callable[[], str]]:
    task = asyncio.create_task(listener.feed.run())
    try:
        yield listener.state
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_changes_of_100_ms_are_handed_over_at_once_and_by_topic() -> None:
    listener = Listener()
    async with running(listener):
        listener.send(Event("runs", "a"), Event("incidents", "INC-1"), Event("runs", "b"), Event("runs", "a"))
        await until(lambda: listener.changes)
        assert listener.changes == [
            Changed("incidents", frozenset({"INC-1"})),
            Changed("runs", frozenset({"a", "b"})),
        ]


async def test_a_flood_of_one_topic_becomes_one_order_to_read_it_anew() -> None:
    listener = Listener()
    async with running(listener):
        listener.send(*(Event("runs", str(n)) for n in range(MAX_REFS + 50)))
        await until(lambda: listener.changes)
        assert listener.changes[0].resync
        assert len(listener.changes) == 1


async def test_a_resync_of_all_replaces_every_smaller_order() -> None:
    listener = Listener()
    async with running(listener):
        listener.send(Event("runs", "a"), Event("resync", resync=True))
        await until(lambda: listener.changes)
        assert listener.changes == [Changed("*", resync=True)]


async def test_a_heartbeat_makes_the_picture_live_and_changes_nothing() -> None:
    listener = Listener()
    async with running(listener) as state:
        assert state() == "connecting"
        listener.send(Event("heartbeat"))
        await until(lambda: state() == "live")
        assert listener.changes == []


async def test_without_a_sign_of_life_the_picture_is_called_stale() -> None:
    listener = Listener(stale_after=0.02)
    async with running(listener) as state:
        listener.send(Event("heartbeat"))
        await until(lambda: state() == "stale")
        listener.send(Event("heartbeat"))
        await until(lambda: listener.states[-1].state == "live")


async def test_a_broken_stream_is_opened_again_and_says_so_meanwhile() -> None:
    listener = Listener()
    async with running(listener) as state:
        listener.send(Event("heartbeat"), ConnectionResetError("reset"))
        await until(lambda: listener.opened == 2)
        assert "reconnecting" in [live.state for live in listener.states]
        listener.send(Event("runs", "a"))
        await until(lambda: state() == "live" and listener.changes)


async def test_after_some_failures_the_picture_is_offline_since_the_first() -> None:
    listener = Listener()
    listener.refused = 4
    async with running(listener) as state:
        await until(lambda: state() == "offline")
        offline = listener.feed.live
        assert offline.retry_at is not None
        listener.send(Event("heartbeat"))
        await until(lambda: state() == "live")
        assert listener.feed.live.retry_at is None


async def test_while_paused_changes_are_held_counted_and_handed_over_at_the_end() -> None:
    listener = Listener()
    async with running(listener) as state:
        listener.send(Event("heartbeat"))
        await until(lambda: state() == "live")
        listener.feed.pause(True)
        listener.send(Event("runs", "a"), Event("runs", "b"))
        await until(lambda: listener.feed.live.held == 2)
        assert listener.changes == []
        listener.feed.pause(False)
        assert state() == "live"
        assert listener.changes == [Changed("runs", frozenset({"a", "b"}))]
