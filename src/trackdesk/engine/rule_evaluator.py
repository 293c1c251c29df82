"""The evaluation of rules: what is remembered, what was found and is not written yet, and the writing of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from trackdesk.domain.clock import SECOND
from trackdesk.domain.evaluation import COUNTED, PENDING, judge, resume, set_back, step, stop
from trackdesk.domain.metric import EVALUATED_FOR
from trackdesk.engine.listening import listen
from trackdesk.engine.rule_causes import Findings, Repeated, Turned, follow, stand_down
from trackdesk.engine.watching import Pair, Watched, Watches
from trackdesk.store import rule_states, rules
from trackdesk.store import series as series_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackdesk.domain.clock import Clock
    from trackdesk.domain.evaluation import Verdict
    from trackdesk.domain.metric import Recorded
    from trackdesk.domain.rule import Rule
    from trackdesk.store.readers import Readers
    from trackdesk.store.rule_states import StateRow, Uncounted
    from trackdesk.store.writer import Tx, Writer

SLICE: Final = 500
"""Steps after which others have their turn on the loop, 1 to 2 ms."""
BATCH: Final = 12
"""Verdicts written in one operation, 5 to 10 ms."""
GATHER: Final = SECOND
"""µs for which repeated breaches are gathered."""
REST: Final = 10 * SECOND
"""µs after which it is noted up to which sample nothing happened."""

_WORDS: Final = {"FIRING": "fired", "NO_DATA": "silent", "OK": "recovered", "PENDING": "pending"}


class Evaluator:
    """One life of it: after a failure a new one begins from the store."""

    def __init__(
        self,
        clock: Clock,
        writer: Writer,
        readers: Readers,
        wake_agenda: Callable[[int], None],
        totals: dict[str, int],
    ) -> None:
        self._clock = clock
        self._writer = writer
        self._readers = readers
        self._wake_agenda = wake_agenda
        self._totals = totals
        self._watches = Watches(readers)
        self.cursor = self._written = 0
        """The last sample that was evaluated; all before it were."""
        self._events: list[Turned | Repeated] = []
        self._counts: Counter[tuple[int, str, str]] = Counter()
        """By incident, breaches that it does not count yet."""
        self._recounted: set[tuple[int, str, str]] = set()
        """Those whose count has changed since it was written."""
        self._kept: set[tuple[int, str, str]] = set()
        """Those whose count is stored, so that it is not lost."""
        self._pending: set[Pair] = set()
        """Those whose breaches have changed."""
        self._gathered_at = clock.monotonic()
        self._writing = False

    @property
    def next_due_at(self) -> int | None:
        """µs; when time changes something next, as far as is known."""
        return self._watches.next_due_at

    @property
    def gather_left(self) -> int | None:
        """µs until what is gathered is to be written; None: nothing is."""
        if self.cursor == self._written and not self._pending and not self._counts:
            return None
        gather = GATHER if self._counts or self._pending else REST
        return max(self._gathered_at + gather - self._clock.monotonic(), 0)

    @property
    def whole(self) -> bool:
        """Whether it was not broken off while it wrote."""
        return not self._writing

    async def evaluate(self, recorded: Sequence[Recorded]) -> None:
        """Samples with ids behind the cursor, in their order."""
        await self._watches.prepare(recorded, self._clock.now(), self.cursor)
        done = 0
        while done < len(recorded):
            done = self._step(recorded, done)
            if self._events:
                await self.write()
            elif done < len(recorded):
                await asyncio.sleep(0)

    def _step(self, recorded: Sequence[Recorded], begin: int) -> int:
        """Evaluate from `begin` on; gives up to where it got."""
        now, steps, place = self._clock.now(), 0, begin
        of_series, events = self._watches.of_series, self._events
        for place in range(begin, len(recorded)):
            series_id, _, sample_id, at, value = recorded[place]
            self.cursor = sample_id
            if at < now - EVALUATED_FOR:
                continue
            for pair in of_series(series_id):
                steps += 1
                verdict = step(pair.condition, pair.state, at, value, now)
                if verdict is not None:
                    self._note(pair, verdict)
                if pair.scheduled is None and pair.condition.silence is not None:
                    self._heard(pair, now)
            if steps >= SLICE or len(events) >= BATCH:
                break
        self._totals["samples"] += place + 1 - begin
        self._totals["steps"] += steps
        return place + 1

    def _note(self, pair: Pair, verdict: Verdict) -> None:
        if verdict is COUNTED:
            if pair.state.state is PENDING:
                self._pending.add(pair)
            else:
                self._counts[pair.key] += 1
                self._recounted.add(pair.key)
            return
        if count := self._counts.pop(pair.key, 0):
            self._recounted.add(pair.key)
            self._events.append(Repeated(*pair.key, count))
        self._pending.discard(pair)
        self._events.append(pair.turned(verdict))
        self._totals[_WORDS[verdict.after]] += 1
        self._schedule(pair)

    def _heard(self, pair: Pair, now: int) -> None:
        """A series was silent, or never heard before."""
        if (relieved := self._watches.relieve(pair, now)) is not None:
            self._events.append(relieved)
        self._schedule(pair)

    def _schedule(self, pair: Pair) -> None:
        due_at = self._watches.schedule(pair)
        if due_at is not None:
            self._wake_agenda(due_at)

    def _wake(self) -> None:
        if (due_at := self._watches.next_due_at) is not None:
            self._wake_agenda(due_at)

    async def judge(self, until: int) -> bool:
        """What time alone has made true by `until` (µs): some of it, for samples wait; whether there is more."""
        for looked_at, pair in enumerate(self._watches.due(until), 1):
            verdict = judge(pair.condition, pair.state, until)
            if verdict is None:
                self._watches.schedule(pair)
            else:
                self._note(pair, verdict)
            if looked_at == SLICE or len(self._events) >= BATCH:
                break
        if self._events:
            await self.write()
        self._wake()
        due_at = self._watches.next_due_at
        return due_at is not None and due_at <= until

    async def write(self, *, counts: bool = False) -> None:
        """All that was found, up to the cursor. With `counts` repeated breaches go to their incidents; without, they
        are only kept from being lost."""
        events = self._events
        if counts:
            events = [*events, *(Repeated(*key, count) for key, count in self._counts.items())]
            self._recounted.update(self._counts)
            self._counts.clear()
            self._gathered_at = self._clock.monotonic()
        uncounted = {key: self._counts[key] for key in self._recounted if key in self._counts or key in self._kept}
        found = Findings(self.cursor, events, [pair.row() for pair in self._pending], uncounted)
        self._writing = True
        await self._writer.run(lambda tx: follow(tx, found))
        self._writing = False
        self._written = found.cursor
        self._kept.difference_update(uncounted)
        self._kept.update(key for key, times in uncounted.items() if times)
        self._recounted.clear()
        self._events = []
        self._pending.clear()

    def mind_the_clock(self, blind_until: int | None, set_to: int | None) -> None:
        """Until `blind_until` (µs) nobody could see anything; the clock was set back to `set_to`."""
        for pair in self._watches.every_pair():
            if set_to is not None:
                set_back(pair.condition, pair.state, set_to)
            if blind_until is not None:
                resume(pair.state, blind_until)
        self._watches.reschedule()
        self._wake()

    async def restore(self) -> None:
        """Begin from what is stored."""
        stored = await self._writer.run(_read)
        now = self._clock.now()
        self.cursor = self._written = stored.cursor
        self._counts.update(stored.uncounted)
        self._kept.update(stored.uncounted)
        for namespace_id, rule in stored.rules:
            self._watches.put(Watched(namespace_id, rule))
        known = await series_store.of_ids(self._readers, {row.series_id for row in stored.rows})
        for row in stored.rows:
            watched = self._watches.get((row.namespace_id, row.rule_id))
            if watched is None or row.series_id not in known:
                continue
            pair = watched.pair(known[row.series_id], now)
            pair.restore(row)
            resume(pair.state, now)
            if not watched.looks_at(pair.series):  # the rule was changed as the last life ended
                del watched.pairs[row.series_id]
                self._events.append(pair.turned(stop(pair.state, now), f"the rule {watched.rule.name} was changed"))
        self._watches.index()
        for namespace_id, rule in stored.rules:
            await self._listen((namespace_id, rule.id), now)
        self._watches.reschedule()
        if self._events:
            await self.write()
        self._wake()

    async def reload(self) -> None:
        """Rules have changed: from the next sample on they count as they are now, and for what is not OK at once."""
        if self.cursor != self._written:
            await self.write(counts=True)
        now = self._clock.now()
        found = await rule_states.versions(self._readers)
        for key in self._watches.keys - found.keys():
            self._watches.drop(key)
            await self._writer.run(lambda tx, key=key: stand_down(tx, *key))  # type: ignore[misc]
        for key, stands in found.items():
            before = self._watches.get(key)
            if before is not None and (before.rule.version, before.rule.created_at) == stands:
                continue
            rule = await rule_states.enabled_rule(self._readers, *key)
            if rule is None:  # another change, of which another call comes
                continue
            if before is None or before.rule.created_at != rule.created_at:
                self._watches.put(Watched(key[0], rule))
            else:
                events, pending = await self._watches.replace(before, rule, now, self.cursor)
                self._events += events
                self._pending.update(pending)
            await self._listen(key, now)
        self._watches.index()
        if self._events or self._pending:
            await self.write()
        self._wake()

    async def _listen(self, key: tuple[int, str], now: int) -> None:
        watched = self._watches.get(key)
        if watched is not None:
            self._events += await listen(self._watches, watched, self._readers, self._writer, now)


class _Stored(NamedTuple):
    """All that the store knows, in one look."""

    cursor: int
    uncounted: Uncounted
    rules: list[tuple[int, Rule]]
    rows: list[StateRow]


def _read(tx: Tx) -> _Stored:
    for namespace_id, rule_id in rule_states.of_disabled(tx):
        stand_down(tx, namespace_id, rule_id)
    return _Stored(
        rule_states.cursor(tx), rule_states.uncounted(tx), rules.enabled_rules(tx), rule_states.everything(tx)
    )
