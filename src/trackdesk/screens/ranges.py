"""The times that figures are asked for: one hour to 90 days, and how fine the picture of each is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.widgets import when
from trackdesk.widgets.tab_line import TabLine
from trackdesk.widgets.zone import local_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.analytics import BucketFigures


class Range(NamedTuple):
    name: str
    length: int
    """µs."""
    bucket: str
    """As the API takes it: about fifty of them, so that also narrow terminals show all."""


RANGES: Sequence[Range] = (
    Range("1h", when.HOUR, "minute"),
    Range("24h", when.DAY, "30m"),
    Range("7d", 7 * when.DAY, "4h"),
    Range("30d", 30 * when.DAY, "day"),
    Range("90d", 90 * when.DAY, "48h"),
)
_BY_NAME = {each.name: each for each in RANGES}
USUAL = "24h"


class RangeLine(TabLine):
    """Which time the figures are about. Does not turn around at its ends."""

    HINT = ", and . choose the time"

    def __init__(self, current: str = USUAL) -> None:
        super().__init__([(each.name, each.name) for each in RANGES], current)

    @property
    def range(self) -> Range:
        return _BY_NAME[self.current]

    def move(self, step: int) -> bool:
        """To a shorter or a longer time; False at the end."""
        at = [each.name for each in RANGES].index(self.current) + step
        if not 0 <= at < len(RANGES):
            return False
        self.choose(RANGES[at].name)
        return True


def window(chosen: Range, now: int) -> dict[str, Any]:
    """The range as a query. Raises nothing."""
    from trackdesk.domain.instant import format_instant  # noqa: PLC0415 - loaded by now

    return {"from": format_instant(now - chosen.length), "to": format_instant(now)}


def series(chosen: Range, now: int) -> dict[str, Any]:
    """The range in buckets, as a query; days go by the midnights of this machine."""
    return {**window(chosen, now), "bucket": chosen.bucket, "timezone": local_zone()}


def bucket_label(figures: BucketFigures, chosen: Range) -> str:
    """When a bucket begins, in as few cells as tell it."""
    return when.clock(figures.time)[:5] if chosen.length <= when.DAY else when.day(figures.time)
