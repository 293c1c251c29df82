"""What can be done to an incident, as pure decisions: the change it means for one, or why it means none; and the way
back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from trackdesk.domain.incident import Incident

Change: TypeAlias = dict[str, Any]
"""The members of a PATCH."""
Deed: TypeAlias = "Callable[[Incident], Change | str]"
"""Gives what to change of an incident, or in words that follow its name why there is nothing to change."""

_CLOSED = "is closed; o opens it again"


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take back what was done: for each thing its name and the call that puts it back."""

    what: str
    steps: Sequence[tuple[str, Callable[[], Awaitable[object]]]]


class History:
    """What can be taken back, the last first. Places that lead to one another share it."""

    def __init__(self) -> None:
        self._done: list[Undo] = []
        self._stood: dict[tuple[int, int], int] = {}

    def __bool__(self) -> bool:
        return bool(self._done)

    def push(self, undo: Undo) -> None:
        self._done.append(undo)

    def pop(self) -> Undo:
        return self._done.pop()

    def stands_again(self, number: int, version: int, as_version: int) -> None:
        """Incident `number` is by `as_version` as it was in `version`, so what was done before can be taken back."""
        self._stood[number, version] = as_version

    def version_of(self, number: int, version: int) -> int:
        """The version in which incident `number` stands as it did in `version`."""
        while (number, version) in self._stood:
            version = self._stood[number, version]
        return version


def take(me: str) -> Deed:
    def deed(incident: Incident) -> Change | str:
        if incident.status == "CLOSED":
            return _CLOSED
        change: Change = {} if incident.assignee == me else {"assignee": me}
        if incident.status == "OPEN":
            change["status"] = "TRIAGED"
        return change or "is yours already"

    return deed


def start(incident: Incident) -> Change | str:
    if incident.status == "CLOSED":
        return _CLOSED
    return "is in work already" if incident.status == "IN_PROGRESS" else {"status": "IN_PROGRESS"}


def close(incident: Incident) -> Change | str:
    return "is closed already" if incident.status == "CLOSED" else {"status": "CLOSED"}


def reopen(incident: Incident) -> Change | str:
    return {"status": "OPEN"} if incident.status == "CLOSED" else "is not closed"


def assign(name: str | None) -> Deed:
    """To `name`, or with None to nobody."""

    def deed(incident: Incident) -> Change | str:
        if incident.assignee == name:
            return f"is with {name} already" if name else "is with nobody already"
        return {"assignee": name}

    return deed


def severity(wanted: str) -> Deed:
    def deed(incident: Incident) -> Change | str:
        return f"is {wanted} already" if incident.severity == wanted else {"severity": wanted}

    return deed


def way_back(before: Incident, change: Change) -> list[Change]:
    """The changes, one after the other, that make `before` of an incident that `change` was done to."""
    back = {name: getattr(before, name) for name in change}
    if change.get("status") == "CLOSED" and before.status in ("TRIAGED", "IN_PROGRESS"):
        # What is closed is opened before it is worked on again.
        return [{"status": "OPEN"}, back]
    return [back]


def why_none(deed: Deed, incidents: Sequence[Incident]) -> str | None:
    """Why `deed` is for none of `incidents`, or None when it is for one at least."""
    reasons = [(each, said) for each in incidents if isinstance(said := deed(each), str)]
    if len(reasons) < len(incidents):
        return None
    first, said = reasons[0]
    return f"{first.ref} {said}" if len(reasons) == 1 else f"none of the {len(reasons)}: {first.ref} {said}"
