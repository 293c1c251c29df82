"""What is set up, as one document: departments, processes, maintenance and channels by name, rules by id."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from trackdesk.domain.maintenance import MaintenanceSettings
from trackdesk.domain.model import Input, Label, ProcessName, ShortText, Title, Value
from trackdesk.domain.notification import ChangeDepartment, ChannelSettings
from trackdesk.domain.process import ChangeProcess
from trackdesk.domain.rule import ChangeRule
from trackdesk.domain.silence import MOST_STANDING

MOST = 10_000
"""Entities of a kind in one document."""


class ProcessSettings(ChangeProcess):
    """What is expected of a process; and whether it is paused, which only a word about it changes."""

    paused: bool | None = None
    """True pauses it until it is resumed, unless it is paused already; false or null resumes it."""
    pause_reason: ShortText | None = None


Departments = Annotated[dict[Label, ChangeDepartment], Field(max_length=MOST)]
Processes = Annotated[dict[ProcessName, ProcessSettings], Field(max_length=MOST)]
Rules = Annotated[dict[Label, ChangeRule], Field(max_length=MOST)]
Maintenances = Annotated[dict[Title, MaintenanceSettings], Field(max_length=MOST_STANDING)]
Channels = Annotated[dict[Title, ChannelSettings], Field(max_length=MOST)]
Kind = Literal["department", "process", "rule", "maintenance", "channel"]


class Configuration(Input):
    """Members of an entity that are absent keep their value, null takes the default again."""

    departments: Departments | None = None
    processes: Processes | None = None
    rules: Rules | None = None
    maintenance: Maintenances | None = None
    channels: Channels | None = None


class ApplyConfiguration(Configuration):
    dry_run: bool = False
    """Answer what would change, and change nothing."""
    prune: bool = False
    """Of the kinds that are named, what the document doesn't hold goes: entities, and members of those it holds.
    Processes that have runs keep them and lose their settings; pauses and the department `default` stay."""


class EntityChange(Value):
    kind: Kind
    name: str
    action: Literal["made", "changed", "removed"]
    members: dict[str, tuple[Any, Any]] = {}
    """Before and after, as they are shown: nothing secret."""


class Applied(Value):
    dry_run: bool = False
    changes: list[EntityChange] = []
    unchanged: int = 0
