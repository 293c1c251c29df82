"""What a changed expectation would have alerted over the stored runs."""

from __future__ import annotations

from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.expectation import Blind
from trackdesk.domain.instant import parse_instant
from trackdesk.domain.replay import Expected, PastRun, WouldHave, would_have
from trackdesk.domain.schedule import Cron, Every

MIDNIGHT = parse_instant("2026-05-01T00:00:00Z")
TWO = MIDNIGHT + 2 * HOUR
NIGHTLY = Cron(cron="0 2 * * *")
BEFORE = Expected()


def night(
    number: int,
    *,
    late: int = 0,
    took: int | None = 10 * MINUTE,
    deadline: int | None = None,
    status: str = "COMPLETED",
) -> PastRun:
    started_at = TWO + number * DAY + late
    completed_at = None if took is None else started_at + took
    return PastRun(
        f"run-{number}",
        started_at,
        completed_at,
        None if deadline is None else started_at + deadline,
        "ACTIVE" if took is None else status,
    )


def replayed(
    changed: Expected, *runs: PastRun, before: Expected = BEFORE, blind: tuple[Blind, ...] = ()
) -> list[WouldHave]:
    return would_have(changed, before, runs, MIDNIGHT, MIDNIGHT + 10 * DAY, blind)


def test_runs_that_came_and_ended_in_time_alert_nothing() -> None:
    runs = [night(number, late=MINUTE, deadline=30 * MINUTE) for number in range(10)]

    assert replayed(Expected(NIGHTLY), *runs) == []


def test_two_nights_without_a_start_are_one_missing_incident_until_it_runs() -> None:
    runs = [night(number) for number in range(10) if number not in {3, 4}]

    (incident,) = replayed(Expected(NIGHTLY), *runs)

    assert incident.origin == "missing"
    assert incident.at == TWO + 3 * DAY + 5 * MINUTE
    assert incident.until == TWO + 5 * DAY
    assert incident.run is None


def test_a_process_that_never_came_back_is_still_missing() -> None:
    (incident,) = replayed(Expected(NIGHTLY), night(0))

    assert incident.until is None


def test_a_start_before_the_window_counts_for_what_is_expected_first() -> None:
    started = PastRun("run", MIDNIGHT - 5 * MINUTE, MIDNIGHT, None, "COMPLETED")

    (incident,) = replayed(Expected(Every(every="1h"), 10 * MINUTE), started)

    assert incident.at == MIDNIGHT + 70 * MINUTE


def test_before_its_first_run_nothing_was_expected() -> None:
    assert replayed(Expected(Every(every="1d")), *(night(number) for number in range(6, 10))) == []
    assert replayed(Expected(NIGHTLY)) == []


def test_blind_nights_alert_nothing() -> None:
    runs = [night(number) for number in range(10) if number != 3]
    blind = Blind(TWO + 3 * DAY - HOUR, TWO + 3 * DAY + HOUR)

    assert replayed(Expected(NIGHTLY), *runs, blind=(blind,)) == []


def test_a_longer_grace_would_have_kept_quiet() -> None:
    runs = [night(number, late=20 * MINUTE) for number in range(10)]

    assert len(replayed(Expected(NIGHTLY), *runs)) == 9
    assert replayed(Expected(NIGHTLY, grace=HOUR), *runs) == []


def test_a_run_beyond_its_new_default_deadline_is_missed_until_it_completes() -> None:
    (incident,) = replayed(Expected(default_deadline=30 * MINUTE), night(0), night(1, took=HOUR), night(2))

    assert incident == WouldHave.trusted(
        origin="missed", at=TWO + DAY + 30 * MINUTE, until=TWO + DAY + HOUR, run="run-1", occurrences=1
    )


def test_a_deadline_of_its_own_stays_and_one_of_the_old_default_does_not() -> None:
    before = Expected(default_deadline=15 * MINUTE)
    own = night(0, took=HOUR, deadline=2 * HOUR)
    old_default = night(1, took=HOUR, deadline=15 * MINUTE)

    incidents = replayed(Expected(default_deadline=30 * MINUTE), own, old_default, before=before)

    assert [(incident.run, incident.at) for incident in incidents] == [("run-1", TWO + DAY + 30 * MINUTE)]


def test_a_deadline_that_nobody_changed_is_judged_as_it_was_given() -> None:
    (incident,) = replayed(Expected(), night(0, took=HOUR, deadline=15 * MINUTE))

    assert (incident.origin, incident.run) == ("missed", "run-0")


def test_failures_alert_from_the_set_number_in_a_row_on() -> None:
    runs = [night(number, status="FAILED") for number in (0, 2, 3, 4)]
    runs += [night(number) for number in (1, 5)]

    (incident,) = replayed(Expected(alert_after_failures=2), *runs)

    assert (incident.origin, incident.run, incident.occurrences) == ("failed", "run-3", 2)
    assert incident.until == TWO + 5 * DAY + 10 * MINUTE


def test_a_skipped_run_does_not_make_a_failure_good() -> None:
    (incident,) = replayed(Expected(), night(0, status="FAILED"), night(1, status="SKIPPED"))

    assert incident.until is None


def test_what_goes_wrong_while_an_incident_stands_is_counted_on_it() -> None:
    late_and_failed = night(0, took=HOUR, deadline=15 * MINUTE, status="FAILED")

    (incident,) = replayed(Expected(alert_after_failures=3), late_and_failed, night(1))

    assert (incident.origin, incident.occurrences) == ("missed", 2)
    assert incident.until == TWO + DAY + 10 * MINUTE


def test_a_run_that_is_still_active_past_its_deadline_keeps_the_incident_open() -> None:
    (incident,) = replayed(Expected(default_deadline=HOUR), night(0, took=None), night(1))

    assert (incident.run, incident.until) == ("run-0", None)


def test_nothing_after_the_window_is_told() -> None:
    assert replayed(Expected(default_deadline=HOUR), night(9, late=21 * HOUR + 30 * MINUTE, took=None)) == []
