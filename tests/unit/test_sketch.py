"""Sketches: quantiles within one per cent, whatever is added up or taken out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.clock import DAY, SECOND
from trackdesk.domain.sketch import ERROR, Sketch

DURATIONS = st.integers(min_value=0, max_value=10 * DAY)
PERCENTS = (1, 50, 90, 95, 99, 100)


def sketch(*durations: int) -> Sketch:
    made = Sketch()
    for duration in durations:
        made.add(duration)
    return made


def near(value: int | None, exact: int) -> bool:
    return value is not None and abs(value - exact) <= exact * (ERROR + 1e-9) + 1


@given(st.lists(DURATIONS, min_size=1, max_size=200))
def test_a_quantile_errs_by_one_per_cent_at_most(durations: list[int]) -> None:
    ordered = sorted(durations)
    found = sketch(*durations).quantiles(PERCENTS)
    for percent, value in zip(PERCENTS, found, strict=True):
        assert near(value, ordered[-(-len(ordered) * percent // 100) - 1]), percent


@given(st.lists(st.lists(DURATIONS, max_size=20), max_size=20))
def test_sketches_that_are_added_up_say_what_one_of_all_says(groups: list[list[int]]) -> None:
    together = Sketch([sketch(*group).packed() for group in groups])
    assert together.packed() == sketch(*(each for group in groups for each in group)).packed()


@given(st.lists(DURATIONS, max_size=40), st.lists(DURATIONS, max_size=40))
def test_what_was_counted_can_be_taken_out_again(kept: list[int], gone: list[int]) -> None:
    stored = Sketch([sketch(*kept, *gone).packed()])
    stored.merge(Sketch([sketch(*gone).packed()]), -1)
    assert stored.packed() == sketch(*kept).packed()


@given(st.lists(DURATIONS, min_size=60, max_size=200), st.integers(min_value=1, max_value=7))
def test_it_does_not_matter_in_how_many_parts_it_is_taken_out(durations: list[int], parts: int) -> None:
    gone = [sketch(*durations[number::parts]).packed() for number in range(parts)]
    left = Sketch([sketch(*durations, 3 * SECOND).packed(), sketch(7 * SECOND).packed()], gone)
    assert left.packed() == sketch(3 * SECOND, 7 * SECOND).packed()


@given(st.lists(DURATIONS, max_size=40), st.lists(DURATIONS, min_size=1, max_size=60), st.sampled_from((1, 3, 12)))
def test_quantiles_are_those_of_what_is_left(kept: list[int], gone: list[int], times: int) -> None:
    left = Sketch([sketch(*kept, *(gone * times)).packed()], [sketch(*gone).packed()] * times)
    expected = sketch(*kept)
    assert left.quantiles(PERCENTS) == expected.quantiles(PERCENTS)
    assert left.seconds((50, 99)) == [each if each is None else each / SECOND for each in expected.quantiles((50, 99))]


def test_it_can_be_taken_out_before_it_is_counted() -> None:
    made = Sketch()
    made.add(5 * SECOND, -1)
    assert made.quantiles((50,)) == [None]
    made.merge(sketch(5 * SECOND, 60 * SECOND))
    assert made.packed() == sketch(60 * SECOND).packed()


def test_of_nothing_there_are_no_quantiles_and_no_bars() -> None:
    assert Sketch().quantiles((50, 99)) == [None, None]
    assert Sketch().bars() == []


def test_bars_go_from_the_first_that_has_any_to_the_last() -> None:
    assert sketch(3 * SECOND, 4 * SECOND, 40 * SECOND).bars() == [
        (5 * SECOND, 2),
        (10 * SECOND, 0),
        (20 * SECOND, 0),
        (50 * SECOND, 1),
    ]


def test_what_takes_longer_than_the_last_bar_is_in_one_without_an_end() -> None:
    ((bound, count),) = sketch(100 * DAY).bars()
    assert (bound, count) == (None, 1)
