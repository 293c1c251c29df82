"""Making and changing a rule, in a form that says at once what the rule would have done over the last days."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from trackdesk.widgets import when
from trackdesk.widgets.budget import number
from trackdesk.widgets.forms import Field
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.preview_form import PreviewForm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.rule import Rule
    from trackdesk.domain.rule_trial import RuleTrial
    from trackdesk.screens.place import Place
    from trackdesk.widgets.forms import Errors, Values

LOOKED_BACK = "3d"
"""Of how much the preview tells."""
_STRIP = 36
"""Cells of the picture of that time."""
_MANY = 20
"""Incidents of that time that nobody would want."""
_NAMED = 2
"""Incidents that are told one by one."""
_NUMBERS = ("threshold", "recover_threshold")
_SPANS = ("window", "for", "no_data_after")
_SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
_OPERATORS = (">", ">=", "<", "<=", "==", "!=", "none")
_AGGREGATES = ("last", "avg", "min", "max", "count", "p95")
_YES, _NO = "yes", "no"


async def make_rule(place: Place, given: Mapping[str, str] | None = None) -> str | None:
    """Asks for a rule, beginning with what is `given`, and makes it. Its id, or None."""
    made: list[str] = []

    async def add(body: Mapping[str, Any]) -> None:
        made.append((await place.client.rules.add(body)).id)

    async def save(values: Values) -> Errors:
        return await place.submit(add(body_of(values)))

    async def preview(values: Values) -> Sequence[Toned]:
        if not values["metric_type"]:
            return [Toned(f"here stands what it would have done in the last {LOOKED_BACK}", "dim")]
        body = {**body_of(values), "since": LOOKED_BACK}
        return await _told(place, place.client.rules.preview(body), values)

    fields = fields_of(None, given)
    form = PreviewForm("A new rule", fields, preview=preview, check=problems, submit=save, lines=_NAMED + 2)
    return made[0] if await place.ask(form) is not None else None


async def change_rule(place: Place, rule: Rule) -> bool:
    """Asks for changes of `rule` and saves them. Whether they were saved."""

    async def save(values: Values) -> Errors:
        body = changes(rule, values)
        if not body:
            return {}
        return await place.submit(place.client.rules.patch(rule.id, body, if_match=rule.version))

    async def preview(values: Values) -> Sequence[Toned]:
        body = {**changes(rule, values), "since": LOOKED_BACK}
        return await _told(place, place.client.rules.test(rule.id, body), values)

    fields = fields_of(rule)
    form = PreviewForm(f"Rule {rule.id}", fields, preview=preview, check=problems, submit=save, lines=_NAMED + 2)
    return await place.ask(form) is not None


# -- the fields and what they mean -------------------------------------------------------------------------------------


def fields_of(rule: Rule | None, given: Mapping[str, str] | None = None) -> list[Field]:
    """The fields of `rule`, or of a new one."""
    was = _words(rule) if rule is not None else dict(given or {})
    identity = [Field("id", "id", was.get("id", ""), "empty: made of the metric's name")] if rule is None else []
    return [
        *identity,
        Field("metric_type", "metric", was.get("metric_type", ""), "LATENCY_MS", required=True),
        Field("service", "service", was.get("service", ""), "empty: every service that has the metric"),
        Field("operator", "is wrong when", was.get("operator", ">"), choices=_OPERATORS),
        Field("threshold", "than", was.get("threshold", ""), "150; empty with none: silence alone counts"),
        Field("aggregate", "of", was.get("aggregate", "last"), choices=_AGGREGATES),
        Field("window", "over", was.get("window", ""), "5m; not with last"),
        Field("for", "for", was.get("for", ""), "2m; empty: at once"),
        Field("recover_threshold", "well again at", was.get("recover_threshold", ""), "120; empty: at the threshold"),
        Field("no_data_after", "silent after", was.get("no_data_after", ""), "10m; empty: silence is nothing"),
        Field("severity", "severity", was.get("severity", "MEDIUM"), choices=_SEVERITIES),
        Field("tags", "tags", was.get("tags", ""), "env=prod region=eu; samples carry all of them"),
        Field("department", "department", was.get("department", ""), "empty: the service's, else default"),
        Field("name", "name", was.get("name", ""), "empty: its id"),
        Field("priority", "priority", was.get("priority", ""), "100; the least comes first"),
        Field("auto_close", "closes itself", was.get("auto_close", _YES), choices=(_YES, _NO)),
    ]


def _words(rule: Rule) -> dict[str, str]:
    from trackdesk.domain.instant import format_duration  # noqa: PLC0415 - loaded by now

    def span(micros: int | None) -> str:
        return "" if micros is None else format_duration(micros)

    def value(amount: float | None) -> str:
        return "" if amount is None else f"{amount:.15g}"

    return {
        "metric_type": rule.metric_type,
        "service": rule.service or "",
        "operator": rule.operator or "none",
        "threshold": value(rule.threshold),
        "aggregate": rule.aggregate,
        "window": span(rule.window),
        "for": span(rule.for_),
        "recover_threshold": value(rule.recover_threshold),
        "no_data_after": span(rule.no_data_after),
        "severity": rule.severity,
        "tags": " ".join(f"{key}={each}" for key, each in rule.tags.items()),
        "department": rule.department or "",
        "name": "" if rule.name == rule.id else rule.name,
        "priority": str(rule.priority),
        "auto_close": _YES if rule.auto_close else _NO,
    }


def body_of(values: Values) -> dict[str, Any]:
    """The fields as a body; what is empty is left out."""
    return {name: _member(name, value) for name, value in values.items() if _member(name, value) is not None}


def changes(rule: Rule, values: Values) -> dict[str, Any]:
    """What of the form differs from how `rule` stands; what was emptied is null."""
    before = _words(rule)
    return {name: _member(name, value) for name, value in values.items() if value != before[name]}


def _member(name: str, value: str) -> Any:
    if not value or (name == "operator" and value == "none"):
        return None
    if name in _NUMBERS:
        return float(value)
    if name == "priority":
        return int(value)
    if name == "tags":
        return dict(word.split("=", 1) for word in value.split())
    return value == _YES if name == "auto_close" else value


def problems(values: Values) -> dict[str, str]:
    """What is wrong with each field for itself; what can't work together the server says."""
    from trackdesk.domain.metric import METRIC_TYPE_PATTERN  # noqa: PLC0415 - loaded by now

    errors = {name: "expected a number" for name in _NUMBERS if values.get(name) and not _is_number(values[name])}
    if (name := values["metric_type"]) and not re.fullmatch(METRIC_TYPE_PATTERN, name):
        errors["metric_type"] = f"expected 1 to 64 of A-Z 0-9 _, a letter first, not {name!r}"
    for name in _SPANS:
        if values[name] and (said := _span_problem(values[name])):
            errors[name] = said
    for word in values["tags"].split():
        if not all(word.partition("=")):
            errors["tags"] = f"expected key=value, not {word!r}"
    if values["priority"] and not (values["priority"].isascii() and values["priority"].isdecimal()):
        errors["priority"] = "expected a whole number"
    return errors


