import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.console.frames import until
from trackdesk.client import LiveState, LiveStatus
from trackdesk.console.feed import MAX_REFS, Feed, Live
from trackdesk.widgets.view import Changed

EVERYTHING = Changed("*", resync=True)
LIVE = LiveStatus(LiveState.LIVE)


@dataclass
class Event:
    topic: str | None
    ref: str = ""
    resync: bool = False


class Listener:
    """A feed over a queue, and what it said."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Event | LiveStatus] = asyncio.Queue()
        self.changes: list[Changed] = []
        self.states: list[Live] = []
        self.now = 1_000_000
        self.feed = Feed(self.changes.append, self.states.append, now=lambda: self.now)

    async def stream(self, tell: Callable[[LiveStatus], object]) -> AsyncIterator[Event]:
        while True:
            news = await self.queue.get()
            if isinstance(news, Event):
                yield news
            else:
                tell(news)

    def send(self, *news: Event | LiveStatus) -> None:
        for each in news:
            self.queue.put_nowait(each)

    def state(self) -> str:
        return self.feed.live.state


@asynccontextmanager
async def running(listener: Listener) -> AsyncIterator[Callable[[], str]]:
    task = asyncio.create_task(listener.feed.run(listener.stream))
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
        listener.send(Event("runs", "a"), Event(None, resync=True))
        await until(lambda: listener.changes)
        assert listener.changes == [EVERYTHING]


async def test_once_the_stream_is_there_everything_is_read_again() -> None:
    listener = Listener()
    async with running(listener) as state:
        assert state() == "connecting"
        listener.send(LIVE)
        await until(lambda: listener.changes)
        assert state() == "live"
        assert listener.changes == [EVERYTHING]


async def test_without_a_sign_of_life_the_picture_is_called_stale_and_is_not_read_again() -> None:
    listener = Listener()
    async with running(listener) as state:
        listener.send(LIVE)
        await until(lambda: listener.changes)
        listener.send(LiveStatus(LiveState.STALE))
        await until(lambda: state() == "stale")
        listener.send(LIVE, Event("runs", "a"))
        await until(lambda: len(listener.changes) == 2)
        assert state() == "live"
        assert listener.changes[1] == Changed("runs", frozenset({"a"}))


async def test_a_break_is_said_with_the_time_of_the_next_attempt_and_lasts_since_the_first_failure() -> None:
    listener = Listener()
    async with running(listener) as state:
        listener.send(LIVE, LiveStatus(LiveState.RECONNECTING, "reset", 2.0))
        await until(lambda: state() == "reconnecting")
        assert listener.feed.live == Live("reconnecting", 1_000_000, 3_000_000)
        assert not listener.feed.live.lost
        listener.now = 9_000_000
        listener.send(LiveStatus(LiveState.OFFLINE, "refused", 5.0))
        await until(lambda: state() == "offline")
        assert listener.feed.live == Live("offline", 1_000_000, 14_000_000)
        assert listener.feed.live.lost


async def test_what_comes_back_at_once_never_greys_the_picture() -> None:
    listener = Listener()
    async with running(listener) as state:
        listener.send(LIVE, LiveStatus(LiveState.RECONNECTING, "", 0.2), LIVE)
        await until(lambda: len(listener.states) == 3)
        assert state() == "live"
        assert not any(live.lost for live in listener.states)


async def test_while_paused_changes_are_held_counted_and_handed_over_at_the_end() -> None:
    listener = Listener()
    async with running(listener) as state:
        listener.send(LIVE)
        await until(lambda: listener.changes)
        listener.feed.pause(True)
        listener.send(Event("runs", "a"), Event("runs", "b"))
        await until(lambda: listener.feed.live.held == 2)
        assert listener.changes == [EVERYTHING]
        listener.feed.pause(False)
        assert state() == "live"
        assert listener.changes[1:] == [Changed("runs", frozenset({"a", "b"}))]


async def test_a_pause_does_not_hide_that_the_server_is_away() -> None:
    listener = Listener()
    async with running(listener) as state:
        listener.send(LIVE)
        listener.feed.pause(True)
        listener.send(LiveStatus(LiveState.OFFLINE, "refused", 5.0))
        await until(lambda: state() == "offline")
