"""Lines of many kinds in one request: taken in chunks, each in one transaction, every line for itself.

The lines of a chunk are not done one by one but kind by kind, as the operations on runs are made for many at once; what
is said of one run keeps its order.
"""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.domain.errors import Invalid, NotFound, TrackdeskError
from trackdesk.domain.ingest import CompleteLine, HeartbeatLine, LogLine, MetricLine, PatchLine, StartLine
from trackdesk.domain.instant import format_instant
from trackdesk.domain.metric import MAX_AHEAD, draft
from trackdesk.domain.once import is_random
from trackdesk.domain.plain_log import PlainLogs
from trackdesk.domain.run import PatchRun, RunAddress, RunStatus
from trackdesk.engine.ingest_logs import take_plain
from trackdesk.engine.metrics import Record, record_samples
from trackdesk.engine.run_change import Lines, Patch, append_logs, patch_runs
from trackdesk.engine.run_finish import Finish, finish_runs
from trackdesk.engine.run_start import Start, start_uids
from trackdesk.store import ingest_uids, runs
from trackdesk.store.faultpoint import reach
from trackdesk.store.ingest_uids import TakenUid

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Hashable, Sequence

    from trackdesk.domain.identity import Caller
    from trackdesk.domain.ingest import Line, Named
    from trackdesk.domain.metric import Recorded
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

CHUNK = 512
"""Units of work in one transaction, a few ms of the writer's time; what a line counts says its kind."""


class Item(NamedTuple):
    """A line that may be taken, and where it stands in its request."""

    number: int
    line: Any
    """A model of one of the `KINDS`, a `PlainLog`, a `PlainStart` or a `PlainMetric`; or `PlainLogs`, the first of
    which stands there."""


class Taken(NamedTuple):
    """What became of a chunk."""

    accepted: int
    duplicates: int
    """Of the accepted ones."""
    refused: list[tuple[int, TrackdeskError]]
    logged: set[str]
    """The uids of runs that got log lines."""
    moved: set[str]
    """The uids of runs whose progress was told."""


class _Chunk:
    """One chunk while it is taken."""

    def __init__(self, tx: Tx, caller: Caller, handed: deque[list[Recorded]]) -> None:
        self.tx = tx
        self.handed = handed
        self.namespace_id = caller.namespace_id
        self.actor = caller.actor
        self.started: dict[str, str] = {}
        """The runs that lines started, by the `uid` of the line."""
        self.samples: dict[str, int] = {}
        """The samples that lines became, by the `uid` of the line."""
        self.accepted = 0
        self.duplicates = 0
        self.refused: list[tuple[int, TrackdeskError]] = []
        self.known: dict[str, str | None] = {}
        """The `uid`s that were taken in the last day, each with the run that its line started."""
        self.fates: dict[str, TrackdeskError | None] = {}
        """What became of the lines that have a `uid`; None: taken."""
        self.has_uids = False
        """Whether any of its lines has a `uid`."""
        self.logged: set[str] = set()
        self.moved: set[str] = set()

    def accept(self, items: Sequence[Item], known: int = 0) -> None:
        """`known` of them stood before."""
        self.accepted += len(items)
        self.duplicates += known
        if self.has_uids:
            for item in items:
                if item.line.uid is not None:
                    self.fates[item.line.uid] = None

    def refuse(self, items: Sequence[Item], error: TrackdeskError) -> None:
        for item in items:
            self.refused.append((item.number, error))
            if item.line.uid is not None:
                self.fates[item.line.uid] = error

    def by_address(self, items: Sequence[Item]) -> dict[RunAddress, list[Item]]:
        """The items under the runs that they name; those whose run can't be known are refused."""
        found: dict[Named, list[Item]] = {}
        for item in items:
            named = item.line.named
            theirs = found.get(named)
            if theirs is None:
                found[named] = [item]
            else:
                theirs.append(item)
        addressed: dict[RunAddress, list[Item]] = {}
        for named, theirs in found.items():
            try:
                address = self._address(named)
            except TrackdeskError as error:
                self.refuse(theirs, error)
            else:
                addressed.setdefault(address, []).extend(theirs)
        return addressed

    def addressed(self, items: Sequence[Item]) -> list[tuple[Item, RunAddress]]:
        """The same, each item with its run, in the order of the lines."""
        pairs = [(item, address) for address, theirs in self.by_address(items).items() for item in theirs]
        return sorted(pairs, key=lambda pair: pair[0].number)

    def _address(self, named: Named) -> RunAddress:
        address = named.address()
        if address is not None:
            return address
        assert named.start is not None, "a line names its run in one of the ways"
        uid = self.started.get(named.start)
        if uid is None:
            raise NotFound(f"No line with the uid {named.start!r} started a run in the last 24 h.")
        return RunAddress(uid=uid)


