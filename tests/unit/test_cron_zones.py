"""Cron lines when the clocks change, in four zones, held against walking every minute of the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from trackdesk.domain.clock import MINUTE
from trackdesk.domain.cron import next_after

BERLIN, NEW_YORK, LORD_HOWE, ST_JOHNS = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns"
ZONES = (BERLIN, NEW_YORK, LORD_HOWE, ST_JOHNS)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def fires(line: str, zone: str, after: str, count: int) -> list[str]:
    """As the clock on the wall shows them, with the offset it has then."""
    at, shown = instant(after), []
    for _ in range(count):
        at = next_after(line, zone, at)
        shown.append((EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone)).isoformat(timespec="minutes"))
    return shown


@pytest.mark.parametrize(
    ("zone", "line", "after", "expected"),
    [
        (
            BERLIN,
            "30 2 * * *",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
        ),
        (
            NEW_YORK,
            "30 2 * * *",
            "2026-03-07T12:00:00Z",
            ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"],
        ),
        (
            LORD_HOWE,
            "15 2 * * *",
            "2026-10-03T03:00:00Z",
            ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"],
        ),
        (
            ST_JOHNS,
            "30 2 * * *",
            "2026-03-07T12:00:00Z",
            ["2026-03-08T03:00-02:30", "2026-03-09T02:30-02:30"],
        ),
    ],
)
def test_a_fixed_time_in_the_skipped_hour_fires_once_just_after_the_jump(
    zone: str, line: str, after: str, expected: list[str]
) -> None:
    assert fires(line, zone, after, 2) == expected


@pytest.mark.parametrize(
    ("zone", "line", "after", "expected"),
    [
        (
            BERLIN,
            "30 2 * * *",
            "2026-10-24T12:00:00Z",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        ),
        (
            NEW_YORK,
            "30 1 * * *",
            "2026-10-31T12:00:00Z",
            ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"],
        ),
        (
            LORD_HOWE,
            "45 1 * * *",
            "2026-04-04T03:00:00Z",
            ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
        ),
        (
            ST_JOHNS,
            "30 1 * * *",
            "2026-10-31T12:00:00Z",
            ["2026-11-01T01:30-02:30", "2026-11-02T01:30-03:30"],
        ),
    ],
)
def test_a_fixed_time_in_the_repeated_hour_fires_once_the_first_time(
    zone: str, line: str, after: str, expected: list[str]
) -> None:
    assert fires(line, zone, after, 2) == expected


def test_asked_inside_the_repeated_hour_a_fixed_time_that_has_fired_waits_for_the_next_day() -> None:
    second_time_around = "2026-10-25T02:15:00+01:00"

    assert fires("30 2 * * *", BERLIN, second_time_around, 1) == ["2026-10-26T02:30+01:00"]


def test_two_fixed_times_that_fall_together_after_the_jump_fire_once() -> None:
    assert fires("0 2,3 * * *", BERLIN, "2026-03-29T00:00:00Z", 2) == [
        "2026-03-29T03:00+02:00",
        "2026-03-30T02:00+02:00",
    ]


def test_a_wildcard_runs_by_real_time_through_the_skipped_hour() -> None:
    assert fires("*/30 * * * *", BERLIN, "2026-03-29T01:15:00+01:00", 3) == [
        "2026-03-29T01:30+01:00",
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:30+02:00",
    ]


def test_a_wildcard_runs_by_real_time_through_the_repeated_hour() -> None:
    assert fires("*/30 * * * *", BERLIN, "2026-10-25T02:15:00+02:00", 4) == [
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T02:30+01:00",
        "2026-10-25T03:00+01:00",
    ]


def _walked(line_matches: object, zone: str, from_at: int, until_at: int) -> list[int]:
    """Every minute at which the clock on the wall shows a time that matches."""
    assert callable(line_matches)
    return [
        at
        for at in range(from_at, until_at, MINUTE)
        if line_matches((EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone)))
    ]


CHANGES = {
    BERLIN: ("2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"),
    NEW_YORK: ("2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"),
    LORD_HOWE: ("2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z"),
    ST_JOHNS: ("2026-03-08T05:30:00Z", "2026-11-01T04:30:00Z"),
}


@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("line", "matches"),
    [
        ("*/15 * * * *", lambda wall: wall.minute % 15 == 0),
        ("10 */2 * * *", lambda wall: wall.minute == 10 and wall.hour % 2 == 0),
        ("*/20 1-2 * * *", lambda wall: wall.minute % 20 == 0 and wall.hour in {1, 2}),
        ("* 2 * * *", lambda wall: wall.hour == 2),
    ],
)
def test_a_wildcard_fires_at_every_minute_that_the_clock_shows_and_no_other(
    line: str, matches: object, zone: str, change: int
) -> None:
    changed = instant(CHANGES[zone][change])
    from_at, until_at = changed - 300 * MINUTE, changed + 300 * MINUTE
    found, at = [], from_at - 1

    while (at := next_after(line, zone, at)) < until_at:
        found.append(at)

    assert found == _walked(matches, zone, from_at, until_at)
    assert all(next_after(line, zone, fire - 1) == fire for fire in found)


def test_a_day_that_a_zone_left_out_fires_at_the_start_of_the_next() -> None:
    assert fires("0 9 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", 1) == ["2011-12-31T00:00+14:00"]
