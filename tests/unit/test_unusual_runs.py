"""What is unusual about the last runs."""

from __future__ import annotations

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.instant import parse_instant
from trackdesk.domain.schedule import Cron, Every
from trackdesk.domain.unusual import Ran, unusual

HOURLY = Cron(cron="0 * * * *")
NOON = parse_instant("2026-05-05T12:00:00Z")


def hourly(count: int) -> list[Ran]:
    """Newest first; the newest at noon."""
    return [Ran(NOON - index * HOUR, MINUTE, "COMPLETED") for index in range(count)]


def test_runs_that_come_and_end_as_always_are_not_unusual() -> None:
    assert unusual(hourly(20), HOURLY, p99=MINUTE) == [None] * 20


def test_a_run_that_took_longer_than_its_p99_is_unusual() -> None:
    runs = [Ran(NOON + HOUR, 5 * MINUTE, "COMPLETED"), *hourly(10)]

    assert unusual(runs, HOURLY, p99=MINUTE)[0] == "longer than p99"


def test_a_hair_above_the_p99_is_within_its_error() -> None:
    runs = [Ran(NOON + HOUR, MINUTE + 2 * SECOND, "COMPLETED"), *hourly(10)]

    assert unusual(runs, HOURLY, p99=MINUTE)[0] is None


def test_a_failed_run_proves_nothing_by_its_length() -> None:
    runs = [Ran(NOON + HOUR, 5 * MINUTE, "FAILED"), *hourly(10)]

    assert unusual(runs, HOURLY, p99=MINUTE)[0] is None


def test_without_five_runs_before_it_nothing_is_unusual() -> None:
    runs = [Ran(NOON + MINUTE, 5 * HOUR, "COMPLETED"), *hourly(4)]

    assert unusual(runs, HOURLY, p99=MINUTE) == [None] * 5
    assert unusual([], HOURLY, p99=None) == []


def test_a_second_start_for_one_fire_is_too_often() -> None:
    runs = [Ran(NOON + 10 * MINUTE, MINUTE, "COMPLETED"), *hourly(10)]

    assert unusual(runs, HOURLY, p99=None)[0] == "too often"


def test_a_start_well_before_its_fire_is_too_early_and_the_next_one_is_not() -> None:
    early = Ran(NOON + 45 * MINUTE, MINUTE, "COMPLETED")
    in_time = Ran(NOON + 60 * MINUTE, MINUTE, "COMPLETED")

    assert unusual([in_time, early, *hourly(10)], HOURLY, p99=None)[:2] == [None, "too early"]


def test_a_start_after_a_late_one_is_not_too_early() -> None:
    late = Ran(NOON + HOUR + 40 * MINUTE, MINUTE, "COMPLETED")
    in_time = Ran(NOON + 2 * HOUR, MINUTE, "COMPLETED")

    assert unusual([in_time, late, *hourly(10)], HOURLY, p99=None)[:2] == [None, None]


def test_a_repetition_after_a_failure_is_not_too_often() -> None:
    failed = Ran(NOON + HOUR, MINUTE, "FAILED")
    again = Ran(NOON + HOUR + 2 * MINUTE, MINUTE, "COMPLETED")

    assert unusual([again, failed, *hourly(10)], HOURLY, p99=None)[0] is None


def test_what_most_runs_do_is_not_unusual() -> None:
    fan_out = [Ran(NOON - index * SECOND, MINUTE, "COMPLETED") for index in range(20)]

    assert unusual(fan_out, Every(every="1d"), p99=None) == [None] * 20


def test_without_a_schedule_the_habit_stands_in_for_it() -> None:
    runs = [Ran(NOON + 10 * MINUTE, MINUTE, "COMPLETED"), *hourly(10)]

    assert unusual(runs, None, p99=None)[0] == "too often"


def test_without_a_schedule_or_a_habit_no_start_is_unusual() -> None:
    at, runs = NOON, []
    for index in range(1, 15):
        at -= index * index * HOUR % DAY + MINUTE
        runs.append(Ran(at, MINUTE, "COMPLETED"))

    assert set(unusual(runs, None, p99=None)) == {None}
