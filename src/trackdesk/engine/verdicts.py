"""What time alone makes of runs: warnings, missed deadlines, silence. One transaction holds the verdict and all that
follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.clock import HOUR
from trackdesk.domain.deadline import Verdict, judge
from trackdesk.domain.incident import Origin
from trackdesk.domain.instant import format_instant
from trackdesk.domain.notification import Kind
from trackdesk.engine.causes import SELF, raise_incident, tell_run
from trackdesk.store import blind, judging, processes, runs

if TYPE_CHECKING:
    from trackdesk.domain.run import Run
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx


class Round(NamedTuple):
    """What one pass over what was due did."""

    counts: dict[str, int]
    """`judged`, and by what became of it."""
    next_due_at: int | None
    """µs; None when nothing that isn't held is due ever."""


def put_off(tx: Tx, until: int, held: tuple[int, int] | None) -> str | None:
    """The run that is due first is looked at again in an hour; gives its uid."""
    return runs.put_off_first(tx, until, held, until + HOUR)


def judge_due(tx: Tx, until: int, held: tuple[int, int] | None, limit: int) -> Round:
    """Judge, as of `until` (µs), the oldest due runs, at most `limit`. `held` (from, to] is a jump of the clock whose
    verdicts wait."""
    due = runs.due(tx, until, limit, held)
    warned = missed = stalled = 0
    counts, judged = processes.Counts(), []
    for namespace_id, row in due:
        watched, heard_at = runs.watched(row), None
        verdict = judge(watched, until)
        if verdict.stalled:
            heard_at = blind.heard_since(tx, watched.last_heartbeat_at, until)
            verdict = judge(watched._replace(last_heartbeat_at=heard_at), until)
        run = row.run.model_copy(
            update={"deadline_status": verdict.deadline_status, "stalled": row.run.stalled or verdict.stalled}
        )
        judged.append(judging.Judged(row._replace(run=run), heard_at))
        if verdict.warned or verdict.missed or verdict.stalled:
            process = processes.get(tx, namespace_id, run.process)
            if verdict.missed:
                counts.add(process.id, late=1)
            _follow(tx, process, row.run, run, verdict)
        warned += verdict.warned
        missed += verdict.missed
        stalled += verdict.stalled
    judging.write(tx, judged)
    counts.write(tx)
    done = {"judged": len(due), "warned": warned, "missed": missed, "stalled": stalled}
    return Round(done, runs.next_due(tx, held))


def _follow(tx: Tx, process: ProcessRow, before: Run, run: Run, verdict: Verdict) -> None:
    namespace_id = process.namespace_id
    changed = {"deadline_status": [before.deadline_status, run.deadline_status]}
    if verdict.warned:
        tx.journal(namespace_id, "runs", "warning", run.uid, SELF, changed)
        tell_run(tx, process, run, Kind.WARNING)
    if verdict.missed:
        assert run.deadline is not None, "only a deadline can be missed"
        facts = changed | {"due_at": format_instant(run.deadline)}
        tx.journal(namespace_id, "runs", "missed", run.uid, SELF, facts)
        raise_incident(tx, process, run, Origin.MISSED, due_at=run.deadline)
        tell_run(tx, process, run, Kind.MISSED)
    if verdict.stalled_at is not None:
        tx.journal(
            namespace_id, "runs", "stalled", run.uid, SELF, {"silent_since": format_instant(run.last_heartbeat_at or 0)}
        )
        raise_incident(tx, process, run, Origin.STALLED, due_at=verdict.stalled_at)
        tell_run(tx, process, run, Kind.STALLED)
