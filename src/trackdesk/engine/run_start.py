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
    from collections.abc import Hashable, Sequence

    from trackdesk.domain.once import Once
    from trackdesk.domain.plain_start import PlainStart
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx

_LATE = frozenset({DeadlineStatus.MISSED.value, DeadlineStatus.WARNING.value})
_STATUSES: dict[str | None, DeadlineStatus | None] = {None: None, **{each.value: each for each in DeadlineStatus}}
_SUPERSEDED = CompleteRun(status="FAILED", error=RunError(message=SUPERSEDED))


class Start(NamedTuple):
    """One request to start a run."""

    namespace_id: int
    actor: str
    process: str
    body: StartRun | PlainStart
    once: Once | None = None
    is_first: bool = False
    """There is no run of its id: whoever asks has looked, in the same transaction."""
    seq: int | None = None
    """Its number, where whoever asks has one for it."""


_Made = tuple[Start, "ProcessRow", runs.NewRun]
"""What was asked for, its process, and the row that it becomes."""


class _Times(NamedTuple):
    """What follows from when a run starts and what time it has, as columns of its row (µs)."""

    deadline_status: str | None
    deadline: int | None
    warning_at: int | None
    next_due_at: int | None
    heartbeat_timeout: int | None


class _Group:
    """The runs of one batch, collected until they are written together."""

    def __init__(self, tx: Tx, starts: Sequence[Start]) -> None:
        self.tx = tx
        self.uids = iter(new_uids(tx.now, len(starts)))
        """One for each start."""
        self.seqs = iter(runs.next_seqs(tx, sum(start.seq is None for start in starts)))
        """One for each that has none yet."""
        self.times: dict[Hashable, _Times] = {}
        """Of those that begin now; most runs of a process have the same time for it."""
        self.made: list[_Made] = []
        self.tags: list[tuple[int, ...]] = []
        """The ids of the tags of each of `made`."""
        self.taken: set[runs.Key] = set()
        """Keys of `made`."""
        self.unused: set[runs.Key] = set()
        """Keys that had no run when the batch began, and still have none."""
        self.counts = processes.Counts()

    def look_up(self, starts: Sequence[Start]) -> list[ProcessRow | None]:
        """The process of each, where there is one yet. Most keys are new; one statement says which."""
        found = processes.find_each(self.tx, [(start.namespace_id, start.process) for start in starts])
        keys: list[runs.Key] = []
        for start, process in zip(starts, found, strict=True):
            if process is not None and start.body.id is not None:
                key = (process.namespace_id, start.body.id, process.id)
                self.unused.add(key) if start.is_first else keys.append(key)
        if keys:
            self.unused |= runs.unused_keys(self.tx, keys)
        return found

    def add(self, made: _Made, tag_ids: tuple[int, ...]) -> None:
        self.made.append(made)
        self.tags.append(tag_ids)
        row = made[2]
        key = (row.namespace_id, row.id, row.process_id)
        self.taken.add(key)
        self.unused.discard(key)

    def write(self) -> None:
        tx, made, counts = self.tx, self.made, self.counts
        if not made:
            return
        self.made = []
        self.taken.clear()
        runs.insert(tx, [row for _, _, row in made])
        runs.insert_tag_ids(
            tx, [(row.seq, row.started_at, ids) for (_, _, row), ids in zip(made, self.tags, strict=True)]
        )
        self.tags = []
        for _, process, row in made:
            counts.started(process.id, row.started_at)
            if row.deadline_status == "MISSED":
                counts.add(process.id, late=1)
        recovered = [
            (each, since)
            for each in made
            if each[1].schedule is not None and (since := meet(tx, counts, each[1], each[2].started_at)) is not None
        ]
        counts.write(tx)
        due = [row.next_due_at for _, _, row in made if row.next_due_at is not None]
        if due:
            tx.wake("agenda", min(due))
        tx.journal_texts(
            "runs",
            "started",
            # Neither a name nor an id holds what JSON would have to escape.
            [
                (row.namespace_id, row.uid, start.actor, f'{{"process":"{process.name}","id":"{row.id}"}}')
                for start, process, row in made
            ],
        )
        self._tell(made)
        for each, since in recovered:
            recover(tx, each[1], _run(*each), since)

    def _tell(self, made: list[_Made]) -> None:
        """What else follows from some of them."""
        tx = self.tx
        namespaces = {row.namespace_id for _, _, row in made}
        wanted = {each for each in namespaces if asked_for(tx, each, Kind.STARTED)}
        for start, process, row in made:
            late = row.deadline_status in _LATE
            if not late and not wanted and start.once is None:
                continue
            run = _run(start, process, row)
            if late:
                _born_late(tx, start, process, run)
            if row.namespace_id in wanted:
                tell_run(tx, process, run, Kind.STARTED)
            if start.once is not None:
                first_answers.remember(tx, start.once, 201, run.model_dump_json().encode())


