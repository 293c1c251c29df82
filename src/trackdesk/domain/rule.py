"""Rules: conditions over metrics that open incidents, and which of them make no sense."""

from __future__ import annotations

import operator as python
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field

from trackdesk.domain.clock import DAY, SECOND
from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident import Severity
from trackdesk.domain.instant import Duration, Instant, format_duration
from trackdesk.domain.metric import MetricType, Number
from trackdesk.domain.model import Input, Label, Tags, Text, Title, Value

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_WINDOW = DAY
"""µs; also of `for`. Samples that are older are stored only."""
LONGEST_SILENCE = 30 * DAY
USUAL_PRIORITY = 100
MOST_PRIORITY = 1_000_000
MOST_RULES = 10_000
"""In a namespace."""


class Operator(StrEnum):
    MORE = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="
    EQUAL = "=="
    UNEQUAL = "!="


HOLDS: Final[dict[Operator, Callable[[float, float], bool]]] = {
    Operator.MORE: python.gt,
    Operator.AT_LEAST: python.ge,
    Operator.LESS: python.lt,
    Operator.AT_MOST: python.le,
    Operator.EQUAL: python.eq,
    Operator.UNEQUAL: python.ne,
}
"""Whether a value is on the wrong side of a threshold: `HOLDS[rule.operator](value, rule.threshold)`."""

_RISING = frozenset({Operator.MORE, Operator.AT_LEAST})
_FALLING = frozenset({Operator.LESS, Operator.AT_MOST})


class Aggregate(StrEnum):
    LAST = "last"
    """Each sample by itself; all others are of the samples within `window`."""
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    COUNT = "count"
    P95 = "p95"


class RuleState(StrEnum):
    """How a rule stands; of several series the worst counts: FIRING, NO_DATA, PENDING, OK."""

    OK = "OK"
    PENDING = "PENDING"
    """Its condition holds, not yet as long as `for` asks."""
    FIRING = "FIRING"
    NO_DATA = "NO_DATA"
    """Nothing came for `no_data_after`."""


class Action(StrEnum):
    """What Tracely has a rule do. Only the first is a rule's business here."""

    OPEN_INCIDENT = "OPEN_INCIDENT"
    THROTTLE = "THROTTLE"
    WEBHOOK = "WEBHOOK"


def _only_incidents(action: Action) -> Action:
    if action is not Action.OPEN_INCIDENT:
        raise ValueError(
            f"expected OPEN_INCIDENT, which every rule does, not {action}: calls to other systems are channels "
            "(POST /v1/channels with a webhook+https:// URL)"
        )
    return action


def _at_least_a_second(micros: int) -> int:
    if micros < SECOND:
        raise ValueError(f"expected at least 1s, not {format_duration(micros)}")
    return micros


def _within_a_day(micros: int) -> int:
    if micros > LONGEST_WINDOW:
        raise ValueError(f"expected at most 24h, not {format_duration(micros)}")
    return micros


def _within_a_month(micros: int) -> int:
    if micros > LONGEST_SILENCE:
        raise ValueError(f"expected at most 30d, not {format_duration(micros)}")
    return micros


Stretch = Annotated[Duration, AfterValidator(_at_least_a_second), AfterValidator(_within_a_day)]
"""µs, 1s to 24h."""
Hold = Annotated[Duration, AfterValidator(_within_a_day)]
"""µs, 0s to 24h."""
Silence = Annotated[Duration, AfterValidator(_at_least_a_second), AfterValidator(_within_a_month)]


