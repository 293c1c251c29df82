"""What is kept for how long, and what a cleanup did. Nothing grows without bound."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field, model_validator

from trackdesk.domain.clock import DAY
from trackdesk.domain.instant import Duration, Instant
from trackdesk.domain.model import Input, ProcessName, Value

FOR_EVER: Final = 0
"""A retention that keeps everything."""
JOURNAL_KEPT: Final = 90 * DAY
"""µs. What is told of a run or an incident that is still there stays beyond it."""
JOURNAL_ROWS: Final = 20_000_000
"""Beyond so many the oldest go before their time, only not those of incidents."""
NOTIFICATIONS_KEPT: Final = 90 * DAY
"""µs; those of an incident that is not closed stay beyond it."""
INCIDENTS_KEPT: Final = 730 * DAY
"""µs since an incident was closed."""
SAMPLES_KEPT: Final = 14 * DAY
MINUTES_KEPT: Final = 90 * DAY
HOURS_KEPT: Final = 730 * DAY
"""µs of samples of metrics, and of what is counted of them by minute and by hour; days are kept for ever."""
BLIND_TIMES_KEPT: Final = 30 * DAY

Kind = Literal["runs", "notifications", "incidents", "journal", "samples", "rollups"]
USUAL: Final[tuple[Kind, ...]] = ("runs", "notifications", "journal", "samples")
"""What a cleanup takes unless it is told: incidents are what people wrote about what went wrong, and roll-ups are what
charts of long ago are drawn of."""
OF_A_PROCESS: Final[tuple[Kind, ...]] = ("runs", "incidents")


class Kept(NamedTuple):
    """How long each kind is kept, µs; 0: for ever. A process may have a time of its own for its runs."""

    runs: int
    notifications: int = NOTIFICATIONS_KEPT
    incidents: int = INCIDENTS_KEPT
    journal: int = JOURNAL_KEPT
    journal_rows: int = JOURNAL_ROWS
    samples: int = SAMPLES_KEPT
    minutes: int = MINUTES_KEPT
    hours: int = HOURS_KEPT


class Cleanup(Input):
    """Delete what is older: finished runs with their lines, closed incidents, notifications, the journal, samples,
    and what was counted of samples by minute and hour. What is still going on stays."""

    older_than: Duration
    """Since a run finished, an incident was closed, a notification or an entry of the journal was made, a sample was
    measured."""
    what: Annotated[list[Kind], Field(min_length=1, max_length=6)] | None = None
    """runs, notifications, journal and samples when absent; of a process only its runs."""
    process: ProcessName | None = None
    """Only what belongs to this process."""
    dry_run: bool = False
    """Count what would be deleted, and delete nothing."""

    @model_validator(mode="after")
    def _belongs_to_processes(self) -> Cleanup:
        if self.process is not None and (others := [each for each in self.kinds if each not in OF_A_PROCESS]):
            raise ValueError(f"what: expected {' and '.join(OF_A_PROCESS)} with a process, not {others[0]!r}")
        return self

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it takes."""
        if self.what is not None:
            return tuple(dict.fromkeys(self.what))
        return USUAL if self.process is None else ("runs",)


class Deleted(NamedTuple):
    """Rows that went, by what they were."""

    runs: int = 0
    logs: int = 0
    notifications: int = 0
    deliveries: int = 0
    incidents: int = 0
    comments: int = 0
    journal: int = 0
    samples: int = 0
    rollups: int = 0

    def plus(self, other: Deleted) -> Deleted:
        return Deleted(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def shown(self) -> dict[str, Any]:
        """Without what there was none of."""
        return {name: count for name, count in self._asdict().items() if count}


class Cleaned(Value):
    """What a cleanup deleted; with `dry_run`, what it would delete now."""

    before: Instant
    """What was finished before this instant."""
    dry_run: bool
    done: bool
    """False: the time of one request is over and more is left; ask again."""
    runs: int
    logs: int
    notifications: int
    deliveries: int
    incidents: int
    comments: int
    journal: int
    samples: int
    rollups: int
    """Hours and days of samples, with their minutes and hours."""
