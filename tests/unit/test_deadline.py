"""When a run must be looked at next, and what is true of it then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.deadline import (
    Watched,
    finished_status,
    initial_status,
    judge,
    next_due,
    warning_instant,
)
from trackdesk.domain.run import DeadlineStatus, RunStatus

INSTANT = st.integers(0, 10**6)


@st.composite
def watched(draw: st.DrawFn) -> Watched:
    """A run as it stands in the database right after some change."""
    started_at = draw(INSTANT)
    deadline = draw(st.none() | INSTANT)
    share = draw(st.floats(0, 1))
    warning_at = None if deadline is None else warning_instant(started_at, deadline, share)
    now = draw(INSTANT)
    status = initial_status(deadline, warning_at, now)
    timeout = draw(st.none() | st.integers(1, 10**6))
    return Watched(started_at, deadline, status, warning_at, timeout, draw(INSTANT), draw(st.booleans()))


@given(watched(), INSTANT)
def test_a_run_changes_by_itself_only_when_it_is_due(run: Watched, now: int) -> None:
    due_at = next_due(run)
    verdict = judge(run, now)

    changes = verdict.warned or verdict.missed or verdict.stalled
    assert changes == (due_at is not None and now >= due_at)


@given(watched(), INSTANT)
def test_after_a_verdict_nothing_is_due_until_later(run: Watched, now: int) -> None:
    verdict = judge(run, now)
    after = run._replace(deadline_status=verdict.deadline_status, stalled=run.stalled or verdict.stalled)

    due_at = next_due(after)
    assert due_at is None or due_at > now
    again = judge(after, now)
    assert (again.warned, again.missed, again.stalled) == (False, False, False)


@given(watched(), INSTANT)
def test_a_warning_is_never_given_together_with_the_miss(run: Watched, now: int) -> None:
    verdict = judge(run, now)

    assert not (verdict.warned and verdict.missed)


@given(INSTANT, INSTANT, st.floats(0, 1))
def test_a_warning_lies_inside_the_budget(started_at: int, deadline: int, share: float) -> None:
    warning_at = warning_instant(started_at, deadline, share)

    assert warning_at is None or started_at <= warning_at <= deadline


@pytest.mark.parametrize(("share", "expected"), [(0.75, 75), (0.5, 50), (0, None), (1, None)])
def test_the_warning_is_at_its_share(share: float, expected: int | None) -> None:
    assert warning_instant(0, 100, share) == expected


def test_without_a_budget_there_is_no_warning() -> None:
    assert warning_instant(100, 100, 0.75) is None
    assert warning_instant(100, 50, 0.75) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (74, DeadlineStatus.ON_TRACK),
        (75, DeadlineStatus.WARNING),
        (99, DeadlineStatus.WARNING),
        (100, DeadlineStatus.MISSED),
    ],
)
def test_a_run_is_born_as_what_it_is(now: int, expected: DeadlineStatus) -> None:
    assert initial_status(100, 75, now) == expected


@pytest.mark.parametrize(
    ("status", "had", "completed_at", "expected"),
    [
        ("COMPLETED", "ON_TRACK", 100, "COMPLETED_ON_TIME"),
        ("COMPLETED", "MISSED", 100, "COMPLETED_ON_TIME"),
        ("COMPLETED", "WARNING", 101, "COMPLETED_LATE"),
        ("FAILED", "ON_TRACK", 50, "ON_TRACK"),
        ("FAILED", "WARNING", 100, "WARNING"),
        ("FAILED", "WARNING", 101, "MISSED"),
        ("SKIPPED", "ON_TRACK", 50, "ON_TRACK"),
        ("SKIPPED", "ON_TRACK", 101, "MISSED"),
    ],
)
def test_what_a_finished_run_makes_of_its_deadline(status: str, had: str, completed_at: int, expected: str) -> None:
    assert finished_status(RunStatus(status), 100, DeadlineStatus(had), completed_at) == expected


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.SKIPPED])
def test_without_a_deadline_there_is_nothing_to_keep(status: RunStatus) -> None:
    assert finished_status(status, None, None, 100) is None
