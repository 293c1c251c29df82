"""Starting runs: the busiest operation, so it is done for all that arrived together in a few statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.deadline import HOLD_LATE_REPORT, first_due, initial_status, warning_instant
from trackdesk.domain.errors import Conflict, Invalid, TrackdeskError
from trackdesk.domain.identity import new_uid, new_uids, short_id
from trackdesk.domain.incident import Origin
from trackdesk.domain.instant import format_instant
from trackdesk.domain.notification import Kind
from trackdesk.domain.run import SUPERSEDED, CompleteRun, DeadlineStatus, Progress, Run, RunError, RunStatus, StartRun
from trackdesk.engine.causes import raise_incident, tell_run
from trackdesk.engine.expect import meet, recover
from trackdesk.engine.run_finish import finish
from trackdesk.store import ingest_uids, processes, runs
from trackdesk.store import once as first_answers
from trackdesk.store.telling import asked_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.once import Once
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx

_LATE = frozenset({DeadlineStatus.MISSED.value, DeadlineStatus.WARNING.value})
_SUPERSEDED = CompleteRun(status="FAILED", error=RunError(message=SUPERSEDED))


class Start(NamedTuple):
    """One request to start a run."""

    namespace_id: int
    actor: str
    process: str
    body: StartRun
    once: Once | None = None


class _Group:
    """The runs of one batch, collected until they are written together."""

    def __init__(self, tx: Tx, size: int) -> None:
        self.tx = tx
        self.uids = iter(new_uids(tx.now, size))
        """One for each start."""
        self.made: list[tuple[Start, ProcessRow, runs.NewRun, Run]] = []
        self.taken: set[tuple[int, str]] = set()
        """Keys of `made`."""
        self.unused: set[tuple[int, str]] = set()
        """Keys that had no run when the batch began, and still have none."""
        self.counts = processes.Counts()

    def look_up(self, starts: Sequence[Start]) -> list[ProcessRow | None]:
        """The process of each, where there is one yet. Most keys are new; one statement says which."""
        found = [processes.find(self.tx, start.namespace_id, start.process) for start in starts]
        keys = [
            (process.id, start.body.id)
            for start, process in zip(starts, found, strict=True)
            if process is not None and start.body.id is not None
        ]
        if keys:
            self.unused = runs.unused_keys(self.tx, keys)
        return found

    def add(self, start: Start, process: ProcessRow, row: runs.NewRun, run: Run) -> None:
        self.made.append((start, process, row, run))
        key = (row.process_id, row.id)
        self.taken.add(key)
        self.unused.discard(key)
        self.counts.started(process.id, row.started_at)
        if row.deadline_status == "MISSED":
            self.counts.add(process.id, late=1)

    def write(self) -> None:
        tx, made = self.tx, self.made
        if not made:
            return
        self.made = []
        self.taken.clear()
        runs.insert(tx, [row for _, _, row, _ in made])
        runs.insert_tags(tx, [(row.namespace_id, row.seq, row.started_at, run.tags) for _, _, row, run in made])
        recovered = [
            (process, run, since)
            for _, process, row, run in made
            if process.schedule is not None and (since := meet(tx, self.counts, process, row.started_at)) is not None
        ]
        self.counts.write(tx)
        due = [row.next_due_at for _, _, row, _ in made if row.next_due_at is not None]
        if due:
            tx.wake("agenda", min(due))
        namespaces = {row.namespace_id for _, _, row, _ in made}
        wanted = {each for each in namespaces if asked_for(tx, each, Kind.STARTED)}
        for start, process, row, run in made:
            # Neither a name nor an id holds what JSON would have to escape.
            changed = f'{{"process":"{process.name}","id":"{row.id}"}}'
            tx.journal_text(row.namespace_id, "runs", "started", row.uid, start.actor, changed)
            if row.deadline_status in _LATE:
                _born_late(tx, start, process, run)
            if row.namespace_id in wanted:
                tell_run(tx, process, run, Kind.STARTED)
            if start.once is not None:
                first_answers.remember(tx, start.once, 201, run.model_dump_json().encode())
        for process, run, since in recovered:
            recover(tx, process, run, since)


def start_runs(tx: Tx, starts: Sequence[Start]) -> list[Run | BaseException]:
    """The run for each request, or why there is none."""
    group = _Group(tx, len(starts))
    answers: list[Run | BaseException] = []
    for start, process in zip(starts, group.look_up(starts), strict=True):
        try:
            answers.append(_start(group, start, process))
        except TrackdeskError as error:
            answers.append(error)
    group.write()
    return answers


def _told_before(tx: Tx, start: Start, once: Once) -> Run | None:
    """The run that an earlier request of the same key started, or a line of `/v1/ingest` of that name."""
    answer = first_answers.recall(tx, once)
    if answer is not None:
        return Run.model_validate_json(answer)
    return ingest_uids.started_by(tx, start.namespace_id, once.key)


def _start(group: _Group, start: Start, process: ProcessRow | None) -> Run:
    tx, body = group.tx, start.body
    if start.once is not None:
        group.write()  # an earlier request of this batch may carry the same key
        known = _told_before(tx, start, start.once)
        if known is not None:
            return known
    started_at = tx.now if body.started_at is None else body.started_at
    if started_at > tx.now + processes.MAX_AHEAD:
        given = format_instant(started_at)
        raise Invalid("started_at", "expected a time that is at most a day ahead", given)
    deadline = _resolve(body, started_at)
    if process is None:  # an earlier request of this batch may have made it
        process = processes.find_or_make(tx, start.namespace_id, start.process, start.actor)
    if deadline is None and process.default_deadline is not None:
        deadline = started_at + process.default_deadline
    if body.id is None:
        uid = _unused_uid(group, process)
        run_id, attempt = short_id(uid), 1
    else:
        uid, run_id = next(group.uids), body.id
        attempt = _attempt(group, start, process, run_id)
    warning_at = None if deadline is None else warning_instant(started_at, deadline, process.warn_at)
    status = initial_status(deadline, warning_at, tx.now)
    held = started_at < tx.now - HOLD_LATE_REPORT and status in _LATE
    run = Run.trusted(
        uid=uid,
        process=process.name,
        id=run_id,
        attempt=attempt,
        status=RunStatus.ACTIVE,
        deadline_status=DeadlineStatus.ON_TRACK if held else status,
        overdue_at_finish=False,
        stalled=False,
        started_at=started_at,
        completed_at=None,
        deadline=deadline,
        duration=None,
        progress=None if body.total is None else Progress(total=body.total),
        tags=body.tags,
        context=body.context,
        error=None,
        category=body.category or process.category,
        service=body.service or process.service,
        triggered_by=body.triggered_by,
        correlation_id=body.correlation_id,
        heartbeat_timeout=body.heartbeat_timeout or process.heartbeat_timeout,
        last_heartbeat_at=tx.now,
    )
    row = _row(tx, process, run, warning_at)
    if held:
        row = row._replace(next_due_at=tx.now + HOLD_LATE_REPORT)
    group.add(start, process, row, run)
    return run


def _unused_uid(group: _Group, process: ProcessRow) -> str:
    """The short id made of it must be new too: its random part is small, and many are made in one millisecond."""
    tx = group.tx
    at, made = tx.cache.get("short_ids", (0, set()))
    if at != tx.now // 1000:
        at, made = tx.cache["short_ids"] = (tx.now // 1000, set())
    while True:
        uid = new_uid(tx.now)
        key = (process.id, short_id(uid))
        if key not in made:
            made.add(key)
            return uid


def _resolve(body: StartRun, started_at: int) -> int | None:
    if body.deadline is None:
        return None
    try:
        return body.deadline.resolve(started_at)
    except ValueError as error:
        raise Invalid("deadline", str(error)) from None


def _attempt(group: _Group, start: Start, process: ProcessRow, run_id: str) -> int:
    """The number of the new attempt; the one that still runs is superseded, or stands in the way."""
    tx = group.tx
    if (process.id, run_id) in group.unused:
        return 1
    if (process.id, run_id) in group.taken:
        group.write()
    newest = runs.newest_of_key(tx, process.id, run_id)
    if newest is None:
        return 1
    seq, attempt, status = newest
    if status == RunStatus.ACTIVE:
        if start.body.on_active == "refuse":
            raise Conflict(
                f"Run {process.name}/{run_id} is ACTIVE (attempt {attempt}); complete it first, "
                'or send "on_active": "supersede".',
                code="run_active",
            )
        finish(tx, process, runs.by_seq(tx, seq), _SUPERSEDED, start.actor, kind="superseded")
    return attempt + 1


def _row(tx: Tx, process: ProcessRow, run: Run, warning_at: int | None) -> runs.NewRun:
    due_at = first_due(run.deadline_status, run.deadline, warning_at)
    if run.heartbeat_timeout is not None:
        silent_at = tx.now + run.heartbeat_timeout
        due_at = silent_at if due_at is None else min(due_at, silent_at)
    return runs.NewRun(
        runs.next_seq(tx),
        run.uid,
        process.namespace_id,
        process.id,
        run.id,
        run.attempt,
        "ACTIVE",
        None if run.deadline_status is None else run.deadline_status.value,
        run.started_at,
        run.deadline,
        warning_at,
        due_at,
        run.heartbeat_timeout,
        tx.now,
        None if run.progress is None else orjson.dumps(run.progress.model_dump()).decode(),
        orjson.dumps(run.tags).decode() if run.tags else "{}",
        orjson.dumps(run.context).decode() if run.context else "{}",
        run.category,
        run.service,
        run.triggered_by,
        run.correlation_id,
    )


def _born_late(tx: Tx, start: Start, process: ProcessRow, run: Run) -> None:
    """It was reported after its warning or its deadline: what the clock would have said is said now."""
    assert run.deadline is not None, "only a deadline can be missed"
    changed: dict[str, object] = {"deadline_status": [None, run.deadline_status]}
    if run.deadline_status == DeadlineStatus.WARNING:
        tx.journal(start.namespace_id, "runs", "warning", run.uid, start.actor, changed)
        tell_run(tx, process, run, Kind.WARNING)
        return
    changed["due_at"] = format_instant(run.deadline)
    tx.journal(start.namespace_id, "runs", "missed", run.uid, start.actor, changed)
    raise_incident(tx, process, run, Origin.MISSED, due_at=run.deadline)
    tell_run(tx, process, run, Kind.MISSED)
