"""What else happens to runs: a sign of life, a new deadline, tags, progress, log lines, deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.domain.deadline import initial_status, warning_instant
from trackdesk.domain.errors import Conflict, Invalid, TrackdeskError
from trackdesk.domain.incident import Origin
from trackdesk.domain.instant import format_instant
from trackdesk.domain.model import merge_context
from trackdesk.domain.notification import Kind
from trackdesk.domain.run import DeadlineStatus, LogsAccepted, Progress, Run, RunStatus
from trackdesk.engine.causes import clear_cause, raise_incident, tell_run
from trackdesk.store import logs, processes, removal, rollups, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.run import PatchRun, ProgressInput, RunAddress
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx


class Patch(NamedTuple):
    """One PATCH of a run."""

    namespace_id: int
    actor: str
    address: RunAddress
    body: PatchRun


class Lines(NamedTuple):
    """Log lines for one run."""

    namespace_id: int
    address: RunAddress
    lines: Sequence[logs.Told]


def patch_runs(tx: Tx, patches: Sequence[Patch]) -> list[Run | BaseException]:
    """The changed run for each request, or why not."""
    answers: list[Run | BaseException] = []
    for patch in patches:
        try:
            answers.append(_patch(tx, patch))
        except TrackdeskError as error:
            answers.append(error)
    return answers


def _patch(tx: Tx, patch: Patch) -> Run:
    row = runs.get(tx, patch.namespace_id, patch.address)
    before, body = row.run, patch.body
    if before.status != RunStatus.ACTIVE:
        raise Conflict(f"Run {before.process}/{before.id} is {before.status}; it can't change.", code="run_finished")
    if not body.model_fields_set and not before.stalled:
        runs.beat(tx, row)
        return before.model_copy(update={"last_heartbeat_at": tx.now})
    process = processes.get(tx, patch.namespace_id, before.process)
    update: dict[str, Any] = {"last_heartbeat_at": tx.now, "stalled": False}
    if "context" in body.model_fields_set:
        update["context"] = {} if body.context is None else merge_context(before.context, body.context)
    if "progress" in body.model_fields_set:
        update["progress"] = None if body.progress is None else _progress(before.progress, body.progress)
    if "tags" in body.model_fields_set:
        update["tags"] = body.tags or {}
    changed = _changed(before, update)
    warning_at = row.warning_at
    if "deadline" in body.model_fields_set:
        warning_at, moved = _move_deadline(tx, process, before, body)
        update |= moved
        if moved["deadline"] != before.deadline:
            changed["deadline"] = [_shown(before.deadline), _shown(moved["deadline"])]
        if moved["deadline_status"] != before.deadline_status:
            changed["deadline_status"] = [before.deadline_status, moved["deadline_status"]]
    run = before.model_copy(update=update)
    runs.save(tx, row._replace(run=run, warning_at=warning_at))
    if run.tags != before.tags:
        removal.remove_tags(tx, [(patch.namespace_id, row.seq, before.started_at, before.tags)])
        runs.insert_tags(tx, [(patch.namespace_id, row.seq, run.started_at, run.tags)])
    _follow(tx, process, before, run, patch.actor, changed)
    return run


def _progress(before: Progress | None, change: ProgressInput) -> Progress:
    """Members that are absent keep their value, null clears."""
    given = {name: getattr(change, name) for name in change.model_fields_set}
    if "done" in given:
        given["done"] = given["done"] or 0
    return (before or Progress()).model_copy(update=given)


def _move_deadline(tx: Tx, process: ProcessRow, before: Run, body: PatchRun) -> tuple[int | None, dict[str, Any]]:
    """The new instant of the warning, and what changes in the run."""
    if body.deadline is None:
        return None, {"deadline": None, "deadline_status": None}
    try:
        deadline = body.deadline.resolve(before.started_at)
    except ValueError as error:
        raise Invalid("deadline", str(error)) from None
    warning_at = warning_instant(before.started_at, deadline, process.warn_at)
    return warning_at, {"deadline": deadline, "deadline_status": initial_status(deadline, warning_at, tx.now)}


def _changed(before: Run, update: dict[str, Any]) -> dict[str, Any]:
    """What of it is a change of state; progress, context and signs of life are data."""
    changed: dict[str, Any] = {}
    if "tags" in update and update["tags"] != before.tags:
        changed["tags"] = [before.tags, update["tags"]]
    return changed


def _shown(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _follow(tx: Tx, process: ProcessRow, before: Run, run: Run, actor: str, changed: dict[str, Any]) -> None:
    if changed:
        tx.journal(process.namespace_id, "runs", "changed", run.uid, actor, changed)
    if before.stalled:
        tx.journal(process.namespace_id, "runs", "resumed", run.uid, actor)
    late = DeadlineStatus.MISSED
    counts = processes.Counts()
    if run.deadline_status == late != before.deadline_status:
        assert run.deadline is not None, "only a deadline can be missed"
        counts.add(process.id, late=1)
        facts = {"deadline_status": changed["deadline_status"], "due_at": format_instant(run.deadline)}
        tx.journal(process.namespace_id, "runs", "missed", run.uid, actor, facts)
        raise_incident(tx, process, run, Origin.MISSED, due_at=run.deadline)
        tell_run(tx, process, run, Kind.MISSED)
    elif before.deadline_status == late != run.deadline_status:
        counts.add(process.id, late=-1)
        clear_cause(tx, process, run, _why_in_time(run))
    elif before.stalled and run.deadline_status != late:
        clear_cause(tx, process, run, f"{run.process}/{run.id} gave a sign of life")
    if run.deadline_status == DeadlineStatus.WARNING != before.deadline_status:
        tx.journal(
            process.namespace_id,
            "runs",
            "warning",
            run.uid,
            actor,
            {"deadline_status": [before.deadline_status, run.deadline_status]},
        )
        tell_run(tx, process, run, Kind.WARNING)
    counts.write(tx)


def _why_in_time(run: Run) -> str:
    if run.deadline is None:
        return f"the deadline of {run.process}/{run.id} was removed"
    return f"the deadline of {run.process}/{run.id} was moved to {format_instant(run.deadline)}"


def append_logs(tx: Tx, requests: Sequence[Lines]) -> list[tuple[str, LogsAccepted] | BaseException]:
    """For each request the run's uid and how many lines were new."""
    found = [_row_of(tx, request) for request in requests]
    told = [
        logs.OfRun(row.seq, request.lines)
        for request, row in zip(requests, found, strict=True)
        if not isinstance(row, TrackdeskError)
    ]
    counts = iter(logs.append(tx, told))
    answers: list[tuple[str, LogsAccepted] | BaseException] = []
    heard: dict[int, list[runs.RunRow]] = {}
    for request, row in zip(requests, found, strict=True):
        if isinstance(row, TrackdeskError):
            answers.append(row)
            continue
        heard.setdefault(request.namespace_id, []).append(row)
        answers.append((row.run.uid, LogsAccepted(accepted=next(counts))))
    for namespace_id, rows in heard.items():
        hear(tx, namespace_id, rows)
    return answers


