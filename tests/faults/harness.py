"""A real server process on a data directory of its own, that is started, loaded, killed and looked at.

async with open_site(tmp_path) as site:
    await site.start(kill_at="writer.before_commit:40")
    async with site.load():
        await site.died()
        await site.start()
        await site.acknowledge(100)
    await site.check()
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from tests.clocks import PATIENCE, until
from tests.engine.outbox import open_hook
from tests.faults.invariants import HELD, UNFINISHED, broken, rows
from tests.faults.load import Crew, Ledger
from tests.forked import Forked
from tests.server.stand import Answer
from trackdesk.store.lock import read_lock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.engine.outbox import Hook

OWNER_KEY = "owner-key-of-the-tests"
SERVE = "import sys; from trackdesk.cli.main import main; sys.exit(main(sys.argv[1:]))"
READY_WITHIN = 4.0
"""Seconds from the start of the process to the first 200 of /readyz, without those it stood in line for a processor.
Half a second is usual; what a busy disk costs is not told apart."""


@dataclass
class Life:
    """One process of the server."""

    process: Forked | subprocess.Popen[bytes]
    url: str = ""
    ready_in: float = 0.0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self) -> None:
        await asyncio.to_thread(self.process.wait)
        self.gone.set()


@dataclass
class Site:
    """A data directory, the lives of its server one after the other, a receiver of webhooks, and who works with it."""

    folder: Path
    hook: Hook
    session: aiohttp.ClientSession
    ledger: Ledger = field(default_factory=Ledger)
    lives: list[Life] = field(default_factory=list)
    up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a server answers."""
    _watching: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def life(self) -> Life:
        return self.lives[-1]

    @property
    def database(self) -> Path:
        return self.folder / "trackdesk.sqlite3"

    @property
    def log(self) -> str:
        """What all lives so far wrote to stderr."""
        return (self.folder.parent / "server.log").read_text("utf-8")

    async def spawn(self, *, kill_at: str = "", cold: bool = False) -> Life:
        """A process that has not said anything yet; `cold` when it has to load Python first, as it does for people."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKDESK_")}
        environment |= {
            "TRACKDESK_OWNER_KEY": OWNER_KEY,
            "TRACKDESK_KILL_AT": kill_at,
            "XDG_CONFIG_HOME": str(self.folder.parent / "config"),
            "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
        }
        begin = _cold if cold else _loaded
        words = ["serve", "--port", "0", "--data-dir", str(self.folder)]
        with (self.folder.parent / "server.log").open("ab") as log:
            life = Life(await asyncio.to_thread(begin, words, environment, log.fileno()))
        self.lives.append(life)
        task = asyncio.create_task(life.watch())
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)
        return life

    async def start(self, *, kill_at: str = "", cold: bool = False) -> Life:
        """A server that is ready; `ready_in` tells after how many seconds it was."""
        began = time.monotonic()
        life = await self.spawn(kill_at=kill_at, cold=cold)

        async def ready() -> bool:
            assert not life.gone.is_set(), f"the server ended at its start:\n{self.log[-3000:]}"
            holder = read_lock(self.database)
            if holder is None or holder.pid != life.process.pid or holder.url is None:
                return False
            life.url = holder.url
            async with self.session.get(f"{life.url}/readyz") as response:
                return response.status == 200

        await until(ready)
        life.ready_in = time.monotonic() - began - queued(life.process.pid)
        self.up.set()
        return life

    async def prepare(self) -> None:
        """A channel that is told the usual and one that is told of runs, and processes of both kinds."""
        kinds = ["started", "completed", "missed", "failed", "warning"]
        await self.made("POST", "/v1/channels", {"name": "usual", "url": self.hook.url, "secret": "a-signing-secret"})
        only = {"match": {"process": "told"}, "kinds": kinds}
        await self.made("POST", "/v1/channels", {"name": "runs", "url": self.hook.url, **only})
        await self.made("PATCH", "/v1/processes/each", {"incident_per": "run"})

    async def made(self, method: str, path: str, body: object = None) -> Any:
        """The answer to something that has to work."""
        answer = await self.ask(method, path, body)
        assert 200 <= answer.status < 300, (method, path, answer.status, answer.body)
        return answer.json if answer.body else None

    async def ask(
        self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None, url: str = ""
    ) -> Answer:
        """One request. Raises aiohttp.ClientError when no answer came."""
        sent = {"X-API-Key": OWNER_KEY, **(headers or {})}
        data = None
        if body is not None:
            data = orjson.dumps(body)
            sent["Content-Type"] = "application/json"
        async with self.session.request(method, (url or self.life.url) + path, data=data, headers=sent) as response:
            return Answer(response.status, response.headers, await response.read())

    @asynccontextmanager
    async def load(self, clients: int = 8, *, seed: int = 1) -> AsyncIterator[Crew]:
        """Clients that work until the end of the block, through every death of the server."""
        crew = Crew(self, seed)
        async with crew.working(clients):
            yield crew

    async def acknowledge(self, count: int) -> None:
        """Return when `count` more writes have been acknowledged."""
        target = self.ledger.count + count
        await until(lambda: self.ledger.count >= target)

    async def died(self) -> None:
        """Return when the server has been killed at its point."""
        await asyncio.wait_for(self.life.gone.wait(), PATIENCE)
        self.up.clear()
        code = self.life.process.returncode
        assert code == -signal.SIGKILL, f"ended with {code}:\n{self.log[-3000:]}"

    async def kill(self) -> None:
        self.up.clear()
        self.life.process.kill()
        await self.died()

    async def stop(self) -> float:
        """SIGTERM; gives the seconds until it had ended well."""
        self.up.clear()
        began = time.monotonic()
        self.life.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.life.gone.wait(), PATIENCE)
        assert self.life.process.returncode == 0, self.log[-3000:]
        return time.monotonic() - began

    def rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        return rows(self.database, sql, params)

    async def rest(self) -> None:
        """Return when nothing is due any more: every verdict spoken, every delivery sent."""

        def resting() -> bool:
            return self.rows(UNFINISHED, {"now": time.time_ns() // 1000}) == [(0,)]

        await until(resting)

    async def check(self) -> None:
        """Everything that was acknowledged is there, nothing is there twice, all that must follow has followed."""
        held = {uid for (uid,) in self.rows(HELD, {"now": time.time_ns() // 1000})}
        await self.rest()
        assert broken(self.database) == {}
        self.ledger.check(self.rows)
        self._check_deliveries(held)
        assert '"level": "ERROR"' not in self.log, self.log[-3000:]
        assert "Traceback" not in self.log, self.log[-3000:]

    def _check_deliveries(self, held: set[str]) -> None:
        """At least once outside: a repeat carries the same id and the same words. What was `held` may go at any
        moment."""
        sent = dict(self.rows("SELECT uid, notification_id FROM deliveries WHERE status = 'SENT'"))
        arrived: dict[str, set[int]] = {}
        for headers, body in zip(self.hook.headers, self.hook.bodies, strict=True):
            arrived.setdefault(headers["Idempotency-Key"], set()).add(body["notification"]["id"])
        marked = {uid: {notification} for uid, notification in sent.items()}
        assert {uid for uid in marked.keys() | arrived.keys() if marked.get(uid) != arrived.get(uid)} <= held

    async def close(self) -> None:
        for life in self.lives:
            if not life.gone.is_set():
                with contextlib.suppress(ProcessLookupError):
                    life.process.kill()
                await life.gone.wait()


def _loaded(words: list[str], environment: dict[str, str], log: int) -> Forked:
    return Forked(words, environ=environment, stdout=log, stderr=log)


def _cold(words: list[str], environment: dict[str, str], log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SERVE, *words], env=environment, stdout=log, stderr=log)


def queued(pid: int) -> float:
    """Seconds that a process stood in line for a processor that others had, where the system tells (Linux)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("utf-8").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


@asynccontextmanager
async def open_site(folder: Path) -> AsyncIterator[Site]:
    """Nothing runs yet. `folder` keeps the server's log beside its data directory."""
    data = folder / "data"
    data.mkdir()
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with open_hook() as hook, aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        site = Site(data, hook, session)
        try:
            yield site
        finally:
            await site.close()
