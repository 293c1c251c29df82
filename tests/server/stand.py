"""A server of real parts on a real socket: the whole of trackdesk, or the wrapper alone with handlers of the test's."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from tests.clocks import PATIENCE, FakeClock
from tests.template import new_database
from trackdesk.domain.identity import Caller, NewKey, Role
from trackdesk.engine import keys
from trackdesk.engine.core import Engine
from trackdesk.engine.delivery import DeliveryWorker
from trackdesk.engine.hub import Hub
from trackdesk.engine.seal import Seal
from trackdesk.engine.senders import Senders
from trackdesk.server.app import build_app
from trackdesk.server.door import Door
from trackdesk.server.house import House
from trackdesk.server.listen import listen
from trackdesk.server.workers import WriterHealth
from trackdesk.store import namespaces
from trackdesk.store.readers import Readers
from trackdesk.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from trackdesk.server.call import Handler

OWNER_KEY = "owner-key-of-the-tests"
OWNER = Caller(1, "default", Role.ADMIN, None, "owner")


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def field(self) -> str:
        """The first field that an error names."""
        return str(self.json["errors"][0]["field"])


@dataclass
class Stand:
    url: str
    house: House
    clock: FakeClock
    session: aiohttp.ClientSession
    keys: dict[Role, str] = field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        return self.house.engine

    async def key(self, role: Role, **members: Any) -> str:
        """A new key's secret."""
        name = f"{role} {len(self.keys)} {members}"[:250]
        made = await keys.add(self.engine, OWNER, NewKey(name=name, role=role, **members))
        self.keys.setdefault(role, made.key)
        return made.key

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = OWNER_KEY,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `body` as JSON, `data` as it is."""
        sent = dict(headers or {})
        if key is not None:
            sent["X-API-Key"] = key
        if body is not None:
            data = orjson.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        url = aiohttp.client.URL(self.url + path, encoded=True)
        skip = () if "Content-Type" in sent else ("Content-Type",)
        async with self.session.request(method, url, data=data, headers=sent, skip_auto_headers=skip) as response:
            return Answer(response.status, response.headers, await response.read())


@asynccontextmanager
async def open_stand(
    folder: Path, handlers: Mapping[str, Handler] | None = None, *, clock: FakeClock | None = None
) -> AsyncIterator[Stand]:
    """`handlers` by endpoint; the real ones stand in for those that are not given."""
    clock = clock or FakeClock()
    path = new_database(folder / "trackdesk.db")
    writer = Writer(
        path,
        clock=clock.now,
        on_commit=lambda each: engine.committed(each),  # noqa: PLW0108 - made below
        loop=asyncio.get_running_loop(),
    )
    writer.start()
    readers = Readers(path, size=2)
    await readers.open()
    ring = keys.KeyRing(OWNER_KEY, clock=clock, writer=writer)
    seal = Seal(folder / "seal.key")
    delivery = DeliveryWorker(clock=clock, writer=writer, readers=readers, senders=Senders(seal))
    engine = Engine(path, clock, writer, readers, Hub(clock), seal, ring, delivery)
    health = WriterHealth(writer)
    door = Door(ring, clock, lambda name: namespaces.find(readers, name))
    house = House(engine=engine, door=door, workers=lambda: [health.health()], version="1.2.3")
    listening = await listen(build_app(house, handlers), "127.0.0.1", 0)
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
    try:
        yield Stand(listening.url, house, clock, session)
    finally:
        await session.close()
        await listening.stop()
        await ring.close()
        await readers.close()
        await writer.aclose()
