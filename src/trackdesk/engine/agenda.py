"""The one clock worker: sleeps until the next instant at which time alone changes something.

It never sleeps longer than five seconds, so that a machine that slept, or a wall clock that was set, is noticed by
holding the wall clock against the monotonic one. What fell due inside such a jump is held for a minute: the reports
that were under way while the machine slept may still come. Then it is judged, marked as seen late.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from trackdesk.domain.clock import SECOND
from trackdesk.domain.deadline import HOLD_AFTER_JUMP
from trackdesk.engine import missing, noise, verdicts
from trackdesk.engine.verdicts import Round
from trackdesk.engine.workers import Supervised
from trackdesk.store import blind
from trackdesk.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trackdesk.domain.clock import Clock
    from trackdesk.store.writer import Tx, Writer

log = logging.getLogger(__name__)

LONGEST_SLEEP = 5 * SECOND
JUMP = 2 * SECOND
"""µs by which the two clocks must part before it counts as a jump."""
SLICE = 6
"""How many of each kind are judged in one operation, about 3 ms of the writer: a start or a ping waits no longer."""
PACE = 800
"""Verdicts a second while many are due, so that those who report have the writer in between."""
LEAST_PACE = 650
"""What falls behind this because rounds take longer than they should, on a busy machine, judges more in each: no
thousand waits for two seconds."""
MOST = 2 * SLICE


class Judge(NamedTuple):
    """Something that time changes: how what is due of it is judged, and how a bad row is put off."""

    name: str
    judge: Callable[[Tx, int, tuple[int, int] | None, int], Round]
    put_off: Callable[[Tx, int, tuple[int, int] | None], str | None]


JUDGES = (
    Judge("run", verdicts.judge_due, verdicts.put_off),
    Judge("process", missing.judge_due, missing.put_off),
    Judge("silence", noise.judge_due, noise.put_off),
)


class Timed(Protocol):
    """Something that keeps its own instants, and is told what the agenda finds out about the clock. Nothing of it may
    wait or raise."""

    def fall_due(self, now: int) -> int | None:
        """It is `now` (µs). Gives when it is needed next; None: never, or it will wake the agenda itself."""
        ...

    def resume(self, at: int) -> None:
        """Until `at` (µs) nobody could see anything."""
        ...

    def set_back(self, now: int) -> None:
        """The clock was set back to `now` (µs)."""
        ...


class Agenda(Supervised):
    """Judges runs and processes when they fall due. `alive` is a file whose age tells the next start when this server
    last lived: touching it costs nothing, writing a row every few seconds would keep the disk awake."""

    name = "agenda"

    def __init__(self, clock: Clock, writer: Writer, alive: Path) -> None:
        super().__init__(clock)
        self._writer = writer
        self._alive = alive
        self._wake = asyncio.Event()
        self._next: int | None = None
        self._asleep = False
        self._held: tuple[int, int] | None = None
        self._held_until = 0
        self._seen = (clock.now(), clock.monotonic())
        self.timed: list[Timed] = []
        """Told of every round."""
        self.totals = dict.fromkeys(("judged", "warned", "missed", "stalled", "missing", "blind", "jumps"), 0)
        """Counts since the start, for /metrics."""

    async def start(self) -> None:
        """Notes the downtime before this start, then works."""
        now, last = self._clock.now(), last_alive(self._alive)
        await self._writer.run(lambda tx: _note_downtime(tx, last, now))
        self._touch()
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        self._touch()

    def wake(self, due_at: int) -> None:
        """Something is due at `due_at` (µs); only an earlier instant than the one slept for ends the sleep."""
        if self._next is None or due_at < self._next:
            self._next = due_at
            if self._asleep:
                self._wake.set()

    @property
    def asleep(self) -> bool:
        """Whether it has done all it could and waits for the next instant. Nothing outside tells when that is so, for
        what is due may change nothing: tests that move the clock wait for this."""
        return self._asleep

    async def _work(self) -> None:
        pace = _Pace()
        while True:
            limit = pace.begin()
            await self._look_for_a_jump()
            self._next = None  # from here on `wake` notes what this round may be too early to see
            for round_ in await asyncio.gather(*(self._round(judge, limit) for judge in JUDGES)):
                for name, count in round_.counts.items():
                    self.totals[name] += count
                if round_.next_due_at is not None:
                    self._next = min(round_.next_due_at, self._next or round_.next_due_at)
            for timed in self.timed:
                if (due_at := timed.fall_due(self._seen[0])) is not None:
                    self._next = min(due_at, self._next or due_at)
            self._well()
            self._touch()
            if (sleep := self._sleep()) > 0:
                self._wake.clear()
                self._asleep = True
                await self._clock.wait(self._wake, sleep)
                self._asleep = False
                pace.end()
            else:
                await pace.rest()

    async def _round(self, of: Judge, limit: int) -> Round:
        """One bad row must not keep the others from being judged: it is put off by an hour, and said.

        Judged is what was due when jumps were last looked for, so that none can come between.
        """
        now, held = self._seen[0], self._held
        try:
            return await self._writer.run(lambda tx: of.judge(tx, now, held, limit))
        except StoreError:
            raise
        except Exception:
            log.exception("what is due of each %s could not be judged together; trying one by one", of.name)
        try:
            return await self._writer.run(lambda tx: of.judge(tx, now, held, 1))
        except StoreError:
            raise
        except Exception:
            which = await self._writer.run(lambda tx: of.put_off(tx, now, held))
            log.exception("%s %s could not be judged; it is looked at again in an hour", of.name, which)
            return Round({}, now)

    def _sleep(self) -> int:
        now, sleep = self._clock.now(), LONGEST_SLEEP
        if self._next is not None:
            sleep = min(sleep, self._next - now)
        if self._held is not None:
            sleep = min(sleep, self._held_until - self._clock.monotonic())
        return max(sleep, 0)

    async def _look_for_a_jump(self) -> None:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        wall, steady = self._seen
        jump = (now - wall) - (monotonic - steady)
        if jump > JUMP:
            log.warning("the wall clock jumped ahead by %.1f s; verdicts inside the jump are held", jump / SECOND)
            await self._writer.run(lambda tx: blind.record(tx, wall, now, "clock jump or suspend"))
            start = self._held[0] if self._held is not None else wall
            self._held = (min(start, wall), now)
            self._held_until = monotonic + HOLD_AFTER_JUMP
            for timed in self.timed:
                timed.resume(now)
        elif jump < -JUMP:
            log.warning("the wall clock was set back by %.1f s", -jump / SECOND)
            await self._set_back(now)
            self._held = None
            for timed in self.timed:
                timed.set_back(now)
        elif self._held is not None and monotonic >= self._held_until:
            self._held = None
        self.totals["jumps"] += abs(jump) > JUMP
        self._seen = (now, monotonic)

    async def _set_back(self, now: int) -> None:
        await self._writer.run(lambda tx: blind.set_back(tx, now))
        after: int | None = 0
        while after is not None:
            begin = after
            after = await self._writer.run(lambda tx: missing.rebase(tx, now, begin))  # noqa: B023 - awaited in this turn

    def _touch(self) -> None:
        now = self._clock.now() * 1000
        try:
            os.utime(self._alive, ns=(now, now))
        except FileNotFoundError:
            self._alive.touch(mode=0o600)
            os.utime(self._alive, ns=(now, now))


class _Pace:
    """How many a round judges, and when the next begins: by the loop's own clock, for it is the others on it, and in
    the writer, that are spared."""

    def __init__(self) -> None:
        self._since: float | None = None
        """When the first round began after which more was due, s."""
        self._judged = 0
        """What was to be judged since, of each kind."""
        self._began = 0.0

    def begin(self) -> int:
        """A round begins; gives how many of each kind it judges."""
        self._began = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = self._began
        behind = int((self._began - self._since) * LEAST_PACE) - self._judged
        limit = max(SLICE, min(behind, MOST))
        self._judged += limit
        return limit

    async def rest(self) -> None:
        """More is due."""
        await asyncio.sleep(self._began + SLICE / PACE - asyncio.get_running_loop().time())

    def end(self) -> None:
        """Nothing more is due now."""
        self._since, self._judged = None, 0


def _note_downtime(tx: Tx, last: int | None, now: int) -> None:
    """What this database does not know of: since a server last lived (`last`, µs), and of a backup all that came behind
    it, though a server saw it."""
    restored = blind.take_restored(tx)
    since = min((at for at in (last, restored) if at is not None), default=now)
    if since < now:
        blind.record(tx, since, now, "down" if restored is None else "restored from a backup")


def last_alive(path: Path) -> int | None:
    """When a server last touched `path`, µs since the epoch; None when none ever did."""
    try:
        return path.stat().st_mtime_ns // 1000
    except FileNotFoundError:
        return None
