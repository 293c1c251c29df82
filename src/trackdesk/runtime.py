"""The only place that wires the towers together: a server over one database file, in this loop or in its own thread."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import sys
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

from trackdesk.domain.errors import Unavailable
from trackdesk.domain.retention import Kept
from trackdesk.engine import attachments, keys
from trackdesk.engine.agenda import Agenda
from trackdesk.engine.clock import SystemClock
from trackdesk.engine.core import Engine
from trackdesk.engine.delivery import DeliveryWorker
from trackdesk.engine.housekeeping import Housekeeping
from trackdesk.engine.hub import Hub
from trackdesk.engine.metric_rollups import MetricRollups
from trackdesk.engine.retention import Retention
from trackdesk.engine.rollups import Rollups
from trackdesk.engine.rules import Rules
from trackdesk.engine.seal import Seal
from trackdesk.engine.senders import Senders
from trackdesk.lag import LagMonitor
from trackdesk.server.app import build_app
from trackdesk.server.door import Door
from trackdesk.server.house import House
from trackdesk.server.listen import Listening, listen
from trackdesk.server.workers import WriterHealth
from trackdesk.store import namespaces
from trackdesk.store.database import ServerLock, migrate, open_database
from trackdesk.store.readers import Readers
from trackdesk.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from trackdesk.domain.clock import Clock
    from trackdesk.engine.workers import HasHealth
    from trackdesk.settings import Settings
    from trackdesk.store.writer import Committed

log = logging.getLogger(__name__)

_M_ARENA_MAX = -8
"""Of `mallopt(3)`."""
SWITCH_INTERVAL = 0.0005
"""Seconds after which the writer's thread and the event loop give way to one another; Python's 5 ms would be the
latency of every commit under load."""


class Server:
    """Everything behind one database file. Belongs to the event loop it is started on."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.url = ""
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> Self:
        """Serve. Raises DatabaseLocked when another server holds the file, other StoreErrors, and OSError when the
        address is taken; then nothing is left behind."""
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def stop(self) -> None:
        """Take no more requests, finish what is in hand, leave one file behind. Under five seconds."""
        await self._closing.aclose()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _start(self) -> None:
        settings, clock, closing = self.settings, self.clock, self._closing
        path = settings.database
        lock = ServerLock(path)
        lock.acquire()
        closing.callback(lock.release)
        with contextlib.closing(open_database(path)) as connection:
            for number in migrate(connection):
                log.info("applied migration %d", number)
        engine = await self._open_engine()
        if swept := await attachments.sweep_at_start(engine.writer, engine.depot):
            log.info("removed %d files that no attachment needs", swept)
        agenda = Agenda(clock, engine.writer, path.with_name(path.name + ".alive"))
        house = House(
            engine=engine,
            door=Door(engine.keys, clock, lambda name: namespaces.find(engine.readers, name)),
            workers=lambda: [worker.health() for worker in workers],
            version=version("trackdesk"),
            verdicts=lambda: agenda.totals,
            rules=lambda: rules.totals,
        )
        housekeeping = Housekeeping(clock, engine.writer, engine.depot)
        rollups = Rollups(clock, engine.writer, engine.readers)
        rules = Rules(clock, engine.writer, engine.readers, agenda.wake)
        agenda.timed.append(rules)
        engine.recorded.append(rules.take)
        metric_rollups = MetricRollups(clock, engine.writer, engine.readers)
        engine.recorded.append(metric_rollups.take)
        retention = Retention(clock, engine.writer, engine.readers, path, _kept(settings))
        working = (agenda, engine.delivery, housekeeping, rollups, metric_rollups, rules, retention)
        workers: list[HasHealth] = [WriterHealth(engine.writer), *working]
        engine.wakers |= {
            "agenda": agenda.wake,
            "delivery": engine.delivery.wake,
            "retention": retention.wake,
            "retention_changed": retention.change,
            "rules_changed": rules.change,
        }
        for worker in working:
            await worker.start()
            closing.push_async_callback(worker.stop)
        closing.callback(engine.hub.close)
        listening = await listen(build_app(house), settings.host, settings.port)

        async def finish_what_is_in_hand() -> None:
            """Requests and sends at the same time: each may take most of the five seconds there are."""
            await asyncio.gather(listening.stop(), engine.delivery.stop())

        closing.push_async_callback(finish_what_is_in_hand)
        self._say(listening, lock)
        monitor = LagMonitor("server")
        monitor.start()
        closing.callback(monitor.stop)

    async def _open_engine(self) -> Engine:
        settings, clock, closing = self.settings, self.clock, self._closing

        def committed(commit: Committed) -> None:
            engine.committed(commit)

        writer = Writer(
            settings.database,
            clock=clock.now,
            on_commit=committed,
            loop=asyncio.get_running_loop(),
        )
        writer.start()
        closing.push_async_callback(writer.aclose)
        readers = Readers(settings.database)
        await readers.open()
        closing.push_async_callback(readers.close)
        ring = keys.KeyRing(keys.owner_key(settings.owner_key_file, settings.owner_key), clock=clock, writer=writer)
        await ring.load(readers)
        closing.push_async_callback(ring.close)
        seal = Seal(settings.seal_key_file)
        senders = Senders(seal)
        delivery = DeliveryWorker(clock=clock, writer=writer, readers=readers, senders=senders)
        engine = Engine(settings.database, clock, writer, readers, Hub(clock), seal, ring, delivery)
        return engine

    def _say(self, listening: Listening, lock: ServerLock) -> None:
        self.url = listening.url
        lock.publish(listening.url)
        log.info("listening on %s, database %s", listening.url, self.settings.database)


def _kept(settings: Settings) -> Kept:
    return Kept(
        runs=settings.retention,
        samples=settings.retention_samples,
        minutes=settings.retention_minutes,
        hours=settings.retention_hours,
    )


def tune() -> None:
    """Settings of the interpreter for a process that serves: how threads take turns, where they get memory, and a
    collector that doesn't look at what lives for ever. To be called before there are other threads."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    _share_heap()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _share_heap() -> None:
    """One heap for all threads, which take turns anyway: by itself glibc gives each its own, and what the event loop
    makes and the writer drops goes back and forth between them. Other C libraries have no such setting."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, 1)


def run_loop(main: Coroutine[Any, Any, int]) -> int:
    """`asyncio.run` on uvloop where the platform has it."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


class EmbeddedServer:
    """A `Server` in its own thread with its own event loop, so that no screen can stall it."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="trackdesk-server", daemon=True)
        self.url = ""

    def start(self) -> None:
        """Returns at once; see `wait`."""
        self._thread.start()

    def wait(self, timeout: float = 30.0) -> str:
        """The server's URL once it serves; raises what kept it from serving, Unavailable after `timeout` seconds."""
        if not self._started.wait(timeout):
            raise Unavailable(f"The embedded server did not start within {timeout:g} s.", code="not_ready")
        if self._error is not None:
            raise self._error
        return self.url

    def stop(self, timeout: float = 5.0) -> bool:
        """Ask it to stop and wait; false when it is still at it after `timeout` seconds."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _main(self) -> None:
        try:
            run_loop(self._serve())
        except BaseException as error:
            self._error = error
            if self._started.is_set():
                log.exception("the embedded server ended")
        finally:
            self._started.set()

    async def _serve(self) -> int:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Server(self._settings, clock=self._clock) as server:
            self.url = server.url
            self._started.set()
            await self._stop.wait()
        return 0
