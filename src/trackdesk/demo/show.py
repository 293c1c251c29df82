"""The show: some days of history in some seconds, then the company at work until somebody has seen enough."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from trackdesk.client import Client
from trackdesk.demo.company import BY_NAME, DEPARTMENTS, JOBS, PAUSED
from trackdesk.demo.diary import Diary
from trackdesk.demo.fate import Fate, expectation, luck
from trackdesk.demo.metering import Metering
from trackdesk.demo.people import People
from trackdesk.demo.receiver import Receiver
from trackdesk.demo.work import Work
from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.sdk.http import actor

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Self

    from trackdesk.demo.clock import ReplayClock
    from trackdesk.demo.company import Person

# In the middle of what they do as the curtain rises: how long ago they began, and how long they will have taken.
_SCENES = (
    ("dwh-load", 152 * MINUTE, 170 * MINUTE),
    ("newsletter", 87 * MINUTE, 100 * MINUTE),
    ("nightly-backup", 58 * MINUTE, 84 * MINUTE),
    ("ml-train-recommend", 95 * MINUTE, 160 * MINUTE),
    ("report-eu", 21 * MINUTE, 30 * MINUTE),
    ("search-rebuild", 64 * MINUTE, 75 * MINUTE),
    ("import-customers", 12 * MINUTE, 16 * MINUTE),
)
_QUICK = tuple(job.name for job in JOBS if job.every <= 2 * MINUTE)


class Show:
    """`async with Show(…) as show: await show.prepare(told); await show.play(stopping)`. `key` is an ADMIN's."""

    def __init__(self, url: str, key: str, clock: ReplayClock, *, seed: int, speed: float, present: int) -> None:
        self._url, self._key, self._clock = url, key, clock
        self._seed, self._speed, self._present = seed, speed, present
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        self._admin = await self._stack.enter_async_context(Client(self._url, self._key, actor="trackdesk-demo"))
        self._receiver = await self._stack.enter_async_context(Receiver())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def prepare(self, told: Callable[[float], None]) -> int:
        """The past, as the API is told it; `told` hears which share is done. Gives the number of runs.

        A database that was kept from an earlier show has its past already."""
        fresh = not (await self._admin.processes.list({"limit": 1})).data
        await self._hire()
        begin = self._clock.now()
        if fresh:
            await self._found()
            self._work.plan_past(begin)
            self._metering.plan_past(begin)
            for name, ago, takes in _SCENES:
                self._stage(name, ago, takes)
            self._people.plan_reports()
            self._diary.note(self._present - PAUSED.ago, self._pause, exact=True)
            self._diary.note(self._present - 3 * HOUR, self._connect, exact=True)
            self._diary.note(self._present - 2 * HOUR, self._read_up, exact=True)
            length = max(1, self._present - begin)
            await self._diary.replay(self._present, lambda now: told((now - begin) / length))
        await self._clock.go_live()
        return self._work.told

    async def play(self, stopping: asyncio.Event) -> None:
        """The present, until `stopping` is set."""
        now = self._clock.now()
        self._work.present = self._people.present = now
        self._work.plan_ahead(now)
        self._metering.open(now)
        self._open(now)
        await self._diary.live(stopping)

    async def _hire(self) -> None:
        """Everybody with a key of their own: the jobs may only send, the people may triage."""
        suffix = format(self._present // SECOND, "x")
        jobs = await self._admin.keys.add({"name": f"jobs-{suffix}", "role": "INGEST"})
        desk = await self._admin.keys.add({"name": f"desk-{suffix}", "role": "MAINTAINER"})
        self._desk_key = desk.key

        def of_person(person: Person) -> Client:
            return Client(self._url, desk.key, actor=f"{person.name}@desk")

        self._diary = Diary(self._clock)
        self._people = People(of_person, self._diary, seed=self._seed, present=self._present)
        self._stack.push_async_callback(self._people.close)
        client = await self._stack.enter_async_context(Client(self._url, jobs.key, actor="jobs@example"))
        self._work = Work(
            client,
            self._admin,
            self._diary,
            seed=self._seed,
            speed=self._speed,
            present=self._present,
            trouble=self._people.hear,
        )
        self._metering = Metering(self._admin, client, self._diary, seed=self._seed, present=self._present)

    async def _found(self) -> None:
        """Departments, and what is expected of every process."""
        for id_, name, description in DEPARTMENTS:
            await self._admin.departments.add({"id": id_, "name": name, "description": description})
        await self._metering.found()
        for job in JOBS:
            await self._admin.processes.patch(
                job.name,
                {
                    "department": job.department,
                    "service": job.service,
                    "category": job.category,
                    "description": job.description,
                    "default_deadline": format_duration(job.budget),
                    "runbook_url": f"https://wiki.example.org/runbooks/{job.name}",
                    **expectation(job, self._seed),
                },
            )

    async def _pause(self) -> None:
        until = format_instant(self._present + PAUSED.until)
        async with Client(self._url, self._desk_key, actor=f"{PAUSED.by}@desk") as client:
            await client.processes.pause(PAUSED.process, {"until": until, "reason": PAUSED.reason})

    async def _connect(self) -> None:
        """The places outside that are told."""
        chat = {"name": "ops-chat", "url": self._receiver.url("chat"), "secret": "shared-with-the-chat"}
        pager = {"name": "payments-pager", "url": self._receiver.url("pager"), "department": "payments"}
        await self._admin.channels.add(chat)
        await self._admin.channels.add({**pager, "min_severity": "HIGH", "kinds": ["opened", "reopened"]})

    async def _read_up(self) -> None:
        """Whoever opens the console has read what is older."""
        async with Client(self._url, self._key, actor=actor()) as client:
            await client.notifications.read_all()

    def _stage(self, name: str, ago: int, takes: int) -> None:
        at = self._present - ago
        job, number = BY_NAME[name], at // MINUTE % 1_000_000
        lot = Fate(
            f"{number}", at, takes, "COMPLETED", None, None, (job.items or ("", 0))[1], "batch-01", "cron", False
        )
        self._diary.note(at, partial(self._work.begin, job, lot, number))

    def _open(self, now: int) -> None:
        """What is to be seen in the first seconds: a run that runs late, one that fails, one that falls silent."""
        self._upset(now + 1 * SECOND, "payment-settle", "late")
        self._upset(now + 3 * SECOND, "image-resize", "fails")
        self._upset(now + 5 * SECOND, "feature-refresh", "silent")
        self._plot(now + 30 * SECOND, 0)

    def _plot(self, at: int, scene: int) -> None:
        """Something happens every half minute or so, for ever."""
        draw = luck(self._seed, "plot", scene)

        async def happen() -> None:
            self._upset(at, draw.choice(_QUICK), draw.choice(("late", "fails", "silent", "late")))
            self._plot(at + round(draw.uniform(25, 50) * SECOND / min(self._speed, 5)), scene + 1)

        self._diary.note(at, happen)

    def _upset(self, at: int, name: str, how: str) -> None:
        """A run that goes wrong before one's eyes, within seconds."""
        job = self._work.hasten(BY_NAME[name])
        draw = luck(self._seed, name, at // SECOND)
        number = draw.randrange(1_000_000)
        items = (job.items or ("", 0))[1]
        lot = Fate(f"{number}", at, 9 * SECOND, "FAILED", draw.choice(job.errors), None, items, "node-3", "cron", True)
        budget: int | None = None
        heartbeat: int | None = None
        if how == "late":
            budget = 6 * SECOND
            lot = lot._replace(takes=draw.randint(35, 55) * SECOND, status="COMPLETED", error=None, again=False)
        elif how == "silent":
            heartbeat, budget = 4 * SECOND, 2 * MINUTE
            lot = lot._replace(takes=draw.randint(30, 50) * SECOND, silent_from=4 * SECOND, error="killed: no answer")
        self._diary.note(at, partial(self._work.begin, job, lot, number, budget=budget, heartbeat=heartbeat))
