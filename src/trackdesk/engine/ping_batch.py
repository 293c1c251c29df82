"""The pings of one batch, collected until they are written together or until something must see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.deadline import finished_status, initial_status, warning_instant
from trackdesk.domain.identity import new_uid
from trackdesk.domain.notification import Kind
from trackdesk.domain.ping import ID_PREFIX, Signal, log_lines
from trackdesk.domain.run import LogLevel, Run, RunError, RunStatus, StartRun
from trackdesk.engine.run_finish import follow
from trackdesk.engine.run_start import Start, start_runs
from trackdesk.store import logs, pings, processes, rollups, runs
from trackdesk.store.telling import asked_for

if TYPE_CHECKING:
    from trackdesk.domain.ping import Pinged
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx


class Ping(NamedTuple):
    """One ping. With a `namespace_id` of None, `said.secret` is the uuid of the process."""

    namespace_id: int | None
    actor: str
    said: Pinged
    rid: str | None
    text: str
    context: dict[str, str]


class _Ended(NamedTuple):
    item: Ping
    process: ProcessRow
    row: pings.EndedRun
    run: Run


class PingBatch:
    """Belongs to one call of the bulk function."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self._ended: list[_Ended] = []
        self._starts: list[tuple[Ping, ProcessRow, Start]] = []
        self._pending: set[int] = set()
        """Processes of which something is not written yet."""
        self._starting: set[int] = set()
        """Those of them with a start."""
        self._active: dict[int, int | None] = {}

    def active(self, process: ProcessRow) -> int | None:
        """The number of the run that a ping without a `rid` means: the ACTIVE one that was started without."""
        if process.id in self._starting:
            self.write()
        if process.id not in self._active:
            self._active[process.id] = pings.active(self.tx, process.id)
        return self._active[process.id]

    def settle(self, process: ProcessRow) -> None:
        """Write what was said of the process so far; whoever asks is about to change one of its runs."""
        if process.id in self._pending:
            self.write()
        self._active.pop(process.id, None)

    def start(self, item: Ping, process: ProcessRow) -> None:
        """A new run. Callers have ended, or want superseded, what stands in its way."""
        run_id = item.rid or _made_id(new_uid(self.tx.now))
        body = StartRun(id=run_id, context=item.context, on_active="supersede")
        self._starts.append((item, process, Start(process.namespace_id, item.actor, process.name, body)))
        self._pending.add(process.id)
        self._starting.add(process.id)
        self._active.pop(process.id, None)

    def end(self, item: Ping, process: ProcessRow, body: tuple[RunStatus, RunError | None], attempt: int = 1) -> Run:
        """A run of zero length: it is written when it is over already."""
        run, warning_at = _run_of(self.tx.now, item, process, body, attempt)
        self._ended.append(_Ended(item, process, _row(self.tx, process, run, warning_at), run))
        self._pending.add(process.id)
        return run

    def write(self) -> None:
        self._pending.clear()
        self._starting.clear()
        if self._ended:
            self._write_ended()
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
        counts = processes.Counts()
        for _, process, _, run in ended:
            counts.started(process.id, run.started_at)
            counts.add(process.id, **{"active": -1, run.status.lower(): 1})
        counts.write(tx)
        wanted = {each.process.namespace_id for each in ended}
        wanted = {each for each in wanted if asked_for(tx, each, Kind.COMPLETED)}
        well: set[int] = set()
        """Processes whose incidents a run of this batch has closed already, if there were any."""
        for item, process, row, run in ended:
            rollups.correct(tx, row.namespace_id, process.id, run)
            facts = {"process": run.process, "id": run.id, "status": [None, run.status]}
            tx.journal(row.namespace_id, "runs", run.status.lower(), run.uid, item.actor, facts)
            if item.text:
                append(tx, row.seq, item)
            if run.status != RunStatus.COMPLETED:
                well.discard(process.id)
            elif process.id in well and row.namespace_id not in wanted:
                continue
            else:
                well.add(process.id)
            follow(tx, process, run, run, superseded=False)


def append(tx: Tx, seq: int, item: Ping) -> None:
    """The ping's body to the log of a run."""
    level = LogLevel.ERROR if item.said.signal == Signal.FAIL else LogLevel.INFO
    logs.append(tx, seq, log_lines(item.text, level))


def _made_id(uid: str) -> str:
    """Forty random bits beside the time: many are made in the same millisecond."""
    return ID_PREFIX + uid[:10] + uid[-8:]


def _run_of(
    now: int, item: Ping, process: ProcessRow, body: tuple[RunStatus, RunError | None], attempt: int
) -> tuple[Run, int | None]:
    """The run, and the instant of its warning."""
    status, error = body
    uid = new_uid(now)
    deadline = None if process.default_deadline is None else now + process.default_deadline
    warning_at = None if deadline is None else warning_instant(now, deadline, process.warn_at)
    run = Run.trusted(
        uid=uid,
        process=process.name,
        id=item.rid or _made_id(uid),
        attempt=attempt,
        status=status,
        deadline_status=finished_status(status, deadline, initial_status(deadline, warning_at, now), now),
        overdue_at_finish=False,
        stalled=False,
        started_at=now,
        completed_at=now,
        deadline=deadline,
        duration=0,
        progress=None,
        tags={},
        context=item.context,
        error=error,
        category=process.category,
        service=process.service,
        triggered_by=None,
        correlation_id=None,
        heartbeat_timeout=None,
        last_heartbeat_at=now,
    )
    return run, warning_at


def _row(tx: Tx, process: ProcessRow, run: Run, warning_at: int | None) -> pings.EndedRun:
    return pings.EndedRun(
        runs.next_seq(tx),
        run.uid,
        process.namespace_id,
        process.id,
        run.id,
        run.attempt,
        run.status,
        run.deadline_status,
        run.started_at,
        run.started_at,
        run.deadline,
        warning_at,
        0,
        run.started_at,
        orjson.dumps(run.context).decode(),
        run.category,
        run.service,
        None if run.error is None else orjson.dumps(run.error.model_dump()).decode(),
    )
