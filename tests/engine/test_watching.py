"""What is remembered of the series under rules, and that it stays within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from trackdesk.domain.clock import DAY, MINUTE, SECOND
from trackdesk.domain.evaluation import judge, step
from trackdesk.domain.metric import Series
from trackdesk.domain.rule import Operator, Rule
from trackdesk.engine.watching import LEFT_BEHIND, Watched, Watches

if TYPE_CHECKING:
    from trackdesk.store.readers import Readers

START = 1_790_000_000_000_000


def test_a_series_that_flaps_under_a_rule_on_a_long_silence_leaves_few_timers_behind() -> None:
    rule = Rule.model_construct(
        id="slow", name="slow", metric_type="LATENCY_MS", operator=Operator.MORE, threshold=150.0,
        for_=MINUTE, no_data_after=30 * DAY, created_at=0, updated_at=0, version=1,
    )  # fmt: skip
    watches = Watches(cast("Readers", None))  # nothing is read: the rule has no window
    watched = Watched(1, rule)
    watches.put(watched)
    pair = watched.pair(Series(1, 1, 1, "payments", "LATENCY_MS", {}))
    now = START
    for _ in range(3 * LEFT_BEHIND):
        for value in (200.0, 100.0):
            step(pair.condition, pair.state, now, value, now)
            watches.schedule(pair)
            now += MINUTE + SECOND
        for due in watches.due(now):
            assert judge(due.condition, due.state, now) is None
            watches.schedule(due)
    assert len(watches._timers) <= LEFT_BEHIND + 2
    assert pair.scheduled is not None
    assert list(watches.due(pair.scheduled)) == [pair]
