"""Hands what was committed to those who watch: bounded, merged by entity, and never in the way of a write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trackdesk.engine.flow import Flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackdesk.domain.clock import Clock
    from trackdesk.engine.flow import StreamEvent
    from trackdesk.store.transaction import JournalEntry

MERGE: Final = 100_000
"""µs for which changes of one entity are gathered before they are sent as one, behind others that were sent."""
SOON: Final = 5_000
"""µs for which they are gathered when nothing was sent for a while: what one commit brings goes out together."""
MAX_SUBSCRIBERS: Final = 500


@dataclass(frozen=True, slots=True)
class HubCounts:
    """For /metrics."""

    subscribers: int
    published: int
    merged: int
    resyncs: int


class HubFullError(Exception):
    """As many watch already as the hub may serve."""


class Subscription:
    """One watcher's share of the journal. Belongs to the hub's event loop."""

    def __init__(self, hub: Hub, namespace_id: int, topics: frozenset[str] | None, clock: Clock) -> None:
        self.namespace_id = namespace_id
        self.topics = topics
        self.closed = False
        self.flow = Flow()
        self._hub = hub
        self._clock = clock
        self._news = asyncio.Event()

    def skip_to(self, seq: int) -> None:
        """What is numbered up to `seq` has been said in another way."""
        self.flow.skip_to(seq)

    async def next(self, timeout: int | None = None) -> list[StreamEvent]:
        """What happened since, merged; waits for at least one event.

        Empty when `timeout` µs pass without any, and when the hub was closed (`closed` is true then).
        """
        until = None if timeout is None else self._clock.monotonic() + timeout
        while not self.closed:
            now = self._clock.monotonic()
            if events := self.flow.take(now):
                return events
            if until is not None and now >= until:
                return []
            ends = [at for at in (self.flow.due_at, until) if at is not None]
            self._news.clear()
            if ends:
                await self._clock.wait(self._news, min(ends) - now)
            else:
                await self._news.wait()
        return []

    def offer(self, entries: Iterable[JournalEntry], now: int) -> None:
        """Called by the hub with what was committed."""
        topics, flow = self.topics, self.flow
        due_at = flow.due_at
        changes_due = max(now + SOON, flow.changes_told_at + MERGE)
        for entry in entries:
            if entry.namespace_id == self.namespace_id and (topics is None or entry.topic in topics):
                flow.add(entry, now, changes_due)
        if flow.due_at != due_at:
            self._news.set()

    def tick(self, namespace_id: int, topic: str, ref: str, at: int, now: int) -> None:
        """Called by the hub."""
        if namespace_id == self.namespace_id and (self.topics is None or topic in self.topics):
            self.flow.tick(topic, ref, at, now)
            self._news.set()

    def close(self) -> None:
        """End it; whoever waits in `next` gets an empty list."""
        self.closed = True
        self._news.set()
        self._hub.forget(self)


class Hub:
    """Everyone who watches. `publish` is called on the event loop after each commit."""

    def __init__(self, clock: Clock, *, max_subscribers: int = MAX_SUBSCRIBERS) -> None:
        self._clock = clock
        self._max_subscribers = max_subscribers
        self._subscriptions: set[Subscription] = set()
        self._published = 0
        self._gone_merged = 0
        self._gone_resyncs = 0
        self.closed = False

    @property
    def counts(self) -> HubCounts:
        flows = [subscription.flow for subscription in self._subscriptions]
        return HubCounts(
            len(self._subscriptions),
            self._published,
            self._gone_merged + sum(flow.merged for flow in flows),
            self._gone_resyncs + sum(flow.resyncs for flow in flows),
        )

    @property
    def watched(self) -> bool:
        """Whether anyone watches."""
        return bool(self._subscriptions)

    def publish(self, entries: Sequence[JournalEntry]) -> None:
        """Hand committed entries, in the order of their numbers, to everyone who asked for them."""
        self._published += len(entries)
        if self._subscriptions and entries:
            now = self._clock.monotonic()
            for subscription in self._subscriptions:
                subscription.offer(entries, now)

    def tick(self, namespace_id: int, topic: str, ref: str) -> None:
        """Tell that there is new data of an entity (log lines, progress), which is no change of state."""
        if self._subscriptions:
            at, now = self._clock.now(), self._clock.monotonic()
            for subscription in self._subscriptions:
                subscription.tick(namespace_id, topic, ref, at, now)

    def subscribe(self, namespace_id: int, topics: frozenset[str] | None) -> Subscription:
        """From now on; `topics` None: all. Raises `HubFullError`. A closed hub gives a closed subscription."""
        if len(self._subscriptions) >= self._max_subscribers:
            raise HubFullError(f"{self._max_subscribers} watch the live stream already")
        subscription = Subscription(self, namespace_id, topics, self._clock)
        if self.closed:
            subscription.close()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Called by a subscription that ends."""
        if subscription in self._subscriptions:
            self._subscriptions.discard(subscription)
            self._gone_merged += subscription.flow.merged
            self._gone_resyncs += subscription.flow.resyncs

    def close(self) -> None:
        """End every subscription, so that no open stream holds up a shutdown."""
        self.closed = True
        for subscription in list(self._subscriptions):
            subscription.close()
