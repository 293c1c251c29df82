"""Quantiles of any numbers stay within one per cent, whatever is merged, packed and stored; measures stay finite."""

from __future__ import annotations

import math
import zlib
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from trackdesk.domain.clock import HOUR, MINUTE
from trackdesk.domain.measures import Measures, check_pack, pack, unpack
from trackdesk.domain.value_sketch import MOST_BUCKETS, ValueSketch, bucket_of, check, middle_of

if TYPE_CHECKING:
    from collections.abc import Callable

FINITE = some.floats(allow_nan=False, allow_infinity=False)
PERCENTS = (0, 1, 50, 95, 99, 100)
LEAST_NORMAL = 2.3e-308


def sketch(values: list[float]) -> ValueSketch:
    made = ValueSketch()
    for value in values:
        made.add(value)
    return made


def exact(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]


def near(found: float | None, wanted: float) -> bool:
    assert found is not None
    return found == wanted or abs(found - wanted) <= abs(wanted) * 0.01001 + LEAST_NORMAL


@given(some.lists(FINITE, min_size=1, max_size=60))
@settings(max_examples=150, deadline=None)
def test_a_quantile_is_within_one_per_cent_of_the_exact_one(values: list[float]) -> None:
    assert sketch(values).quantiles(PERCENTS) == [exact(values, percent) for percent in PERCENTS]
    packed = ValueSketch()
    packed.merge_packed(sketch(values).packed())
    found = packed.quantiles(PERCENTS)
    assert all(near(each, exact(values, percent)) for each, percent in zip(found, PERCENTS, strict=True))


@given(some.lists(some.lists(FINITE, min_size=1, max_size=20), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_merged_sketches_say_what_one_of_all_values_says(lists: list[list[float]]) -> None:
    merged = ValueSketch()
    for values in lists:
        merged.merge_packed(sketch(values).packed())
    every = sketch([value for values in lists for value in values])
    assert merged.packed() == every.packed()
    assert merged.quantiles(PERCENTS) == every.quantiles(PERCENTS)


def test_dense_sketches_are_added_up_lane_by_lane() -> None:
    random = Random(1)
    lists = [[random.gauss(100, 20) for _ in range(random.choice((300, 70_000)))] for _ in range(5)]
    lists += [[random.gauss(-3, 1e-6)] * 10 for _ in range(3)]
    merged = ValueSketch()
    for values in lists:
        merged.merge_packed(sketch(values).packed())
    every = sketch([value for values in lists for value in values])
    assert merged.packed() == every.packed()
    assert merged.quantiles(PERCENTS) == every.quantiles(PERCENTS)


def test_counts_of_every_width_are_kept() -> None:
    for count in (1, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**50):
        made = ValueSketch()
        made.add_many(5.0, count)
        made.add(7.0)
        again = ValueSketch()
        again.merge_packed(made.packed())
        again.merge_packed(made.packed())
        assert near(again.quantiles((50,))[0], 5.0)
        assert near(again.quantiles((100,))[0], 7.0)


@given(FINITE, FINITE)
def test_buckets_are_in_the_order_of_the_values(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert bucket_of(low) <= bucket_of(high)
    assert near(middle_of(bucket_of(one)), one)


def test_a_sketch_of_very_many_buckets_keeps_the_large_values_exact() -> None:
    values = [1.03**power for power in range(-10_000, 12_000)]
    packed = sketch(values).packed()
    again = ValueSketch()
    again.merge_packed(packed)
    assert len(packed) < 6 * MOST_BUCKETS
    assert near(again.quantiles((95,))[0], exact(values, 95))


def test_an_hour_of_usual_samples_takes_little_room() -> None:
    random = Random(2)
    values = [random.lognormvariate(3, 0.3) for _ in range(360)]
    assert len(sketch(values).packed()) < 200


def test_nothing_has_no_quantiles() -> None:
    assert ValueSketch().quantiles((50,)) == [None]
    assert ValueSketch().packed() == b""


def measures(values: list[float], start: int = 0) -> Measures:
    made = Measures()
    made.add_all([(start + index, value) for index, value in enumerate(values)])
    return made


@given(some.lists(FINITE, min_size=1, max_size=20), some.lists(FINITE, min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_measures_are_those_of_all_values_and_finite(first: list[float], second: list[float]) -> None:
    made = measures(first)
    made.take(*measures(second, 100).row())
    every = first + second
    assert (made.count, made.low, made.high, made.last) == (len(every), min(every), max(every), second[-1])
    assert math.isfinite(made.average)
    exactly = math.fsum(value / len(every) for value in every)
    assert math.isclose(made.average, exactly, rel_tol=1e-9, abs_tol=max(map(abs, every)) * 1e-9 + 1e-290)
    assert all(made.low <= found <= made.high for found in made.quantiles((50, 95, 99)))


def test_the_average_of_the_greatest_floats_is_one_of_them() -> None:
    assert measures([1e308] * 1000).average == pytest.approx(1e308)
    assert measures([1e308, -1e308]).average == 0


def test_one_value_is_answered_as_it_is() -> None:
    made = measures([3.3, 3.3])
    assert made.row()[-1] == b""
    assert made.quantiles((50, 99)) == [3.3, 3.3]
    assert made.average == 3.3


def test_a_sample_that_comes_late_is_not_the_last_one() -> None:
    made = Measures()
    made.add_all([(5, 1.0), (3, 2.0), (5, 3.0)])
    earlier = measures([9.0])
    made.take(*earlier.row())
    assert made.last == 3.0


def test_a_pack_gives_back_what_was_put_in() -> None:
    random = Random(3)
    start = 400_000 * HOUR
    rows = [
        (
            minute,
            measures([random.gauss(0, 5) for _ in range(random.choice((1, 2, 3, 50)))], start + minute * MINUTE).row(),
        )
        for minute in sorted(random.sample(range(60), 40))
    ]
    assert unpack(start, pack(start, rows)).rows() == rows


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-3],
        lambda whole: whole + b"x",
        lambda _: b"",
        lambda _: zlib.compress(b"\x00"),
        lambda _: zlib.compress(b"\x01" + bytes(100)),
        lambda whole: zlib.compress(zlib.decompress(whole)[:60]),
    ],
)
def test_a_damaged_pack_is_noticed(damage: Callable[[bytes], bytes]) -> None:
    whole = pack(0, [(3, measures([1.0, 2.0]).row()), (4, measures([5.0]).row())])
    check_pack(whole, 60)
    with pytest.raises(ValueError, match="expected"):
        check_pack(damage(whole), 60)
    with pytest.raises(ValueError, match="at most 4"):
        check_pack(whole, 4)


@given(some.binary(max_size=30))
def test_what_passes_the_check_of_a_sketch_has_quantiles(part: bytes) -> None:
    try:
        check(part)
    except ValueError:
        return
    made = ValueSketch()
    if part:
        made.merge_packed(part)
        assert None not in made.quantiles(PERCENTS)
