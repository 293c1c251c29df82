"""From the live stream to the screen: merges what 100 ms bring, and always knows how live the picture is."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal, Protocol

from trackdesk.widgets.view import Changed

MERGE = 0.1
"""Seconds of changes handed over at once."""
STALE_AFTER = 20.0
"""Seconds without any sign of life, heartbeats included, until the picture is called stale."""
MAX_REFS = 500
"""Entities of one topic remembered by name between two hand-overs; more, and the list is read anew."""
_FIRST_RETRY, _LAST_RETRY = 1.0, 30.0

State = Literal["connecting", "live", "stale", "paused", "reconnecting", "offline"]


@dataclass(frozen=True, slots=True)
class Live:
    """How live the picture is."""

    state: State
    since: int
    """Since when, microseconds UTC."""
    retry_at: int | None = None
    held: int = 0
    """Changes that wait while paused."""


class StreamEvent(Protocol):
    """One event of the stream. Topic `heartbeat` is a sign of life and no more; topic `resync` is everything."""

    @property
    def topic(self) -> str: ...
    @property
    def ref(self) -> str | None: ...
    @property
    def resync(self) -> bool: ...


class Feed:
    """`connect` opens the stream where the last one broke off; it may raise `OSError` at once or while iterating.

    `run` until cancelled. `deliver` gets one `Changed` a topic, at most every 100 ms; `tell` every change of state.
    """

    def __init__(
        self,
        connect: Callable[[], AsyncIterator[StreamEvent]],
        deliver: Callable[[Changed], None],
        tell: Callable[[Live], None],
        *,
        now: Callable[[], int],
        stale_after: float = STALE_AFTER,
        first_retry: float = _FIRST_RETRY,
    ) -> None:
        self._connect = connect
        self._deliver = deliver
        self._tell = tell
        self._now = now
        self._stale_after = stale_after
        self._first_retry = first_retry
        self._refs: dict[str, set[str]] = {}
        self._resyncs: set[str] = set()
        self._paused = False
        self._lost_at: int | None = None
        self._failures = 0
        self._flush_at: asyncio.TimerHandle | None = None
        self._heard = monotonic()
        self.live = Live("connecting", now())

    async def run(self) -> None:
        """Follow the stream, coming back after every break with growing pauses."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch())
                while True:
                    try:
                        await self._follow()
                    except OSError:
                        # Said in the header: the state below shows it, with when it is tried again.
                        self._failures += 1
                    await self._wait_to_retry()
        finally:
            if self._flush_at is not None:
                self._flush_at.cancel()

    def pause(self, paused: bool) -> None:
        """Hold back what changes, or hand over all that was held back."""
        self._paused = paused
        if paused:
            self._say("paused")
        else:
            self._say("live" if self._lost_at is None else "reconnecting")
            self._flush()

    @property
    def paused(self) -> bool:
        return self._paused

    def take(self, event: StreamEvent) -> None:
        """One event of the stream."""
        self._heard = monotonic()
        if self._lost_at is not None or self.live.state in ("connecting", "stale", "reconnecting", "offline"):
            self._lost_at, self._failures = None, 0
            if not self._paused:
                self._say("live")
        if event.topic == "heartbeat":
            return
        if event.resync or event.ref is None:
            self._resyncs.add(event.topic if event.topic != "resync" else "*")
        else:
            refs = self._refs.setdefault(event.topic, set())
            refs.add(event.ref)
            if len(refs) > MAX_REFS:
                del self._refs[event.topic]
                self._resyncs.add(event.topic)
        if self._paused:
            self._say("paused")
        elif self._flush_at is None:
            self._flush_at = asyncio.get_running_loop().call_later(MERGE, self._flush)

    def _flush(self) -> None:
        self._flush_at = None
        if self._paused:
            return
        refs, self._refs = self._refs, {}
        resyncs, self._resyncs = self._resyncs, set()
        if "*" in resyncs:
            self._deliver(Changed("*", resync=True))
            return
        for topic in sorted(refs.keys() | resyncs):
            self._deliver(Changed(topic, frozenset(refs.get(topic, ())), topic in resyncs))

    async def _follow(self) -> None:
        async for event in self._connect():
            self.take(event)
        raise ConnectionResetError("the server ended the stream")

    async def _wait_to_retry(self) -> None:
        now = self._now()
        if self._lost_at is None:
            self._lost_at = now
        pause = min(self._first_retry * 2 ** (self._failures - 1), _LAST_RETRY)
        # Consoles that lost the same server do not come back in the same instant.
        pause *= random.uniform(0.8, 1.2)  # noqa: S311
        if not self._paused:
            self._say("reconnecting" if self._failures < 4 else "offline", retry_at=now + int(pause * 1_000_000))
        await asyncio.sleep(pause)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._stale_after / 4)
            if self.live.state == "live" and monotonic() - self._heard > self._stale_after:
                self._say("stale")

    def _say(self, state: State, *, retry_at: int | None = None) -> None:
        held = sum(map(len, self._refs.values())) + len(self._resyncs) if state == "paused" else 0
        since = self._lost_at or self._now()
        if state == self.live.state:
            since = self.live.since
        self.live = Live(state, since, retry_at, held)
        self._tell(self.live)
