"""What a rule makes of a series: operators, aggregates, `for`, recovery, silence, and samples out of order."""

from __future__ import annotations

import math
import random
from statistics import fmean
from typing import Any

import pytest

from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.evaluation import (
    COUNTED,
    Condition,
    SeriesState,
    falls_due,
    judge,
    resume,
    revise,
    set_back,
    step,
)
from trackdesk.domain.rule import Aggregate, Operator, Rule, RuleState
from trackdesk.domain.window import MOST, make_window

OK, PENDING, FIRING, NO_DATA = RuleState.OK, RuleState.PENDING, RuleState.FIRING, RuleState.NO_DATA
START = 1_790_000_000_000_000


def rule(**members: Any) -> Rule:
    fields = {"id": "slow", "name": "slow", "metric_type": "LATENCY_MS", "operator": Operator.MORE, "threshold": 150.0}
    return Rule.model_construct(**{**fields, "created_at": 0, "updated_at": 0, "version": 1, **members})


class Series:
    """One series under one rule, fed by seconds from the start."""

    def __init__(self, **members: Any) -> None:
        self.condition = Condition(rule(**members))
        self.state = SeriesState(self.condition)
        self.now = START

    def feed(self, *samples: tuple[float, float]) -> list[RuleState]:
        """(second, value) each, arriving at its time or, if that is past, now; gives the state after each."""
        states = []
        for second, value in samples:
            at = START + round(second * SECOND)
            self.now = max(self.now, at)
            step(self.condition, self.state, at, value, self.now)
            states.append(self.state.state)
        return states

    def wait(self, seconds: float) -> RuleState:
        self.now += round(seconds * SECOND)
        judge(self.condition, self.state, self.now)
        return self.state.state


@pytest.mark.parametrize(
    ("operator", "under", "same", "over"),
    [
        (">", OK, OK, FIRING),
        (">=", OK, FIRING, FIRING),
        ("<", FIRING, OK, OK),
        ("<=", FIRING, FIRING, OK),
        ("==", OK, FIRING, OK),
        ("!=", FIRING, OK, FIRING),
    ],
)
def test_each_operator_is_about_the_value_on_the_left(
    operator: str, under: RuleState, same: RuleState, over: RuleState
) -> None:
    found = [Series(operator=Operator(operator)).feed((0, value))[0] for value in (149.9, 150.0, 150.1)]
    assert found == [under, same, over]


def reference(aggregate: Aggregate, width: int, taken: list[tuple[int, float]]) -> float | None:
    """By looking at all samples so far again."""
    head = max(at for at, _ in taken)
    if taken[-1][0] <= head - width:
        return None
    values = [value for at, value in taken if at > head - width]
    match aggregate:
        case Aggregate.AVG:
            return fmean(values)
        case Aggregate.MIN:
            return min(values)
        case Aggregate.MAX:
            return max(values)
        case Aggregate.COUNT:
            return len(values)
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


@pytest.mark.parametrize("aggregate", [each for each in Aggregate if each is not Aggregate.LAST])
def test_aggregates_are_those_of_the_samples_in_the_window_in_whatever_order_they_come(aggregate: Aggregate) -> None:
    chance, width = random.Random(7), 60 * SECOND
    window, taken = make_window(aggregate, width), []
    for number in range(1500):
        late = chance.choice([0, 0, 0, 0, 5, 30, 59, 61, 90]) * SECOND
        taken.append((START + number * 500_000 - late, round(chance.uniform(-50, 200), 1)))
        assert window.add(*taken[-1]) == pytest.approx(reference(aggregate, width, taken))


@pytest.mark.parametrize("aggregate", [each for each in Aggregate if each is not Aggregate.LAST])
def test_a_window_with_very_many_samples_stays_bounded_and_nearly_right(aggregate: Aggregate) -> None:
    chance, width = random.Random(3), 10 * SECOND
    window, taken = make_window(aggregate, width), []
    for number in range(5 * MOST):
        taken.append((START + number * 1000, chance.uniform(0, 100)))
        found = window.add(*taken[-1])
    assert found == pytest.approx(reference(aggregate, width, taken), rel=0.02)
    assert max(len(part) for name in ("_times", "_ring", "_sorted") if (part := getattr(window, name, ()))) < 3 * MOST


def test_a_huge_value_leaves_nothing_behind_in_an_average() -> None:
    window = make_window(Aggregate.AVG, 10 * SECOND)
    assert window.add(START, 1e308) == 1e308
    assert window.add(START + 1, 1e308) == 1e308
    assert window.add(START + 20 * SECOND, 0.1) == 0.1


def test_a_condition_has_to_hold_for_its_time_by_the_samples() -> None:
    series = Series(for_=5 * MINUTE)
    assert series.feed((0, 200), (299, 200), (300, 200)) == [PENDING, PENDING, FIRING]
    assert series.feed((301, 100)) == [OK]


