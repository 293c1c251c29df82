"""A rule held against the samples that are stored: which incidents it would have opened."""

from __future__ import annotations

from trackdesk.domain.clock import DAY
from trackdesk.domain.instant import Instant, Seconds
from trackdesk.domain.model import Value
from trackdesk.domain.rule import ChangeRule, NewRule
from trackdesk.domain.run import DueInput  # noqa: TC001 - the model's fields are read at runtime

USUAL_RANGE = DAY
MOST_SAMPLES = 100_000
"""That are replayed at most, the newest: half a second of work."""
MOST_SERIES = 2_000
MOST_SHOWN = 500
"""Incidents that are told one by one, the last ones."""


class TryRule(ChangeRule):
    """Members as a PATCH would change them: what is absent is as the rule has it."""

    since: DueInput | None = None
    """An instant, or so long ago; a day when absent."""


class TryNewRule(NewRule):
    """A rule as it would be made."""

    since: DueInput | None = None


class WouldOpen(Value):
    """An incident that would have been opened."""

    service: str
    opened_at: Instant
    recovered_at: Instant | None = None
    """Null when it would be open still."""
    duration: Seconds
    """Until it recovered, else until now."""
    peak: float | None = None
    """The value that was furthest on the wrong side; null for silence."""
    occurrences: int
    """Samples that found it on the wrong side."""


class RuleTrial(Value):
    """What would have been opened. Nothing was changed."""

    count: int
    """Of all incidents; `would_open` has the last 500 at most."""
    would_open: list[WouldOpen]
    """Oldest first."""
    samples: int
    """That were replayed."""
    series: int
    """That fit the rule and have samples in this time."""
    since: Instant
    """Later than asked for when there is more than is replayed."""
    to: Instant
    truncated: bool = False
    """There was more than is replayed; the oldest samples were left out."""