class ChangeRule(Input):
    """Members that are absent keep their value; null takes the default again."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: Title | None = None
    """Null: its id."""
    description: Text | None = None
    metric_type: MetricType | None = None
    service: Label | None = None
    """Null: every service that has the metric."""
    tags: Tags | None = None
    """Samples must carry all of them; null: whatever they carry."""
    operator: Operator | None = None
    threshold: Number | None = None
    severity: Severity | None = None
    department: Label | None = None
    """Null: the service's, else `default`."""
    enabled: bool | None = None
    aggregate: Aggregate | None = None
    window: Stretch | None = None
    for_: Annotated[Hold | None, Field(alias="for")] = None
    """How long the condition must hold before an incident is opened; null or 0s: at once."""
    recover_threshold: Number | None = None
    """Once firing, the value has to come back to the other side of this before it counts as recovered."""
    no_data_after: Silence | None = None
    """Open an incident when a series, or all of a named service, is silent for so long; null: silence is nothing."""
    auto_close: bool | None = None
    priority: Annotated[int, Field(ge=1, le=MOST_PRIORITY)] | None = None
    """The least comes first."""
    department_id: Label | None = None
    """Tracely's name of `department`."""
    is_active: bool | None = None
    """Tracely's name of `enabled`."""
    action: Annotated[Action, AfterValidator(_only_incidents)] | None = None
    """Tracely's; every rule opens incidents."""


class NewRule(ChangeRule):
    id: Label | None = None
    """Made up of the metric's name when absent."""


class Rule(Value):
    id: str
    name: str
    description: str | None = None
    metric_type: str
    service: str | None = None
    tags: dict[str, str] = {}
    operator: Operator | None = None
    """With `threshold` null for a rule that only watches for silence."""
    threshold: float | None = None
    severity: Severity = Severity.MEDIUM
    department: str | None = None
    enabled: bool = True
    aggregate: Aggregate = Aggregate.LAST
    window: Duration | None = None
    for_: Annotated[Duration | None, Field(alias="for")] = None
    recover_threshold: float | None = None
    no_data_after: Duration | None = None
    auto_close: bool = True
    priority: int = USUAL_PRIORITY
    created_at: Instant
    updated_at: Instant
    created_by: str | None = None
    version: int

    model_config = ConfigDict(serialize_by_alias=True)


class ListedRule(Rule):
    """A rule and how it fares."""

    state: RuleState = RuleState.OK
    wrong_series: int = 0
    """That are FIRING or NO_DATA."""
    open_incidents: int = 0
    trigger_count: int = 0
    """Incidents that it opened and that are still stored."""
    last_triggered_at: Instant | None = None


class TriggeredRule(Value):
    rule: str
    name: str | None = None
    """Null when the rule is deleted."""
    trigger_count: int
    last_triggered_at: Instant


DEFAULTS: Final[dict[str, Any]] = {
    "description": None,
    "service": None,
    "tags": {},
    "operator": None,
    "threshold": None,
    "severity": Severity.MEDIUM,
    "department": None,
    "enabled": True,
    "aggregate": Aggregate.LAST,
    "window": None,
    "for_": None,
    "recover_threshold": None,
    "no_data_after": None,
    "auto_close": True,
    "priority": USUAL_PRIORITY,
}
"""What null stands for. `name` is the id; `metric_type` has no default."""
MEMBERS: Final = ("name", "metric_type", *DEFAULTS)
"""What a person sets."""
_ALIASES = {"department_id": "department", "is_active": "enabled"}


def named_members(body: ChangeRule) -> dict[str, Any]:
    """The members that the body names, by our names, null made the default (of `name` and `metric_type` it stays).
    Raises Invalid for a member that stands twice with unlike values."""
    given = {name: getattr(body, name) for name in type(body).model_fields if name in body.model_fields_set}
    for alias, name in _ALIASES.items():
        if alias not in given:
            continue
        value = given.pop(alias)
        if name in given and given[name] != value:
            raise Invalid(alias, f"is another name of {name}, which says something else", value)
        given[name] = value
    members = {name: given[name] for name in MEMBERS if name in given}
    if members.get("for_") == 0:
        members["for_"] = None
    return {name: DEFAULTS.get(name) if value is None else value for name, value in members.items()}


def check_rule(rule: Rule) -> None:
    """Raises Invalid for what can't work together, naming the member that is wrong or missing."""
    if rule.operator is None or rule.threshold is None:
        _check_silence_rule(rule)
        return
    if rule.aggregate is Aggregate.LAST and rule.window is not None:
        raise Invalid(
            "aggregate", "expected avg, min, max, count or p95 along with window; last looks at each sample by itself"
        )
    if rule.aggregate is not Aggregate.LAST and rule.window is None:
        raise Invalid("window", f"expected a window such as 5m, of which the {rule.aggregate} is taken")
    _check_recovery(rule.operator, rule.threshold, rule.recover_threshold)
    if rule.aggregate is Aggregate.COUNT:
        _check_count(rule.operator, rule.threshold, rule.recover_threshold)