def test_one_good_sample_begins_the_time_anew() -> None:
    series = Series(for_=MINUTE)
    assert series.feed((0, 200), (30, 100), (40, 200), (80, 200), (100, 200)) == [PENDING, OK, PENDING, PENDING, FIRING]


def test_a_condition_that_holds_long_enough_fires_without_another_sample() -> None:
    series = Series(for_=MINUTE)
    series.feed((0, 200))
    assert series.wait(59) is PENDING
    assert series.wait(1) is FIRING


def test_all_breaches_count_from_the_first_that_was_pending() -> None:
    series = Series(for_=10 * SECOND)
    condition, state = series.condition, series.state
    told = [step(condition, state, START + n * SECOND, 200, START + n * SECOND) for n in range(13)]
    assert told[0] is not None
    assert (told[0].after, told[0].breaches) == (PENDING, 1)
    assert told[10] is not None
    assert (told[10].before, told[10].after, told[10].breaches) == (PENDING, FIRING, 11)
    assert all(verdict is COUNTED for verdict in told[1:10] + told[11:])


def test_it_recovers_only_beyond_the_recovery_threshold() -> None:
    series = Series(recover_threshold=120.0)
    assert series.feed((0, 160), (1, 140), (2, 121), (3, 120), (4, 140)) == [FIRING, FIRING, FIRING, OK, OK]


def test_silence_is_seen_after_its_time_and_ends_with_a_sample() -> None:
    series = Series(no_data_after=MINUTE)
    series.feed((0, 1))
    assert series.wait(59) is OK
    assert series.wait(1) is NO_DATA
    assert falls_due(series.condition, series.state) is None
    assert series.feed((70, 1)) == [OK]


def test_what_fired_before_it_fell_silent_fires_again_within_the_recovery_band() -> None:
    series = Series(no_data_after=MINUTE, recover_threshold=100.0)
    series.feed((0, 200))
    assert series.wait(60) is NO_DATA
    assert series.feed((61, 120), (62, 90)) == [FIRING, OK]


def test_nobody_is_called_silent_before_one_has_listened_for_the_whole_time() -> None:
    series = Series(no_data_after=MINUTE)
    series.feed((0, 1))
    series.now += 3600 * SECOND
    resume(series.state, series.now)
    assert series.wait(59) is OK
    assert series.wait(1) is NO_DATA


def test_what_fell_due_while_nobody_could_see_waits_for_a_minute() -> None:
    series = Series(for_=MINUTE)
    series.feed((0, 200))
    series.now += 3600 * SECOND
    resume(series.state, series.now)
    assert series.wait(59) is PENDING
    assert series.wait(1) is FIRING


def test_a_clock_set_back_puts_nothing_off_by_more_than_its_time() -> None:
    series = Series(for_=MINUTE, no_data_after=10 * MINUTE)
    series.feed((0, 200))
    series.now -= 3600 * SECOND
    set_back(series.condition, series.state, series.now)
    assert series.wait(60) is FIRING


@pytest.mark.parametrize("aggregate", [each for each in Aggregate if each is not Aggregate.LAST])
def test_a_window_goes_on_after_the_clock_was_set_back(aggregate: Aggregate) -> None:
    window, of_now = make_window(aggregate, MINUTE), make_window(aggregate, MINUTE)
    back = START - 3600 * SECOND
    for second, value in ((0, 5.0), (10, 3.0), (10, 4.0)):
        window.add(START + second * SECOND, value)
        of_now.add(back, value)
    window.set_back(back)
    for second, value in ((-30, 9.0), (1, 8.0), (59, 2.0), (60, 1.0)):
        assert window.add(back + second * SECOND, value) == of_now.add(back + second * SECOND, value)


def test_a_sample_without_window_counts_when_it_arrives_whatever_its_time() -> None:
    assert Series().feed((100, 100), (40, 200), (101, 100)) == [OK, FIRING, OK]


def test_a_sample_older_than_the_window_judges_nothing() -> None:
    series = Series(aggregate=Aggregate.MAX, window=MINUTE)
    assert series.feed((100, 100), (40, 500), (41, 500), (102, 100)) == [OK, OK, FIRING, OK]


def test_a_time_ahead_of_ours_does_not_make_what_follows_late() -> None:
    series = Series(aggregate=Aggregate.MAX, window=MINUTE)
    step(series.condition, series.state, START + 3600 * SECOND, 100.0, START)
    assert series.feed((1, 200)) == [FIRING]


@pytest.mark.parametrize(("threshold", "expected"), [(150.0, FIRING), (300.0, OK)])
def test_a_changed_rule_says_at_once_what_it_makes_of_the_last_value(threshold: float, expected: RuleState) -> None:
    series = Series()
    series.feed((0, 200))
    revise(Condition(rule(threshold=threshold)), series.state, series.now)
    assert series.state.state is expected


def test_a_rule_on_silence_alone_minds_no_value() -> None:
    series = Series(operator=None, threshold=None, no_data_after=MINUTE)
    assert series.feed((0, 1e308), (1, -1e308)) == [OK, OK]
    assert series.wait(60) is NO_DATA
