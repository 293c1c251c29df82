"""From the live stream to the screen: merges what 100 ms bring, and always knows how live the picture is.

The client's stream comes back by itself and says how it stands; here that becomes what the header shows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, cast

from trackdesk.widgets.view import Changed

MERGE = 0.1
"""Seconds of changes handed over at once."""
MAX_REFS = 500
"""Entities of one topic remembered by name between two hand-overs; more, and the list is read anew."""
AT_ONCE = 2
"""Attempts to come back, within a second, that don't count as being offline."""

State = Literal["starting", "connecting", "live", "stale", "paused", "reconnecting", "offline"]


@dataclass(frozen=True, slots=True)
class Live:
    """How live the picture is."""

    state: State
    since: int
    """Since when, microseconds UTC."""
    retry_at: int | None = None
    held: int = 0
    """Changes that wait while paused."""

    @property
    def lost(self) -> bool:
        """Whether what is shown grows old, and not for a blink only."""
        return self.state == "offline"


class StreamEvent(Protocol):
    """One event of the stream; `resync` without a topic is about everything."""

    @property
    def topic(self) -> str | None: ...
    @property
    def ref(self) -> str: ...
    @property
    def resync(self) -> bool: ...


class StreamStatus(Protocol):
    """How the stream stands: `live`, `stale`, `reconnecting` or `offline`."""

    @property
    def state(self) -> str: ...
    @property
    def retry_in(self) -> float | None: ...


Connect: TypeAlias = Callable[[Callable[[StreamStatus], object]], AsyncIterator[StreamEvent]]
"""Opens the stream, given whom to tell how it stands. It resumes by itself and only ends by an error."""


class Feed:
    """`deliver` gets one `Changed` a topic, at most every 100 ms, and one `resync` of everything when the stream is
    there (again); `tell` gets every change of state."""

    def __init__(self, deliver: Callable[[Changed], None], tell: Callable[[Live], None], *, now: Callable[[], int]):
        self._deliver = deliver
        self._tell = tell
        self._now = now
        self._refs: dict[str, set[str]] = {}
        self._resyncs: set[str] = set()
        self._paused = False
        self._status = Live("connecting", now())
        """How the stream stands, paused or not."""
        self._failures = 0
        self._flush_at: asyncio.TimerHandle | None = None
        self.live = self._status

    async def run(self, connect: Connect) -> None:
        """Follow the stream until cancelled. Raises what makes trying again useless."""
        try:
            async for event in connect(self.status):
                self.take(event)
        finally:
            if self._flush_at is not None:
                self._flush_at.cancel()

    def starting(self) -> None:
        """The server itself is only being started."""
        self._status = Live("starting", self._now())
        self._say()

    def status(self, status: StreamStatus) -> None:
        """The stream stands differently."""
        now = self._now()
        state = cast("State", str(status.state))
        before = self._status
        lost = state in ("reconnecting", "offline")
        self._failures = self._failures + 1 if lost else 0
        since = before.since if lost and before.state in ("reconnecting", "offline") else now
        retry_at = None if status.retry_in is None else now + int(status.retry_in * 1_000_000)
        if self._failures > AT_ONCE:
            state = "offline"
        self._status = Live(state, since, retry_at)
        self._say()
        if state == "live" and before.state != "stale":
            # What was read before the stream was there may be old by now.
            self._resyncs.add("*")
            self._later()

    def pause(self, paused: bool) -> None:
        """Hold back what changes, or hand over all that was held back."""
        self._paused = paused
        self._say()
        self._flush()

    @property
    def paused(self) -> bool:
        return self._paused

    def take(self, event: StreamEvent) -> None:
        """One event of the stream."""
        if event.resync or event.topic is None:
            self._resyncs.add(event.topic or "*")
        else:
            refs = self._refs.setdefault(event.topic, set())
            refs.add(event.ref)
            if len(refs) > MAX_REFS:
                del self._refs[event.topic]
                self._resyncs.add(event.topic)
        if self._paused:
            self._say()
        else:
            self._later()

    def _later(self) -> None:
        if self._flush_at is None:
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

    def _say(self) -> None:
        if self._paused and self._status.state in ("live", "stale"):
            held = sum(map(len, self._refs.values())) + len(self._resyncs)
            since = self.live.since if self.live.state == "paused" else self._now()
            self.live = Live("paused", since, held=held)
        else:
            self.live = self._status
        self._tell(self.live)
