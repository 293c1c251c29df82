"""How many incidents there are and how old, and how long it takes until somebody takes and closes one, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.widgets import glyphs, when
from trackdesk.widgets.glyphs import Toned

if TYPE_CHECKING:
    from trackdesk.domain.incident_stats import IncidentStats, Taken
    from trackdesk.widgets.counts_line import Count
    from trackdesk.widgets.look import Look

_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
_AGES = (("1h", "under 1h"), ("1d", "1d"), ("7d", "7d"), ("30d", "30d"), ("older", "older"))


def open_counts(stats: IncidentStats, look: Look, now: int) -> list[Count]:
    """Of those that are not closed: by severity, by age, and who has them."""
    counts: list[Count] = []
    for rank, name in enumerate(_SEVERITIES):
        mark, many = glyphs.severity(name), stats.by_severity.get(name, 0)
        glyph = look.pick(mark.glyph, mark.ascii)
        role = mark.role if many else "dim"
        counts.append((Toned(f"{glyph} {many:,} {mark.word}", role, bold=bool(many) and rank < 2), rank))
    ages = "  ".join(f"{word} {stats.by_age.get(name, 0):,}" for name, word in _AGES)
    counts.append((Toned(f"age {ages}", "dim"), 6))
    if stats.unassigned:
        counts.append((Toned(f"{stats.unassigned:,} with nobody", "late"), 5))
    if stats.oldest_open_at is not None:
        counts.append((Toned(f"oldest {when.span(now - stats.oldest_open_at)}", "dim"), 7))
    return counts


def times_counts(stats: IncidentStats) -> list[Count]:
    """How many were opened in the window, and how long it took until they were taken and closed: the mean and the
    median, then by severity."""
    whole = stats.times
    counts: list[Count] = [
        (Toned(f"{stats.opened:,} incidents opened", "new", bold=True), 0),
        (Toned(f"MTTA {_taken(whole.acknowledge)}", "run"), 1),
        (Toned(f"MTTR {_taken(whole.close)}", "run"), 2),
    ]
    for rank, name in enumerate(_SEVERITIES):
        times = stats.times_by_severity.get(name)
        if times is not None and (times.acknowledge.count or times.close.count):
            mark = glyphs.severity(name)
            said = f"{mark.word} {_mean(times.acknowledge)} / {_mean(times.close)}"
            counts.append((Toned(said, mark.role), 3 + rank))
    return counts


def _taken(taken: Taken) -> str:
    """`12m (median 4m, of 31)`."""
    if taken.mean is None or taken.p50 is None:
        return "-"
    return f"{when.rounded(taken.mean)} (median {when.rounded(taken.p50)}, of {taken.count:,})"


def _mean(taken: Taken) -> str:
    return "-" if taken.mean is None else when.rounded(taken.mean)
