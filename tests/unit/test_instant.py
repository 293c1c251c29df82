"""Times and durations: what is read, what is refused, what is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.instant import (
    LATEST,
    LONGEST_DURATION,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
    parse_rfc3339,
)

ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.integers(0, LATEST))
def test_what_is_written_is_read_back(micros: int) -> None:
    text = format_instant(micros)

    assert len(text) == 27
    assert parse_rfc3339(text) == micros


@given(st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1)), ZONES)  # noqa: DTZ001 - the zone is drawn beside it
def test_every_offset_is_counted_in(moment: datetime, zone: timezone) -> None:
    aware = moment.replace(tzinfo=zone)

    assert parse_rfc3339(aware.isoformat()) == (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:01z", SECOND),
        ("1970-01-01 00:00:01Z", SECOND),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01T00:00:00.1234567Z", 123_456),
        ("1970-01-01T00:00:60Z", 60 * SECOND),
    ],
)
def test_rfc_3339_is_read(text: str, micros: int) -> None:
    assert parse_rfc3339(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04Z",
        "2026-02-30T00:00:00Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T23:60:00Z",
        "2026-01-02T23:59:61Z",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+01:60",
        "2026-01-02T03:04:05+0100",
        "0000-01-02T03:04:05Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:60Z",
        "1970-01-01T00:00:00+00:01",
        "\u0662026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z\n",
        "2026-01-02T03:04:05Z\x00",
    ],
)
def test_what_is_no_time_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_instant(text)


@pytest.mark.parametrize(("value", "micros"), [(0, 0), (1.5, 1_500_000), (1_767_312_000, 1_767_312_000 * SECOND)])
def test_epoch_seconds_are_read(value: float, micros: int) -> None:
    assert parse_instant(value) == micros


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        [],
        {},
        -1,
        -0.001,
        10**400,
        -(10**400),
        pytest.param(10**5000, id="5001 digits"),
        1e308,
        -1e308,
        float("nan"),
        float("inf"),
        253402300800,
    ],
)
def test_numbers_that_are_no_time_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_instant(value)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("30m", 30 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("1d2h3m4s5ms", DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND + 5000),
        ("PT30M", 30 * MINUTE),
        ("P1DT12H", 36 * HOUR),
        ("P2W", 14 * DAY),
        ("PT0.25S", SECOND // 4),
        ("0s", 0),
        ("3660d", LONGEST_DURATION),
    ],
)
def test_durations_are_read(text: str, micros: int) -> None:
    assert parse_duration(text) == micros


@pytest.mark.parametrize(
    "text",
    ["", "30", "m", "30x", "-5m", "1.5h", "30m1h", "P", "PT", "P1DT", "P1Y", "P1M", "3661d", "99999999s9d", "\u0661m"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_duration(text)


@given(st.integers(0, LONGEST_DURATION))
def test_durations_are_read_back_to_the_microsecond(micros: int) -> None:
    assert parse_duration(format_duration(micros)) == micros


@given(st.integers(0, LONGEST_DURATION // 1000).map(lambda number: number * 1000))
def test_whole_milliseconds_are_written_short(micros: int) -> None:
    assert not format_duration(micros).startswith("P")
