"""The company's jobs: each starts, tells of itself while somebody may be watching, and ends as its fate has it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from trackdesk.demo.company import BY_NAME, JOBS
from trackdesk.demo.fate import Fate, fate, luck, starts
from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.run import DeadlineStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trackdesk.client import Client
    from trackdesk.demo.company import Job
    from trackdesk.demo.diary import Diary

_AHEAD = 2 * MINUTE
_LOOKS = 50
"""How often it is asked for at most whether a missed deadline was seen: a few ms each."""
_WORDS = (
    ("INFO", "{done} of {total} {unit}, {rate} a second"),
    ("INFO", "checkpoint written, {rest} {unit} to go"),
    ("DEBUG", "pool: {small} connections, {rate} ms a query"),
    ("WARN", "retry {small}: slow answer, {rate}0 ms"),
    ("INFO", "{done} of {total} {unit} done on {host}"),
)


@dataclass
class Going:
    """A run that was told of."""

    job: Job
    number: int
    fate: Fate
    uid: str
    lines: int = 0

    @property
    def ends_at(self) -> int:
        return self.fate.starts_at + self.fate.takes


class Work:
    """`client` may only send, `desk` looks. `present` (µs) parts what is replayed from what is lived; `trouble` hears
    of every run that goes wrong."""

    def __init__(
        self,
        client: Client,
        desk: Client,
        diary: Diary,
        *,
        seed: int,
        speed: float,
        present: int,
        trouble: Callable[[Job, int, Fate], None],
    ) -> None:
        self._client, self._desk = client, desk
        self._diary = diary
        self._seed = seed
        self._speed = speed
        self._trouble = trouble
        self._troubled: set[str] = set()
        """The jobs of which a run went wrong and none has gone well since."""
        self.present = present
        self.told = 0
        """How many runs there have been."""

    def plan_past(self, begin: int) -> None:
        """All runs from `begin` to the present."""
        for job in JOBS:
            for number, at in starts(job, self._seed, begin, self.present - job.stopped, keep=job.keep):
                self._diary.note(at, partial(self.begin, job, fate(job, self._seed, number, at, self.present), number))

    def plan_ahead(self, begin: int) -> None:
        """The runs of the next minutes, and when to plan on."""
        end = begin + _AHEAD
        for job in self.hastened():
            for number, at in starts(job, self._seed, begin, end):
                lot = fate(job, self._seed, number, at, self.present)
                self._diary.note(at, partial(self.begin, job, lot, number))

        async def plan_on() -> None:
            self.plan_ahead(end)

        self._diary.note(end - 5 * SECOND, plan_on)

    def hastened(self) -> Iterator[Job]:
        """The jobs at the speed of the show."""
        for job in JOBS:
            if not job.stopped:
                yield self.hasten(job)

    def hasten(self, job: Job) -> Job:
        """The job as it runs at the speed of the show."""
        every, takes, budget = (max(SECOND, round(each / self._speed)) for each in (job.every, job.takes, job.budget))
        return job._replace(every=every, takes=takes, budget=budget)

    async def begin(
        self, job: Job, lot: Fate, number: int, *, budget: int | None = None, heartbeat: int | None = None
    ) -> None:
        """Starts a run. `budget` and `heartbeat` (µs) where they are not the process's own."""
        past = lot.starts_at < self.present
        watched = lot.starts_at + lot.takes > self.present
        body: dict[str, Any] = {
            "id": lot.id,
            "tags": {"env": "prod", "host": lot.host, "team": job.department},
            "triggered_by": lot.caller,
            "context": {"command": f"/opt/jobs/{job.name}.sh --slice {number % 1000}", "host": lot.host},
        }
        if past:
            body["started_at"] = format_instant(lot.starts_at)
        if budget is not None or job.budget != BY_NAME[job.name].budget:
            body["deadline"] = format_duration((budget or job.budget) // 1000 * 1000)
        if heartbeat is not None:
            body["heartbeat_timeout"] = format_duration(heartbeat)
        if watched and lot.items:
            body["total"] = lot.items
        late = lot.takes > (budget or job.budget)
        wrong = lot.status == "FAILED" or late
        if wrong:
            self._troubled.add(job.name)
        run = await self._client.runs.start(job.name, body)
        self.told += 1
        going = Going(job, number, lot, run.uid)
        self._diary.note(going.ends_at, partial(self._end, going), exact=wrong)
        if wrong:
            self._trouble(job, lot.starts_at + min(lot.takes, budget or job.budget), lot)
        if late and past:
            self._diary.note(lot.starts_at + (budget or job.budget), partial(self._overdue, going), exact=True)
        if watched:
            self._diary.note(max(lot.starts_at, self.present) + self._pace(going) // 3, partial(self._tell, going))

    def _pace(self, going: Going) -> int:
        """µs between two signs of life."""
        return min(max(going.fate.takes // 12, 1_500_000), 20 * SECOND)

    async def _tell(self, going: Going) -> None:
        """Progress, now and then a line, until it ends or falls silent."""
        now, lot = self._diary.clock.now(), going.fate
        elapsed = now - lot.starts_at
        silent = lot.silent_from is not None and elapsed >= lot.silent_from
        if elapsed >= lot.takes or silent:
            return
        share = elapsed / lot.takes
        done = min(lot.items, round(lot.items * share))
        await self._client.runs.patch(going.uid, {"progress": {"done": done}} if lot.items else None)
        draw = luck(self._seed, going.uid, going.lines)
        if draw.random() < 0.5 or not going.lines:
            await self._client.runs.log(going.uid, self._line(going, done, now))
        self._diary.note(now + self._pace(going), partial(self._tell, going))

    def _line(self, going: Going, done: int, at: int) -> dict[str, Any]:
        going.lines += 1
        lot, draw = going.fate, luck(self._seed, going.job.name, going.number, "line", going.lines)
        level, words = draw.choice(_WORDS)
        seconds = max(1, (at - lot.starts_at) // SECOND)
        message = words.format(
            done=done,
            total=lot.items,
            rest=max(0, lot.items - done),
            unit=going.job.items[0] if going.job.items else "steps",
            rate=max(1, done // seconds),
            small=draw.randint(2, 9),
            host=lot.host,
        )
        return {"message": message, "level": level, "logged_at": format_instant(at)}

    async def _overdue(self, going: Going) -> None:
        """Time stands still until the server has seen that the deadline is missed."""
        for _ in range(_LOOKS):
            if (await self._desk.runs.get(going.uid)).deadline_status == DeadlineStatus.MISSED:
                return

    async def _end(self, going: Going) -> None:
        lot, job = going.fate, going.job
        ended_at = going.ends_at
        if job.name in self._troubled and self._diary.clock.now() < ended_at:
            # What closes an incident is told when it happens, not along with its neighbours.
            self._diary.note(ended_at, partial(self._end, going), exact=True)
            return
        body: dict[str, Any] = {"status": lot.status}
        if lot.starts_at < self.present:
            body["completed_at"] = format_instant(ended_at)
        if lot.status == "COMPLETED" and lot.items:
            body["context"] = {(job.items or ("items", 0))[0]: lot.items}
        if lot.error is not None:
            body["error"] = {"message": lot.error}
            await self._client.runs.log(going.uid, self._last_words(going))
        await self._client.runs.complete(going.uid, body)
        if lot.status != "FAILED":
            self._troubled.discard(job.name)
        if lot.again:
            at = ended_at + job.takes // 3
            lot = fate(job, self._seed, going.number, at, self.present, attempt=2)._replace(id=lot.id)
            self._diary.note(at, partial(self.begin, job, lot, going.number))

    def _last_words(self, going: Going) -> list[dict[str, Any]]:
        """What stands in the log of a run that fails."""
        lot, ended_at = going.fate, going.ends_at
        shares = (0.2, 0.5, 0.8) if not going.lines else ()
        lines = [
            self._line(going, round(lot.items * share), lot.starts_at + round(lot.takes * share)) for share in shares
        ]
        lines.append({"message": str(lot.error), "level": "ERROR", "logged_at": format_instant(ended_at)})
        return lines
