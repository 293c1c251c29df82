"""The pings of one batch, collected until they are written together or until something must see them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.deadline import finished_status, initial_status, warning_instant
from trackdesk.domain.identity import new_uids
from trackdesk.domain.incident import process_cause
from trackdesk.domain.notification import Kind
from trackdesk.domain.ping import ID_PREFIX, Signal, log_lines
from trackdesk.domain.run import DeadlineStatus, LogLevel, Run, RunError, RunStatus, StartRun
from trackdesk.engine.expect import meet, recover
from trackdesk.engine.run_finish import follow
from trackdesk.engine.run_start import Start, start_runs
from trackdesk.store import incidents, logs, pings, processes, rollups, runs
from trackdesk.store.telling import asked_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackdesk.domain.ping import Pinged
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx


_WORDS = {status: status.value for status in RunStatus}
_KINDS = {status.value: status.lower() for status in RunStatus}


class Ping(NamedTuple):
    """One ping. With a `namespace_id` of None, `said.secret` is the uuid of the process."""

    namespace_id: int | None
    actor: str
    said: Pinged
    rid: str | None
    text: str
    context: str
    """Where it came from, a JSON object as text: one sender's pings all have the same."""


class _Ended(NamedTuple):
    item: Ping
    process: ProcessRow
    row: pings.EndedRun
    error: RunError | None


class PingBatch:
    """Belongs to one call of the bulk function."""

    def __init__(self, tx: Tx, size: int) -> None:
        self.tx = tx
        self._uids = iter(new_uids(tx.now, size))
        """At most one for each ping."""
        self.counts = processes.Counts()
        """Of runs that were ended, written with the rest."""
        self._ended: list[_Ended] = []
        self._starts: list[tuple[Ping, ProcessRow, Start]] = []
        self._starting: set[int] = set()
        """Processes of which a start without a `rid` is not written yet."""
        self._saying: set[runs.Key] = set()
        """Of which `rid` something is not written yet."""
        self._active: dict[int, int | None] = {}
        self._newest: dict[runs.Key, int | None] = {}

    def look_up(self, meant: Iterable[tuple[ProcessRow, Ping]]) -> None:
        """Find the runs that the pings mean, for all of them at once."""
        without, keys = set(), set()
        for process, item in meant:
            if item.rid is None:
                without.add(process.id)
            else:
                keys.add((process.namespace_id, item.rid, process.id))
        if without:
            self._active = pings.active(self.tx, without)
        if keys:
            self._newest = pings.newest_of(self.tx, list(keys))

    def active(self, process: ProcessRow) -> int | None:
        """The number of the run that a ping without a `rid` means: the ACTIVE one that was started without."""
        if process.id in self._starting:
            self.write()
        if process.id not in self._active:
            self._active |= pings.active(self.tx, (process.id,))
        return self._active[process.id]

    def newest(self, process: ProcessRow, rid: str) -> runs.RunRow | None:
        """The newest run of a `rid`."""
        key = (process.namespace_id, rid, process.id)
        if key in self._saying:
            self.write()
        if key not in self._newest:
            self._newest |= pings.newest_of(self.tx, (key,))
        seq = self._newest[key]
        return None if seq is None else runs.by_seq(self.tx, seq)

    def forget(self, process: ProcessRow, rid: str | None) -> None:
        """What was looked up for pings with this `rid`, or without one, is about to change."""
        if rid is None:
            self._active.pop(process.id, None)
        else:
            self._newest.pop((process.namespace_id, rid, process.id), None)

    def start(self, item: Ping, process: ProcessRow) -> None:
        """A new run. Callers have ended, or want superseded, what stands in its way."""
        run_id = item.rid or _made_id(next(self._uids))
        body = StartRun(id=run_id, context=orjson.loads(item.context), on_active="supersede")
        self._starts.append((item, process, Start(process.namespace_id, item.actor, process.name, body)))
        if item.rid is None:
            self._starting.add(process.id)
        self._say(item, process)

    def end(
        self, item: Ping, process: ProcessRow, status: RunStatus, error: RunError | None = None, attempt: int = 1
    ) -> str:
        """A run of zero length: it is written when it is over already. Gives its uid."""
        row = _row(self.tx, next(self._uids), item, process, status, error, attempt)
        self._ended.append(_Ended(item, process, row, error))
        if item.rid is not None:
            self._say(item, process)
        return row.uid

    def _say(self, item: Ping, process: ProcessRow) -> None:
        self.forget(process, item.rid)
        if item.rid is not None:
            self._saying.add((process.namespace_id, item.rid, process.id))

    def write(self) -> None:
        self._starting.clear()
        self._saying.clear()
        if self._ended:
            self._write_ended()
        self.counts.write(self.tx)
        starts, self._starts = self._starts, []
        if not starts:
            return
        for (item, process, _), run in zip(starts, start_runs(self.tx, [each[2] for each in starts]), strict=True):
            if isinstance(run, BaseException):
                raise run  # then each ping is tried by itself
            row = runs.find_uid(self.tx, process.namespace_id, run.uid) if item.text else None
            if row is not None:
                append(self.tx, row.seq, item)

    def _write_ended(self) -> None:
        tx, (ended, self._ended) = self.tx, (self._ended, [])
        pings.insert_ended(tx, [each.row for each in ended])
        _count(tx.now, ended, self.counts)
        recovered = [
            (each, since)
            for each in ended
            if each.process.schedule is not None
            and each.row.status != RunStatus.SKIPPED  # only holds log lines
            and (since := meet(tx, self.counts, each.process, each.row.started_at)) is not None
        ]
        self.counts.write(tx)
        waited_for = _waited_for(tx, ended)
        namespaces = {each.row.namespace_id for each in ended}
        counted = {each for each in namespaces if tx.now < rollups.sealed_to(tx, each)}
        for each in ended:
            item, process, row, _ = each
            if row.namespace_id in counted:  # only after the clock was set back
                rollups.correct(tx, row.namespace_id, process.id, _run(each))
            # Neither a name nor an id holds what JSON would have to escape.
            facts = f'{{"process":"{process.name}","id":"{row.id}","status":[null,"{row.status}"]}}'
            tx.journal_text(row.namespace_id, "runs", _KINDS[row.status], row.uid, item.actor, facts)
            if item.text:
                append(tx, row.seq, item)
            if row.status != RunStatus.COMPLETED:
                waited_for.add(process.id)  # its incident may be closed by a run behind it
            if process.id in waited_for or item.rid is not None:
                run = _run(each)
                follow(tx, process, run, run, superseded=False)
        for each, since in recovered:
            recover(tx, each.process, _run(each), since)


