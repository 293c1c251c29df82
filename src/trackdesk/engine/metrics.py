"""Recording samples: told thousands a second, so all that arrived together are written in a few statements."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.errors import Conflict, TrackdeskError
from trackdesk.domain.metric import Recorded
from trackdesk.store import ingest_uids, samples, series
from trackdesk.store.ingest_uids import TakenUid

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Sequence

    from trackdesk.domain.identity import Caller
    from trackdesk.domain.metric import Draft
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx


_new = tuple.__new__
"""Makes a NamedTuple in half the time that calling it takes."""


class Record(NamedTuple):
    """One request to record samples: all of them or none."""

    namespace_id: int
    actor: str
    drafts: Sequence[Draft]
    handed: deque[list[Recorded]]
    """Where committed samples go."""


class _Group:
    """The samples of one batch, collected until they are written together."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.fresh: list[Recorded] = []
        self.taken: dict[tuple[int, str], int | None] = {}
        """The `uid`s that were taken in the last day, each with its sample; None: it was a line of another kind."""
        self.stored: dict[int, Recorded] = {}
        """The samples of these."""
        self.named: list[TakenUid] = []

    def look_up(self, records: Sequence[Record]) -> None:
        """What was taken before."""
        uids: dict[int, list[str]] = {}
        for record in records:
            for draft in record.drafts:
                if draft.uid is not None:
                    uids.setdefault(record.namespace_id, []).append(draft.uid)
        for namespace_id, theirs in uids.items():
            found = ingest_uids.samples_of(self.tx, namespace_id, theirs)
            self.taken.update({(namespace_id, uid): sample_id for uid, sample_id in found.items()})
        if ids := [sample_id for sample_id in self.taken.values() if sample_id is not None]:
            self.stored = samples.by_id(self.tx, ids)

    def add(self, record: Record) -> list[Recorded]:
        drafts = record.drafts
        known = series.known(self.tx, record.namespace_id)
        if any(draft[3] is not None for draft in drafts):
            self._make_known(record)
            return [self._named(record, draft) for draft in drafts]
        try:
            made = self._made(drafts, known)
        except KeyError:  # some series is not known yet
            self._make_known(record)
            made = self._made(drafts, known)
        self.fresh += made
        return made

    def _make_known(self, record: Record) -> None:
        known = series.known(self.tx, record.namespace_id)
        if unknown := [draft.key for draft in record.drafts if draft.key not in known]:
            series.find_or_make(self.tx, record.namespace_id, unknown, record.actor)

    def _made(self, drafts: Sequence[Draft], known: series.Known) -> list[Recorded]:
        """Raises KeyError for a series that is not known."""
        every = [known[draft[0]] for draft in drafts]
        number, now = samples.next_ids(self.tx, len(drafts)), self.tx.now
        made = []
        for its, (_, value, at, _) in zip(every, drafts, strict=True):
            made.append(_new(Recorded, (its[0], its, number, now if at is None else at, value)))
            number += 1
        return made

    def _named(self, record: Record, draft: Draft) -> Recorded:
        """A sample with a `uid` perhaps, which was taken before perhaps."""
        name = (record.namespace_id, draft.uid or "")
        before = self.stored.get(self.taken.get(name) or 0)
        if before is not None:
            return before
        its = series.known(self.tx, record.namespace_id)[draft.key]
        at = self.tx.now if draft.recorded_at is None else draft.recorded_at
        made = Recorded(its.id, its, samples.next_ids(self.tx, 1), at, draft.value)
        self.fresh.append(made)
        if draft.uid is not None:
            self.taken[name] = made.sample_id
            self.stored[made.sample_id] = made
            self.named.append(TakenUid(*name, None, self.tx.now, made.sample_id))
        return made

    def write(self, handed: deque[list[Recorded]]) -> None:
        if self.fresh:
            samples.insert(self.tx, [(each[2], each[0], each[3], each[4]) for each in self.fresh])
            ingest_uids.take(self.tx, self.named)
            self.tx.after_commit(partial(handed.append, self.fresh))


def record_samples(tx: Tx, records: Sequence[Record]) -> list[list[Recorded] | BaseException]:
    """What became of each request: its samples in their order, or why there are none.

    A sample whose `uid` was taken within 24 h is the one that was stored then. Raises for a request Conflict
    `too_many`, `uid_taken`.
    """
    group = _Group(tx)
    group.look_up(records)
    answers: list[list[Recorded] | BaseException] = []
    for record in records:
        try:
            _check_uids(group, record)
            answers.append(group.add(record))
        except TrackdeskError as error:
            answers.append(error)
    group.write(records[0].handed)
    return answers


def _check_uids(group: _Group, record: Record) -> None:
    if not group.taken:
        return
    for draft in record.drafts:
        name = (record.namespace_id, draft.uid or "")
        if draft.uid is not None and name in group.taken and group.taken[name] is None:
            raise Conflict(f"The uid {draft.uid!r} named a line of another kind within 24 h.", code="uid_taken")


def record(engine: Engine, caller: Caller, drafts: Sequence[Draft]) -> Awaitable[list[Recorded]]:
    """The samples in the order of `drafts`, which are checked. Raises Conflict `too_many`, `uid_taken`."""
    return engine.writer.run_each(record_samples, Record(caller.namespace_id, caller.actor, drafts, engine.handed))