def start_runs(tx: Tx, starts: Sequence[Start]) -> list[Run | BaseException]:
    """The run for each request, or why there is none."""
    return [_run(*each) if isinstance(each, tuple) else each for each in _start_all(tx, starts)]


def start_uids(tx: Tx, starts: Sequence[Start]) -> list[str | TrackdeskError]:
    """The same for those who want to know no more than the uid of each."""
    return [
        each[2].uid if isinstance(each, tuple) else each.uid if isinstance(each, Run) else each
        for each in _start_all(tx, starts)
    ]


def _start_all(tx: Tx, starts: Sequence[Start]) -> list[_Made | Run | TrackdeskError]:
    group = _Group(tx, starts)
    answers: list[_Made | Run | TrackdeskError] = []
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


def _start(group: _Group, start: Start, process: ProcessRow | None) -> _Made | Run:
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
    if process is None:  # an earlier request of this batch may have made it
        _resolve(body, started_at)  # what is refused makes none
        process = processes.find_or_make(tx, start.namespace_id, start.process, start.actor)
    times = _times(group, process, body, started_at)
    if body.id is None:
        uid = _unused_uid(group, process)
        run_id, attempt = short_id(uid), 1
    else:
        uid, run_id = next(group.uids), body.id
        attempt = _attempt(group, start, process, run_id)
    tags = runs.known_tags(tx, process.namespace_id, body.tags)
    row = runs.NewRun(
        next(group.seqs) if start.seq is None else start.seq,
        uid,
        process.namespace_id,
        process.id,
        run_id,
        attempt,
        "ACTIVE",
        times.deadline_status,
        started_at,
        times.deadline,
        times.warning_at,
        times.next_due_at,
        times.heartbeat_timeout,
        tx.now,
        None if body.total is None else orjson.dumps(Progress(total=body.total).model_dump()).decode(),
        tags.text,
        orjson.dumps(body.context).decode() if body.context else "{}",
        body.category or process.category,
        body.service or process.service,
        body.triggered_by,
        body.correlation_id,
    )
    made = (start, process, row)
    group.add(made, tags.ids)
    return made


def _times(group: _Group, process: ProcessRow, body: StartRun | PlainStart, started_at: int) -> _Times:
    if body.started_at is not None:
        return _times_of(group.tx.now, process, body, started_at)
    given = (process.id, body.deadline, body.heartbeat_timeout)
    known = group.times.get(given)
    if known is None:
        known = group.times[given] = _times_of(group.tx.now, process, body, started_at)
    return known


def _times_of(now: int, process: ProcessRow, body: StartRun | PlainStart, started_at: int) -> _Times:
    deadline = _resolve(body, started_at)
    if deadline is None and process.default_deadline is not None:
        deadline = started_at + process.default_deadline
    warning_at = None if deadline is None else warning_instant(started_at, deadline, process.warn_at)
    status = initial_status(deadline, warning_at, now)
    heartbeat_timeout = body.heartbeat_timeout or process.heartbeat_timeout
    if started_at < now - HOLD_LATE_REPORT and status in _LATE:
        return _Times("ON_TRACK", deadline, warning_at, now + HOLD_LATE_REPORT, heartbeat_timeout)
    due_at = first_due(status, deadline, warning_at)
    if heartbeat_timeout is not None:
        silent_at = now + heartbeat_timeout
        due_at = silent_at if due_at is None else min(due_at, silent_at)
    return _Times(None if status is None else status.value, deadline, warning_at, due_at, heartbeat_timeout)


def _run(start: Start, process: ProcessRow, row: runs.NewRun) -> Run:
    """As it is answered."""
    body = start.body
    return Run.trusted(
        uid=row.uid,
        process=process.name,
        id=row.id,
        attempt=row.attempt,
        status=RunStatus.ACTIVE,
        deadline_status=_STATUSES[row.deadline_status],
        overdue_at_finish=False,
        stalled=False,
        started_at=row.started_at,
        completed_at=None,
        deadline=row.deadline,
        duration=None,
        progress=None if body.total is None else Progress(total=body.total),
        tags=body.tags,
        context=body.context,
        error=None,
        category=row.category,
        service=row.service,
        triggered_by=row.triggered_by,
        correlation_id=row.correlation_id,
        heartbeat_timeout=row.heartbeat_timeout,
        last_heartbeat_at=row.last_heartbeat_at,
    )


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


def _resolve(body: StartRun | PlainStart, started_at: int) -> int | None:
    if body.deadline is None:
        return None
    try:
        return body.deadline.resolve(started_at)
    except ValueError as error:
        raise Invalid("deadline", str(error)) from None


def _attempt(group: _Group, start: Start, process: ProcessRow, run_id: str) -> int:
    """The number of the new attempt; the one that still runs is superseded, or stands in the way."""
    tx, key = group.tx, (process.namespace_id, run_id, process.id)
    if key in group.unused:
        return 1
    if key in group.taken:
        group.write()
    newest = runs.newest_of_key(tx, key)
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
