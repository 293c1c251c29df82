"""Samples of metrics: what may be sent, what is answered, and the series that they belong to."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

import orjson
from pydantic import AfterValidator, AliasChoices, Field, TypeAdapter

from trackdesk.domain.clock import DAY
from trackdesk.domain.instant import Instant, format_instant, parse_instant, parse_rfc3339
from trackdesk.domain.model import Input, Label, Tags, Value

METRIC_TYPE_PATTERN = r"^[A-Z][A-Z0-9_]{0,63}$"
UID_PATTERN = r"^[\x21-\x7e]{1,200}$"
MAX_SAMPLES = 10_000
"""In one request."""
MAX_SERIES = 100_000
"""Of one namespace."""
MAX_AHEAD = DAY
"""µs by which a sender's clock may be ahead of ours before its times are refused."""
EVALUATED_FOR = DAY
"""µs; samples that arrive later than that after their time are stored, and no rule looks at them."""


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, not {value}")
    return value + 0.0  # of -0.0 that makes 0.0


MetricType = Annotated[str, Field(pattern=METRIC_TYPE_PATTERN)]
Number = Annotated[float, AfterValidator(_finite)]
SampleUid = Annotated[str, Field(pattern=UID_PATTERN)]


class NewSample(Input):
    """One sample as it is sent; Tracely's `service_id` and `timestamp` are taken too."""

    service: Annotated[Label, Field(validation_alias=AliasChoices("service", "service_id"))]
    metric_type: MetricType
    value: Number
    recorded_at: Annotated[Instant | None, Field(validation_alias=AliasChoices("recorded_at", "timestamp"))] = None
    tags: Tags = {}
    uid: SampleUid | None = None
    """The sender's own name of the sample: within 24 h it is taken once."""


OTHER_NAMES: Final = {"service_id": "service", "timestamp": "recorded_at"}
"""Of members of a sample, and which they are."""
SampleInput = NewSample | Annotated[list[NewSample], Field(min_length=1, max_length=MAX_SAMPLES)]


class Sample(Value):
    """As it is stored and answered."""

    id: int
    """Grows in the order of arrival."""
    service: str
    metric_type: str
    value: float
    recorded_at: Instant
    tags: dict[str, str] = {}

    def to_json(self) -> bytes:
        """The same JSON as the model's own serializer gives, in less time."""
        return orjson.dumps({**self.__dict__, "recorded_at": format_instant(self.recorded_at)})


class SamplesAccepted(Value):
    accepted: int
    """Those included that were taken before, by their `uid`."""


class SeriesKey(NamedTuple):
    """What makes samples a series within a namespace."""

    service: str
    metric_type: str
    tags: str
    """JSON, its names sorted; `{}` without tags."""


class Series(NamedTuple):
    """A series as it is stored. Compare and keep by `id`."""

    id: int
    namespace_id: int
    service_id: int
    service: str
    metric_type: str
    tags: dict[str, str]


class Recorded(NamedTuple):
    """A committed sample, as it is handed to what follows the samples."""

    series_id: int
    series: Series
    sample_id: int
    recorded_at: int
    value: float


class Draft(NamedTuple):
    """A sample that was checked and is not stored yet."""

    key: SeriesKey
    value: float
    recorded_at: int | None
    """µs; None: when it is written."""
    uid: str | None


_CHECK = TypeAdapter(NewSample).validator.validate_python
_SORTED = orjson.OPT_SORT_KEYS
_new = tuple.__new__
"""Makes a NamedTuple in half the time that calling it takes."""


def canonical_tags(tags: dict[str, str]) -> str:
    """The text by which equal tags are equal."""
    return orjson.dumps(tags, option=_SORTED).decode() if tags else "{}"


def draft(sample: NewSample) -> Draft:
    key = SeriesKey(sample.service, sample.metric_type, canonical_tags(sample.tags))
    return Draft(key, sample.value, sample.recorded_at, sample.uid)


@lru_cache(maxsize=16_384)
def _known_key(service: str, metric_type: str, tags: str) -> SeriesKey:
    """Most samples are of a series that was checked before. Raises ValidationError, and then remembers nothing."""
    sample = {"service": service, "metric_type": metric_type, "value": 0.0, "tags": orjson.loads(tags)}
    checked = _CHECK(sample, strict=True)
    return SeriesKey(checked.service, checked.metric_type, canonical_tags(checked.tags))


def read_draft(members: Any) -> Draft:
    """A sample out of parsed JSON: what is as most are is read by hand, all else by the model, which takes longer.

    Raises ValidationError.
    """
    try:
        value, tags, at = members["value"], members.get("tags"), members.get("recorded_at")
        if type(value) is int:
            value = float(value)
        if type(value) is float and value - value == 0.0 and len(members) == 3 + (tags is not None) + (at is not None):
            if tags:
                text = orjson.dumps(tags, option=_SORTED).decode() if type(tags) is dict else ""
            else:
                text = "{}" if tags is None or type(tags) is dict else ""
            if at is not None:
                at = parse_rfc3339(at) if type(at) is str else parse_instant(at)
            return _new(Draft, (_known_key(members["service"], members["metric_type"], text), value + 0.0, at, None))
    except (KeyError, TypeError, AttributeError, ValueError):
        pass  # whatever is odd about it, the model says
    return draft(_CHECK(members, strict=True))
