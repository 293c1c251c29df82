"""When a process is expected: by a cron line in a time zone, or so long after its last start."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from pydantic import AfterValidator, Field, GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

from trackdesk.domain import cron
from trackdesk.domain.clock import SECOND
from trackdesk.domain.instant import LATEST, Duration, format_duration
from trackdesk.domain.model import Input

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

SHORTEST_EVERY = SECOND
_SAMPLED = 64
"""Fires after which the shortest distance between two of them counts as known."""


def _some_time(micros: int) -> int:
    if micros < SHORTEST_EVERY:
        raise ValueError(f"expected at least 1s, not {format_duration(micros)}")
    return micros


CronLine = Annotated[str, Field(max_length=200, examples=["0 2 * * *"]), AfterValidator(cron.check_line)]
ZoneName = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(cron.check_zone)]
Interval = Annotated[Duration, AfterValidator(_some_time)]


class Cron(Input):
    """Fires as cron would: minute, hour, day of the month, month, day of the week; or `@daily` and the like."""

    cron: CronLine
    timezone: ZoneName = "UTC"


class Every(Input):
    """Expected `every` µs after the last start."""

    every: Interval


class _Given(Input):
    """Both kinds in one, so that an error names the member (`schedule.cron`) and not the kind it was held for. Empty
    is what is absent; null is refused."""

    cron: CronLine = ""
    timezone: ZoneName = ""
    every: Interval = 0


_FORMS = '{"cron": "0 2 * * *", "timezone": "Europe/Berlin"} or {"every": "15m"}'


def _one_of_both(value: Any, read: Callable[[Any], _Given]) -> Cron | Every:
    if isinstance(value, Cron | Every):
        return value
    given = read(value)
    if given.cron and given.every:
        raise ValueError(f"expected cron or every, not both: {_FORMS}")
    if given.cron:
        return Cron.model_construct(cron=given.cron, timezone=given.timezone or "UTC")
    if not given.every:
        raise ValueError(f"expected cron or every: {_FORMS}")
    if given.timezone:
        raise ValueError(f"a timezone belongs to cron, not to every: {_FORMS}")
    return Every.model_construct(every=given.every)


def _schema(_source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    return core_schema.no_info_wrap_validator_function(_one_of_both, handler.generate_schema(_Given))


_JSON_SCHEMA: dict[str, Any] = {
    "oneOf": [
        {
            "type": "object",
            "title": "Cron",
            "properties": {
                "cron": {"type": "string", "maxLength": 200, "examples": ["0 2 * * *", "@daily"]},
                "timezone": {"type": "string", "maxLength": 64, "default": "UTC", "examples": ["Europe/Berlin"]},
            },
            "required": ["cron"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "title": "Every",
            "properties": {
                "every": {"anyOf": [{"type": "string", "examples": ["15m"]}, {"type": "number", "minimum": 1}]}
            },
            "required": ["every"],
            "additionalProperties": False,
        },
    ]
}

Schedule = Annotated[Cron | Every, GetPydanticSchema(_schema), WithJsonSchema(_JSON_SCHEMA)]
"""`{"cron", "timezone"}` or `{"every"}`."""


def next_after(schedule: Schedule, at: int) -> int:
    """The first instant (µs) after `at` at which it fires; LATEST when there is none before the end of time."""
    if isinstance(schedule, Every):
        return min(at + schedule.every, LATEST)
    return cron.next_after(schedule.cron, schedule.timezone, at)


def upcoming(schedule: Schedule, after: int, count: int) -> list[int]:
    """The next `count` instants (µs) after `after`, each later than the one before; fewer at the end of time."""
    fires: list[int] = []
    while len(fires) < count and after < LATEST:
        after = next_after(schedule, after)
        fires.append(after)
    return fires


def period(schedule: Schedule, at: int) -> int:
    """µs between the next two fires after `at`."""
    first = next_after(schedule, at)
    return next_after(schedule, first) - first


def shortest_period(schedule: Schedule) -> int:
    """The least µs that ever lie between two fires, by the clock on the wall."""
    return _periods(schedule)[0]


def longest_period(schedule: Schedule) -> int:
    """The most µs that lie between two fires, as far as some dozens of them tell, by the clock on the wall."""
    return _periods(schedule)[1]


@lru_cache(maxsize=4096)
def _periods(schedule: Schedule) -> tuple[int, int]:
    if isinstance(schedule, Every):
        return schedule.every, schedule.every
    fires = upcoming(Cron.model_construct(cron=schedule.cron, timezone="UTC"), cron.ANCHOR, _SAMPLED)
    gaps = [later - sooner for sooner, later in pairwise(fires)]
    return min(gaps, default=LATEST), max(gaps, default=LATEST)


def describe(schedule: Schedule) -> str:
    """As a person reads it: `every 15m`, `02:00 Europe/Berlin`, or the cron line with its zone."""
    if isinstance(schedule, Every):
        return f"every {format_duration(schedule.every)}"
    minute, hour, *days = [*schedule.cron.split(), ""][:5] if " " in schedule.cron else ("", "", "")
    if minute.isdecimal() and hour.isdecimal() and days == ["*", "*", "*"]:
        return f"{int(hour):02}:{int(minute):02} {schedule.timezone}"
    return f"{schedule.cron} {schedule.timezone}"


def clock_time(at: int, timezone: str) -> str:
    """What the clock on the wall shows at `at` (µs): `02:00 Europe/Berlin`."""
    return f"{cron.wall_time(at, timezone):%H:%M} {timezone}"


def pack(schedule: Schedule) -> str:
    """JSON as it is stored: `{"cron", "timezone"}`, or `{"every"}` in µs."""
    return orjson.dumps(schedule.model_dump()).decode()


@lru_cache(maxsize=16_384)
def unpack(text: str) -> Schedule:
    """What `pack` made, without looking at it again: a zone may have left the system's data since."""
    stored = orjson.loads(text)
    return Cron.model_construct(**stored) if "cron" in stored else Every.model_construct(**stored)
