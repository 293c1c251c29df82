"""Operations and agenda over a real database, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tests.clocks import PATIENCE, FakeClock
from tests.template import new_database
from trackdesk.domain.clock import SECOND
from trackdesk.domain.identity import Caller, Role
from trackdesk.domain.instant import format_instant
from trackdesk.domain.run import CompleteRun, NewLog, PatchRun, Run, RunAddress, StartRun
from trackdesk.engine import agenda, runs
from trackdesk.engine.agenda import Agenda
from trackdesk.engine.core import Engine
from trackdesk.engine.delivery import DeliveryWorker
from trackdesk.engine.hub import Hub
from trackdesk.engine.keys import KeyRing
from trackdesk.engine.rules import Rules
from trackdesk.engine.seal import Seal
from trackdesk.engine.senders import Senders
from trackdesk.store.readers import Readers
from trackdesk.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from trackdesk.domain.once import Once
    from trackdesk.store.writer import Committed

CALLER = Caller(1, "default", Role.MAINTAINER, 8, "nightly")
ALICE = Caller(1, "default", Role.MAINTAINER, 9, "desk", declared="alice@host")


@dataclass
class House:
    """One life of the engine on `path`; the agenda runs when it was asked for."""

    engine: Engine
    clock: FakeClock
    agenda: Agenda
    path: Path
    rules: Rules

    @property
    def now(self) -> int:
        return self.clock.now()

    def at(self, seconds: float = 0) -> str:
        """The instant `seconds` from now, as a job writes it."""
        return format_instant(self.now + round(seconds * SECOND))

    async def start(self, process: str = "backup", *, once: Once | None = None, **body: Any) -> Run:
        return await runs.start(self.engine, CALLER, process, StartRun.model_validate_json(orjson.dumps(body)), once)

    async def complete(self, run: Run, status: str = "COMPLETED", **body: Any) -> Run:
        change = CompleteRun.model_validate_json(orjson.dumps({"status": status, **body}))
        return await runs.complete(self.engine, CALLER, RunAddress(uid=run.uid), change)

    async def fail(self, run: Run, message: str = "disk full") -> Run:
        return await self.complete(run, "FAILED", error={"message": message})

    async def patch(self, run: Run, **body: Any) -> Run:
        change = PatchRun.model_validate_json(orjson.dumps(body))
        return await runs.patch(self.engine, CALLER, RunAddress(uid=run.uid), change)

    async def log(self, run: Run, *lines: dict[str, Any]) -> int:
        made = [NewLog.model_validate_json(orjson.dumps(line)) for line in lines]
        return (await runs.log(self.engine, CALLER, RunAddress(uid=run.uid), made)).accepted

    async def delete(self, run: Run) -> None:
        await runs.delete(self.engine, CALLER, RunAddress(uid=run.uid))

    async def expect(self, process: str = "backup", **columns: Any) -> None:
        """Set columns of a process, which is made when there is none."""
        from trackdesk.store import processes

        def operation(tx: Any) -> None:
            processes.change(tx, processes.find_or_make(tx, 1, process, "test"), columns)

        await self.engine.writer.run(operation)

    def rows(self, sql: str, *params: object) -> list[dict[str, Any]]:
        """What another program reads in the file."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, params)]

    def values(self, sql: str, *params: object) -> list[Any]:
        """The first column."""
        return [next(iter(row.values())) for row in self.rows(sql, *params)]

    def run(self, run: Run) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM runs WHERE uid = ?", run.uid)
        return row

    def incidents(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM incidents ORDER BY id")

    def told(self) -> list[str]:
        """The kinds of all notifications, oldest first."""
        return self.values("SELECT kind FROM notifications ORDER BY id")

    def journal(self, topic: str) -> list[str]:
        return self.values("SELECT kind FROM journal WHERE topic = ? ORDER BY seq", topic)

    def changed(self, topic: str) -> list[dict[str, Any]]:
        return [
            orjson.loads(text)
            for text in self.values("SELECT changed FROM journal WHERE topic = ? ORDER BY seq", topic)
        ]

    async def settled(self) -> None:
        """The agenda has done what it could at this instant."""
        for _ in range(10):
            await asyncio.sleep(0)
        end = time.monotonic() + PATIENCE
        while not (self.agenda.asleep and self.rules.at_rest and self.clock.waiting):
            assert time.monotonic() < end, "the agenda does not come to rest"
            await asyncio.sleep(0.0005)  # it waits for the thread of the writer, and that for the disk

    async def pass_time(self, seconds: float) -> None:
        """Time passes as it does for a machine that is awake: whatever falls due is done at its instant."""
        target = self.clock.monotonic() + round(seconds * SECOND)
        while True:
            await self.settled()
            due = self.clock.next_wait
            if due is None or due > target:
                break
            self.clock.leap(max(0, due - self.clock.monotonic()))
        self.clock.leap(target - self.clock.monotonic())
        await self.settled()

    async def suspend(self, seconds: float) -> None:
        """The machine sleeps: the wall clock goes on, the steady one stands still; then somebody's timer fires."""
        self.clock.jump(round(seconds * SECOND))
        await self.pass_time(agenda.LONGEST_SLEEP / SECOND + 1)

    def break_run(self, run: Run) -> None:
        """Damage a row behind the writer's back, as a failing disk does."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("UPDATE runs SET tags = '{' WHERE uid = ?", (run.uid,))


@asynccontextmanager
async def open_house(folder: Path, *, clock: FakeClock | None = None, agenda: bool = True) -> AsyncIterator[House]:
    """Opened again on the same folder it is the same server after a restart."""
    clock = clock or FakeClock()
    path = new_database(folder / "trackdesk.db")

    def committed(commit: Committed) -> None:
        engine.committed(commit)

    async with contextlib.AsyncExitStack() as stack:
        writer = Writer(
            path,
            clock=clock.now,
            on_commit=committed,
            loop=asyncio.get_running_loop(),
        )
        writer.start()
        stack.push_async_callback(writer.aclose)
        readers = await stack.enter_async_context(Readers(path, size=1))
        seal = Seal(folder / "seal.key")
        delivery = DeliveryWorker(clock=clock, writer=writer, readers=readers, senders=Senders(seal))
        ring = KeyRing("owner-key-of-the-tests", clock=clock, writer=writer)
        engine = Engine(path, clock, writer, readers, Hub(clock), seal, ring, delivery)
        keeper = Agenda(clock, writer, folder / "alive")
        engine.wakers["agenda"] = keeper.wake
        rules = Rules(clock, writer, readers, keeper.wake)
        keeper.timed.append(rules)
        engine.recorded.append(rules.take)
        engine.wakers["rules_changed"] = rules.change
        if agenda:
            await keeper.start()
            stack.push_async_callback(keeper.stop)
            await rules.start()
            stack.push_async_callback(rules.stop)
        house = House(engine, clock, keeper, path, rules)
        if agenda:
            await house.settled()
        yield house


def gathered(*items: Any) -> Any:
    """Await all at once, so that they meet in one batch; exceptions are answers."""
    return asyncio.gather(*items, return_exceptions=True)


def kinds(items: Sequence[object]) -> list[str]:
    """What each answer is."""
    return [type(item).__name__ for item in items]