def _check_silence_rule(rule: Rule) -> None:
    if rule.threshold is not None:
        raise Invalid("operator", f"expected one of {_OPERATORS} along with threshold")
    if rule.operator is not None:
        raise Invalid("threshold", "expected a number along with operator")
    if rule.no_data_after is None:
        raise Invalid("operator", "expected operator and threshold, or no_data_after: the rule would watch for nothing")
    for name, value in (("window", rule.window), ("for", rule.for_), ("recover_threshold", rule.recover_threshold)):
        if value is not None:
            raise Invalid(name, "needs operator and threshold; a rule on silence alone has no_data_after")
    if rule.aggregate is not Aggregate.LAST:
        raise Invalid("aggregate", "needs operator and threshold; a rule on silence alone has no_data_after")


_OPERATORS = ", ".join(Operator)


def _check_recovery(op: Operator, threshold: float, recover: float | None) -> None:
    if recover is None:
        return
    if op not in _RISING | _FALLING:
        raise Invalid("recover_threshold", f"expected one of > >= < <= as the operator to go with it, not {op}")
    if op in _RISING and recover > threshold:
        raise Invalid(
            "recover_threshold", f"expected at most the threshold {number_words(threshold)} with {op}", recover
        )
    if op in _FALLING and recover < threshold:
        raise Invalid(
            "recover_threshold", f"expected at least the threshold {number_words(threshold)} with {op}", recover
        )


def _check_count(op: Operator, threshold: float, recover: float | None) -> None:
    """It is taken as a sample arrives, so there is one at least."""
    whole = threshold.is_integer()
    outcome = {
        Operator.MORE: threshold < 1 and "always",
        Operator.AT_LEAST: threshold <= 1 and "always",
        Operator.LESS: threshold <= 1 and "never",
        Operator.AT_MOST: threshold < 1 and "never",
        Operator.EQUAL: (threshold < 1 or not whole) and "never",
        Operator.UNEQUAL: (threshold < 1 or not whole) and "always",
    }[op]
    if outcome:
        raise Invalid(
            "threshold",
            f"a count is taken as a sample arrives, so it is 1 or more and {op} {number_words(threshold)} would "
            f"{outcome} hold; no_data_after watches for silence",
        )
    if recover is not None and op in _RISING and HOLDS[op](1, recover):
        raise Invalid("recover_threshold", "a count is 1 or more, so it would never recover", recover)


def number_words(value: float) -> str:
    """As a person writes it: `150`, `0.29`, `1e+308`."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def condition_words(rule: Rule) -> str:
    """What the rule watches for, in one line: `avg of LATENCY_MS over 5m > 150 for 2m`."""
    parts = []
    if rule.operator is not None and rule.threshold is not None:
        subject = rule.metric_type
        if rule.window is not None:
            subject = f"{rule.aggregate} of {rule.metric_type} over {format_duration(rule.window)}"
        held = f" for {format_duration(rule.for_)}" if rule.for_ else ""
        parts.append(f"{subject} {rule.operator} {number_words(rule.threshold)}{held}")
    if rule.no_data_after is not None:
        what = "" if parts else f"{rule.metric_type} "
        parts.append(f"{what}silent for {format_duration(rule.no_data_after)}")
    return " or ".join(parts)


def fits(rule: Rule, metric_type: str, service: str, tags: dict[str, str]) -> bool:
    """Whether the rule looks at a series; it has to carry all tags of the rule and may carry others."""
    return (
        rule.metric_type == metric_type
        and (rule.service is None or rule.service == service)
        and all(tags.get(key) == value for key, value in rule.tags.items())
    )


def rule_cause(rule_id: str, service: str) -> str:
    """What all breaches of a rule by a service share: one incident."""
    return f"rule:{rule_id}/{service}"
