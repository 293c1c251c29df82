"""Clients that work as jobs and people do, try again when the server dies, and note what was acknowledged to them."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.faults.harness import Site
    from tests.server.stand import Answer

PAST = "2026-01-02T03:04:05Z"
SHORT = ("20ms", "80ms", "200ms")


class StoppedError(Exception):
    """The load is over."""


@dataclass
class Ledger:
    """What clients were told was done, and what they asked for without hearing back."""

    count: int = 0
    started: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """By the request's own key: the run's uid, and the request (path and body)."""
    finished: dict[str, str] = field(default_factory=dict)
    """Runs that were acknowledged to have this status."""
    logged: set[tuple[str, int]] = field(default_factory=set)
    reported: dict[str, int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    commented: dict[str, int] = field(default_factory=dict)
    progressed: dict[str, int] = field(default_factory=dict)

    def check(self, rows: Callable[[str], list[tuple[Any, ...]]]) -> None:
        """Raises AssertionError for whatever was acknowledged and is not in the database as it was."""
        runs = dict(rows("SELECT correlation_id, uid FROM runs WHERE correlation_id IS NOT NULL"))
        assert {key: runs.get(key) for key in self.started} == {key: uid for key, (uid, _) in self.started.items()}
        statuses = dict(rows("SELECT uid, status FROM runs"))
        assert {uid: statuses.get(uid) for uid in self.finished} == self.finished
        assert self.logged <= set(rows("SELECT r.uid, l.seq FROM logs l JOIN runs r ON r.seq = l.run_seq"))
        reports = dict(rows("SELECT title, id FROM incidents WHERE origin = 'report'"))
        assert {title: reports.get(title) for title in self.reported} == self.reported
        assert self.closed <= {number for (number,) in rows("SELECT id FROM incidents WHERE status = 'CLOSED'")}
        comments = dict(rows("SELECT content, id FROM comments"))
        assert {content: comments.get(content) for content in self.commented} == self.commented
        done = dict(rows("SELECT uid, json_extract(progress, '$.done') FROM runs"))
        assert all((done.get(uid) or 0) >= least for uid, least in self.progressed.items())


class Client:
    """One of the crew. Its calls come back with an answer, however often the server has to be started for it."""

    def __init__(self, crew: Crew, name: str, seed: int) -> None:
        self.crew = crew
        self.name = name
        self.chance = random.Random(seed)
        self._number = 0

    @property
    def ledger(self) -> Ledger:
        return self.crew.site.ledger

    def key(self) -> str:
        """A new one for every request that must be carried out once."""
        self._number += 1
        return f"{self.name}-{self._number}"

    async def call(
        self, method: str, path: str, body: object = None, *, key: str = "", also: tuple[int, ...] = ()
    ) -> Answer:
        """Tries until it is answered; `also` are statuses besides 2xx that may come. Raises StoppedError."""
        site = self.crew.site
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            await self.crew.or_stopped(site.up)
            life = site.life
            try:
                answer = await site.ask(method, path, body, headers=headers, url=life.url)
            except (aiohttp.ClientError, ConnectionError):
                self.crew.broken_off += 1
                await self.crew.or_stopped(life.gone)
                continue
            if answer.status == 503:
                self.crew.refused[answer.json["code"]] += 1
                await self.crew.or_stopped(None)
                continue
            assert 200 <= answer.status < 300 or answer.status in also, (method, path, answer.status, answer.body)
            self.ledger.count += answer.status < 300
            return answer

    async def start(self, process: str, **members: Any) -> dict[str, Any]:
        key = self.key()
        body = {"correlation_id": key, "tags": {"client": self.name}, **members}
        path = f"/v1/processes/{process}"
        run: dict[str, Any] = (await self.call("POST", path, body, key=key)).json
        self.ledger.started[key] = (run["uid"], {"path": path, "body": body})
        return run

    async def finish(self, run: dict[str, Any], status: str) -> None:
        """Nobody else finishes it: 409 says that an earlier try, whose answer was lost, was carried out."""
        body: dict[str, Any] = {"status": status}
        if status == "FAILED":
            body["error"] = {"message": "disk full"}
        await self.call("POST", f"/v1/runs/{run['uid']}/complete", body, also=(409,))
        self.ledger.finished[run["uid"]] = status


class Crew:
    """Clients at work, each doing one random job after the other."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.seed = seed
        self.broken_off = 0
        self.refused: Counter[str] = Counter()
        self._stopping = asyncio.Event()

    @asynccontextmanager
    async def working(self, clients: int) -> AsyncIterator[None]:
        names = [f"{chr(ord('a') + index)}{self.seed}" for index in range(clients)]
        async with asyncio.TaskGroup() as group:
            for index, name in enumerate(names):
                group.create_task(self._work(Client(self, name, self.seed * 100 + index)))
            try:
                yield
            finally:
                self._stopping.set()

    async def or_stopped(self, event: asyncio.Event | None) -> None:
        """Wait for the event (None: a moment). Raises StoppedError when the load ends first."""
        if event is not None and event.is_set() and not self._stopping.is_set():
            return
        waits = [asyncio.ensure_future(self._stopping.wait())]
        if event is not None:
            waits.append(asyncio.ensure_future(event.wait()))
        try:
            await asyncio.wait(waits, timeout=0.02 if event is None else 30, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._stopping.is_set():
            raise StoppedError
        assert event is None or event.is_set(), "connections break although the server lives"

    async def _work(self, client: Client) -> None:
        try:
            while not self._stopping.is_set():
                await client.chance.choice(JOBS)(client)
        except StoppedError:
            pass


async def goes_well(client: Client) -> None:
    run = await client.start(client.chance.choice(("one", "two", "told")), deadline="1h", total=3)
    path = f"/v1/runs/{run['uid']}"
    for step in range(1, 4):
        await client.call("PATCH", path, {"progress": {"done": step}})
        client.ledger.progressed[run["uid"]] = step
    await client.finish(run, "COMPLETED")


async def logs_and_fails(client: Client) -> None:
    run = await client.start(client.chance.choice(("one", "two", "each")))
    for first in (1, 11):
        lines = [{"message": f"line {seq}", "seq": seq} for seq in range(first, first + 10)]
        await client.call("POST", f"/v1/runs/{run['uid']}/logs", lines)
        client.ledger.logged |= {(run["uid"], line["seq"]) for line in lines}
    await client.finish(run, client.chance.choice(("FAILED", "SKIPPED")))


async def is_reported_late(client: Client) -> None:
    run = await client.start(client.chance.choice(("two", "each", "told")), deadline=PAST)
    assert run["deadline_status"] == "MISSED"
    await client.finish(run, "COMPLETED")


async def is_told_afterwards(client: Client) -> None:
    """Its deadline lay in the past when its start was told; its end says whether it was kept."""
    minutes, kept = time.time() - 3600, client.chance.random() < 0.5
    run = await client.start(client.chance.choice(("two", "each", "told")), started_at=minutes, deadline="30m")
    body = {"completed_at": minutes + (20 if kept else 40) * 60}
    await client.call("POST", f"/v1/runs/{run['uid']}/complete", body, also=(409,))
    client.ledger.finished[run["uid"]] = "COMPLETED"
    found = (await client.call("GET", f"/v1/runs/{run['uid']}")).json
    assert found["deadline_status"] == ("COMPLETED_ON_TIME" if kept else "COMPLETED_LATE")


async def is_overtaken_by_its_deadline(client: Client) -> None:
    await client.start(client.chance.choice(("slow", "each")), deadline=client.chance.choice(SHORT))


async def is_superseded(client: Client) -> None:
    name = client.key()
    await client.start("again", id=name)
    run = await client.start("again", id=name, on_active="supersede", deadline="30m")
    assert run["attempt"] == 2
    await client.finish(run, "COMPLETED")


async def sends_again_what_was_answered(client: Client) -> None:
    """The first answer comes back, also from a server that was started since."""
    mine = [key for key in client.ledger.started if key.startswith(f"{client.name}-")]
    if not mine:
        return
    key = client.chance.choice(mine)
    uid, request = client.ledger.started[key]
    answer = await client.call("POST", request["path"], request["body"], key=key)
    assert answer.json["uid"] == uid


async def files_a_report(client: Client) -> None:
    key = client.key()
    incident = (await client.call("POST", "/v1/incidents", {"title": key, "severity": "HIGH"}, key=key)).json
    client.ledger.reported[key] = incident["id"]
    path, content = f"/v1/incidents/{incident['id']}", f"about {key}"
    comment = (await client.call("POST", f"{path}/comments", {"content": content}, key=f"{key}c")).json
    client.ledger.commented[content] = comment["id"]
    if client.chance.random() < 0.5:
        await client.call("PATCH", path, {"status": "CLOSED"})
        client.ledger.closed.add(incident["id"])


async def grows_old(client: Client) -> None:
    """A run of long ago with its lines goes whole, whatever happens meanwhile; nobody is promised to find it again."""
    key, hours = client.key(), time.time() - 7200
    body = {"started_at": hours, "correlation_id": key, "tags": {"old": key}}
    run = (await client.call("POST", "/v1/processes/old", body, key=key)).json
    lines = [{"message": f"line {seq}", "seq": seq} for seq in range(1, 41)]
    path = f"/v1/runs/{run['uid']}"
    await client.call("POST", f"{path}/logs", lines, also=(404,))
    await client.call("POST", f"{path}/complete", {"completed_at": hours + 3600}, also=(404, 409))
    await client.call("POST", "/v1/cleanup", {"older_than": "30m", "process": "old"})


JOBS: tuple[Callable[[Client], Awaitable[None]], ...] = (
    goes_well,
    goes_well,
    logs_and_fails,
    is_reported_late,
    is_told_afterwards,
    is_overtaken_by_its_deadline,
    is_superseded,
    sends_again_what_was_answered,
    files_a_report,
    grows_old,
)