def _row_of(tx: Tx, request: Lines) -> runs.RunRow | TrackdeskError:
    try:
        return runs.get(tx, request.namespace_id, request.address)
    except TrackdeskError as error:
        return error


def hear(tx: Tx, namespace_id: int, rows: Sequence[runs.RunRow]) -> None:
    """Whoever logs is not silent."""
    beating = {row.seq: row for row in rows if row.run.heartbeat_timeout is not None}
    for row in beating.values():
        if row.run.status == RunStatus.ACTIVE:
            _alive(tx, namespace_id, row)


def _alive(tx: Tx, namespace_id: int, row: runs.RunRow) -> None:
    if not row.run.stalled:
        runs.beat(tx, row)
        return
    process = processes.get(tx, namespace_id, row.run.process)
    run = row.run.model_copy(update={"stalled": False, "last_heartbeat_at": tx.now})
    runs.save(tx, row._replace(run=run))
    _follow(tx, process, row.run, run, "trackdesk", {})


def delete_run(tx: Tx, namespace_id: int, actor: str, address: RunAddress) -> None:
    """With its log lines and tags. An incident that it opened stays, and is over when nothing else is wrong."""
    row = runs.get(tx, namespace_id, address)
    run = row.run
    process = processes.get(tx, namespace_id, run.process)
    removal.remove_tags(tx, [(namespace_id, row.seq, run.started_at, run.tags)])
    removal.let_go(tx, [row.seq])
    tx.wake("retention", tx.now)
    counts = processes.Counts()
    counts.add(process.id, **{"total": -1, run.status.lower(): -1, "late": -int(runs.is_late(run))})
    counts.write(tx)
    processes.note_last_run(tx, process.id)
    rollups.correct(tx, namespace_id, process.id, run, -1)
    tx.journal(namespace_id, "runs", "deleted", run.uid, actor, {"process": run.process, "id": run.id})
    if run.status == RunStatus.ACTIVE and (run.stalled or run.deadline_status == DeadlineStatus.MISSED):
        clear_cause(tx, process, run, f"{run.process}/{run.id} was deleted")
