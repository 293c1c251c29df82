"""The delivery worker: sends what is due, each channel in a lane of its own, so that none waits for another.

What is due stands in the database. A delivery that was sent but not yet marked when the process died is sent again with
the same id; nothing is lost, and a receiver that looks at the id sees nothing twice.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
from typing import TYPE_CHECKING

from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.identity import Worker
from trackdesk.domain.instant import format_duration
from trackdesk.domain.notification import Kind
from trackdesk.engine.attempts import message_of, record
from trackdesk.engine.channels.message import Outcome
from trackdesk.engine.gathered import as_sent
from trackdesk.engine.seal import SealError
from trackdesk.store import deliveries, gathering
from trackdesk.store.errors import StoreError
from trackdesk.store.faultpoint import reach

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.domain.clock import Clock
    from trackdesk.engine.senders import Senders
    from trackdesk.store.deliveries import ToSend
    from trackdesk.store.gathering import Gathered
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Writer

log = logging.getLogger(__name__)

MAX_LANES = 64
PAGE = 100
"""Deliveries of a channel that are looked up at once."""
LONGEST_SLEEP = 5 * SECOND
"""While something is due later: the wall clock may jump to it."""
IDLE_SLEEP = MINUTE
STOP_LIMIT = 3.0
"""Seconds that sends in hand get when the worker stops."""
LONGEST_REST = 5 * MINUTE
"""A receiver that says when to come back is left alone until then; its younger messages wait no longer than this."""
BUSY_REST = 5 * SECOND
"""A channel whose thread still hangs would fail one delivery after the other in no time."""
PACE = 1 / 200
"""Seconds from one attempt to the next, over all lanes, once BURST of them have gone out together: a sending costs the
loop about a millisecond, and requests are served by the same loop."""
BURST = 50
_FIRST_PAUSE, _LONGEST_PAUSE = SECOND, 30 * SECOND
"""After a failure of the store, or of our own."""


class DeliveryWorker:
    """Belongs to the event loop it is started on. `chance` draws numbers from 0 to 1 for spreading retries."""

    name = "delivery"

    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        readers: Readers,
        senders: Senders,
        chance: Callable[[], float] = random.random,
        max_lanes: int = MAX_LANES,
    ) -> None:
        self._clock = clock
        self._writer = writer
        self._readers = readers
        self._senders = senders
        self._chance = chance
        self._max_lanes = max_lanes
        self._task: asyncio.Task[None] | None = None
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._rests: dict[int, int] = {}
        self._turns: dict[int, int] = {}
        self._turn = 0
        self._next_start = 0.0
        self._crowded = False
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._asleep_until: int | None = None
        self._oldest_due: int | None = None
        self._trouble: str | None = None

    async def start(self) -> None:
        """Begin with whatever is due."""
        self._stop.clear()
        self._task = asyncio.create_task(self._run(), name="delivery")

    async def stop(self) -> None:
        """Sends in hand get up to 3 s; what doesn't finish stays due."""
        self._stop.set()
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None
        await _finish({*self._lanes.values(), *self._in_hand.values()}, STOP_LIMIT)
        await self._senders.close()

    def wake(self, due_at: int) -> None:
        """Something is due at `due_at` (µs UTC); called after commits, on the worker's loop."""
        if self._asleep_until is None or due_at < self._asleep_until:
            self._wake.set()

    def health(self) -> Worker:
        """Not ok while the worker itself can't work; a channel that fails is its own matter."""
        running = self._task is not None and not self._task.done()
        if not running or self._trouble is not None:
            return Worker(name=self.name, ok=False, detail=self._trouble or "not running")
        busy = len(self._lanes)
        detail = f"sending over {busy} channel{'s' if busy > 1 else ''}" if busy else "nothing to send now"
        if self._oldest_due is not None and (age := self._clock.now() - self._oldest_due) > 0:
            detail += f", the oldest has been due for {format_duration(age - age % SECOND)}"
        return Worker(name=self.name, ok=True, detail=detail)

    async def send_now(self, delivery_id: int, limit: float) -> None:
        """Try a delivery that is due without waiting for its lane's turn; gives up waiting after `limit` seconds.

        Raises StoreError.
        """
        attempt = self._attempt(delivery_id)
        await asyncio.wait({attempt}, timeout=limit)
        _raise_failure(attempt)

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            try:
                await self._look()
                self._trouble, pause = None, _FIRST_PAUSE
            except Exception as error:
                log.exception("looking for due deliveries failed; again in %s", format_duration(pause))
                self._trouble = f"can't look for what is due: {error}"
                await self._clock.wait(self._stop, pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _look(self) -> None:
        """Start a lane for every channel with something due, then sleep until the next is."""
        self._wake.clear()
        self._asleep_until = None
        due = await deliveries.due_by_channel(self._readers)
        now = self._clock.now()
        self._forget_rests(now)
        self._oldest_due = min((at for _, at in due), default=None)
        ready = [channel for channel, at in due if max(at, self._rests.get(channel, 0)) <= now]
        later = [max(at, self._rests.get(channel, 0)) for channel, at in due]
        waiting = sorted((each for each in ready if each not in self._lanes), key=lambda each: self._turns.get(each, 0))
        free = self._max_lanes - len(self._lanes)
        for channel in waiting[:free]:
            self._open_lane(channel)
        self._crowded = len(waiting) > free
        self._turns = {channel: self._turns[channel] for channel, _ in due if channel in self._turns}
        self._asleep_until = min((at for at in later if at > now), default=now + IDLE_SLEEP)
        sleep = min(self._asleep_until - now, LONGEST_SLEEP if due else IDLE_SLEEP)
        await self._clock.wait(self._wake, sleep)

    def _open_lane(self, channel_id: int) -> None:
        self._turn += 1
        self._turns[channel_id] = self._turn
        task = asyncio.create_task(self._lane(channel_id), name=f"delivery lane {channel_id}")
        self._lanes[channel_id] = task
        task.add_done_callback(functools.partial(self._lane_ended, channel_id))

    def _lane_ended(self, channel_id: int, task: asyncio.Task[None]) -> None:
        del self._lanes[channel_id]
        self._wake.set()  # others may wait for the place, and the channel may have got something to send meanwhile
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the lane of channel %d failed", channel_id, exc_info=error)
            self._rest(channel_id, _LONGEST_PAUSE)

    async def _lane(self, channel_id: int) -> None:
        """One delivery after the other until none is due, or until others wait for the place."""
        while not self._stop.is_set():
            now = self._clock.now()
            page = await deliveries.due_ids(self._readers, channel_id, now, PAGE)
            if not page:
                return
            for delivery_id in page:
                if self._stop.is_set() or self._rests.get(channel_id, 0) > self._clock.now():
                    return
                await self._keep_pace()
                attempt = self._attempt(delivery_id)
                await asyncio.wait({attempt})
                _raise_failure(attempt)
                if self._crowded:
                    return

    async def _keep_pace(self) -> None:
        """By the loop's own clock: it is the loop that is spared."""
        now = asyncio.get_running_loop().time()
        start = max(self._next_start, now - BURST * PACE)
        self._next_start = start + PACE
        if start > now:
            await asyncio.sleep(start - now)

    def _attempt(self, delivery_id: int) -> asyncio.Task[None]:
        """The attempt in hand, or a new one: never two of the same delivery at once."""
        task = self._in_hand.get(delivery_id)
        if task is None:
            task = asyncio.create_task(self._try(delivery_id), name=f"delivery {delivery_id}")
            self._in_hand[delivery_id] = task
            task.add_done_callback(lambda _: self._in_hand.pop(delivery_id))
        return task

    async def _try(self, delivery_id: int) -> None:
        at = self._clock.now()
        item = await deliveries.to_send(self._readers, delivery_id, at)
        if item is None:
            return
        group = None
        if item.kind == Kind.GROUP:
            group = await self._closed(item)
            if group is None:
                return
        reach("delivery.before_send")
        outcome = await self._send(item, group)
        reach("delivery.after_send")
        if outcome.retry_after is not None:
            self._rest(item.channel_id, min(outcome.retry_after, LONGEST_REST))
        elif outcome.status == "busy":
            self._rest(item.channel_id, BUSY_REST)
        await self._record(delivery_id, at, outcome)

    async def _closed(self, item: ToSend) -> Gathered | None:
        """What the group holds, which nothing joins any more; None when it is nothing. Raises StoreError."""
        if not await self._writer.run(lambda tx: gathering.close(tx, item.id)):
            return None
        reach("delivery.group_closed")
        return await gathering.gathered(self._readers, item.id)

    async def _send(self, item: ToSend, group: Gathered | None) -> Outcome:
        """One delivery that can't even be tried must not keep its channel from the next."""
        try:
            sender, message = self._senders.of(item), message_of(item if group is None else as_sent(item, group))
        except SealError as error:
            return Outcome(ok=False, permanent=False, retry_after=None, status="sealed", detail=str(error), took=0)
        except Exception as error:  # its text may hold the URL
            detail = f"it can't be put together: {type(error).__name__}"
            log.error("delivery %d: %s", item.id, detail)  # noqa: TRY400
            return Outcome(ok=False, permanent=False, retry_after=None, status="failed", detail=detail, took=0)
        return await sender.send(message)

    async def _record(self, delivery_id: int, at: int, outcome: Outcome) -> None:
        """Until the store takes it: a delivery that is not marked would be sent again and again."""
        pause, chance = _FIRST_PAUSE, self._chance()
        while True:
            try:
                await self._writer.run(lambda tx: record(tx, delivery_id, at, outcome, chance))
            except StoreError as error:
                log.warning("what came of delivery %d could not be stored yet: %s", delivery_id, error)
            else:
                return
            if await self._clock.wait(self._stop, pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _rest(self, channel_id: int, micros: int) -> None:
        self._rests[channel_id] = self._clock.now() + micros

    def _forget_rests(self, now: int) -> None:
        """Also those that lie too far ahead because the clock was set back."""
        self._rests = {channel: at for channel, at in self._rests.items() if now < at <= now + LONGEST_REST}


def _raise_failure(attempt: asyncio.Task[None]) -> None:
    if attempt.done() and not attempt.cancelled() and (error := attempt.exception()) is not None:
        raise error


async def _finish(tasks: set[asyncio.Task[None]], limit: float) -> None:
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=limit)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late)