def _count(now: int, ended: Sequence[_Ended], counts: processes.Counts) -> None:
    for (process_id, status), number in Counter((each.process.id, each.row.status) for each in ended).items():
        counts.started(process_id, now)
        counts.add(process_id, **{"total": number - 1, "active": -1, _KINDS[status]: number})


def _waited_for(tx: Tx, ended: Sequence[_Ended]) -> set[int]:
    """Processes of which somebody wants to know when a run came good: an incident that it closes, or a channel."""
    found: set[int] = set()
    namespaces: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for _, process, _, _ in ended:
        namespaces[process.namespace_id][process_cause(process.name)] = process.id
    for namespace_id, causes in namespaces.items():
        if asked_for(tx, namespace_id, Kind.COMPLETED):
            found.update(causes.values())
        else:
            found.update(causes[cause] for cause in incidents.which_hold(tx, namespace_id, causes))
    return found


def append(tx: Tx, seq: int, item: Ping) -> None:
    """The ping's body to the log of a run."""
    level = LogLevel.ERROR if item.said.signal == Signal.FAIL else LogLevel.INFO
    logs.append(tx, [logs.OfRun(seq, log_lines(item.text, level))])


def _made_id(uid: str) -> str:
    """Forty random bits beside the time: many are made in the same millisecond. They are in the order of the uids."""
    return ID_PREFIX + uid[:18]


def _row(
    tx: Tx, uid: str, item: Ping, process: ProcessRow, status: RunStatus, error: RunError | None, attempt: int
) -> pings.EndedRun:
    now = tx.now
    deadline = warning_at = deadline_status = None
    if process.default_deadline is not None:
        deadline = now + process.default_deadline
        warning_at = warning_instant(now, deadline, process.warn_at)
        deadline_status = finished_status(status, deadline, initial_status(deadline, warning_at, now), now)
    return pings.EndedRun(
        runs.next_seq(tx),
        uid,
        process.namespace_id,
        process.id,
        item.rid or _made_id(uid),
        attempt,
        _WORDS[status],
        None if deadline_status is None else deadline_status.value,
        now,
        now,
        deadline,
        warning_at,
        0,
        now,
        item.context,
        process.category,
        process.service,
        None if error is None else orjson.dumps(error.model_dump()).decode(),
    )


def _run(ended: _Ended) -> Run:
    """For those who follow what becomes of runs."""
    item, process, row, error = ended
    return Run.trusted(
        uid=row.uid,
        process=process.name,
        id=row.id,
        attempt=row.attempt,
        status=RunStatus(row.status),
        deadline_status=None if row.deadline_status is None else DeadlineStatus(row.deadline_status),
        overdue_at_finish=False,
        stalled=False,
        started_at=row.started_at,
        completed_at=row.completed_at,
        deadline=row.deadline,
        duration=0,
        progress=None,
        tags={},
        context=orjson.loads(item.context),
        error=error,
        category=row.category,
        service=row.service,
        triggered_by=None,
        correlation_id=None,
        heartbeat_timeout=None,
        last_heartbeat_at=row.last_heartbeat_at,
    )
