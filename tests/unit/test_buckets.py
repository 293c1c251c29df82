"""Buckets of time, and the pieces that cover them."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.buckets import Counted, cover, edges, shares, usual_size
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.instant import parse_instant

UTC = ZoneInfo("UTC")
NOON = parse_instant("2026-03-27T12:00:00Z")


def lengths(start: str, end: str, zone: str) -> list[int]:
    """Hours of each day."""
    found = edges(parse_instant(start), parse_instant(end), DAY, ZoneInfo(zone))
    return [(after - before) // HOUR for before, after in pairwise(found)]


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        ("Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", [24, 23, 24]),
        ("Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", [24, 25, 24]),
        ("America/New_York", "2026-03-07T17:00:00Z", "2026-03-09T17:00:00Z", [24, 23, 24]),
        ("America/New_York", "2026-10-31T17:00:00Z", "2026-11-02T17:00:00Z", [24, 25, 24]),
        ("Asia/Kolkata", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", [24, 24]),
        ("Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-25T12:00:00Z", [24, 23, 24]),  # the clock skips midnight
    ],
)
def test_days_are_as_long_as_the_zone_has_them(zone: str, start: str, end: str, hours: list[int]) -> None:
    assert lengths(start, end, zone) == hours


def test_a_range_is_widened_to_whole_buckets() -> None:
    assert edges(NOON + 1, NOON + 61 * MINUTE, HOUR, UTC) == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert edges(NOON, NOON + HOUR, HOUR, UTC) == [NOON, NOON + HOUR]
    assert edges(NOON + MINUTE, NOON + MINUTE, HOUR, UTC) == [NOON, NOON + HOUR]


def test_weeks_go_from_the_day_that_is_asked_for() -> None:
    assert [(each - NOON) // HOUR for each in edges(NOON, NOON + 8 * DAY, 7 * DAY, UTC)] == [-12, 156, 324]


def test_too_many_buckets_are_refused() -> None:
    assert len(edges(0, 1000 * MINUTE, MINUTE, UTC)) == 1001
    with pytest.raises(ValueError, match="at most 1000"):
        edges(0, 1001 * MINUTE, MINUTE, UTC)


@pytest.mark.parametrize(("length", "size"), [(HOUR, MINUTE), (DAY, HOUR), (7 * DAY, HOUR), (8 * DAY, DAY)])
def test_a_bucket_that_suits_the_range_is_taken(length: int, size: int) -> None:
    assert usual_size(length) == size


MINUTES = st.integers(min_value=0, max_value=4 * 24 * 60)


@given(
    st.lists(st.integers(min_value=0, max_value=4 * DAY), min_size=2, max_size=6, unique=True),
    MINUTES,
    MINUTES,
    MINUTES,
)
def test_pieces_are_all_of_the_range_once_and_never_across_an_edge(
    bounds: list[int], minutes: int, hours: int, days: int
) -> None:
    """Each kind only where it is counted, and whole."""
    bounds.sort()
    minutes_to = minutes * MINUTE
    hours_to = min(minutes_to, hours * MINUTE) // HOUR * HOUR
    days_to = min(hours_to, days * MINUTE) // DAY * DAY
    pieces = cover(bounds, Counted(minutes_to, hours_to, days_to))
    assert pieces[0].start == bounds[0]
    assert pieces[-1].end == bounds[-1]
    assert all(before.end == after.start for before, after in pairwise(pieces))
    until = {"day": days_to, "hour": hours_to, "minute": hours_to, "pack": minutes_to, "open": bounds[-1]}
    sizes = {"day": DAY, "hour": HOUR, "minute": MINUTE, "pack": MINUTE, "open": 1}
    for kind, start, end in pieces:
        size = sizes[kind]
        assert end <= until[kind]
        assert start % size == end % size == 0
        assert not any(start < edge < end and edge % size for edge in bounds)


HOURS = st.integers(min_value=0, max_value=5 * 24)


@given(HOURS, HOURS, st.integers(min_value=0, max_value=5), HOURS)
def test_shares_are_each_hour_of_a_range_once_and_no_other(first: int, last: int, days: int, kept: int) -> None:
    """With hours that are kept, and days that are counted, and never more rows than there are hours."""
    start, end = sorted((first * HOUR, last * HOUR))
    hours_from, days_to = kept * HOUR, days * DAY
    found = shares(start, end, days_to, hours_from)
    counts = dict.fromkeys(range(0, 6 * DAY, HOUR), 0)
    for share in found:
        assert share.kind == "hour" or share.end <= days_to
        assert share.sign == 1 or share.start >= hours_from
        for at in range(share.start, share.end, HOUR):
            counts[at] += share.sign
    assert {at for at, count in counts.items() if count} == set(range(start, end, HOUR))
    assert set(counts.values()) <= {0, 1}
    length = {"hour": HOUR, "day": DAY}
    assert sum((share.end - share.start) // length[share.kind] for share in found) <= (end - start) // HOUR


def test_a_day_of_another_zone_is_one_of_utc_with_its_edges_put_right() -> None:
    start = parse_instant("2026-03-26T22:00:00Z")
    day = parse_instant("2026-03-27T00:00:00Z")
    assert shares(start, start + DAY, day + 9 * DAY, 0) == [
        ("day", day, day + DAY, 1),
        ("hour", start, day, 1),
        ("hour", start + DAY, day + DAY, -1),
    ]
