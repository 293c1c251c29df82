"""What a rule would have opened over stored samples: the same steps that are taken when samples arrive, taken again.

Each sample is taken to have arrived at the time it names.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.evaluation import Condition, SeriesState, falls_due, judge, step
from trackdesk.domain.rule import Operator, RuleState
from trackdesk.domain.rule_trial import WouldOpen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from trackdesk.domain.evaluation import Verdict
    from trackdesk.domain.rule import Rule

_BAD = frozenset({RuleState.FIRING, RuleState.NO_DATA})


class Past(NamedTuple):
    """A stored sample; the time is µs."""

    recorded_at: int
    sample_id: int
    series_id: int
    value: float


class _Incident:
    """One that is open, while any series of its service is bad."""

    def __init__(self, service: str, opened_at: int, occurrences: int) -> None:
        self.service = service
        self.opened_at = opened_at
        self.bad: set[int] = set()
        self.peak: float | None = None
        self.occurrences = occurrences


class Replay:
    """One go of one rule over the samples of the series that fit it, which are told by id with their service."""

    def __init__(self, rule: Rule, services: Mapping[int, str]) -> None:
        self._services = services
        self._condition = Condition(rule)
        self._states: dict[int, SeriesState] = {}
        self._open: dict[str, _Incident] = {}
        self._closed: list[WouldOpen] = []
        self._breaches: dict[int, tuple[int, float]] = {}
        """Of series that are pending, how many and the worst: they count once it fires."""
        self._agenda: list[tuple[int, int]] = []
        self._noted: dict[int, int] = {}
        """By series, when the agenda looks at it next."""
        self._worse = _worse_of(rule)

    @property
    def series(self) -> int:
        """That had samples."""
        return len(self._states)

    def feed(self, samples: Iterable[Past]) -> None:
        """`samples` in order of time, after all that were fed before."""
        condition, states = self._condition, self._states
        for at, _, series_id, value in samples:
            if self._agenda and self._agenda[0][0] <= at:
                self._pass_time(at)
            state = states.get(series_id)
            if state is None:
                state = states[series_id] = SeriesState(condition, at)
            verdict = step(condition, state, at, value, at)
            if verdict is not None:
                self._take(series_id, state, verdict, breached=True)
            if verdict is not None or series_id not in self._noted:
                self._note(series_id, state)

    def finish(self, since: int, now: int) -> list[WouldOpen]:
        """All incidents that were open at some time from `since` to `now` (µs), oldest first."""
        self._pass_time(now)
        still = [_told(incident, None, now) for incident in self._open.values()]
        found = [each for each in self._closed if each.recovered_at is None or each.recovered_at >= since] + still
        return sorted(found, key=lambda each: (each.opened_at, each.service))

    def _note(self, series_id: int, state: SeriesState) -> None:
        due = falls_due(self._condition, state)
        if due is not None and due < self._noted.get(series_id, due + 1):
            heappush(self._agenda, (due, series_id))
            self._noted[series_id] = due

    def _pass_time(self, now: int) -> None:
        """Whatever falls due by `now`, each at its instant; most were put off by a sample since they were noted."""
        while self._agenda and self._agenda[0][0] <= now:
            due, series_id = heappop(self._agenda)
            if self._noted.get(series_id) != due:
                continue
            del self._noted[series_id]
            state = self._states[series_id]
            verdict = judge(self._condition, state, due)
            if verdict is not None:
                self._take(series_id, state, verdict, breached=False)
            self._note(series_id, state)

    def _take(self, series_id: int, state: SeriesState, verdict: Verdict, *, breached: bool) -> None:
        service = self._services[series_id]
        incident = self._open.get(service)
        if state.state in _BAD:
            if incident is None:
                silent = state.state is RuleState.NO_DATA
                incident = self._open[service] = _Incident(service, verdict.at, int(silent))
            incident.bad.add(series_id)
        elif state.state is RuleState.OK:
            self._breaches.pop(series_id, None)
            self._recover(series_id, incident, verdict.at)
            return
        if state.state is RuleState.PENDING and verdict.before is not verdict.after:
            self._breaches.pop(series_id, None)
        value = state.value
        if breached and value is not None and self._condition.holds(value, self._condition.threshold):
            count, worst = self._breaches.get(series_id, (0, value))
            self._breaches[series_id] = (count + 1, self._worse(worst, value))
        if state.state is RuleState.FIRING and incident is not None and series_id in self._breaches:
            count, worst = self._breaches.pop(series_id)
            incident.occurrences += count
            incident.peak = worst if incident.peak is None else self._worse(incident.peak, worst)

    def _recover(self, series_id: int, incident: _Incident | None, at: int) -> None:
        if incident is None or series_id not in incident.bad:
            return
        incident.bad.discard(series_id)
        if not incident.bad:
            del self._open[incident.service]
            self._closed.append(_told(incident, at, at))


def _told(incident: _Incident, recovered_at: int | None, until: int) -> WouldOpen:
    return WouldOpen.trusted(
        service=incident.service,
        opened_at=incident.opened_at,
        recovered_at=recovered_at,
        duration=max(until - incident.opened_at, 0),
        peak=incident.peak,
        occurrences=incident.occurrences,
    )


def _worse_of(rule: Rule) -> Callable[[float, float], float]:
    """Of two values on the wrong side the one that is further there."""
    threshold = rule.threshold or 0.0
    if rule.operator in {Operator.MORE, Operator.AT_LEAST}:
        return max
    if rule.operator in {Operator.LESS, Operator.AT_MOST}:
        return min
    return lambda one, other: one if abs(one - threshold) >= abs(other - threshold) else other
