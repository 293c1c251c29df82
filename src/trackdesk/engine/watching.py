"""Which series each rule watches, and where each of them stands: the memory of the evaluation."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final

from trackdesk.domain.evaluation import OK, PENDING, Condition, SeriesState, falls_due, revise, stop
from trackdesk.domain.rule import fits
from trackdesk.engine.rule_causes import Turned
from trackdesk.store import rule_samples
from trackdesk.store.rule_states import StateRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trackdesk.domain.evaluation import Verdict
    from trackdesk.domain.metric import Recorded, Series
    from trackdesk.domain.rule import Rule
    from trackdesk.domain.window import RollingWindow
    from trackdesk.store.readers import Readers

MOST_PAIRS: Final = 200_000
"""Series under rules that are remembered; above it those that are OK are read again when they next come."""
READ_TOGETHER: Final = 500
"""Series whose windows are read in one statement."""
LEFT_BEHIND: Final = 1000
"""Timers that may be looked at no more, besides as many as those that are, before they are taken out."""


class Pair:
    """A series under a rule."""

    __slots__ = ("condition", "filled", "key", "rule", "scheduled", "series", "state")

    def __init__(self, rule: Rule, condition: Condition, series: Series, heard_at: int | None = None) -> None:
        self.rule = rule
        self.condition = condition
        self.series = series
        self.key = (series.namespace_id, rule.id, series.service)
        """What its incident is opened for."""
        self.state = SeriesState(condition, heard_at)
        self.filled = self.state.window is None
        """Whether the window has the samples that were there before."""
        self.scheduled: int | None = None
        """When it is looked at next though no sample comes."""

    def row(self) -> StateRow:
        state = self.state
        return StateRow(
            self.series.namespace_id, self.rule.id, self.series.id, self.series.service, state.state, state.since,
            state.value, state.pending_since, state.breaches, state.due_at,
        )  # fmt: skip

    def restore(self, row: StateRow) -> None:
        """As it was stored."""
        state = self.state
        state.state, state.since, state.value = row.state, row.since, row.value
        state.pending_since, state.breaches, state.due_at = row.pending_since, row.breaches, row.next_due_at

    def turned(self, verdict: Verdict, reason: str | None = None) -> Turned:
        return Turned(self.rule, self.series, verdict, self.row(), reason)


class Filling:
    """The window of a pair that is filled with what was there before: samples by time, as they are stored.

    When a sample came is not stored. One that is ahead of the clock came from a sender that is ahead, or before the
    clock was set back. While such are the last that came, those within the window of the newest count as of now, as if
    one had seen them come; where samples of our time came behind them, they don't count.
    """

    __slots__ = ("_ahead", "_last", "_now", "_pair", "_window", "since")

    def __init__(self, pair: Pair, window: RollingWindow, at: int, now: int) -> None:
        self.since = at - pair.condition.width
        """Up to which (µs) nothing counts."""
        self._pair = pair
        self._window = window
        self._now = now
        self._last = 0
        self._ahead: deque[tuple[int, int, float]] = deque()

    def take(self, sample_id: int, at: int, value: float) -> None:
        if at > self._now:
            self._ahead.append((sample_id, at, value))
            while self._ahead[0][1] <= at - self._pair.condition.width:
                self._ahead.popleft()
        elif at > self.since:
            self._last = max(self._last, sample_id)
            self._count(at, value)

    def finish(self) -> None:
        if max((sample_id for sample_id, _, _ in self._ahead), default=0) > self._last:
            for _, _, value in self._ahead:
                self._count(self._now, value)
        self._pair.filled = True

    def _count(self, at: int, value: float) -> None:
        found = self._window.add(at, value)
        if found is not None:
            self._pair.state.value = found


class Watched:
    """A rule and the series of it that are remembered, by their ids."""

    __slots__ = ("condition", "namespace_id", "pairs", "rule", "stands_in")

    def __init__(self, namespace_id: int, rule: Rule) -> None:
        self.namespace_id = namespace_id
        self.rule = rule
        self.condition = Condition(rule)
        self.pairs: dict[int, Pair] = {}
        self.stands_in: Pair | None = None
        """Of a service that the rule names and that was not heard: the series that it would have at least."""

    def looks_at(self, series: Series) -> bool:
        return series.namespace_id == self.namespace_id and fits(
            self.rule, series.metric_type, series.service, series.tags
        )

    def pair(self, series: Series, heard_at: int | None = None) -> Pair:
        """The one of the series, made when there is none."""
        found = self.pairs.get(series.id)
        if found is None:
            found = self.pairs[series.id] = Pair(self.rule, self.condition, series, heard_at)
        return found


class Watches:
    """All rules that are enabled. Belongs to the worker of the rules."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._rules: dict[tuple[int, str], Watched] = {}
        self._by_scope: dict[tuple[int, str, str | None], list[Watched]] = {}
        """By namespace, metric type and service; None: of any service."""
        self._of_series: dict[int, tuple[Pair, ...]] = {}
        """By id of the series, the rules that look at it, those of least priority first; only with all there is to
        know."""
        self._timers: list[tuple[int, int, Pair]] = []
        self._most_timers = LEFT_BEHIND
        self._order = count()

    @property
    def keys(self) -> set[tuple[int, str]]:
        """(namespace id, rule id) of all."""
        return set(self._rules)

    def get(self, key: tuple[int, str]) -> Watched | None:
        return self._rules.get(key)

    def put(self, watched: Watched) -> None:
        """In the place of the rule of that id; `index` is called after it."""
        self._rules[watched.namespace_id, watched.rule.id] = watched

    def drop(self, key: tuple[int, str]) -> None:
        """`index` is called after it."""
        del self._rules[key]

    def index(self) -> None:
        """The rules have changed."""
        self._by_scope.clear()
        self._of_series.clear()
        for watched in self._rules.values():
            scope = (watched.namespace_id, watched.rule.metric_type, watched.rule.service)
            self._by_scope.setdefault(scope, []).append(watched)

    def every_pair(self) -> Iterator[Pair]:
        for watched in self._rules.values():
            yield from watched.pairs.values()

    def of_series(self, series_id: int) -> tuple[Pair, ...]:
        """What looks at a series that was prepared."""
        return self._of_series[series_id]

    async def prepare(self, samples: Sequence[Recorded], now: int, up_to: int) -> None:
        """Know of each series what rules look at it, and what their windows hold up to the sample id `up_to`."""
        known = self._of_series
        if len(known) > MOST_PAIRS:
            self._forget()
        unknown = {each.series_id: each for each in reversed(samples) if each.series_id not in known}
        empty = []
        for sample in unknown.values():
            pairs = tuple(each.pair(sample.series) for each in self._looking_at(sample.series))
            known[sample.series_id] = pairs
            empty += [(pair, min(sample.recorded_at, now)) for pair in pairs if not pair.filled]
        await self._fill(empty, now, up_to)

    def _looking_at(self, series: Series) -> list[Watched]:
        """In the order of priority."""
        found = [
            watched
            for service in (series.service, None)
            for watched in self._by_scope.get((series.namespace_id, series.metric_type, service), ())
            if watched.looks_at(series)
        ]
        return sorted(found, key=lambda each: (each.rule.priority, each.rule.id))

    async def _fill(self, pairs: Sequence[tuple[Pair, int]], now: int, up_to: int) -> None:
        """Read what the windows of pairs hold as a sample of the time beside each (µs) comes, up to the id `up_to`."""
        fillings: dict[int, list[Filling]] = {}
        for pair, at in pairs:
            if pair.state.window is not None and not pair.filled:
                fillings.setdefault(pair.series.id, []).append(Filling(pair, pair.state.window, at, now))
        every = list(fillings)
        for begin in range(0, len(every), READ_TOGETHER):
            some = every[begin : begin + READ_TOGETHER]
            since = {series_id: min(each.since for each in fillings[series_id]) for series_id in some}
            async for rows in rule_samples.windows(self._readers, since, up_to):
                for series_id, sample_id, recorded_at, value in rows:
                    for filling in fillings[series_id]:
                        filling.take(sample_id, recorded_at, value)
            for series_id in some:
                for filling in fillings[series_id]:
                    filling.finish()

    def _forget(self) -> None:
        """What is OK and that time does not change is known to the store."""
        self._of_series.clear()
        for watched in self._rules.values():
            watched.pairs = {
                key: pair for key, pair in watched.pairs.items() if pair.state.state is not OK or pair.scheduled
            }

    def schedule(self, pair: Pair) -> int | None:
        """Have it looked at when time changes it. Gives that instant (µs) when it is the next of all."""
        due_at = falls_due(pair.condition, pair.state)
        if due_at is None or (pair.scheduled is not None and pair.scheduled <= due_at):
            return None
        pair.scheduled = due_at
        if len(self._timers) >= self._most_timers:
            self._tidy()
        heapq.heappush(self._timers, (due_at, next(self._order), pair))
        return due_at if self._timers[0][2] is pair else None

    def relieve(self, pair: Pair, now: int) -> Turned | None:
        """A series is heard, so nothing has to stand in for its service any more. Gives what ends with that."""
        watched = self._rules[pair.series.namespace_id, pair.rule.id]
        other, watched.stands_in = watched.stands_in, None
        if other is None or other is pair:
            return None
        other.state.heard_at = None
        if other.state.state is OK:
            return None
        return other.turned(stop(other.state, now), f"{pair.rule.metric_type} of {pair.series.service} arrives")

    def _tidy(self) -> None:
        """A pair that is looked at sooner leaves its later timer behind: that of a long silence stands for weeks."""
        self._timers = [timer for timer in self._timers if self._stands(timer[0], timer[2])]
        heapq.heapify(self._timers)
        self._most_timers = 2 * len(self._timers) + LEFT_BEHIND

    def _stands(self, due_at: int, pair: Pair) -> bool:
        """Whether a timer is that of a pair that is still watched."""
        watched = self._rules.get((pair.series.namespace_id, pair.rule.id))
        return pair.scheduled == due_at and watched is not None and watched.pairs.get(pair.series.id) is pair

    @property
    def next_due_at(self) -> int | None:
        """µs; when some pair is to be looked at."""
        return self._timers[0][0] if self._timers else None

    def due(self, now: int) -> Iterator[Pair]:
        """Those to be looked at by `now` (µs); what they do then is for the caller to say, by `schedule` too."""
        while self._timers and self._timers[0][0] <= now:
            due_at, _, pair = heapq.heappop(self._timers)
            if self._stands(due_at, pair):
                pair.scheduled = None
                yield pair

    def reschedule(self) -> None:
        """The clock was set, or one could not see."""
        self._timers.clear()
        self._most_timers = LEFT_BEHIND
        for pair in self.every_pair():
            pair.scheduled = None
            self.schedule(pair)

    async def replace(self, before: Watched, rule: Rule, now: int, up_to: int) -> tuple[list[Turned], list[Pair]]:
        """The rule was changed: what was not OK is judged anew, all else with its next sample. Gives what came of it,
        and the pairs that are still PENDING."""
        after, why = Watched(before.namespace_id, rule), f"the rule {rule.name} was changed"
        events: list[Turned] = []
        for old in before.pairs.values():
            if not after.looks_at(old.series):
                if old.state.state is not OK:
                    events.append(old.turned(stop(old.state, now), why))
                continue
            if old.state.state is OK and after.condition.silence is None:
                continue
            pair = after.pair(old.series, old.state.heard_at)
            pair.restore(old.row())
        await self._fill([(pair, now) for pair in after.pairs.values() if pair.state.state is not OK], now, up_to)
        for pair in after.pairs.values():
            verdict = revise(pair.condition, pair.state, now)
            if verdict is not None:
                events.append(pair.turned(verdict, why))
            self.schedule(pair)
        self.put(after)
        return events, [pair for pair in after.pairs.values() if pair.state.state is PENDING]
