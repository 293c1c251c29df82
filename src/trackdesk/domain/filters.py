"""What each list can be narrowed and sorted by. Values come as text from a query string, hence the lax mode."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from trackdesk.domain.identity import Role
from trackdesk.domain.incident import IncidentStatus, Origin, Severity
from trackdesk.domain.instant import INSTANT_HINT, Duration, format_instant, parse_instant
from trackdesk.domain.model import TAG_FILTER_PATTERN, clean
from trackdesk.domain.notification import DeliveryStatus, Kind
from trackdesk.domain.page import DEFAULT_LIMIT, MAX_LIMIT
from trackdesk.domain.process import ProcessState
from trackdesk.domain.rule import RuleState
from trackdesk.domain.run import DeadlineStatus, Due, LogLevel, RunStatus, parse_due
from trackdesk.domain.topics import STREAM_PATTERN


def _ago(value: object) -> object:
    """An instant, or a duration back from now."""
    if isinstance(value, str) and value.replace(".", "", 1).isdecimal():
        return parse_due(float(value) if "." in value else int(value))
    return parse_due(value)


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _instant(value: object) -> object:
    """Query strings carry epoch seconds as text."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            pass
        else:
            return parse_instant(int(number) if number.is_integer() else number)
    return parse_instant(value)


Upper = BeforeValidator(_upper)
Lower = BeforeValidator(_lower)
QueryInstant = Annotated[
    int,
    BeforeValidator(_instant),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": f"{INSTANT_HINT}"}),
]
AgoInput = Annotated[
    Due,
    BeforeValidator(_ago),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": f"{INSTANT_HINT}; or so long ago, such as 7d"}),
]
Word = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(clean)]
Words = Annotated[list[Word], Field(max_length=50)]
TagFilter = Annotated[str, Field(min_length=3, max_length=400, pattern=TAG_FILTER_PATTERN)]
Query = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(clean)]


class Filter(BaseModel):
    """Query parameters of one endpoint; repeated parameters mean "any of", repeated tags "all of"."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Listing(Filter):
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,1000}$")] | None = None


class Searchable(Listing):
    q: Query | None = None
    search: Query | None = None


class RunFilter(Searchable):
    status: list[Annotated[RunStatus, Upper]] = []
    deadline_status: list[Annotated[DeadlineStatus, Upper]] = []
    process: Words = []
    id: Words = []
    category: Words = []
    service: Words = []
    tag: Annotated[list[TagFilter], Field(max_length=20)] = []
    started_after: QueryInstant | None = None
    started_before: QueryInstant | None = None
    deadline_after: QueryInstant | None = None
    deadline_before: QueryInstant | None = None
    running_longer_than: Duration | None = None
    """ACTIVE runs only."""
    stalled: bool | None = None
    sort: Annotated[
        Literal[
            "started_at",
            "-started_at",
            "completed_at",
            "-completed_at",
            "deadline",
            "-deadline",
            "duration",
            "-duration",
        ],
        Lower,
    ] = "-started_at"


class IncidentFilter(Searchable):
    status: list[Annotated[IncidentStatus, Upper]] = []
    severity: list[Annotated[Severity, Upper]] = []
    origin: list[Annotated[Origin, Lower]] = []
    service: Words = []
    process: Words = []
    rule: Words = []
    department: Words = []
    assignee: Words = []
    reported_by: Words = []
    opened_after: QueryInstant | None = None
    opened_before: QueryInstant | None = None
    sort: Annotated[Literal["opened_at", "-opened_at", "updated_at", "-updated_at", "severity", "-severity"], Lower] = (
        "-opened_at"
    )


class ProcessFilter(Searchable):
    state: list[Annotated[ProcessState, Upper]] = []
    department: Words = []
    category: Words = []
    service: Words = []
    sort: Annotated[
        Literal["name", "-name", "last_run_at", "-last_run_at", "next_expected_at", "-next_expected_at"], Lower
    ] = "name"


class RuleFilter(Searchable):
    metric_type: Words = []
    service: Words = []
    """Rules that name it; those for every service name none."""
    severity: list[Annotated[Severity, Upper]] = []
    department: Words = []
    enabled: bool | None = None
    state: list[Annotated[RuleState, Upper]] = []
    sort: Annotated[
        Literal[
            "priority",
            "-priority",
            "name",
            "-name",
            "updated_at",
            "-updated_at",
            "trigger_count",
            "-trigger_count",
        ],
        Lower,
    ] = "priority"


class TriggeredFilter(Filter):
    """The rules that opened most incidents."""

    since: AgoInput | None = None
    """An instant or so long ago; seven days when absent."""
    limit: Annotated[int, Field(ge=1, le=50)] = 10


class NotificationFilter(Searchable):
    unread: bool | None = None
    kind: list[Annotated[Kind, Lower]] = []
    incident: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    department: Words = []


class DeliveryFilter(Listing):
    status: list[Annotated[DeliveryStatus, Upper]] = []
    channel: list[Annotated[int, Field(ge=1, lt=2**63)]] = []
    notification: Annotated[int, Field(ge=1, lt=2**63)] | None = None


class JournalFilter(Listing):
    topic: Words = []
    ref: Words = []
    kind: Words = []
    actor: Words = []
    after: QueryInstant | None = None
    before: QueryInstant | None = None


class KeyFilter(Listing):
    role: list[Annotated[Role, Upper]] = []


class LogFilter(Listing):
    level: Annotated[LogLevel, Upper] | None = None
    """That level or above."""
    search: Query | None = None
    attempt: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    tail: bool = False
    """Begin with the last page instead of the first; lines still come oldest first."""


class AttemptFilter(Filter):
    """Picks one attempt of a run that is addressed by process and id."""

    attempt: Annotated[int, Field(ge=1, lt=2**31)] | None = None


class StreamFilter(Filter):
    topics: Annotated[str, Field(max_length=400, pattern=STREAM_PATTERN)] | None = None
    since: Annotated[int, Field(ge=0, lt=2**63)] | None = None


def tag_pair(text: str) -> tuple[str, str]:
    """`key:value`, split at the first colon."""
    key, _, value = text.partition(":")
    return key, value
