"""Analytics of runs: what may be asked, and what is answered.

A run counts when it is finished, at that instant. An ACTIVE run that is past its deadline counts as missed now, in the
bucket that is still open. Durations, and what is computed of them, are those of COMPLETED runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, overload

import orjson
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.errors import shorten
from trackdesk.domain.filters import Filter, Lower, QueryInstant, TagFilter, Words
from trackdesk.domain.instant import (
    DURATION_HINT,
    Duration,
    Instant,
    Seconds,
    format_duration,
    parse_duration,
)
from trackdesk.domain.model import TAG_KEY_PATTERN, Value
from trackdesk.domain.schedule import ZoneName

MOST_GROUPS: Final = 100
MOST_TAGS: Final = 500
_SIZES: Final = {"minute": MINUTE, "hour": HOUR, "day": DAY}


def parse_bucket(value: object) -> int:
    """`minute`, `hour`, `day` or a duration of whole minutes; gives µs. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected minute, hour, day or {DURATION_HINT}, not {shorten(value)}")
    size = _SIZES.get(value.lower())
    if size is None:
        try:
            size = parse_duration(value)
        except ValueError:
            raise ValueError(f"expected minute, hour, day or {DURATION_HINT}, not {shorten(value)}") from None
    if size == 0 or size % MINUTE:
        raise ValueError(f"expected one or more whole minutes, not {shorten(value)}")
    return size


BucketSize = Annotated[
    int,
    BeforeValidator(parse_bucket),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["minute", "15m", "hour", "day"]}),
]
Zone = ZoneName
TagKey = Annotated[str, Field(pattern=TAG_KEY_PATTERN)]
GroupBy = Literal["none", "process", "tag"]


class StatsRange(Filter):
    """From when to when; a day up to now when absent."""

    model_config = ConfigDict(serialize_by_alias=True)

    process: Words = []
    from_: Annotated[QueryInstant | None, Field(alias="from")] = None
    to: QueryInstant | None = None


class StatsFilter(StatsRange):
    tag: Annotated[list[TagFilter], Field(max_length=20)] = []
    bucket: BucketSize | None = None
    """None: minutes up to 3 hours, hours up to 7 days, else days."""
    timezone: Zone = "UTC"
    """Whose midnights days go by."""
    group_by: Annotated[GroupBy, Lower] = "none"
    tag_key: TagKey | None = None
    """With `group_by=tag`: a group for each value of this tag."""
    groups: Annotated[int, Field(ge=1, le=MOST_GROUPS)] = 20
    """At most so many, those with the most runs; the others are counted together."""
    histogram: bool = False


class TagStatsFilter(StatsRange):
    key: Annotated[list[TagKey], Field(max_length=20)] = []
    limit: Annotated[int, Field(ge=1, le=MOST_TAGS)] = 100


class Bar(Value):
    """So many runs took at most `to` seconds, and more than the bar before; the last one may have no end."""

    to: Seconds | None = None
    count: int


class Figures(Value):
    """Counts and what is computed of them; without any run the shares, and without COMPLETED ones the times, are null.

    `group` is a process or the value of the tag; null without groups, and of what is counted together as the rest.
    """

    group: str | None = None
    rest: bool = False
    """Everything that has no group of its own here."""
    count: int
    by_status: dict[str, int]
    """ACTIVE are those past their deadline; others are not counted before they end."""
    missed: int
    on_time: int
    """COMPLETED ones that had a deadline and kept it."""
    problems: int
    """Missed, failed, or both."""
    missed_percent: float | None = None
    failed_percent: float | None = None
    avg: Seconds | None = None
    p50: Seconds | None = None
    p90: Seconds | None = None
    p95: Seconds | None = None
    p99: Seconds | None = None
    histogram: list[Bar] | None = None


class BucketFigures(Figures):
    time: Instant
    """When the bucket begins."""


class BucketRows(Sequence[BucketFigures]):
    """Rows as JSON has them, which are models only where one is looked at: there may be thousands."""

    def __init__(self, plain: list[dict[str, Any]]) -> None:
        self.plain = plain

    def __len__(self) -> int:
        return len(self.plain)

    @overload
    def __getitem__(self, index: int) -> BucketFigures: ...
    @overload
    def __getitem__(self, index: slice) -> list[BucketFigures]: ...
    def __getitem__(self, index: int | slice) -> BucketFigures | list[BucketFigures]:
        if isinstance(index, slice):
            return [BucketFigures.model_validate(row) for row in self.plain[index]]
        return BucketFigures.model_validate(self.plain[index])


class StatsMeta(Value):
    from_: Annotated[Instant, Field(alias="from")]
    """Where the first bucket begins: the range asked for is widened to whole buckets."""
    to: Instant
    bucket: Duration
    timezone: str
    group_by: GroupBy
    tag_key: str | None = None
    groups: int
    """How many there are, also those that are counted together."""
    groups_capped: bool = False
    """The tag has more values than are counted one by one."""
    totals: list[Figures]
    """Over the whole range, a line a group, those with the most runs first, the rest last."""

    model_config = ConfigDict(serialize_by_alias=True)


class Stats(Value):
    """Without groups every bucket is there; with groups, those of a group that have any run, by time."""

    data: Sequence[BucketFigures]
    meta: StatsMeta

    def to_json(self) -> bytes:
        if not isinstance(self.data, BucketRows):
            return super().to_json()
        return b'{"data":%b,"meta":%b}' % (orjson.dumps(self.data.plain), self.meta.to_json())


class TagFigures(Value):
    key: str
    value: str
    count: int
    missed: int
    failed: int
    problems: int
    problem_percent: float
    share: float | None = None
    """Of all problems in the range, per cent; null when there are none."""
    lift: float | None = None
    """How many times as often runs with this value have a problem as runs without it; null when those have none."""
    avg: Seconds | None = None
    p50: Seconds | None = None
    p90: Seconds | None = None
    p99: Seconds | None = None


class TagStatsMeta(Value):
    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    count: int
    """Runs in the range, with tags or without."""
    problems: int
    total: int
    """Tag values found; `limit` cuts."""
    capped: list[str] = []
    """Keys with more values than are counted one by one."""

    model_config = ConfigDict(serialize_by_alias=True)


class TagStats(Value):
    """The values with the most problems first; of as many, those with the greater lift."""

    data: list[TagFigures]
    meta: TagStatsMeta
