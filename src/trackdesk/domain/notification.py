"""Telling people: notifications in an inbox, channels outside, and the deliveries between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from trackdesk.domain.clock import DAY, SECOND
from trackdesk.domain.incident import SEVERITY_ORDER, Severity
from trackdesk.domain.instant import Duration, Instant, Seconds, format_duration
from trackdesk.domain.model import Input, Label, ProcessName, Tags, Text, Title, Value, clean

DEFAULT_DEPARTMENT = "default"


class Kind(StrEnum):
    OPENED = "opened"
    REOPENED = "reopened"
    SEVERITY_RAISED = "severity_raised"
    CLOSED = "closed"
    STARTED = "started"
    COMPLETED = "completed"
    WARNING = "warning"
    MISSED = "missed"
    FAILED = "failed"
    STALLED = "stalled"
    MISSING = "missing"
    RECOVERED = "recovered"
    CHANNEL_DEAD = "channel_dead"
    SILENCE_ENDED = "silence_ended"
    """A silence is over, or a maintenance window."""
    GROUP = "group"
    """Several in one message."""
    TEST = "test"


INCIDENT_KINDS = frozenset({Kind.OPENED, Kind.REOPENED, Kind.SEVERITY_RAISED, Kind.CLOSED})
DEFAULT_KINDS = INCIDENT_KINDS | {Kind.WARNING, Kind.CHANNEL_DEAD}
"""What a channel without `kinds` gets."""
INBOX_KINDS = DEFAULT_KINDS | {Kind.SILENCE_ENDED}
"""What an inbox shows."""
NEVER_MUTED = frozenset({Kind.CHANNEL_DEAD, Kind.SILENCE_ENDED, Kind.TEST})
"""They are about the telling itself."""
NEVER_CHOSEN = frozenset({Kind.GROUP, Kind.TEST})
"""No channel can ask for them."""
LONGEST_GROUP_WINDOW = DAY
TAKEN_BACK_WITHIN = 10 * SECOND
"""µs that a closing by hand waits before it is sent: a slip of a finger that is undone at once wakes nobody."""
UNDER_WAY = SECOND // 2
"""µs before a message is due from which on it counts as told: it may go out while its taking back is being written."""


class DeliveryStatus(StrEnum):
    PENDING = "PENDING"
    SENT = "SENT"
    RETRYING = "RETRYING"
    DEAD = "DEAD"
    GROUPED = "GROUPED"
    """It went, or goes, into the message of another delivery, its `group`."""


class Match(Input):
    """All members that are given must hold."""

    process: ProcessName | None = None
    service: Label | None = None
    tag: Tags | None = None


Kinds = Annotated[list[Kind], Field(min_length=1, max_length=len(Kind))]
ChannelUrl = Annotated[str, Field(min_length=3, max_length=4000), AfterValidator(clean)]
Secret = Annotated[str, Field(min_length=8, max_length=200), AfterValidator(clean)]


def _group_window(micros: int) -> int:
    if micros > LONGEST_GROUP_WINDOW or 0 < micros < SECOND:
        raise ValueError(f"expected 0 (off), or 1s to {format_duration(LONGEST_GROUP_WINDOW)}")
    return micros


GroupWindow = Annotated[Duration, AfterValidator(_group_window)]


class NewChannel(Input):
    name: Title
    url: ChannelUrl
    secret: Secret | None = None
    department: Label | None = None
    min_severity: Severity | None = None
    kinds: Kinds | None = None
    match: Match | None = None
    group_window: GroupWindow | None = None
    """What is to be told within it of the first goes out as one message at its end; 0: each at once."""


class ChannelSettings(Input):
    """What can be set of a channel that is called by its name."""

    url: ChannelUrl | None = None
    secret: Secret | None = None
    department: Label | None = None
    min_severity: Severity | None = None
    kinds: Kinds | None = None
    match: Match | None = None
    group_window: GroupWindow | None = None
    enabled: bool | None = None


class ChangeChannel(ChannelSettings):
    name: Title | None = None


class Channel(Value):
    """As it is answered: where it points is shown without anything secret."""

    id: int
    name: str
    url: str
    """Scheme and host only."""
    has_secret: bool = False
    department: str | None = None
    min_severity: Severity | None = None
    kinds: list[Kind] | None = None
    match: Match | None = None
    group_window: Duration = 0
    enabled: bool = True
    proven_at: Instant | None = None
    """When something last arrived there for sure."""
    dead_since: Instant | None = None
    """Since when nothing arrives there: the oldest dead letter after `proven_at`."""
    last_error: str | None = None
    pending: int = 0
    created_at: Instant
    updated_at: Instant
    version: int


class Attempt(Value):
    at: Instant
    took: Seconds
    outcome: str
    """`sent`, `failed` (will be tried again) or `refused` (will not)."""
    status: str
    error: str | None = None


class Delivery(Value):
    id: int
    uid: str
    """The idempotency key that the receiver sees with every attempt."""
    notification: int
    title: str
    """That of the notification: what it is about."""
    channel: int
    channel_name: str
    status: DeliveryStatus
    attempts: list[Attempt] = []
    next_try_at: Instant | None = None
    group: int | None = None
    """The delivery whose message it went into; only of GROUPED ones."""
    gathered: int | None = None
    """How many went into this one; only of such a message."""
    created_at: Instant


class Notification(Value):
    id: int
    kind: Kind
    severity: Severity | None = None
    title: str
    body: str
    incident: int | None = None
    run: str | None = None
    department: str
    created_at: Instant
    read_at: Instant | None = None
    deliveries: list[Delivery] = []


class UnreadCount(Value):
    count: int


class NewDepartment(Input):
    id: Label
    name: Title
    description: Text | None = None


class ChangeDepartment(Input):
    name: Title | None = None
    description: Text | None = None


class Department(Value):
    id: str
    name: str
    description: str | None = None
    created_at: Instant


@dataclass(frozen=True, slots=True)
class Subject:
    """What a notification is about, as channel filters see it."""

    kind: Kind
    severity: Severity | None
    department: str
    process: str | None = None
    service: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    rule: str | None = None


def why_not(channel: Channel, subject: Subject) -> str | None:
    """The first filter of the channel that keeps it from being told, as a sentence; None when it is told."""
    if not channel.enabled:
        return "the channel is switched off"
    if channel.department is not None and channel.department != subject.department:
        return f"it only serves department {channel.department}"
    if subject.kind not in (channel.kinds or DEFAULT_KINDS):
        return f"it does not ask for {subject.kind}"
    floor = channel.min_severity
    if floor and subject.severity and SEVERITY_ORDER[subject.severity] < SEVERITY_ORDER[floor]:
        return f"{subject.severity} is below its {floor}"
    match = channel.match
    if match is None:
        return None
    if match.process is not None and match.process != subject.process:
        return f"it only matches process {match.process}"
    if match.service is not None and match.service != subject.service:
        return f"it only matches service {match.service}"
    for key, value in (match.tag or {}).items():
        if (key, value) not in subject.tags:
            return f"it only matches tag {key}:{value}"
    return None


def was_never_told(made_at: int, now: int, *, unsent: bool) -> bool:
    """Whether a closing by hand that was written at `made_at` (µs) is told to nobody when it is taken back `now`;
    `unsent`: none of its messages has gone, or is about to."""
    return unsent and made_at <= now < made_at + TAKEN_BACK_WITHIN - UNDER_WAY
