"""How a breach is told to people."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.test_evaluation import rule
from trackdesk.domain.clock import MINUTE
from trackdesk.domain.evaluation import Verdict
from trackdesk.domain.metric import Series
from trackdesk.domain.rule import Aggregate, Operator, RuleState
from trackdesk.engine.rule_words import recovery, title

FIRING = RuleState.FIRING


def series(**tags: str) -> Series:
    return Series(7, 1, 3, "payments", "LATENCY_MS", tags)


def fired(value: float) -> Verdict:
    return Verdict(RuleState.OK, FIRING, 0, value, 1)


@pytest.mark.parametrize(
    ("members", "value", "said"),
    [
        ({"for_": 5 * MINUTE}, 180.0, "is 180 (over 150 for 5m)"),
        ({"operator": Operator.AT_LEAST}, 180.25, "is 180.25 (150 or more)"),
        ({"operator": Operator.LESS, "threshold": 0.5}, 1 / 3, "is 0.333333 (under 0.5)"),
        ({"operator": Operator.AT_MOST}, -1.0, "is -1 (150 or less)"),
        ({"operator": Operator.EQUAL}, 150.0, "is 150 (equal to 150)"),
        ({"operator": Operator.UNEQUAL}, 1e300, "is 1e+300 (other than 150)"),
        ({"aggregate": Aggregate.AVG, "window": MINUTE}, 180.0, "is 180 on average over 1m (over 150)"),
        ({"aggregate": Aggregate.MIN, "window": MINUTE}, 180.0, "has a minimum of 180 over 1m (over 150)"),
        ({"aggregate": Aggregate.P95, "window": MINUTE}, 180.0, "has a p95 of 180 over 1m (over 150)"),
        ({"aggregate": Aggregate.COUNT, "window": MINUTE}, 180.0, "came 180 times within 1m (over 150)"),
    ],
)
def test_a_title_says_what_was_found_and_what_is_wrong_with_it(
    members: dict[str, Any], value: float, said: str
) -> None:
    assert title(rule(**members), series(), fired(value)) == f"LATENCY_MS of payments {said}"


def test_a_title_names_what_tells_a_series_from_others_where_a_terminal_can_show_it() -> None:
    assert title(rule(tags={"env": "prod"}), series(env="prod", host="a"), fired(180.0)) == (
        "LATENCY_MS of payments (host=a) is 180 (over 150)"
    )
    assert "(host" not in title(rule(), series(host="\x1b[31ma"), fired(180.0))
    assert "(host" not in title(rule(), series(host="a" * 200), fired(180.0))


def test_silence_and_its_end_have_words_of_their_own() -> None:
    silent = rule(no_data_after=10 * MINUTE)
    assert title(silent, series(), Verdict(RuleState.OK, RuleState.NO_DATA, 0, None, 0)) == (
        "No LATENCY_MS of payments for 10m"
    )
    assert recovery(silent, series(), Verdict(RuleState.NO_DATA, RuleState.OK, 0, 1.0, 0)) == (
        "LATENCY_MS of payments arrives again"
    )
