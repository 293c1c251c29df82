"""How a breach of a rule is told to people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.instant import format_duration
from trackdesk.domain.rule import Aggregate, Operator, RuleState, condition_words, number_words
from trackdesk.engine.words import TITLE_LENGTH

if TYPE_CHECKING:
    from trackdesk.domain.evaluation import Verdict
    from trackdesk.domain.metric import Series
    from trackdesk.domain.rule import Rule

MOST_TAGS = 80
"""Characters of tags that a title has."""
_LIMITS = {
    Operator.MORE: "over {}",
    Operator.AT_LEAST: "{} or more",
    Operator.LESS: "under {}",
    Operator.AT_MOST: "{} or less",
    Operator.EQUAL: "equal to {}",
    Operator.UNEQUAL: "other than {}",
}
_FOUND = {
    Aggregate.LAST: "is {}",
    Aggregate.AVG: "is {} on average over {}",
    Aggregate.MIN: "has a minimum of {} over {}",
    Aggregate.MAX: "has a maximum of {} over {}",
    Aggregate.P95: "has a p95 of {} over {}",
    Aggregate.COUNT: "came {} times within {}",
}


def title(rule: Rule, series: Series, verdict: Verdict) -> str:
    """`LATENCY_MS of payments is 180 (over 150 for 5m)`, `No LATENCY_MS of payments for 10m`."""
    if verdict.after is RuleState.NO_DATA:
        text = f"No {_subject(rule, series)} for {format_duration(rule.no_data_after or 0)}"
    else:
        text = f"{_subject(rule, series)} {_found(rule, verdict.value)} ({_limit(rule)})"
    return text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1] + "…"


def recovery(rule: Rule, series: Series, verdict: Verdict) -> str:
    """Why its incident is over."""
    if verdict.before is RuleState.NO_DATA:
        return f"{_subject(rule, series)} arrives again"
    return f"{_subject(rule, series)} {_found(rule, verdict.value)} again"


def facts(rule: Rule, series: Series) -> str:
    """The lines that let a person who reads a mail act on it."""
    lines = [f"rule      {rule.name}" + (f" ({rule.id})" if rule.name != rule.id else "")]
    lines.append(f"condition {condition_words(rule)}")
    lines.append(f"service   {series.service}")
    if series.tags:
        lines.append("tags      " + " ".join(f"{key}={value}" for key, value in series.tags.items()))
    return "\n".join(lines)


def _subject(rule: Rule, series: Series) -> str:
    more = ", ".join(f"{key}={value}" for key, value in series.tags.items() if key not in rule.tags)
    shown = more.isprintable() and 0 < len(more) <= MOST_TAGS
    return f"{rule.metric_type} of {series.service}" + (f" ({more})" if shown else "")


def _found(rule: Rule, value: float | None) -> str:
    window = format_duration(rule.window or 0)
    return _FOUND[rule.aggregate].format("unknown" if value is None else _number(value), window)


def _limit(rule: Rule) -> str:
    assert rule.operator is not None, "nothing else fires"
    assert rule.threshold is not None, "it comes with the operator"
    held = f" for {format_duration(rule.for_)}" if rule.for_ else ""
    return _LIMITS[rule.operator].format(number_words(rule.threshold)) + held


def _number(value: float) -> str:
    return number_words(value) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
