"""What one watcher has yet to be told: changes merged by entity, and topics that are too fast to tell one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from trackdesk.store.transaction import JournalEntry

TOPIC_RATE: Final = 200
"""Events of one topic that a watcher gets in a second; beyond it is told to read the topic again."""
RATE_WINDOW: Final = 1_000_000
TICK: Final = "tick"
"""The kind of an event that says: there is new data of this entity. Data is not in the journal and not numbered."""
TICK_EVERY: Final = 250_000
"""µs between two ticks: what comes in thousands a second is told four times a second."""
MAX_TICKS: Final = 200
"""Entities of one topic told in one round of ticks; of the others a watcher learns with a later one."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One thing to tell. `id` is where to resume: everything up to it has been told with this event or before it."""

    id: int
    topic: str | None
    """None only with `resync`: every topic."""
    at: int = 0
    kind: str = ""
    ref: str = ""
    actor: str = ""
    changed: str = "{}"
    """A JSON object as text."""
    resync: str | None = None
    """Why the topic has to be read again; None: this is a change."""


@dataclass(slots=True)
class _Change:
    first: int
    entry: JournalEntry
    changed: str


@dataclass(slots=True)
class _Flood:
    """A topic that is told by resyncs until its second is over; `first` and `last` are what no resync covers yet."""

    until: int
    first: int | None
    last: int = 0


class Flow:
    """Bounded by the rate: a topic holds at most `TOPIC_RATE` changes, then it becomes one resync.

    All instants are µs of the monotonic clock.
    """

    def __init__(self) -> None:
        self.merged = 0
        self.resyncs = 0
        self._changes: dict[tuple[str, str], _Change] = {}
        self._waiting: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._window_ends = 0
        self._floods: dict[str, _Flood] = {}
        self._skipped = 0
        self._told = 0
        self._changes_due: int | None = None
        self.changes_told_at = -RATE_WINDOW
        """When changes were last handed out."""
        self._ticks: dict[str, dict[str, int]] = {}
        self._ticks_due: int | None = None
        self._next_ticks = 0

    @property
    def due_at(self) -> int | None:
        """When `take` has something to give; None: nothing waits."""
        due_at = _least(self._changes_due, self._ticks_due)
        for flood in self._floods.values():
            if flood.first is not None:
                due_at = _least(due_at, flood.until)
        return due_at

    def skip_to(self, seq: int) -> None:
        """Drop what is numbered up to `seq`, also when it still comes."""
        self._skipped = self._told = seq
        for key, change in list(self._changes.items()):
            if change.entry.seq <= seq:
                del self._changes[key]
                self._waiting[key[0]] -= 1
        self._floods = {topic: flood for topic, flood in self._floods.items() if flood.last > seq}
        if not self._changes:
            self._changes_due = None

    def add(self, entry: JournalEntry, now: int, due_at: int) -> None:
        """Take one committed entry; it is to be told at `due_at`."""
        if entry.seq <= self._skipped:
            return
        topic = entry.topic
        flood = self._floods.get(topic)
        if flood is not None:
            flood.first = entry.seq if flood.first is None else flood.first
            flood.last = entry.seq
            return
        key = (topic, entry.ref)
        change = self._changes.get(key)
        if change is not None:
            self.merged += 1
            change.changed = _merge(change.changed, entry.changed)
            change.entry = entry
            return
        self._changes[key] = _Change(entry.seq, entry, entry.changed)
        self._waiting[topic] += 1
        if self._changes_due is None:
            self._changes_due = due_at
        if now >= self._window_ends:
            self._sent.clear()
            self._window_ends = now + RATE_WINDOW
        if self._waiting[topic] + self._sent[topic] > TOPIC_RATE:
            self._flood(topic)

    def tick(self, topic: str, ref: str, at: int, now: int) -> None:
        """There is new data of an entity; `at` in µs UTC."""
        ticks = self._ticks.setdefault(topic, {})
        if len(ticks) < MAX_TICKS or ref in ticks:
            ticks[ref] = at
        if self._ticks_due is None:
            self._ticks_due = max(now, self._next_ticks)

    def take(self, now: int) -> list[StreamEvent]:
        """What is to be told now, in order of the numbers; empty before `due_at`."""
        due_at = self.due_at
        if due_at is None or now < due_at:
            return []
        if self._changes:
            self.changes_told_at = now
        ready: list[tuple[int, int, _Change | str]] = [
            (change.first, change.entry.seq, change) for change in self._changes.values()
        ]
        held: int | None = None
        for topic, flood in list(self._floods.items()):
            if now < flood.until:
                held = _least(held, flood.first)
            else:
                del self._floods[topic]
                if flood.first is not None:
                    ready.append((flood.first, flood.last, topic))
        self._changes.clear()
        self._waiting.clear()
        self._changes_due = None
        return self._tell(sorted(ready, key=lambda each: each[0]), held) + self._take_ticks(now)

    def _take_ticks(self, now: int) -> list[StreamEvent]:
        if self._ticks_due is None or now < self._ticks_due:
            return []
        ticks, self._ticks, self._ticks_due = self._ticks, {}, None
        self._next_ticks = now + TICK_EVERY
        return [StreamEvent(self._told, topic, at, TICK, ref) for topic in ticks for ref, at in ticks[topic].items()]

    def _tell(self, ready: list[tuple[int, int, _Change | str]], held: int | None) -> list[StreamEvent]:
        """Number the events so that resuming from any of them misses nothing that comes after it."""
        events: list[StreamEvent] = []
        reached = self._told
        for index, (_, last, what) in enumerate(ready):
            reached = max(reached, last)
            following = ready[index + 1][0] if index + 1 < len(ready) else None
            limit = _least(following, held)
            self._told = max(self._told, reached if limit is None else min(reached, limit - 1))
            if isinstance(what, str):
                self.resyncs += 1
                events.append(StreamEvent(self._told, what, resync=f"more than {TOPIC_RATE} changes a second"))
                continue
            entry = what.entry
            self._sent[entry.topic] += 1
            events.append(
                StreamEvent(self._told, entry.topic, entry.at, entry.kind, entry.ref, entry.actor, what.changed)
            )
        return events

    def _flood(self, topic: str) -> None:
        """Forget the single changes of a topic; one resync at the end of the second stands for all of them."""
        theirs = [key for key in self._changes if key[0] == topic]
        first = min(self._changes[key].first for key in theirs)
        last = max(self._changes[key].entry.seq for key in theirs)
        for key in theirs:
            del self._changes[key]
        del self._waiting[topic]
        self._floods[topic] = _Flood(self._window_ends, first, last)
        if not self._changes:
            self._changes_due = None


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _merge(earlier: str, later: str) -> str:
    """Two changes of one entity as one: from where the first began to where the second ended."""
    if earlier == "{}" or later == "{}":
        return later if earlier == "{}" else earlier
    members: dict[str, Any] = orjson.loads(earlier)
    for name, value in orjson.loads(later).items():
        before = members.get(name)
        pair = isinstance(value, list) and len(value) == 2
        if pair and isinstance(before, list) and len(before) == 2:
            members[name] = [before[0], value[1]]
        else:
            members[name] = value
    return orjson.dumps(members).decode()
