"""Completion times as lines over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.widgets.plot import Chart, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.analytics import BucketFigures

_STEEP = 30
"""How many times the least p50 the greatest p99 is from which on a straight scale shows nothing of the small ones."""


def percentile_lines(buckets: Sequence[BucketFigures]) -> Chart:
    """p50, p90 and p99; by logarithm where else a job of seconds is not seen beside one of hours."""
    least = min((each.p50 for each in buckets if each.p50), default=1)
    most = max((each.p99 for each in buckets if each.p99), default=1)
    lines = (
        Line("p50", [each.p50 for each in buckets], "run"),
        Line("p90", [each.p90 for each in buckets], "new"),
        Line("p99", [each.p99 for each in buckets], "late"),
    )
    return Chart([each.time for each in buckets], lines, log=most > _STEEP * least)