def _is_number(text: str) -> bool:
    """JSON has neither infinity nor NaN: they would arrive as nothing."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _span_problem(text: str) -> str:
    from trackdesk.domain.instant import parse_duration  # noqa: PLC0415 - loaded by now

    try:
        parse_duration(text)
    except ValueError as error:
        return str(error)
    return ""


# -- what it would have done -------------------------------------------------------------------------------------------


async def _told(place: Place, asked: Any, values: Values) -> Sequence[Toned]:
    from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

    try:
        trial: RuleTrial = await asked
    except TrackdeskError as error:
        return [Toned(f"not yet: {error.detail}", "late")]
    return trial_words(trial, values.get("metric_type", ""), place.desk.now())


def trial_words(trial: RuleTrial, metric_type: str, now: int) -> list[Toned]:
    """What the rule would have done: how often, a picture of when, and the last ones."""
    if not trial.samples:
        return [Toned(f"no sample of {metric_type} that it looks at in the last {LOOKED_BACK}", "dim")]
    since = f"{'only ' if trial.truncated else ''}since {when.day_clock(trial.since, now)}"
    looked = f"{trial.samples:,} samples of {trial.series:,} series"
    if not trial.count:
        return [Toned(f"would never have fired {since}", "ok", bold=True), Toned(looked, "dim")]
    times = "1 incident" if trial.count == 1 else f"{trial.count:,} incidents"
    lines = [
        Toned(f"would have opened {times} {since}", "fail" if trial.count > _MANY else "late", bold=True),
        Toned(f"{_picture(trial)} {looked}", "fail"),
    ]
    for each in reversed(trial.would_open[-_NAMED:]):
        peak = "" if each.peak is None else f", up to {number(each.peak)}"
        lasting = "still" if each.recovered_at is None else when.span(each.duration)
        lines.append(Toned(f"  {when.day_clock(each.opened_at, now)}  {each.service} {lasting}{peak}", "new"))
    return lines


def _picture(trial: RuleTrial) -> str:
    """The time looked at, a mark where an incident would have been open."""
    reach = max(trial.to - trial.since, 1)
    cells = ["·"] * _STRIP
    for each in trial.would_open:
        first = (each.opened_at - trial.since) * _STRIP // reach
        last = (each.opened_at + each.duration - trial.since) * _STRIP // reach
        for at in range(max(first, 0), min(last, _STRIP - 1) + 1):
            cells[at] = "▄"
    return "".join(cells)
