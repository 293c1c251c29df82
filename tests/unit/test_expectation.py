"""When a process is missing, and when nobody can say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.errors import Invalid
from trackdesk.domain.expectation import (
    USUAL_GRACE,
    Blind,
    check_grace,
    due_after,
    expected_after,
    first_expected,
    judge,
    usual_grace,
)
from trackdesk.domain.instant import parse_instant
from trackdesk.domain.schedule import Cron, Every, Schedule, describe, next_after, shortest_period

NIGHTLY = Cron(cron="0 2 * * *", timezone="Europe/Berlin")
QUARTERLY = Cron(cron="*/15 * * * *")
EVERY = Every(every="15m")
NIGHT = parse_instant("2026-05-05T02:00:00+02:00")
GRACE = 5 * MINUTE


def test_the_usual_grace_is_five_minutes_and_at_most_the_period() -> None:
    assert usual_grace(NIGHTLY) == USUAL_GRACE == 5 * MINUTE
    assert usual_grace(Every(every="1m")) == MINUTE
    assert usual_grace(Cron(cron="*/2 * * * *")) == 2 * MINUTE


def test_a_grace_longer_than_the_period_is_refused_naming_both() -> None:
    with pytest.raises(Invalid, match=r"grace: expected at most 15m, .*'every 15m', not '20m'"):
        check_grace(EVERY, 20 * MINUTE)
    with pytest.raises(Invalid, match=r"grace: expected at most 1h, .*'0 9,10 \* \* \* UTC', not '2h'"):
        check_grace(Cron(cron="0 9,10 * * *"), 2 * HOUR)


def test_a_grace_of_the_whole_period_is_taken_and_any_without_a_schedule() -> None:
    check_grace(EVERY, 15 * MINUTE)
    check_grace(None, DAY)
    check_grace(NIGHTLY, None)


def test_a_start_answers_a_cron_fire_until_the_next_one() -> None:
    assert expected_after(NIGHTLY, NIGHT + 3 * HOUR, NIGHT) == NIGHT + DAY


def test_a_start_seconds_before_its_fire_is_taken_for_it() -> None:
    assert expected_after(NIGHTLY, NIGHT - 20 * SECOND, NIGHT) == NIGHT + DAY


def test_a_start_well_before_a_fire_does_not_answer_it() -> None:
    assert expected_after(NIGHTLY, NIGHT - 2 * MINUTE, NIGHT) == NIGHT


def test_with_a_short_period_a_start_counts_as_early_only_within_a_tenth_of_it() -> None:
    minutely = Cron(cron="* * * * *")

    assert expected_after(minutely, NIGHT - 5 * SECOND, NIGHT) == NIGHT + MINUTE
    assert expected_after(minutely, NIGHT - 10 * SECOND, NIGHT) == NIGHT


def test_with_every_the_next_is_that_long_after_the_start() -> None:
    assert expected_after(EVERY, NIGHT + 40 * SECOND, NIGHT) == NIGHT + 40 * SECOND + 15 * MINUTE


@pytest.mark.parametrize("schedule", [NIGHTLY, EVERY], ids=describe)
def test_a_start_reported_afterwards_never_takes_back_what_is_expected(schedule: Schedule) -> None:
    assert expected_after(schedule, NIGHT - 3 * DAY, NIGHT) == NIGHT


def test_it_is_missing_from_the_end_of_its_grace_on() -> None:
    assert not judge(NIGHTLY, GRACE, NIGHT, NIGHT + GRACE - 1).missing
    verdict = judge(NIGHTLY, GRACE, NIGHT, NIGHT + GRACE)
    assert verdict == (True, NIGHT, NIGHT + GRACE, None)


def test_of_many_fires_that_passed_the_first_that_was_not_met_is_reported() -> None:
    assert judge(QUARTERLY, GRACE, NIGHT, NIGHT + 6 * HOUR).expected_at == NIGHT


def test_a_window_that_lies_wholly_in_blind_time_opens_nothing() -> None:
    verdict = judge(NIGHTLY, GRACE, NIGHT, NIGHT + HOUR, [Blind(NIGHT - HOUR, NIGHT + HOUR)])

    assert verdict == (False, NIGHT + DAY, NIGHT + DAY + GRACE, NIGHT)


def test_blind_times_that_touch_count_as_one() -> None:
    blind = [Blind(NIGHT + MINUTE, NIGHT + HOUR), Blind(NIGHT - HOUR, NIGHT + MINUTE)]

    assert judge(NIGHTLY, GRACE, NIGHT, NIGHT + HOUR, blind).blind_at == NIGHT


def test_after_a_long_blind_time_cron_expects_the_first_fire_that_can_be_seen() -> None:
    blind = [Blind(NIGHT - MINUTE, NIGHT + 6 * HOUR + 3 * MINUTE)]

    verdict = judge(QUARTERLY, GRACE, NIGHT, NIGHT + 6 * HOUR + 3 * MINUTE, blind)

    assert not verdict.missing
    assert verdict.expected_at == NIGHT + 6 * HOUR, "two minutes of its grace are left"


def test_after_a_blind_time_every_counts_from_its_end() -> None:
    again = NIGHT + 3 * HOUR

    verdict = judge(EVERY, GRACE, NIGHT, again, [Blind(NIGHT - MINUTE, again)])

    assert verdict == (False, again + 15 * MINUTE, again + 20 * MINUTE, NIGHT)


def test_a_window_that_was_seen_in_part_gets_its_whole_grace_in_seen_time() -> None:
    blind = [Blind(NIGHT + 2 * MINUTE, NIGHT + HOUR)]

    assert due_after(NIGHT, GRACE, blind) == NIGHT + HOUR + 3 * MINUTE
    assert not judge(NIGHTLY, GRACE, NIGHT, NIGHT + HOUR, blind).missing
    assert judge(NIGHTLY, GRACE, NIGHT, NIGHT + HOUR + 3 * MINUTE, blind) == (
        True,
        NIGHT,
        NIGHT + HOUR + 3 * MINUTE,
        None,
    )


def test_blind_times_before_and_after_the_window_change_nothing() -> None:
    blind = [Blind(NIGHT - DAY, NIGHT - HOUR), Blind(NIGHT + HOUR, NIGHT + DAY)]

    assert judge(NIGHTLY, GRACE, NIGHT, NIGHT + 2 * DAY, blind).due_at == NIGHT + GRACE


@pytest.mark.parametrize("jump", [2 * HOUR, DAY])
@pytest.mark.parametrize("schedule", [Cron(cron="*/5 * * * *"), QUARTERLY, EVERY, NIGHTLY], ids=describe)
def test_a_clock_that_jumps_ahead_makes_nothing_missing_at_once(schedule: Schedule, jump: int) -> None:
    grace = usual_grace(schedule)
    for before in range(-20 * MINUTE, 20 * MINUTE, 30 * SECOND):
        jumped_from = NIGHT + before
        expected_at = first_expected(schedule, jumped_from - grace)
        now = jumped_from + jump

        verdict = judge(schedule, grace, expected_at, now, [Blind(jumped_from, now)])

        assert not verdict.missing


def test_a_clock_that_was_set_back_makes_nothing_missing() -> None:
    set_back = NIGHT - 2 * HOUR

    assert not judge(EVERY, GRACE, NIGHT, set_back).missing
    assert expected_after(EVERY, set_back, NIGHT) == NIGHT


SCHEDULES = [NIGHTLY, QUARTERLY, EVERY, Cron(cron="30 2 * * *", timezone="Australia/Lord_Howe"), Cron(cron="@hourly")]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=describe)
@given(begin=st.integers(10**9, 2 * 10**9), lateness=st.lists(st.floats(0, 0.99), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_nothing_is_missing_while_every_start_comes_within_its_grace(
    schedule: Schedule, begin: int, lateness: list[float]
) -> None:
    grace = usual_grace(schedule)
    expected_at = first_expected(schedule, begin * SECOND)
    for share in lateness:
        started_at = expected_at + int(grace * share)
        assert not judge(schedule, grace, expected_at, started_at).missing
        following = expected_after(schedule, started_at, expected_at)
        assert following > expected_at
        expected_at = following


@pytest.mark.parametrize("schedule", SCHEDULES, ids=describe)
@given(
    begin=st.integers(10**9, 2 * 10**9),
    spans=st.lists(st.tuples(st.integers(0, 3 * DAY), st.integers(1, 2 * DAY)), max_size=6),
    later=st.integers(0, 4 * DAY),
)
@settings(max_examples=60, deadline=None)
def test_what_is_missing_was_seen_for_its_whole_grace(
    schedule: Schedule, begin: int, spans: list[tuple[int, int]], later: int
) -> None:
    begin *= SECOND
    blind = [Blind(begin + start, begin + start + length) for start, length in spans]
    grace = min(GRACE, shortest_period(schedule))

    verdict = judge(schedule, grace, next_after(schedule, begin), begin + later, blind)

    if verdict.missing:
        unseen = {(max(a, verdict.expected_at), min(b, verdict.due_at)) for a, b in blind}
        covered, reach = 0, verdict.expected_at
        for start, end in sorted(unseen):
            covered += max(end - max(start, reach), 0)
            reach = max(reach, end)
        assert verdict.due_at - verdict.expected_at - covered == grace
