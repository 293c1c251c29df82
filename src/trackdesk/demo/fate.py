"""What becomes of every run, from the seed alone: pure, so that the same seed tells the same story."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.demo.company import OUTAGES
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.instant import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackdesk.demo.company import Job, Outage

_HOSTS = ("node-3", "node-7", "node-11", "batch-01", "batch-02")
_CALLERS = ("cron", "cron", "cron", "airflow", "gitlab-ci", "ada@desk")


class Fate(NamedTuple):
    """One run, as it will have been. Times in µs from its start."""

    id: str
    starts_at: int
    takes: int
    status: str
    error: str | None
    silent_from: int | None
    """From when on nothing is heard of it until its end."""
    items: int
    host: str
    caller: str
    again: bool
    """After a failure: whether it is tried once more."""


def luck(seed: int, *of: object) -> random.Random:
    """Numbers for one thing, whatever else was drawn before."""
    return random.Random(f"{seed}/{'/'.join(str(each) for each in of)}")  # noqa: S311 - a story, no secret


def starts(job: Job, seed: int, begin: int, end: int, *, keep: float = 1.0) -> Iterator[tuple[int, int]]:
    """(number, instant) of its runs from `begin` to `end`; about `keep` of them, spread evenly."""
    phase, stride = luck(seed, job.name).randrange(job.every), max(1, round(1 / keep))
    first, last = (begin - phase) // job.every, (end - phase) // job.every + 1
    for slot in range(first // stride, last // stride + 1):
        draw = luck(seed, job.name, slot, stride)
        number = slot * stride + draw.randrange(stride)
        at = phase + number * job.every + round(job.every * 0.08 * draw.random())
        if begin <= at < end:
            yield number, at


def expectation(job: Job, seed: int) -> dict[str, Any]:
    """When it is expected, as the body of a PATCH. Nothing is expected of jobs of which not every run is told."""
    if job.keep < 1 or job.every < HOUR:
        return {}
    grace = format_duration(job.every // 5)  # they start up to 8 % late
    if job.every < DAY:
        return {"schedule": {"every": format_duration(job.every)}, "grace": grace}
    minute = luck(seed, job.name).randrange(job.every) // MINUTE
    return {"schedule": {"cron": f"{minute % 60} {minute // 60} * * *", "timezone": "UTC"}, "grace": grace}


def fate(job: Job, seed: int, number: int, at: int, present: int, attempt: int = 1) -> Fate:
    """What becomes of run `number` that starts at `at`; outages are counted back from `present`."""
    draw = luck(seed, job.name, number, attempt)
    takes = round(job.takes * min(max(draw.lognormvariate(0.0, 0.22), 0.4), 1.6))
    status, error, silent_from = "COMPLETED", None, None
    outage = next((each for each in OUTAGES if each.service == job.service and _in(each, at, present)), None)
    roll = draw.random()
    if outage is not None and roll < 0.8:
        status, error, takes = "FAILED", outage.error, round(takes * draw.uniform(0.1, 0.6))
    elif roll < job.fails:
        status, error, takes = "FAILED", draw.choice(job.errors), round(takes * draw.uniform(0.2, 0.95))
    elif roll < job.fails + job.late:
        takes = round(job.budget * draw.uniform(1.15, 2.2))
    elif roll < job.fails + job.late + job.silent:
        status, error, takes = "FAILED", "killed: no answer for a long time", round(job.budget * draw.uniform(1.3, 1.8))
        silent_from = round(takes * 0.3)
    elif roll > 0.985:
        status, takes = "SKIPPED", SECOND
    total = 0 if job.items is None else max(1, round(job.items[1] * draw.uniform(0.8, 1.2)))
    again = status == "FAILED" and attempt == 1 and draw.random() < 0.6
    name = _name(job, number, at)
    return Fate(name, at, takes, status, error, silent_from, total, draw.choice(_HOSTS), draw.choice(_CALLERS), again)


def _in(outage: Outage, at: int, present: int) -> bool:
    return present - outage.begins <= at < present - outage.ends


def _name(job: Job, number: int, at: int) -> str:
    """By the clock for what runs now and then, by number for what runs all the time."""
    if job.every < HOUR:
        return str(number % 1_000_000)
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M")