def _start(chunk: _Chunk, items: Sequence[Item]) -> None:
    starts = [Start(chunk.namespace_id, chunk.actor, item.line.process, item.line) for item in items]
    accepted = []
    for item, answer in zip(items, start_uids(chunk.tx, starts), strict=True):
        if isinstance(answer, TrackdeskError):
            chunk.refuse([item], answer)
            continue
        accepted.append(item)
        if item.line.uid is not None:
            chunk.started[item.line.uid] = answer
    chunk.accept(accepted)


def _patch(chunk: _Chunk, items: Sequence[Item]) -> None:
    addressed = chunk.addressed(items)
    patches = [Patch(chunk.namespace_id, chunk.actor, address, _change(item.line)) for item, address in addressed]
    for (item, _), answer in zip(addressed, patch_runs(chunk.tx, patches), strict=True):
        if isinstance(answer, TrackdeskError):
            chunk.refuse([item], answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            chunk.accept([item])
            if "progress" in item.line.model_fields_set:
                chunk.moved.add(answer.uid)


def _change(line: PatchLine | HeartbeatLine) -> PatchRun:
    """The line without what only names the run: an empty PATCH is a sign of life and costs less."""
    return PatchRun.model_construct(
        **{name: getattr(line, name) for name in PatchRun.model_fields if name in line.model_fields_set}
    )


def _log(chunk: _Chunk, items: Sequence[Item]) -> None:
    """The lines of one run together, so that the run is looked up once; where it may go by several names, only those
    that stand together, so that they keep their order."""
    for _, stretch in groupby(items, _way):
        by_run = chunk.by_address(list(stretch))
        requests = [
            Lines(chunk.namespace_id, address, [item.line for item in theirs]) for address, theirs in by_run.items()
        ]
        for theirs, answer in zip(by_run.values(), append_logs(chunk.tx, requests), strict=True):
            if isinstance(answer, TrackdeskError):
                chunk.refuse(theirs, answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                uid, taken = answer
                chunk.accept(theirs, len(theirs) - taken.accepted)  # their `seq` was known
                chunk.logged.add(uid)


def _way(item: Item) -> tuple[bool, bool]:
    """In which a line names its run."""
    named = item.line.named
    return named.run is None, named.start is None


def _complete(chunk: _Chunk, items: Sequence[Item]) -> None:
    addressed = chunk.addressed(items)
    requests = [Finish(chunk.namespace_id, chunk.actor, address, item.line) for item, address in addressed]
    for (item, address), answer in zip(addressed, finish_runs(chunk.tx, requests), strict=True):
        if not isinstance(answer, BaseException):
            chunk.accept([item])
        elif not isinstance(answer, TrackdeskError):
            raise answer
        elif answer.code == "run_finished" and _ended_so(chunk, address, item.line):
            chunk.accept([item], 1)
        else:
            chunk.refuse([item], answer)


def _ended_so(chunk: _Chunk, address: RunAddress, line: CompleteLine) -> bool:
    """Whether the run ended in just the way that the line tells: it was told before, by a call perhaps."""
    run = runs.get(chunk.tx, chunk.namespace_id, address).run
    return line.completed_at is not None and (run.status, run.completed_at) == (
        RunStatus(line.status),
        line.completed_at,
    )


def _metric(chunk: _Chunk, items: Sequence[Item]) -> None:
    fitting, records = [], []
    for item in items:
        its = draft(item.line)._replace(uid=None) if isinstance(item.line, MetricLine) else item.line.draft
        if its.recorded_at is not None and its.recorded_at > chunk.tx.now + MAX_AHEAD:
            given = format_instant(its.recorded_at)
            chunk.refuse([item], Invalid("recorded_at", "expected a time that is at most a day ahead", given))
            continue
        fitting.append(item)
        records.append(Record(chunk.namespace_id, chunk.actor, (its,), chunk.handed))
    answers = record_samples(chunk.tx, records) if records else []
    for item, answer in zip(fitting, answers, strict=True):
        if isinstance(answer, TrackdeskError):
            chunk.refuse([item], answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            chunk.accept([item])
            if item.line.uid is not None:
                chunk.samples[item.line.uid] = answer[0].sample_id


class Kind(NamedTuple):
    """A kind of line: its model, what takes lines of it, and how much of a chunk one of them is."""

    model: type[Line]
    take: Callable[[_Chunk, Sequence[Item]], None]
    weight: int


KINDS: dict[str, Kind] = {
    "run.start": Kind(StartLine, _start, 2),
    "run.patch": Kind(PatchLine, _patch, 6),
    "run.heartbeat": Kind(HeartbeatLine, _patch, 4),
    "log": Kind(LogLine, _log, 1),
    "run.complete": Kind(CompleteLine, _complete, 8),
    "metric": Kind(MetricLine, _metric, 1),
}
"""Every kind of line, in the order in which they mostly follow each other in the life of a run."""

_NAMES_NONE = frozenset({"run.start", "metric"})
"""Kinds whose lines name no run."""
_RANK = {name: rank for rank, name in enumerate(KINDS)}


def take_chunk(tx: Tx, caller: Caller, items: Sequence[Item], handed: deque[list[Recorded]]) -> Taken:
    """Take the lines of one chunk. A refused line has written nothing, and its `uid` may come again. Samples go to
    `handed` once they are committed."""
    together = [item.line for item in items if type(item.line) is PlainLogs]
    if together:
        if len(together) == len(items) and (logged := take_plain(tx, caller.namespace_id, together)) is not None:
            return Taken(logged.lines, logged.known, [], logged.runs, set())
        items = one_by_one(items)
    chunk = _Chunk(tx, caller, handed)
    fresh, repeats = _without_known(chunk, caller.sender, items)
    for kind, batch in _batches(fresh):
        KINDS[kind].take(chunk, batch)
        reach("ingest.in_chunk")
    for item in repeats:
        fate = chunk.fates.get(item.line.uid)
        if fate is None:
            chunk.accept([item], 1)
        else:
            chunk.refuse([item], fate)
    rows = [
        TakenUid(caller.namespace_id, uid, chunk.started.get(uid), tx.now, chunk.samples.get(uid))
        for uid, fate in chunk.fates.items()
        if fate is None and uid not in chunk.known
    ]
    ingest_uids.take(tx, rows)
    tx.after_commit(partial(reach, "ingest.on_disk"))
    chunk.refused.sort(key=lambda each: each[0])
    return Taken(chunk.accepted, chunk.duplicates, chunk.refused, chunk.logged, chunk.moved)


def one_by_one(items: Sequence[Item]) -> list[Item]:
    """The same lines, each an item of its own."""
    found: list[Item] = []
    for item in items:
        if type(item.line) is PlainLogs:
            found.extend(Item(number, line) for number, line in enumerate(item.line.lines(), item.number))
        else:
            found.append(item)
    return found


def _without_known(chunk: _Chunk, sender: str, items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """What is to be done, and what repeats a line that was taken in the last day or stands further up."""
    lines = [item.line for item in items]
    uids = [uid for line in lines if (uid := line.uid) is not None]
    chunk.has_uids = bool(uids)
    named = [start for line in lines if line.kind not in _NAMES_NONE and (start := line.named.start) is not None]
    if not uids and not named:
        return list(items), []
    known = chunk.known = ingest_uids.find(chunk.tx, chunk.namespace_id, [*uids, *named])
    chunk.started.update({uid: run for uid, run in known.items() if run is not None})
    starts = [line.uid for line in lines if line.kind == "run.start" and line.uid not in known]
    by_call = _started_by_call(chunk, sender, [uid for uid in starts if uid is not None])
    chunk.started.update(by_call)
    fresh, repeats = [], []
    seen = {*known, *by_call}
    for item in items:
        uid = item.line.uid
        if uid is not None and uid in seen:
            repeats.append(item)
            continue
        if uid is not None:
            seen.add(uid)
        fresh.append(item)
    return fresh, repeats


def _started_by_call(chunk: _Chunk, sender: str, uids: Sequence[str]) -> dict[str, str]:
    """The runs that calls with an Idempotency-Key started. What was kept on a machine is sent by whoever comes next,
    which need not be the key that called; only a name that can't be chosen twice is looked for beyond the sender."""
    anywhere = [uid for uid in uids if is_random(uid)]
    if not anywhere:
        return ingest_uids.started_with(chunk.tx, sender, uids)
    own = [uid for uid in uids if not is_random(uid)]
    return {
        **ingest_uids.started_with(chunk.tx, sender, own),
        **ingest_uids.started_in(chunk.tx, chunk.namespace_id, anywhere),
    }


def _batches(items: Sequence[Item]) -> list[tuple[str, list[Item]]]:
    """Lines of one kind together, those of one run in the order in which they came."""
    if len({item.line.kind for item in items}) == 1:
        return [(items[0].line.kind, list(items))]
    whose = _whose(items)
    last: dict[Hashable, tuple[int, int]] = {}
    batches: dict[tuple[int, int], list[Item]] = {}
    for index, item in enumerate(items):
        rank = _RANK[item.line.kind]
        turn, before = last.get(key := whose[index], (0, rank))
        place = (turn if rank >= before else turn + 1, rank)
        last[key] = place
        batches.setdefault(place, []).append(item)
    return [(batch[0].line.kind, batch) for _, batch in sorted(batches.items(), key=lambda each: each[0])]


def _whose(items: Sequence[Item]) -> list[Hashable]:
    """For each item something that stands for its run. Where one run may go by two names, all are taken for one."""
    found: list[Hashable] = []
    started: dict[str, Hashable] = {}
    ways = set()
    for index, item in enumerate(items):
        line = item.line
        key: Hashable = index
        if line.kind == "run.start":
            if line.id is not None:
                key = (line.process, line.id)
                ways.add("key")
            if line.uid is not None:
                started[line.uid] = key
        elif line.kind == "metric":
            pass
        elif (named := line.named).process is not None:
            key = (named.process, named.id)
            ways.add("key")
        else:
            key = named.run or started.get(named.start, named.start)
            ways.add("run" if named.run is not None else "here" if named.start in started else "start")
        found.append(key)
    return [0] * len(found) if len(ways - {"here"}) > 1 else found


async def take(engine: Engine, caller: Caller, items: Sequence[Item]) -> Taken:
    """Take a chunk of lines and tell those who watch. Raises what the writer raises on its own behalf."""
    taken = await engine.writer.run(lambda tx: take_chunk(tx, caller, items, engine.handed))
    for uid in taken.logged:
        engine.hub.tick(caller.namespace_id, "logs", uid)
    for uid in taken.moved:
        engine.hub.tick(caller.namespace_id, "progress", uid)
    return taken
