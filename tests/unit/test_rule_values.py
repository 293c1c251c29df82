"""What may be said of a rule, and what makes no sense together."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from trackdesk.domain.clock import MINUTE
from trackdesk.domain.errors import Invalid
from trackdesk.domain.rule import (
    DEFAULTS,
    Aggregate,
    ChangeRule,
    NewRule,
    Operator,
    Rule,
    check_rule,
    condition_words,
    fits,
    named_members,
)


def rule(**members: Any) -> Rule:
    """A rule as it would be stored, its members as JSON has them."""
    body = ChangeRule.model_validate_json(
        orjson.dumps({"metric_type": "LATENCY_MS", "operator": ">", "threshold": 150, **members})
    )
    known = {"id": "slow", "name": "slow", "created_at": 0, "updated_at": 0, "created_by": None, "version": 1}
    return Rule.trusted(**{**known, **DEFAULTS, **named_members(body)})


def test_the_names_of_tracely_are_taken() -> None:
    body = NewRule.model_validate_json(
        b'{"id": "slow", "metric_type": "LATENCY_MS", "operator": ">", "threshold": 150, "action": "OPEN_INCIDENT",'
        b' "priority": 1, "severity": "HIGH", "is_active": false, "department_id": "network"}'
    )

    members = named_members(body)

    assert (members["enabled"], members["department"], members["priority"]) == (False, "network", 1)


@pytest.mark.parametrize("action", ["THROTTLE", "WEBHOOK"])
def test_what_a_rule_does_not_do_is_refused_with_a_hint_at_channels(action: str) -> None:
    with pytest.raises(ValidationError, match="channels"):
        ChangeRule.model_validate_json(orjson.dumps({"action": action}))


def test_two_names_of_a_member_must_say_the_same() -> None:
    assert named_members(ChangeRule.model_validate({"enabled": True, "is_active": True})) == {"enabled": True}
    with pytest.raises(Invalid, match="is_active: is another name of enabled"):
        named_members(ChangeRule.model_validate({"enabled": True, "is_active": False}))


def test_durations_are_text_or_seconds() -> None:
    made = rule(window=300, aggregate="avg", **{"for": "2m"})

    assert (made.window, made.for_, made.aggregate) == (5 * MINUTE, 2 * MINUTE, Aggregate.AVG)
    assert orjson.loads(made.to_json())["for"] == "2m"


def test_null_takes_the_default_again() -> None:
    body = ChangeRule.model_validate_json(b'{"severity": null, "for": "0s", "tags": null}')

    assert named_members(body) == {"severity": "MEDIUM", "for_": None, "tags": {}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metric_type", "latency"),
        ("metric_type", "9LIVES"),
        ("metric_type", "X" * 65),
        ("operator", "=>"),
        ("operator", "="),
        ("operator", 1),
        ("threshold", "150"),
        ("threshold", True),
        ("severity", "URGENT"),
        ("aggregate", "median"),
        ("window", "0s"),
        ("window", "25h"),
        ("for", "1d1s"),
        ("for", -1),
        ("no_data_after", "500ms"),
        ("no_data_after", "31d"),
        ("recover_threshold", "high"),
        ("priority", 0),
        ("priority", 1.5),
        ("enabled", 1),
        ("service", "a/b"),
        ("service", "a\x1b[31m"),
        ("tags", {"a b": "c"}),
        ("name", ""),
        ("department", " ops"),
        ("for_", "2m"),
        ("colour", "red"),
    ],
)
def test_a_wrong_member_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        ChangeRule.model_validate_json(orjson.dumps({name: value}))

    assert caught.value.errors()[0]["loc"][0] == name


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("name", ["threshold", "recover_threshold"])
def test_a_threshold_is_a_finite_number(name: str, text: str) -> None:
    with pytest.raises(ValidationError):
        ChangeRule.model_validate_json(f'{{"{name}": {text}}}')


def test_the_largest_number_and_negative_zero_are_numbers() -> None:
    assert rule(threshold=1e308).threshold == 1e308
    assert str(rule(threshold=-0.0).threshold) == "0.0"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"operator": None, "threshold": None}, "operator"),
        ({"operator": None}, "operator"),
        ({"threshold": None}, "threshold"),
        ({"window": "5m"}, "aggregate"),
        ({"window": "5m", "aggregate": "last"}, "aggregate"),
        ({"aggregate": "avg"}, "window"),
        ({"recover_threshold": 151}, "recover_threshold"),
        ({"operator": "<", "recover_threshold": 149}, "recover_threshold"),
        ({"operator": "==", "recover_threshold": 150}, "recover_threshold"),
        ({"operator": "!=", "recover_threshold": 150}, "recover_threshold"),
        ({"operator": None, "threshold": None, "no_data_after": "5m", "for": "1m"}, "for"),
        ({"operator": None, "threshold": None, "no_data_after": "5m", "window": "1m"}, "window"),
        ({"operator": None, "threshold": None, "no_data_after": "5m", "aggregate": "avg"}, "aggregate"),
        ({"operator": None, "threshold": None, "no_data_after": "5m", "recover_threshold": 1}, "recover_threshold"),
        ({"aggregate": "count", "window": "5m", "threshold": -1}, "threshold"),
        ({"aggregate": "count", "window": "5m", "operator": "<", "threshold": 1}, "threshold"),
        ({"aggregate": "count", "window": "5m", "operator": ">=", "threshold": 1}, "threshold"),
        ({"aggregate": "count", "window": "5m", "operator": "==", "threshold": 0}, "threshold"),
        ({"aggregate": "count", "window": "5m", "operator": "!=", "threshold": 2.5}, "threshold"),
        ({"aggregate": "count", "window": "5m", "threshold": 3, "recover_threshold": 0}, "recover_threshold"),
    ],
)
def test_what_makes_no_sense_together_is_refused_by_name(members: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_rule(rule(**members))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "LATENCY_MS > 150"),
        ({"threshold": 0.29, "for": "2m", "recover_threshold": 0.29}, "LATENCY_MS > 0.29 for 2m"),
        ({"aggregate": "p95", "window": "5m"}, "p95 of LATENCY_MS over 5m > 150"),
        ({"operator": "<=", "recover_threshold": 200, "no_data_after": 600}, "LATENCY_MS <= 150 or silent for 10m"),
        ({"operator": None, "threshold": None, "no_data_after": "10m"}, "LATENCY_MS silent for 10m"),
        ({"aggregate": "count", "window": "1h", "operator": "==", "threshold": 2}, "count of LATENCY_MS over 1h == 2"),
    ],
)
def test_what_makes_sense_is_taken_and_told_in_a_line(members: dict[str, Any], words: str) -> None:
    made = rule(**members)

    check_rule(made)
    assert condition_words(made) == words


def test_a_rule_looks_at_series_that_carry_all_its_tags() -> None:
    of_all = rule()
    of_one = rule(service="web", tags={"region": "eu"})

    assert fits(of_all, "LATENCY_MS", "db", {})
    assert not fits(of_all, "ERROR_RATE", "db", {})
    assert fits(of_one, "LATENCY_MS", "web", {"region": "eu", "host": "a"})
    assert not fits(of_one, "LATENCY_MS", "web", {"region": "us"})
    assert not fits(of_one, "LATENCY_MS", "db", {"region": "eu"})


def test_every_member_has_a_default_that_a_rule_takes() -> None:
    assert rule() == Rule.model_validate(
        {
            "id": "slow",
            "name": "slow",
            "metric_type": "LATENCY_MS",
            "operator": Operator.MORE,
            "threshold": 150,
            "created_at": 0,
            "updated_at": 0,
            "version": 1,
        }
    )
