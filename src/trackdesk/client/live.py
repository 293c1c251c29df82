"""The live stream as a client has it: it comes back by itself, and says how fresh what it gives is."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trackdesk.client.errors import ServerAway, from_answer
from trackdesk.contract.live import HEARTBEAT_EVERY, LiveParser
from trackdesk.domain.errors import TrackdeskError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from aiohttp import ClientResponse, ClientSession

    from trackdesk.contract.live import LiveEvent

RETRYABLE: Final = frozenset({408, 429, 500, 502, 503, 504})


class LiveState(StrEnum):
    LIVE = "live"
    STALE = "stale"
    """Connected, but not even a heartbeat comes."""
    RECONNECTING = "reconnecting"
    OFFLINE = "offline"
    """Tried several times; it goes on trying."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """`retry_in`: seconds until the next attempt, where there is one to wait for."""

    state: LiveState
    detail: str = ""
    retry_in: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """All in seconds; `offline_after` counts failed attempts in a row."""

    stale_after: float = HEARTBEAT_EVERY / 1_000_000 + 5
    gone_after: float = 2 * HEARTBEAT_EVERY / 1_000_000 + 5
    first_wait: float = 0.25
    longest_wait: float = 10.0
    offline_after: int = 4


class Live:
    """One subscription; iterate it once. `status` is how it stands now, `last_id` what it would resume from."""

    def __init__(
        self,
        session: ClientSession,
        url: str,
        topics: Iterable[str] | None,
        since: int | None,
        on_status: Callable[[LiveStatus], object] | None,
        patience: Patience | None = None,
    ) -> None:
        self.status = LiveStatus(LiveState.RECONNECTING, "connecting")
        self.last_id = since
        self._session = session
        self._url = url
        self._params = {"topics": ",".join(topics)} if topics else {}
        self._on_status = on_status
        self._patience = patience or Patience()

    async def events(self) -> AsyncIterator[LiveEvent]:
        """For ever. Raises what trying again can't mend: an unknown key, a missing permission, a bad topic."""
        failures = 0
        while True:
            detail = "the server ended the stream"
            try:
                async for event in self._connection():
                    if failures:
                        failures = 0
                    yield event
                failures = 1 if self.status.state is LiveState.LIVE else failures + 1
            except TrackdeskError as error:
                if not isinstance(error, ServerAway) and error.status not in RETRYABLE:
                    raise
                failures = 1 if self.status.state in {LiveState.LIVE, LiveState.STALE} else failures + 1
                detail = error.detail
            wait = self._wait(failures)
            offline = failures >= self._patience.offline_after
            self._report(LiveState.OFFLINE if offline else LiveState.RECONNECTING, detail, wait)
            await asyncio.sleep(wait)

    def _wait(self, failures: int) -> float:
        longest = min(self._patience.longest_wait, self._patience.first_wait * 2.0 ** min(failures - 1, 20))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - only spreads those who were cut off together

    async def _connection(self) -> AsyncIterator[LiveEvent]:
        import aiohttp  # noqa: PLC0415 - a third of a second that the console's first frame does not wait for

        headers = {} if self.last_id is None else {"Last-Event-ID": str(self.last_id)}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        try:
            async with asyncio.timeout(self._patience.stale_after):
                response = await self._session.get(
                    self._url, params=self._params, headers=headers, timeout=timeout, allow_redirects=False
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ServerAway(_said(error)) from None
        async with response:
            if response.status != 200:
                raise from_answer(response.status, await response.read(), response.headers.get("Retry-After"))
            self._report(LiveState.LIVE)
            parser = LiveParser()
            try:
                while chunk := await self._chunk(response):
                    events = parser.feed(chunk)
                    for event in events:
                        self.last_id = event.id
                        yield event
                    self.last_id = self.last_id if parser.last_id is None else parser.last_id
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise ServerAway(_said(error)) from None
            except ValueError as error:
                raise ServerAway(f"what came is no stream of events: {error}") from None

    async def _chunk(self, response: ClientResponse) -> bytes:
        """What comes next, empty at the end; raises TimeoutError when nothing does for too long."""
        patience = self._patience
        try:
            async with asyncio.timeout(patience.stale_after):
                chunk = await response.content.readany()
        except TimeoutError:
            self._report(LiveState.STALE, f"no sign of life for {patience.stale_after:g} s")
            async with asyncio.timeout(patience.gone_after - patience.stale_after):
                chunk = await response.content.readany()
        if chunk and self.status.state is not LiveState.LIVE:
            self._report(LiveState.LIVE)
        return chunk

    def _report(self, state: LiveState, detail: str = "", retry_in: float | None = None) -> None:
        self.status = LiveStatus(state, detail, retry_in)
        if self._on_status is not None:
            self._on_status(self.status)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
