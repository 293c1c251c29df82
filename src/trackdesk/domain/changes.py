"""What changed around a service before an incident: runs that started and ended, and what people set otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import orjson
from pydantic import AfterValidator, ConfigDict, Field

from trackdesk.domain.clock import DAY, HOUR
from trackdesk.domain.filters import Filter
from trackdesk.domain.instant import Duration, Instant, format_duration
from trackdesk.domain.model import Value

if TYPE_CHECKING:
    from collections.abc import Iterable

USUAL_WINDOW: Final = HOUR
LONGEST_WINDOW: Final = 7 * DAY
MOST_ALIKE: Final = 5
"""So many runs of a process that went the same way are told one by one; more are told as one."""
_LONGEST_VALUE: Final = 120


def _some_window(micros: int) -> int:
    if not 0 < micros <= LONGEST_WINDOW:
        longest = format_duration(LONGEST_WINDOW)
        raise ValueError(f"expected more than 0s and at most {longest}, not {format_duration(micros)}")
    return micros


class ChangesFilter(Filter):
    window: Annotated[Duration, AfterValidator(_some_window)] = USUAL_WINDOW
    """How long before the incident to look."""


class Change(Value):
    at: Instant
    kind: str
    """`run_started`, `run_completed`, `run_failed`, `run_skipped`, `process`, `rule`, `service`; others may come."""
    ref: str
    """uid of the run; name of the process or service; id of the rule."""
    who: str | None = None
    text: str
    count: int = 1
    """How many runs this stands for; `at`, `ref` and `who` are those of the last."""


class Changes(Value):
    incident: int
    service: str | None = None
    process: str | None = None
    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    data: list[Change]
    """Oldest first."""
    cut: bool = False
    """There were more runs than were looked at."""

    model_config = ConfigDict(serialize_by_alias=True)


class RunEnds(NamedTuple):
    """What of a run is told; times in µs."""

    uid: str
    process: str
    id: str
    status: str
    started_at: int
    completed_at: int | None
    duration: int | None
    error: str | None
    who: str | None


def run_changes(runs: Iterable[RunEnds], since: int, until: int) -> list[Change]:
    """Starts and ends with `since` ≤ their instant < `until`, in order of time; many alike become one."""
    alike: dict[tuple[str, str], list[Change]] = {}
    for run in runs:
        for at, kind in ((run.started_at, "run_started"), (run.completed_at, f"run_{run.status.lower()}")):
            if at is not None and since <= at < until:
                told = Change.model_construct(at=at, kind=kind, ref=run.uid, who=run.who, text=_run_text(kind, run))
                alike.setdefault((run.process, kind), []).append(told)
    found: list[Change] = []
    for (process, kind), changes in alike.items():
        changes.sort(key=lambda change: change.at)
        if len(changes) > MOST_ALIKE:
            text = f"{len(changes)} runs of {process} {kind.removeprefix('run_')}"
            found.append(changes[-1].model_copy(update={"text": text, "count": len(changes)}))
        else:
            found += changes
    return sorted(found, key=lambda change: change.at)


def _run_text(kind: str, run: RunEnds) -> str:
    name, word = f"{run.process}/{run.id}", kind.removeprefix("run_")
    if kind == "run_failed" and run.error:
        return f"{name} failed: {_short(run.error)}"
    if kind == "run_started" or run.duration is None:
        return f"{name} {word}"
    return f"{name} {word} after {format_duration(run.duration // 1000 * 1000)}"


def edit_text(topic: str, kind: str, ref: str, changed: dict[str, Any]) -> str:
    """What a person set otherwise, from the journal: `rule cpu-high changed: threshold 90 → 80`."""
    facts = ", ".join(_member(name, value) for name, value in changed.items() if value is not None)
    return f"{topic} {ref} {kind}" + (f": {facts}" if facts else "")


def _member(name: str, value: Any) -> str:
    word = name.replace("_", " ")
    if isinstance(value, list) and len(value) == 2:
        return f"{word} {_shown(value[0])} → {_shown(value[1])}"
    return f"{word} {_shown(value)}"


def _shown(value: Any) -> str:
    if value is None or value in ("", {}, []):
        return "none"
    return _short(value if isinstance(value, str) else orjson.dumps(value).decode())


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_VALUE else line[: _LONGEST_VALUE - 1] + "…"
