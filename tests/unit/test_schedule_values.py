"""Schedules as they are given, refused, shown and kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.cron import check_line
from trackdesk.domain.instant import LATEST, parse_instant
from trackdesk.domain.model import Input
from trackdesk.domain.schedule import (
    Cron,
    Every,
    Schedule,
    describe,
    next_after,
    pack,
    period,
    shortest_period,
    unpack,
    upcoming,
)

NOON = parse_instant("2026-05-05T12:00:00Z")
SCHEDULES = [
    Cron(cron="*/15 * * * *"),
    Cron(cron="0 2 * * *", timezone="Europe/Berlin"),
    Cron(cron="30 1 * * 1-5", timezone="America/New_York"),
    Cron(cron="15 2 * * *", timezone="Australia/Lord_Howe"),
    Cron(cron="*/10 1-3 * * *", timezone="America/St_Johns"),
    Cron(cron="@monthly", timezone="Asia/Kolkata"),
    Cron(cron="0 0 29 2 *"),
    Every(every="15m"),
]


class Body(Input):
    schedule: Schedule | None = None


def read(text: str) -> Schedule | None:
    return Body.model_validate_json(f'{{"schedule": {text}}}').schedule


def refusal(text: str) -> tuple[str, str]:
    """The field and what is said of it."""
    with pytest.raises(ValidationError) as caught:
        read(text)
    (error,) = caught.value.errors()
    return ".".join(str(part) for part in error["loc"]), error["msg"]


def test_a_cron_line_is_read_with_its_zone_and_utc_without_one() -> None:
    assert read('{"cron": "0  2 * * *", "timezone": "Europe/Berlin"}') == Cron(
        cron="0 2 * * *", timezone="Europe/Berlin"
    )
    assert read('{"cron": "@daily"}') == Cron(cron="@daily", timezone="UTC")


def test_every_is_read_from_text_and_from_seconds() -> None:
    assert read('{"every": "15m"}') == read('{"every": 900}') == Every(every="15m")


def test_nothing_is_a_schedule_too() -> None:
    assert read("null") is None


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ('{"cron": "0 0 30 2 *"}', "schedule.cron", "'0 0 30 2 *' never fires"),
        ('{"cron": "0 0 31 4,6,9,11 *"}', "schedule.cron", "never fires"),
        ('{"cron": "0 0 */31 * MON#5"}', "schedule.cron", "never fires"),
        ('{"cron": "0 25 * * *"}', "schedule.cron", "not '0 25 * * *': bad hour"),
        ('{"cron": "0 2 5 13 *"}', "schedule.cron", "bad month"),
        ('{"cron": "0 2 32 2 *"}', "schedule.cron", "bad day-of-month"),
        ('{"cron": "* * * * * *"}', "schedule.cron", "expected five fields"),
        ('{"cron": "@reboot"}', "schedule.cron", "expected five fields"),
        ('{"cron": ""}', "schedule.cron", "expected five fields"),
        ('{"cron": 5}', "schedule.cron", "valid string"),
        ('{"cron": "0 2 * * *", "timezone": "Europe/Berln"}', "schedule.timezone", "not 'Europe/Berln'"),
        ('{"cron": "0 2 * * *", "timezone": "Europe"}', "schedule.timezone", "expected an IANA time zone"),
        ('{"cron": "0 2 * * *", "timezone": "../../etc/passwd"}', "schedule.timezone", "expected an IANA time zone"),
        ('{"cron": "0 2 * * *", "timezone": "localtime"}', "schedule.timezone", "expected an IANA time zone"),
        ('{"cron": "0 2 * * *", "timezone": "right/UTC"}', "schedule.timezone", "expected an IANA time zone"),
        ('{"cron": "0 2 * * *", "tz": "UTC"}', "schedule.tz", "Extra inputs"),
        ('{"cron": "0 2 * * *", "every": "1h"}', "schedule", "expected cron or every, not both"),
        ('{"every": "1h", "timezone": "UTC"}', "schedule", "a timezone belongs to cron"),
        ('{"every": "0s"}', "schedule.every", "expected at least 1s, not 0s"),
        ('{"every": "1 fortnight"}', "schedule.every", "expected a duration"),
        ("{}", "schedule", "expected cron or every"),
    ],
)
def test_what_is_no_schedule_is_refused_by_its_member(text: str, field: str, said: str) -> None:
    named, message = refusal(text)

    assert named == field
    assert said in message


@given(st.text(max_size=30) | st.from_regex(r"[0-9*/,LW#-]{1,6}( [0-9*/,LW#-]{1,6}){4}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_any_text_is_either_a_line_that_fires_or_refused(text: str) -> None:
    try:
        line = check_line(text)
    except ValueError:
        return
    assert NOON < next_after(Cron(cron=line), NOON) < LATEST


@pytest.mark.parametrize("schedule", SCHEDULES, ids=describe)
@given(at=st.integers(0, 4 * 10**9 * SECOND))
@settings(max_examples=60, deadline=None)
def test_fires_only_go_forward_and_none_is_passed_over(schedule: Schedule, at: int) -> None:
    first, second = upcoming(schedule, at, 2)

    assert at < first < second
    if isinstance(schedule, Cron):
        assert next_after(schedule, first - 1) == first
        assert next_after(schedule, (first + second) // 2) == second


def test_a_fire_at_this_very_instant_has_passed() -> None:
    assert next_after(Cron(cron="0 12 * * *"), NOON) == NOON + DAY
    assert next_after(Cron(cron="0 12 * * *"), NOON - 1) == NOON


def test_at_the_end_of_time_nothing_fires_any_more() -> None:
    assert next_after(Cron(cron="0 0 1 1 *"), LATEST) == LATEST
    assert next_after(Cron(cron="0 0 1 1 *", timezone="Asia/Tokyo"), LATEST) == LATEST
    assert upcoming(Every(every="1d"), LATEST - 1, 5) == [LATEST]


def test_the_period_is_what_lies_between_the_next_two_fires() -> None:
    assert period(Cron(cron="0 9 * * 1-5"), parse_instant("2026-05-07T12:00:00Z")) == 3 * DAY
    assert period(Every(every="15m"), NOON) == 15 * MINUTE


@pytest.mark.parametrize(
    ("line", "shortest"),
    [
        ("*/15 * * * *", 15 * MINUTE),
        ("0 9,10 * * *", HOUR),
        ("*/7 * * * *", 4 * MINUTE),
        ("0 9 * * 1-5", DAY),
        ("0 0 1 * *", 28 * DAY),
    ],
)
def test_the_shortest_period_is_the_least_between_any_two_fires(line: str, shortest: int) -> None:
    assert shortest_period(Cron(cron=line)) == shortest


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        (Every(every="15m"), "every 15m"),
        (Cron(cron="5 2 * * *", timezone="Europe/Berlin"), "02:05 Europe/Berlin"),
        (Cron(cron="0 2 * * 1-5", timezone="UTC"), "0 2 * * 1-5 UTC"),
        (Cron(cron="@hourly"), "@hourly UTC"),
    ],
)
def test_a_schedule_is_shown_as_a_person_reads_it(schedule: Schedule, shown: str) -> None:
    assert describe(schedule) == shown


@pytest.mark.parametrize("schedule", SCHEDULES, ids=describe)
def test_what_is_packed_comes_back_the_same(schedule: Schedule) -> None:
    assert unpack(pack(schedule)) == schedule
    assert read(schedule.model_dump_json()) == schedule
