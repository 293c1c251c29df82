"""How many incidents there are, how old they are, and how long it takes until somebody takes and closes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import ConfigDict, Field

from trackdesk.domain.clock import DAY, HOUR
from trackdesk.domain.filters import Filter, QueryInstant
from trackdesk.domain.instant import Instant, Seconds
from trackdesk.domain.model import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL_WINDOW: Final = 30 * DAY
AGES: Final = (("1h", HOUR), ("1d", DAY), ("7d", 7 * DAY), ("30d", 30 * DAY))
"""Name and upper bound (µs, exclusive) of each age; older ones are `older`."""
OLDER: Final = "older"


class IncidentStatsFilter(Filter):
    """The window of the times; 30 days up to now when absent."""

    from_: Annotated[QueryInstant | None, Field(alias="from")] = None
    to: QueryInstant | None = None

    model_config = ConfigDict(serialize_by_alias=True)


class Taken(Value):
    """How long something took, over so many incidents; without any the times are null."""

    count: int
    mean: Seconds | None = None
    p50: Seconds | None = None

    @classmethod
    def of(cls, durations: Sequence[int], unit: int = 1) -> Taken:
        """`durations` in units of so many µs, the shortest first."""
        if not durations:
            return cls.model_construct(count=0, mean=None, p50=None)
        count = len(durations)
        middle = (durations[(count - 1) // 2] + durations[count // 2]) * unit // 2
        return cls.model_construct(count=count, mean=sum(durations) * unit // count, p50=middle)


class TimesTaken(Value):
    """`acknowledge`: from opening until somebody first took it (MTTA), of those taken in the window. `close`: from
    opening until it was closed (MTTR), of those closed in the window."""

    acknowledge: Taken
    close: Taken


class IncidentStats(Value):
    at: Instant
    by_status: dict[str, int]
    """Now, all there are."""
    by_severity: dict[str, int]
    """Now, of those that are not CLOSED, as are the ages."""
    by_age: dict[str, int]
    """Opened less than 1h, 1d, 7d, 30d ago, or `older`; each counts once."""
    unassigned: int
    """Not CLOSED, and nobody's."""
    oldest_open_at: Instant | None = None
    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    opened: int
    """In the window."""
    times: TimesTaken
    times_by_severity: dict[str, TimesTaken]

    model_config = ConfigDict(serialize_by_alias=True)
