"""From what rules make of series to incidents, in one transaction with where the series stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.incident import IncidentStatus, Origin
from trackdesk.domain.notification import Kind
from trackdesk.domain.responsibility import responsible
from trackdesk.domain.rule import RuleState, rule_cause
from trackdesk.engine import rule_words
from trackdesk.engine.causes import SELF, announce_opened, close_by_itself, tell_incident
from trackdesk.store import blind, incidents, rule_states, rules, services
from trackdesk.store.faultpoint import reach

if TYPE_CHECKING:
    from trackdesk.domain.evaluation import Verdict
    from trackdesk.domain.metric import Series
    from trackdesk.domain.rule import Rule
    from trackdesk.store.incidents import IncidentRow
    from trackdesk.store.rule_states import StateRow
    from trackdesk.store.writer import Tx

_WRONG = frozenset({RuleState.FIRING, RuleState.NO_DATA})


class Turned(NamedTuple):
    """A series came into another state under a rule."""

    rule: Rule
    series: Series
    verdict: Verdict
    row: StateRow
    """As it stands after it."""
    reason: str | None = None
    """Why it is over, where no sample says so."""


class Repeated(NamedTuple):
    """Samples of a service that breached while its incident stands."""

    namespace_id: int
    rule_id: str
    service: str
    times: int


class Findings(NamedTuple):
    """What was made of the samples up to the id `cursor`."""

    cursor: int
    events: list[Turned | Repeated]
    """In the order of the samples."""
    pending: list[StateRow]
    """PENDING series that breached again."""
    uncounted: rule_states.Uncounted
    """What stays to be counted, of those of which that has changed."""


def follow(tx: Tx, found: Findings) -> None:
    """Write all that follows from it."""
    reach("rules.before_follow")
    for event in found.events:
        if isinstance(event, Repeated):
            _repeat(tx, event)
        else:
            _turn(tx, event)
        reach("rules.in_follow")
    for row in found.pending:
        rule_states.recount(tx, row)
    rule_states.set_uncounted(tx, found.uncounted)
    rule_states.set_cursor(tx, found.cursor)


def _turn(tx: Tx, event: Turned) -> None:
    rule, series, verdict = event.rule, event.series, event.verdict
    if not rule_states.watched(tx, series.namespace_id, rule.id):  # it was changed while this was on its way
        return
    if verdict.after is RuleState.OK:
        rule_states.remove(tx, event.row)
    elif not rule_states.write(tx, event.row):
        return
    if verdict.after in _WRONG:
        _raise(tx, rule, series, verdict)
    elif verdict.before in _WRONG and not rule_states.any_wrong(tx, series.namespace_id, rule.id, series.service):
        reason = event.reason or rule_words.recovery(rule, series, verdict)
        for row in incidents.held_of_causes(tx, series.namespace_id, rule_cause(rule.id, series.service)):
            _clear(tx, series.namespace_id, row, reason, closes=rule.auto_close)


def _standing(tx: Tx, namespace_id: int, cause: str) -> IncidentRow | None:
    """The one that is open, else the one that was closed by hand and whose cause has not cleared."""
    found = incidents.open_of_cause(tx, namespace_id, cause)
    return found or next(iter(incidents.held_of_causes(tx, namespace_id, cause)), None)


def _repeat(tx: Tx, event: Repeated) -> None:
    standing = _standing(tx, event.namespace_id, rule_cause(event.rule_id, event.service))
    if standing is not None:
        incidents.repeat(tx, standing.incident.id, event.times)


def _raise(tx: Tx, rule: Rule, series: Series, verdict: Verdict) -> None:
    cause = rule_cause(rule.id, series.service)
    standing = _standing(tx, series.namespace_id, cause)
    silent = verdict.after is RuleState.NO_DATA
    if standing is None:
        _open(tx, rule, series, verdict, cause)
        return
    if silent:
        facts = {"series": series.tags, "silent_for": rule.no_data_after}
        tx.journal(series.namespace_id, "incidents", "no_data", str(standing.incident.id), SELF, facts)
    else:
        incidents.repeat(tx, standing.incident.id, verdict.breaches)
    if not standing.holds:
        incidents.hold(tx, standing.incident.id)


def _open(tx: Tx, rule: Rule, series: Series, verdict: Verdict, cause: str) -> None:
    namespace_id = series.namespace_id
    service = services.find(tx, namespace_id, series.service)
    silent = verdict.after is RuleState.NO_DATA
    incident = incidents.insert(
        tx,
        namespace_id,
        cause,
        {
            "origin": Origin.RULE,
            "severity": rule.severity,
            "title": rule_words.title(rule, series, verdict),
            "description": rule.description,
            "service": series.service,
            "rule": rule.id,
            "tags": orjson.dumps(series.tags).decode(),
            "department": responsible(opener=rule.department, service=service.department if service else None),
            "value": None if silent else verdict.value,
            "threshold": None if silent else rule.threshold,
            "occurrences": 1 if silent else max(verdict.breaches, 1),
            "seen_late": int(blind.was_blind(tx, verdict.at)),
            "due_at": verdict.at,
        },
    )
    announce_opened(tx, namespace_id, incident, SELF)
    tell_incident(tx, namespace_id, Kind.OPENED, incident, note=rule_words.facts(rule, series))


def _clear(tx: Tx, namespace_id: int, row: IncidentRow, reason: str, *, closes: bool) -> None:
    """Its cause is over, and it too unless people are to close it."""
    incidents.release(tx, row.incident.id)
    if row.incident.status == IncidentStatus.CLOSED:
        return
    if closes:
        close_by_itself(tx, namespace_id, row.incident, reason, run=None, process=None)
    else:
        tx.journal(namespace_id, "incidents", "cleared", str(row.incident.id), SELF, {"reason": reason})


def stand_down(tx: Tx, namespace_id: int, rule_id: str) -> None:
    """A rule is watched no more. Of one that is disabled the incidents are over; those of a deleted one stay, as the
    deletion leaves them."""
    rule = rules.find(tx, namespace_id, rule_id)
    if rule is None or rule.enabled:
        return
    rule_states.remove_all(tx, namespace_id, rule_id)
    for row in incidents.held_of_rule(tx, namespace_id, rule_id):
        _clear(tx, namespace_id, row, f"the rule {rule.name} was disabled", closes=rule.auto_close)
