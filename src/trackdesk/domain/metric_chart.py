"""Charts of metrics: what may be asked, and what is answered."""

from __future__ import annotations

from bisect import bisect_left
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.errors import shorten
from trackdesk.domain.filters import Filter, Lower, QueryInstant, TagFilter, Upper, Words
from trackdesk.domain.instant import (
    DURATION_HINT,
    Duration,
    Instant,
    format_duration,
    format_instant,
    parse_duration,
)
from trackdesk.domain.metric import MetricType  # noqa: TC001 - pydantic reads it
from trackdesk.domain.model import Value

MOST_BUCKETS: Final = 2000
MOST_POINTS: Final = 1000
USUAL_POINTS: Final = 120
MOST_ROWS: Final = 3000
"""Of an answer: buckets times services."""

SIZES: Final = tuple(
    unit * many
    for unit, several in (
        (SECOND, (1, 2, 5, 10, 15, 30)),
        (MINUTE, (1, 2, 5, 10, 15, 30)),
        (HOUR, (1, 2, 3, 4, 6, 8, 12)),
        (DAY, (1, 2, 3, 4, 7, 14, 28, 91, 182, 364)),
    )
    for many in several
)
"""µs of the buckets that are chosen from when only points are asked for."""
_NAMED: Final = {"minute": MINUTE, "hour": HOUR, "day": DAY}
_HINT: Final = f"minute, hour, day or {DURATION_HINT}, from 1s to 1d"


def parse_bucket(value: object) -> int:
    """`minute`, `hour`, `day` or a duration of whole seconds up to a day; gives µs. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected {_HINT}, not {shorten(value)}")
    size = _NAMED.get(value.lower())
    if size is None:
        try:
            size = parse_duration(value)
        except ValueError:
            raise ValueError(f"expected {_HINT}, not {shorten(value)}") from None
    if size % SECOND or not SECOND <= size <= DAY:
        raise ValueError(f"expected whole seconds, from 1s to 1d, not {shorten(value)}")
    return size


def size_for(length: int, points: int, least: int) -> int:
    """The bucket (µs) that cuts `length` µs into about `points` at most, none under `least`."""
    wanted = max(length // points, least)
    found = bisect_left(SIZES, wanted)
    return SIZES[found] if found < len(SIZES) else -(-wanted // SIZES[-1]) * SIZES[-1]


def edges(start: int, end: int, size: int) -> list[int]:
    """Where buckets of `size` µs begin, and where the last one ends, so that [start, end) lies inside: multiples of
    their size since 1970. Raises ValueError for more than `MOST_BUCKETS`."""
    first, last = start // size * size, -(-end // size) * size
    if (last - first) // size > MOST_BUCKETS:
        raise ValueError(f"expected at most {MOST_BUCKETS} buckets; take longer ones or a shorter range")
    return list(range(first, last + 1, size))


ChartBucket = Annotated[
    int,
    BeforeValidator(parse_bucket),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["10s", "minute", "15m", "hour", "day"]}),
]
ChartGroups = Literal["none", "service"]


class ChartFilter(Filter):
    model_config = ConfigDict(serialize_by_alias=True)

    service: Words = []
    metric_type: Annotated[MetricType, Upper]
    tag: Annotated[list[TagFilter], Field(max_length=20)] = []
    from_: Annotated[QueryInstant | None, Field(alias="from")] = None
    """A day before `to` when absent."""
    to: QueryInstant | None = None
    """Now when absent."""
    bucket: ChartBucket | None = None
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = None
    """Instead of `bucket`: at most about so many buckets, of a length that can be read quickly; 120 when absent."""
    group_by: Annotated[ChartGroups, Lower] = "none"


class ChartPoint(Value):
    """What was measured in one bucket; all but `count` are null when nothing was."""

    time: Instant
    """When the bucket begins."""
    group: str | None = None
    """The service; null without groups."""
    count: int
    min: float | None = None
    max: float | None = None
    avg: float | None = None
    last: float | None = None
    p50: float | None = None
    """Percentiles are within one per cent."""
    p95: float | None = None
    p99: float | None = None


class ChartMeta(Value):
    model_config = ConfigDict(serialize_by_alias=True)

    metric_type: str
    from_: Annotated[Instant, Field(alias="from")]
    """Where the first bucket begins: the range asked for is widened to whole buckets."""
    to: Instant
    bucket: Duration
    group_by: ChartGroups
    series: int
    """How many are put together."""


class MetricChart(Value):
    """Without groups every bucket is there; with groups, by time, those of a service that have any sample."""

    data: list[ChartPoint]
    meta: ChartMeta

    def to_json(self) -> bytes:
        """The same JSON as the model's own serializer gives, in less time."""
        rows: list[dict[str, Any]] = [{**row.__dict__, "time": format_instant(row.time)} for row in self.data]
        return b'{"data":%b,"meta":%b}' % (orjson.dumps(rows), self.meta.to_json())
