"""Ends of runs of which pings tell, collected and written together: of runs that stand, and of those of no length that
nobody has started.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from trackdesk.domain.deadline import finished_status
from trackdesk.domain.incident import process_cause, run_cause
from trackdesk.domain.notification import Kind
from trackdesk.domain.ping import Signal, log_lines
from trackdesk.domain.run import DeadlineStatus, LogLevel, Run, RunStatus
from trackdesk.engine.expect import meet, recover
from trackdesk.engine.run_finish import follow
from trackdesk.store import incidents, logs, pings, rollups, runs
from trackdesk.store.telling import asked_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.run import RunError
    from trackdesk.engine.ping_batch import Ping
    from trackdesk.store.processes import Counts, ProcessRow
    from trackdesk.store.writer import Tx

_KINDS = {status: status.lower() for status in RunStatus}
SUPERSEDED: Final = "superseded"
"""What the journal says of a run that had to make way for a new one."""

Waiting = set[int | tuple[int, str]]
"""Processes, and runs of them by their ids, of whose ends somebody wants to know."""


class _Ended(NamedTuple):
    """A run that is over, and what is said of it."""

    item: Ping
    process: ProcessRow
    run: pings.EndedRun | pings.Meant
    """As it is written, or as it stood until now."""
    status: RunStatus
    error: RunError | None
    kind: str
    """Of its entry in the journal."""
    facts: str
    """In the same, JSON."""
    is_old: bool = False
    """It stood before."""
    late: int = 0
    """By how much the count of late runs changes."""
    is_news: bool = False
    """Its deadline has passed, and nobody has said so yet."""


class Ends:
    """Those of one batch; what they change in `counts` is written with them."""

    def __init__(self, tx: Tx, counts: Counts) -> None:
        self._tx = tx
        self._counts = counts
        self._ended: list[_Ended] = []
        self._made: list[pings.EndedRun] = []
        self._finished: list[pings.FinishedRun] = []
        """Their rows."""

    def add(
        self, item: Ping, process: ProcessRow, row: pings.EndedRun, status: RunStatus, error: RunError | None
    ) -> None:
        """A run that is over as it is written."""
        # Neither a name nor an id holds what JSON would have to escape.
        facts = f'{{"process":"{process.name}","id":"{row.id}","status":[null,"{row.status}"]}}'
        self._made.append(row)
        self._ended.append(_Ended(item, process, row, status, error, _KINDS[status], facts))

    def finish(
        self,
        item: Ping,
        process: ProcessRow,
        run: pings.Meant,
        status: RunStatus,
        error: RunError | None,
        *,
        superseded: bool = False,
    ) -> None:
        """A run that is ACTIVE."""
        ended_at = max(self._tx.now, run.started_at)  # the clock may have been set back
        is_late = run.deadline is not None and ended_at > run.deadline
        deadline_status = finished_status(status, run.deadline, _deadline_status(run), ended_at)
        packed = None if error is None else orjson.dumps(error.model_dump()).decode()
        row = pings.FinishedRun(
            run.seq, status.value, deadline_status, is_late, ended_at, ended_at - run.started_at, packed
        )
        self._finished.append(row)
        facts = {"status": ["ACTIVE", status], "deadline_status": [run.deadline_status, deadline_status]}
        was_late = run.deadline_status == DeadlineStatus.MISSED
        self._ended.append(
            _Ended(
                item,
                process,
                run,
                status,
                error,
                SUPERSEDED if superseded else _KINDS[status],
                orjson.dumps(facts).decode(),
                True,
                int(is_late or deadline_status == DeadlineStatus.MISSED) - int(was_late),
                is_late and not was_late,
            )
        )

    def write(self) -> None:
        """And what follows of each, in their order."""
        if not self._ended:
            return
        tx, (ended, self._ended) = self._tx, (self._ended, [])
        pings.insert_ended(tx, self._made)
        pings.finish(tx, self._finished)
        self._made, self._finished = [], []
        _count(tx.now, ended, self._counts)
        recovered = [
            (each, since)
            for each in ended
            if each.process.schedule is not None
            and not each.is_old
            and each.status != RunStatus.SKIPPED  # only holds log lines
            and (since := meet(tx, self._counts, each.process, each.run.started_at)) is not None
        ]
        self._counts.write(tx)
        waiting = _waiting(tx, ended)
        namespaces = {each.process.namespace_id for each in ended}
        counted = {each for each in namespaces if tx.now < rollups.sealed_to(tx, each)}
        for each in ended:
            item, process, run, status, _, kind, facts, _, _, is_news = each
            if counted and process.namespace_id in counted:  # only after the clock was set back
                rollups.correct(tx, process.namespace_id, process.id, _run(tx, each))
            tx.journal_text(process.namespace_id, "runs", kind, run.uid, item.actor, facts)
            if item.text and kind != SUPERSEDED:
                append(tx, run.seq, item)
            if is_news or status is not RunStatus.COMPLETED:
                waiting.add(process.id)  # what it opens may be closed by a run behind it
            if waiting and (process.id in waiting or (process.id, run.id) in waiting):
                follow(tx, process, _run(tx, each), was=_deadline_status(run), superseded=kind == SUPERSEDED)
        for each, since in recovered:
            recover(tx, each.process, _run(tx, each), since)


def append(tx: Tx, seq: int, item: Ping) -> None:
    """The ping's body to the log of a run."""
    level = LogLevel.ERROR if item.said.signal == Signal.FAIL else LogLevel.INFO
    logs.append(tx, [logs.OfRun(seq, log_lines(item.text, level))])


