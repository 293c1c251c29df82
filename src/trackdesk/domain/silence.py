"""Silences: who is told nothing about what for how long, and why."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import orjson
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails

from trackdesk.domain.clock import DAY
from trackdesk.domain.errors import shorten
from trackdesk.domain.filters import Lower, Searchable
from trackdesk.domain.incident import SEVERITY_ORDER, Incident, IncidentStatus, Severity
from trackdesk.domain.instant import Duration, Instant, format_instant
from trackdesk.domain.model import MAX_TAGS, TAG_KEY_PATTERN, Input, Value, clean
from trackdesk.domain.notification import Kind
from trackdesk.domain.run import DueInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trackdesk.domain.notification import Subject

LONGEST: Final = 366 * DAY
"""µs that a silence may last; what shall never be told is better switched off."""
MOST_STANDING: Final = 1000
"""Silences, and maintenance windows, that may stand in a namespace: each is held against everything that is told."""
MOST_VALUES: Final = 100
PREVIEWED: Final = 7 * DAY
MOST_PREVIEWED: Final = 100
"""Incidents that a preview names; the rest is counted."""
ENDED_KEPT: Final = 400 * DAY
"""µs that a silence is shown after its end."""


class SilenceState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


def _pattern(text: str) -> str:
    clean(text)
    if not text.isprintable() or text != text.strip():
        raise ValueError("expected printable characters without spaces at the ends")
    if "*" in text[:-1]:
        raise ValueError(f"a * stands at the end only (pay*), not as in {shorten(text)}")
    return text


def _listed(value: object, check: Callable[[object], list[Any]]) -> list[Any]:
    """What is wrong with a value that stands alone is said of the member, not of the first in a list."""
    if isinstance(value, list):
        return check(value)
    try:
        return check([value])
    except ValidationError as error:
        found = [
            InitErrorDetails(type=each["type"], loc=each["loc"][1:], input=each["input"], ctx=each.get("ctx", {}))
            for each in error.errors(include_url=False)
        ]
        raise ValidationError.from_exception_data(error.title, found) from None


def _distinct(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


_Pattern = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_pattern)]


def _schema(item: dict[str, Any]) -> WithJsonSchema:
    several = {"type": "array", "minItems": 1, "maxItems": MOST_VALUES, "items": item}
    return WithJsonSchema({"anyOf": [item, several]}, mode="validation")


_TEXT = {"type": "string", "minLength": 1, "maxLength": 256, "examples": ["crm", "pay*"]}
Patterns = Annotated[
    list[_Pattern],
    Field(min_length=1, max_length=MOST_VALUES),
    AfterValidator(_distinct),
    WrapValidator(_listed),
    _schema(_TEXT),
]
"""A value, a list of values, or beginnings of values (`pay*`); any of them."""
Severities = Annotated[
    list[Severity],
    Field(min_length=1),
    AfterValidator(_distinct),
    WrapValidator(_listed),
    _schema({"enum": [str(each) for each in Severity]}),
]
_TagKey = Annotated[str, Field(pattern=TAG_KEY_PATTERN)]
TagPatterns = Annotated[dict[_TagKey, Patterns], Field(min_length=1, max_length=MAX_TAGS)]
MEMBERS: Final = ("service", "process", "rule", "severity", "tag")


class Matchers(Input):
    """All members that are given must hold. What has no service is matched by no service, not even by `*`."""

    service: Patterns | None = None
    process: Patterns | None = None
    rule: Patterns | None = None
    severity: Severities | None = None
    tag: TagPatterns | None = None

    @model_validator(mode="after")
    def _matches_something(self) -> Matchers:
        if all(getattr(self, name) is None for name in MEMBERS):
            raise ValueError(f"expected at least one of {', '.join(MEMBERS)}: without any it would silence everything")
        return self

    def plain(self) -> dict[str, Any]:
        """As it is stored and answered: what is given, each as a list."""
        return self.model_dump(mode="json", exclude_none=True)


class _Test(NamedTuple):
    whole: frozenset[str]
    beginnings: tuple[str, ...]

    def holds(self, value: str | None) -> bool:
        return value is not None and (value in self.whole or value.startswith(self.beginnings))


class Matcher(NamedTuple):
    """Matchers made ready to be held against much."""

    service: _Test | None = None
    process: _Test | None = None
    rule: _Test | None = None
    severity: _Test | None = None
    tags: tuple[tuple[str, _Test], ...] = ()
    department: str | None = None
    """Only maintenance windows have one."""

    def matches(self, subject: Subject) -> bool:
        """Under a microsecond for most, because the service decides."""
        if self.department is not None and self.department != subject.department:
            return False
        if self.service is not None and not self.service.holds(subject.service):
            return False
        if self.process is not None and not self.process.holds(subject.process):
            return False
        if self.rule is not None and not self.rule.holds(subject.rule):
            return False
        if self.severity is not None and not self.severity.holds(subject.severity):
            return False
        if self.tags:
            given = dict(subject.tags)
            return all(test.holds(given.get(key)) for key, test in self.tags)
        return True


def _test(values: Sequence[str]) -> _Test:
    return _Test(
        frozenset(value for value in values if not value.endswith("*")),
        tuple(value[:-1] for value in values if value.endswith("*")),
    )


def exactly(*, service: str | None = None, department: str | None = None) -> Matcher:
    """What a maintenance window matches."""
    return Matcher(None if service is None else _Test(frozenset((service,)), ()), department=department)


def matcher_of(match: Mapping[str, Any]) -> Matcher:
    """Of matchers as they are stored."""
    service, process, rule, severity = (_test(match[name]) if name in match else None for name in MEMBERS[:4])
    tags = tuple((key, _test(values)) for key, values in match.get("tag", {}).items())
    return Matcher(service, process, rule, severity, tags)


@lru_cache(maxsize=1024)
def unpack(text: str) -> Matcher:
    return matcher_of(orjson.loads(text))


class Mute(NamedTuple):
    """A silence or a maintenance window, as what is told is held against it; instants in µs."""

    kind: str
    """`silence` or `maintenance`."""
    id: int
    name: str | None
    reason: str
    from_at: int
    until_at: int
    matcher: Matcher

    def facts(self) -> dict[str, Any]:
        """What is kept with a notification that it held back."""
        return {"kind": self.kind, "id": self.id, "name": self.name, "reason": self.reason, "until": self.until_at}


class Mutes:
    """All that stand in a namespace, laid out by the names they ask for: what is told is held against few of them."""

    def __init__(self, mutes: Sequence[Mute]) -> None:
        self.count = len(mutes)
        self._of_service: dict[str, list[Mute]] = {}
        self._of_process: dict[str, list[Mute]] = {}
        self._others: list[Mute] = []
        for mute in mutes:
            for test, names in ((mute.matcher.service, self._of_service), (mute.matcher.process, self._of_process)):
                if test is not None and not test.beginnings:
                    for name in test.whole:
                        names.setdefault(name, []).append(mute)
                    break
            else:
                self._others.append(mute)

    def find(self, subject: Subject, now: int) -> Mute | None:
        """The one that mutes it at `now` (µs); of several the one that ends last, so that it is told once."""
        found = None
        of_service = self._of_service.get(subject.service or "", ())
        for mute in (*of_service, *self._of_process.get(subject.process or "", ()), *self._others):
            if (
                mute.from_at <= now < mute.until_at
                and (found is None or mute.until_at > found.until_at)
                and mute.matcher.matches(subject)
            ):
                found = mute
        return found


def describe(kind: str, id_: int, name: str | None) -> str:
    """`silence 3`, or `maintenance weekly-patching`."""
    return f"{kind} {id_ if name is None else name}"


def explain(facts: Mapping[str, Any]) -> str:
    """One sentence of what `Mute.facts` made: by what it was muted, until when, and why."""
    what = describe(facts["kind"], facts["id"], facts["name"])
    return f"muted by {what} until {format_instant(facts['until'])}: {facts['reason']}"


def state_of(from_at: int, until_at: int, now: int) -> SilenceState:
    if now >= until_at:
        return SilenceState.ENDED
    return SilenceState.ACTIVE if now >= from_at else SilenceState.PENDING


def owed(incident: Incident, last: tuple[str, str | None] | None) -> Kind | None:
    """What has to be told of an incident at the end of what muted it, when `last` (kind, severity) was the last that
    anybody was told: None when they know how it stands, or have nothing to know."""
    closed = incident.status == IncidentStatus.CLOSED
    if last is None:
        return None if closed else Kind.OPENED
    kind, severity = last
    if closed:
        return None if kind == Kind.CLOSED else Kind.CLOSED
    if kind == Kind.CLOSED:
        return Kind.REOPENED
    raised = severity is not None and SEVERITY_ORDER[incident.severity] > SEVERITY_ORDER[Severity(severity)]
    return Kind.SEVERITY_RAISED if raised else None


Reason = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(clean)]


class NewSilence(Input):
    match: Matchers
    from_: Annotated[Instant | None, Field(alias="from")] = None
    """Now when absent."""
    until: DueInput
    """A time, or a duration counted from `from`."""
    reason: Reason


class ChangeSilence(Input):
    """Absent members keep their value. What it matches and when it begins can be changed until it has begun."""

    match: Matchers | None = None
    from_: Annotated[Instant | None, Field(alias="from")] = None
    until: DueInput | None = None
    """A time, or a duration counted from now, or from the beginning that is still to come."""
    reason: Reason | None = None


class Silence(Value):
    model_config = ConfigDict(serialize_by_alias=True)

    id: int
    match: dict[str, Any]
    reason: str
    from_: Annotated[Instant, Field(alias="from")]
    until: Instant
    """Its end; of one that was ended by hand, when that was."""
    state: SilenceState
    ended_by: str | None = None
    muted: int = 0
    """Incidents it has muted so far."""
    held: int = 0
    """Those of them that wait for its end to be told."""
    created_by: str
    created_at: Instant
    updated_at: Instant
    version: int


class SilenceFilter(Searchable):
    state: list[Annotated[SilenceState, Lower]] = []


class PreviewSilence(Input):
    match: Matchers
    since: Duration = PREVIEWED
    """How far back incidents are looked at; a week when absent."""


class WouldMute(Value):
    """An incident that a silence would have muted."""

    id: int
    ref: str
    title: str
    severity: Severity
    status: str
    service: str | None = None
    process: str | None = None
    opened_at: Instant


class Preview(Value):
    match: dict[str, Any]
    since: Instant
    opened: int
    """Incidents opened since then."""
    muted: int
    """Those that it would have muted."""
    open: int
    """Those that are open now."""
    incidents: list[WouldMute] = []
    """The newest of them."""
