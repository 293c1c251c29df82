"""Finishing runs, and what follows for the incident of their cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.deadline import finished_status, is_past
from trackdesk.domain.errors import Conflict, Invalid, TrackdeskError
from trackdesk.domain.incident import Origin
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.model import merge_context
from trackdesk.domain.notification import Kind
from trackdesk.domain.run import CompleteRun, DeadlineStatus, Run, RunStatus
from trackdesk.engine.causes import clear_cause, raise_incident, record_past, tell_run
from trackdesk.store import processes, rollups, runs, troubles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.run import RunAddress
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx

_KINDS = {RunStatus.COMPLETED: Kind.COMPLETED, RunStatus.FAILED: Kind.FAILED}


class Finish(NamedTuple):
    """One request to finish a run."""

    namespace_id: int
    actor: str
    address: RunAddress
    body: CompleteRun


def finish_runs(tx: Tx, requests: Sequence[Finish]) -> list[Run | BaseException]:
    """The finished run for each request, or why it can't be."""
    answers: list[Run | BaseException] = []
    counts = processes.Counts()
    for request in requests:
        try:
            row = runs.get(tx, request.namespace_id, request.address)
            process = processes.get(tx, request.namespace_id, row.run.process)
            answers.append(finish(tx, process, row, request.body, request.actor, counts=counts))
        except TrackdeskError as error:
            answers.append(error)
    counts.write(tx)
    return answers


def finish(
    tx: Tx,
    process: ProcessRow,
    row: runs.RunRow,
    body: CompleteRun,
    actor: str,
    *,
    kind: str | None = None,
    counts: processes.Counts | None = None,
) -> Run:
    """With `counts` it is for the caller to write them, for many runs at once.

    Raises Conflict `run_finished`, Invalid; then nothing has been written."""
    before = row.run
    if before.status != RunStatus.ACTIVE:
        raise Conflict(f"Run {before.process}/{before.id} is {before.status} already.", code="run_finished")
    completed_at = tx.now if body.completed_at is None else body.completed_at
    if completed_at < before.started_at:
        started = format_instant(before.started_at)
        if body.completed_at is not None:
            given = format_instant(body.completed_at)
            raise Invalid("completed_at", f"expected a time not before the start ({started})", given)
        completed_at = before.started_at  # the job's clock is ahead of ours
    if body.completed_at is not None and completed_at > tx.now + processes.MAX_AHEAD:
        given = format_instant(body.completed_at)
        raise Invalid("completed_at", "expected a time that is at most a day ahead", given)
    context = merge_context(before.context, body.context) if body.context else before.context
    status = RunStatus(body.status)
    run = before.model_copy(
        update={
            "status": status,
            "completed_at": completed_at,
            "duration": completed_at - before.started_at,
            "deadline_status": finished_status(status, before.deadline, before.deadline_status, completed_at),
            "overdue_at_finish": before.deadline is not None and completed_at > before.deadline,
            "stalled": False,
            "context": context,
            "error": body.error,
        }
    )
    runs.save(tx, row._replace(run=run))
    rollups.correct(tx, process.namespace_id, process.id, run)
    late = int(runs.is_late(run)) - int(runs.is_late(before))
    counted = processes.Counts() if counts is None else counts
    counted.add(process.id, **{"active": -1, run.status.lower(): 1, "late": late})
    if counts is None:
        counted.write(tx)
    changed = {"status": ["ACTIVE", run.status], "deadline_status": [before.deadline_status, run.deadline_status]}
    tx.journal(process.namespace_id, "runs", kind or status.lower(), run.uid, actor, changed)
    follow(tx, process, run, was=before.deadline_status, superseded=kind == "superseded")
    return run


def follow(tx: Tx, process: ProcessRow, run: Run, *, was: DeadlineStatus | None, superseded: bool) -> None:
    """Incidents and notifications of a run that has just finished; its deadline's status `was` that until then.

    A deadline that had passed unseen is told first: late is late, also when it is reported afterwards, though what is
    over then wakes nobody; a report that proves timely completion clears what was told."""
    assert run.completed_at is not None, "it has just finished"
    if run.overdue_at_finish and was != DeadlineStatus.MISSED:
        assert run.deadline is not None, "nothing is overdue without a deadline"
        if is_past(run.status, run.completed_at, tx.now):
            record_past(tx, process, run, _why_cleared(run), due_at=run.deadline)
        else:
            raise_incident(tx, process, run, Origin.MISSED, due_at=run.deadline)
        tell_run(tx, process, run, Kind.MISSED)
    if run.status == RunStatus.FAILED and not superseded and not _is_history(tx, process, run):
        raise_incident(tx, process, run, Origin.FAILED, due_at=run.completed_at)
    elif run.status != RunStatus.FAILED:
        clear_cause(tx, process, run, _why_cleared(run))
    if (kind := _KINDS.get(run.status)) is not None and not superseded:
        tell_run(tx, process, run, kind)


def _is_history(tx: Tx, process: ProcessRow, run: Run) -> bool:
    """Whether its failure, told afterwards, has been made good by a run that is known already."""
    assert run.completed_at is not None, "it has just finished"
    if run.completed_at == tx.now:
        return False
    key = run.id if process.incident_per == "run" else None
    return troubles.made_good(tx, process, key, run.started_at, run.completed_at)


def _why_cleared(run: Run) -> str:
    assert run.completed_at is not None, "it has just finished"
    name = f"{run.process}/{run.id}"
    if run.status == RunStatus.SKIPPED:
        return f"{name} was skipped"
    if run.deadline is not None and run.completed_at > run.deadline:
        late = format_duration((run.completed_at - run.deadline) // 1_000_000 * 1_000_000)
        return f"{name} completed, {late} after its deadline"
    if run.deadline is not None:
        return f"{name} completed in time, at {format_instant(run.completed_at)}"
    return f"{name} completed"
