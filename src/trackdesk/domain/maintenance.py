"""Maintenance windows: when work on a service, or at a department, is expected to make noise."""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field

from trackdesk.domain.clock import DAY, MINUTE
from trackdesk.domain.errors import Invalid
from trackdesk.domain.filters import Lower, Searchable, Words
from trackdesk.domain.instant import LATEST, Duration, Instant, format_duration
from trackdesk.domain.model import Input, Label, Title, Value
from trackdesk.domain.run import DueInput
from trackdesk.domain.schedule import Cron, next_after, shortest_period
from trackdesk.domain.silence import LONGEST, Reason, SilenceState

SHORTEST: Final = MINUTE
LONGEST_WINDOW: Final = 31 * DAY
"""µs of one window of a schedule."""
SHOWN: Final = 5
"""Windows to come that are shown."""


def _window(micros: int) -> int:
    if not SHORTEST <= micros <= LONGEST_WINDOW:
        raise ValueError(f"expected {format_duration(SHORTEST)} to {format_duration(LONGEST_WINDOW)}")
    return micros


WindowLength = Annotated[Duration, AfterValidator(_window)]


class MaintenanceSettings(Input):
    """What can be set of a window that is called by its name. `schedule` and `duration`, or `from` and `until`."""

    model_config = ConfigDict(serialize_by_alias=True)

    service: Label | None = None
    department: Label | None = None
    reason: Reason | None = None
    schedule: Cron | None = None
    duration: WindowLength | None = None
    from_: Annotated[Instant | None, Field(alias="from")] = None
    until: DueInput | None = None
    """A time, or a duration counted from `from`."""


class NewMaintenance(MaintenanceSettings):
    name: Title
    reason: Reason


class ChangeMaintenance(MaintenanceSettings):
    """Absent members keep their value, null clears one."""

    name: Title | None = None


class PlannedWindow(NamedTuple):
    """One stretch of maintenance, µs."""

    from_at: int
    until_at: int


class Plan(NamedTuple):
    """When a maintenance is: once, or by a schedule."""

    schedule: Cron | None
    duration: int | None
    once: PlannedWindow | None

    def window(self, now: int) -> PlannedWindow | None:
        """The one that is on at `now` (µs), else the next; None when none comes any more."""
        if self.schedule is None or self.duration is None:
            return self.once if self.once is not None and self.once.until_at > now else None
        fire = next_after(self.schedule, max(now - self.duration, 0))
        return None if fire >= LATEST else PlannedWindow(fire, fire + self.duration)

    def following(self, now: int, count: int) -> list[PlannedWindow]:
        """The one that is on and those to come, at most `count`."""
        found: list[PlannedWindow] = []
        window = self.window(now)
        while window is not None and len(found) < count:
            found.append(window)
            if self.schedule is None or self.duration is None:
                break
            fire = next_after(self.schedule, window.from_at)
            window = None if fire >= LATEST else PlannedWindow(fire, fire + self.duration)
        return found


def make_plan(schedule: Cron | None, duration: int | None, from_at: int | None, until_at: int | None, now: int) -> Plan:
    """Raises Invalid, naming the member, for what is both or neither, over already, or longer than its schedule
    leaves room for."""
    if schedule is None:
        if duration is not None:
            raise Invalid("duration", "belongs to a schedule; a window without one has from and until")
        if until_at is None:
            raise Invalid("until", "expected schedule and duration, or from and until")
        begin = now if from_at is None else from_at
        if until_at <= max(begin, now):
            raise Invalid("until", "expected a time to come, after from")
        if until_at - begin > LONGEST:
            raise Invalid("until", f"expected at most {format_duration(LONGEST)} of maintenance")
        return Plan(None, None, PlannedWindow(begin, until_at))
    for name, value in (("from", from_at), ("until", until_at)):
        if value is not None:
            raise Invalid(name, "belongs to a window without a schedule")
    if duration is None:
        raise Invalid("duration", "is required with a schedule")
    shortest = shortest_period(schedule)
    if duration >= shortest:
        raise Invalid("duration", f"expected less than the {format_duration(shortest)} from one window to the next")
    return Plan(schedule, duration, None)


class MaintenanceWindow(Value):
    """One stretch of it."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: Annotated[Instant, Field(alias="from")]
    until: Instant


class Maintenance(Value):
    model_config = ConfigDict(serialize_by_alias=True)

    id: int
    name: str
    service: str | None = None
    department: str | None = None
    reason: str
    schedule: dict[str, Any] | None = None
    duration: Duration | None = None
    from_: Annotated[Instant | None, Field(alias="from")] = None
    """Of a window without a schedule."""
    until: Instant | None = None
    state: SilenceState
    """pending between two windows of a schedule."""
    windows: list[MaintenanceWindow] = []
    """The one that is on and the next of those to come."""
    muted: int = 0
    """Incidents it has muted so far."""
    held: int = 0
    """Those of them that wait for the end of the window to be told."""
    created_by: str
    created_at: Instant
    updated_at: Instant
    version: int


class MaintenanceFilter(Searchable):
    state: list[Annotated[SilenceState, Lower]] = []
    service: Words = []
    department: Words = []
