"""What `trackdesk rules` makes of what was typed, and of a rule; a condition in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.test_rule_values import rule
from trackdesk.cli import exits
from trackdesk.cli.main import build_parser, main
from trackdesk.cli.rule_set import body_of
from trackdesk.cli.rules import state
from trackdesk.cli.verbs import BY_NAME
from trackdesk.domain.condition import EXAMPLES, parse_condition
from trackdesk.domain.errors import Invalid
from trackdesk.domain.rule import ListedRule, check_rule, condition_words

if TYPE_CHECKING:
    import argparse

EMPTY = dict.fromkeys(("aggregate", "window", "operator", "threshold", "for", "no_data_after"))


def typed(*words: str) -> argparse.Namespace:
    return build_parser(BY_NAME["rules"]).parse_args(list(words))


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("LATENCY_MS>150", {"operator": ">", "threshold": 150}),
        ("LATENCY_MS <= -0.5", {"operator": "<=", "threshold": -0.5}),
        ("LATENCY_MS != 1e3 for 90s", {"operator": "!=", "threshold": 1000, "for": "90s"}),
        ("avg of LATENCY_MS over 5m >= 2", {"aggregate": "avg", "window": "5m", "operator": ">=", "threshold": 2}),
        ("LATENCY_MS silent for 10m", {"no_data_after": "10m"}),
        ("LATENCY_MS > 1 or silent for 1h", {"operator": ">", "threshold": 1, "no_data_after": "1h"}),
    ],
)
def test_a_condition_is_read_from_a_line(text: str, members: dict[str, Any]) -> None:
    assert parse_condition(text) == {"metric_type": "LATENCY_MS", **EMPTY, **members}


@pytest.mark.parametrize(
    "text",
    ["", "LATENCY_MS", "LATENCY_MS > ", "LATENCY_MS => 3", "LATENCY_MS > x", "> 3", "LATENCY_MS > 3 silent for 5m",
     "LATENCY_MS or silent for 5m", "LATENCY_MS > 3 for", "median of LATENCY_MS over 5m > 3", "LATENCY_MS > 3; DROP"],
)  # fmt: skip
def test_what_is_no_condition_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Invalid, match="p95 of LATENCY_MS over 5m > 400 for 2m"):
        parse_condition(text)


@pytest.mark.parametrize("text", [*EXAMPLES, "count of LATENCY_MS over 1h == 2 or silent for 2h"])
def test_a_condition_is_told_as_it_was_typed(text: str) -> None:
    made = rule(**parse_condition(text))

    check_rule(made)
    assert condition_words(made) == text


def test_only_what_was_typed_is_changed() -> None:
    assert body_of(typed("set", "slow")) == {}
    assert body_of(typed("set", "slow", "--severity", "HIGH", "--recover", "-5", "--auto-close", "no")) == {
        "severity": "HIGH",
        "recover_threshold": -5,
        "auto_close": False,
    }


def test_none_takes_a_setting_back() -> None:
    args = typed("set", "slow", "--service", "none", "--tag", "none", "--severity", "none", "--recover", "none")

    assert body_of(args) == {"service": None, "tags": None, "severity": None, "recover_threshold": None}


def test_a_condition_is_taken_whole() -> None:
    assert body_of(typed("set", "slow", "LATENCY_MS > 3")) == {
        "metric_type": "LATENCY_MS",
        **EMPTY,
        "operator": ">",
        "threshold": 3,
    }


def test_a_new_rule_may_begin_switched_off() -> None:
    body = body_of(typed("add", "slow", "LATENCY_MS > 3", "--disabled", "--tag", "env=prod"))

    assert (body["enabled"], body["tags"]) == (False, {"env": "prod"})


@pytest.mark.parametrize(
    "words",
    [("add", "x"), ("add", "x", "nonsense"), ("set", "x", "--recover", "much"), ("set", "x", "--recover", "nan"),
     ("set", "x", "--priority", "first"),
     ("test",), ("enable",), ("top", "--since", "soon"), ("--state", "broken")],
)  # fmt: skip
def test_what_makes_no_sense_is_wrong_usage(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", *words]) == exits.USAGE
    assert capsys.readouterr().out == ""


def test_a_rule_that_is_switched_off_stands_nowhere() -> None:
    fields = {**rule(enabled=False).__dict__, "state": "FIRING"}

    assert state(ListedRule.model_construct(**fields)).text == "off"
