"""A step is as large as its time allows."""

from __future__ import annotations

from trackdesk.domain.pace import MOST, TARGET, Pace


def test_a_step_grows_while_it_is_quick_and_shrinks_when_it_is_not() -> None:
    pace = Pace(20)
    pace.learn(20, TARGET / 10)
    assert pace.size == 26
    pace.learn(26, TARGET * 2)
    assert pace.size == 13
    pace.learn(1, TARGET * 100)
    assert pace.size == 1
    pace.learn(1, 0)
    assert pace.size == 2


def test_a_step_never_takes_more_than_the_most() -> None:
    pace = Pace(MOST - 1)
    pace.learn(MOST - 1, 0)
    pace.learn(MOST, 0)
    assert pace.size == MOST


def test_a_step_that_was_not_full_says_nothing_of_larger_ones() -> None:
    pace = Pace(20)
    pace.learn(3, 0)
    assert pace.size == 20
