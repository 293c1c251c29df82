"""An engine with its delivery worker over a real database, and a real receiver for its webhooks."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from tests.clocks import PATIENCE, FakeClock, until
from tests.template import new_database
from trackdesk.domain.identity import Caller, Role
from trackdesk.domain.incident import Severity
from trackdesk.domain.notification import Kind, NewChannel, Subject
from trackdesk.engine import channel_admin
from trackdesk.engine.core import Engine
from trackdesk.engine.delivery import DeliveryWorker
from trackdesk.engine.hub import Hub
from trackdesk.engine.keys import KeyRing
from trackdesk.engine.seal import Seal
from trackdesk.engine.senders import Senders
from trackdesk.store.readers import Readers
from trackdesk.store.telling import tell
from trackdesk.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trackdesk.domain.notification import Channel

OWNER_KEY = "owner-key-of-the-tests"
ADMIN = Caller(1, "default", Role.ADMIN, 7, "ada")
MAINTAINER = Caller(1, "default", Role.MAINTAINER, 8, "max")
SECRET = "a-signing-secret"


@dataclass
class Outbox:
    """One life of the server's engine; `worker` runs between start and stop."""

    engine: Engine
    clock: FakeClock
    folder: Path

    @property
    def worker(self) -> DeliveryWorker:
        return self.engine.delivery

    async def channel(self, name: str, url: str, caller: Caller = ADMIN, **members: Any) -> Channel:
        return await channel_admin.add(self.engine, caller, NewChannel(name=name, url=url, **members))

    async def tell(self, kind: Kind = Kind.OPENED, title: str = "backup is late", count: int = 1) -> None:
        subject = Subject(kind, Severity.HIGH, "default")

        def operation(tx: Any) -> None:
            for _ in range(count):
                tell(tx, 1, subject, title=title, body="see the log", payload={"event": "incident.opened"})

        await self.engine.writer.run(operation)

    async def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.engine.readers.all(sql, params)]

    async def statuses(self) -> list[str]:
        return [row[0] for row in await self.rows("SELECT status FROM deliveries ORDER BY id")]

    async def attempts(self) -> int:
        return int((await self.rows("SELECT count(*) FROM delivery_attempts"))[0][0])

    async def until_statuses(self, *expected: str) -> None:
        async def reached() -> bool:
            return tuple(await self.statuses()) == expected

        try:
            await until(reached)
        except AssertionError:
            raise AssertionError(f"deliveries are {await self.statuses()}, not {list(expected)}") from None

    async def until_attempts(self, count: int) -> None:
        async def reached() -> bool:
            return await self.attempts() >= count

        await until(reached)

    async def until_asleep(self) -> None:
        """The worker has done what it could at this instant."""
        await until(lambda: self.clock.waiting > 0 and "nothing to send now" in self.worker.health().detail)

    async def all_text(self) -> str:
        """Every value of every table, as somebody who found the file would read it."""
        tables = await self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        found = []
        for (table,) in tables:
            found += [str(row) for row in await self.rows(f"SELECT * FROM {table}")]
        return "\n".join(found)


@asynccontextmanager
async def open_outbox(
    folder: Path,
    *,
    clock: FakeClock | None = None,
    timeout: float = PATIENCE,
    running: bool = True,
    max_lanes: int = 64,
) -> AsyncIterator[Outbox]:
    """Opened again on the same folder it is the same server after a restart."""
    clock = clock or FakeClock()
    path = new_database(folder / "trackdesk.db")
    async with contextlib.AsyncExitStack() as stack:
        writer = Writer(
            path,
            clock=clock.now,
            on_commit=lambda commit: engine.committed(commit),  # noqa: PLW0108 - made further down
            loop=asyncio.get_running_loop(),
        )
        writer.start()
        stack.push_async_callback(writer.aclose)
        readers = await stack.enter_async_context(Readers(path))
        ring = KeyRing(OWNER_KEY, clock=clock, writer=writer)
        await ring.load(readers)
        stack.push_async_callback(ring.close)
        seal = Seal(folder / "seal.key")
        senders = Senders(seal, timeout=timeout)
        worker = DeliveryWorker(
            clock=clock, writer=writer, readers=readers, senders=senders, chance=lambda: 1.0, max_lanes=max_lanes
        )
        engine = Engine(path, clock, writer, readers, Hub(clock), seal, ring, worker)
        engine.wakers["delivery"] = worker.wake
        if running:
            await worker.start()
        stack.push_async_callback(worker.stop)
        yield Outbox(engine, clock, folder)


@dataclass
class Hook:
    """What a webhook's receiver got, and what it answers: statuses in turn, the last one for good.

    `hang` keeps the request without an answer, `die` breaks the connection halfway through one.
    """

    port: int = 0
    answers: list[tuple[int | str, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    raw: list[bytes] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"webhook+http://127.0.0.1:{self.port}/hooks/t0ken-in-the-path"

    def answer(self, *answers: int | str | tuple[int, dict[str, str]]) -> None:
        self.answers = [each if isinstance(each, tuple) else (each, {}) for each in answers]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.raw.append(await request.read())
        self.bodies.append(orjson.loads(self.raw[-1]))
        self.headers.append(dict(request.headers))
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == "hang":
            await self.let_go.wait()
            status = 200
        if status == "die":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=int(status), headers=headers)

    async def until_called(self, times: int = 1) -> None:
        await until(lambda: len(self.bodies) >= times)


@asynccontextmanager
async def open_hook(*answers: int | str | tuple[int, dict[str, str]]) -> AsyncIterator[Hook]:
    hook = Hook()
    if answers:
        hook.answer(*answers)
    app = web.Application()
    app.router.add_post("/hooks/{token}", hook.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.port = runner.addresses[0][1]
    try:
        yield hook
    finally:
        hook.let_go.set()
        await runner.cleanup()