def _deadline_status(run: pings.EndedRun | pings.Meant) -> DeadlineStatus | None:
    return None if run.deadline_status is None else DeadlineStatus(run.deadline_status)


def _count(now: int, ended: Sequence[_Ended], counts: Counts) -> None:
    alike = Counter([(each.process.id, each.status, each.is_old, each.late) for each in ended])
    for (process_id, status, is_old, late), number in alike.items():
        if is_old:
            counts.add(process_id, **{"active": -number, _KINDS[status]: number, "late": late * number})
        else:
            counts.started(process_id, now)
            counts.add(process_id, **{"total": number - 1, "active": -1, _KINDS[status]: number})


def _waiting(tx: Tx, ended: Sequence[_Ended]) -> Waiting:
    """Of which somebody wants to know when a run came good: an incident that it closes, or a channel."""
    found: Waiting = set()
    namespaces: defaultdict[int, dict[str, int | tuple[int, str]]] = defaultdict(dict)
    for process in {each.process.id: each.process for each in ended}.values():
        namespaces[process.namespace_id][process_cause(process.name)] = process.id
    for item, process, run, _, _, _, _, is_old, _, _ in ended:
        if is_old or item.rid is not None:  # nobody knows the id of another
            namespaces[process.namespace_id][run_cause(process.name, run.id)] = (process.id, run.id)
    for namespace_id, causes in namespaces.items():
        if asked_for(tx, namespace_id, Kind.COMPLETED):
            found.update(causes.values())
        else:
            found.update(causes[cause] for cause in incidents.which_hold(tx, namespace_id, causes))
    return found


def _run(tx: Tx, ended: _Ended) -> Run:
    """For those who follow what becomes of runs."""
    item, process, row = ended.item, ended.process, ended.run
    if not isinstance(row, pings.EndedRun):
        return runs.by_seq(tx, row.seq).run
    return Run.trusted(
        uid=row.uid,
        process=process.name,
        id=row.id,
        attempt=row.attempt,
        status=ended.status,
        deadline_status=_deadline_status(row),
        overdue_at_finish=False,
        stalled=False,
        started_at=row.started_at,
        completed_at=row.completed_at,
        deadline=row.deadline,
        duration=0,
        progress=None,
        tags={},
        context=orjson.loads(item.context),
        error=ended.error,
        category=row.category,
        service=row.service,
        triggered_by=None,
        correlation_id=None,
        heartbeat_timeout=None,
        last_heartbeat_at=row.last_heartbeat_at,
    )
