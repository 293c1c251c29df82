"""A changed expectation held against the runs that are stored: what it would have alerted."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from trackdesk.domain.clock import DAY
from trackdesk.domain.instant import Instant
from trackdesk.domain.model import Value
from trackdesk.domain.process import ChangeProcess
from trackdesk.domain.replay import WouldHave
from trackdesk.domain.run import DueInput  # noqa: TC001 - the model's fields are read at runtime

USUAL_RANGE = 30 * DAY
MOST_RUNS = 50_000
"""Runs that are replayed at most, the newest: about two seconds of work."""
TIMES_SHOWN = 5


class TryProcess(ChangeProcess):
    """Settings as a PATCH would change them: what is absent is as the process has it."""

    since: DueInput | None = None
    """An instant, or so long ago; thirty days when absent."""


class Trial(Value):
    """What would have been alerted. Nothing was changed."""

    count: int
    """Of `incidents`."""
    from_: Annotated[Instant, Field(alias="from")]
    """Later than asked for when there were more runs than are replayed."""
    to: Instant
    runs: int
    """That started in this time."""
    capped: bool = False
    """There were more runs than are replayed; the oldest were left out."""
    incidents: list[WouldHave]
    """Oldest first, one at a time as one cause has one."""
    next_expected: list[Instant]
    """The next five times at which it would be expected; none without a schedule."""

    model_config = ConfigDict(serialize_by_alias=True)
