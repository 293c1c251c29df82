"""Headline counts, read from indexes and from the counts that processes keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.clock import DAY
from trackdesk.domain.incident import IncidentStatus, Severity
from trackdesk.domain.notification import DeliveryStatus
from trackdesk.domain.process import ProcessState
from trackdesk.domain.summary import IncidentSummary, RunSummary
from trackdesk.domain.summary import Summary as SummaryValue
from trackdesk.domain.tally import Tally
from trackdesk.store import inbox, rollup_reads
from trackdesk.store.counting import Counting, Plan
from trackdesk.store.ended import Which
from trackdesk.store.process_lists import STATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackdesk.domain.identity import Caller
    from trackdesk.store.readers import Readers

_TOTALS = (
    "SELECT ifnull(sum(total), 0), ifnull(sum(active), 0), ifnull(sum(completed), 0), ifnull(sum(failed), 0), "
    "ifnull(sum(skipped), 0) FROM processes WHERE namespace_id = ?"
)
_BY_DEADLINE = (
    "SELECT count(*) FROM runs r INDEXED BY runs_by_deadline_status WHERE r.namespace_id = ? AND r.deadline_status = ? "
    "AND r.status = 'ACTIVE' AND r.deadline_status IS NOT NULL "
    "AND r.deadline_status NOT IN ('ON_TRACK', 'COMPLETED_ON_TIME')"
)
_STALLED = "SELECT count(*) FROM runs INDEXED BY runs_stalled WHERE namespace_id = ? AND stalled = 1"
_WITHOUT_DEADLINE = (
    "SELECT count(*) FROM runs INDEXED BY runs_by_deadline WHERE namespace_id = ? AND status = 'ACTIVE' "
    "AND deadline IS NULL"
)
_FINISHED = (
    "SELECT status, deadline_status, count(*) FROM runs INDEXED BY runs_by_completion "
    "WHERE namespace_id = ? AND completed_at >= ? AND completed_at IS NOT NULL GROUP BY 1, 2"
)
_INCIDENTS = (
    "SELECT status, severity, count(*) FROM incidents INDEXED BY incidents_open_by_severity "
    "WHERE namespace_id = ? AND status <> 'CLOSED' GROUP BY 1, 2"
)
_PROCESSES = f"SELECT {STATE}, count(*) FROM processes p WHERE p.namespace_id = ? GROUP BY 1"
_DELIVERIES = (
    "SELECT status, count(*) FROM deliveries INDEXED BY deliveries_by_status "
    "WHERE namespace_id = ? AND status NOT IN ('SENT', 'GROUPED') GROUP BY 1"
)

_UNSENT = tuple(each for each in DeliveryStatus if each not in {DeliveryStatus.SENT, DeliveryStatus.GROUPED})


async def summary(readers: Readers, caller: Caller, now: int) -> SummaryValue:
    """`now` µs; the inbox is the caller's, all else the namespace's."""
    space = caller.namespace_id
    processes = await readers.all(_PROCESSES, (space,))
    deliveries = await readers.all(_DELIVERIES, (space,))
    return SummaryValue.model_construct(
        at=now,
        runs=await _runs(readers, space, now),
        incidents=_incidents(await readers.all(_INCIDENTS, (space,))),
        unread=await inbox.unread_count(readers, caller),
        processes=_counts(ProcessState, processes),
        deliveries=_counts(_UNSENT, deliveries),
    )


async def _runs(readers: Readers, space: int, now: int) -> RunSummary:
    total, active, completed, failed, skipped = (await readers.all(_TOTALS, (space,)))[0]
    warning = await _count(readers, _BY_DEADLINE, space, "WARNING")
    missed = await _count(readers, _BY_DEADLINE, space, "MISSED")
    without = await _count(readers, _WITHOUT_DEADLINE, space)
    finished = await _finished(readers, space, now)
    return RunSummary.model_construct(
        total=total,
        active=active,
        completed=completed,
        failed=failed,
        skipped=skipped,
        on_track=max(active - warning - missed - without, 0),
        warning=warning,
        missed=missed,
        stalled=await _count(readers, _STALLED, space),
        without_deadline=without,
        completed_24h=finished.completed,
        completed_on_time_24h=finished.on_time,
        completed_late_24h=finished.late,
        failed_24h=finished.failed,
    )


async def _finished(readers: Readers, space: int, now: int) -> Tally:
    """How the runs of a day ended: from roll-ups, and what is not counted yet from the runs."""
    tally, since = Tally(), now - DAY
    async with readers.connection() as connection:
        await connection.execute_fetchall("BEGIN")
        counted = await rollup_reads.counted(connection, space)
        if counted.minutes_to > since:
            everything = await rollup_reads.series(connection, space, "all")
            plan = Plan(Which(space), lambda _process, _tags: (None,), {each.id: None for each in everything})
            plan.all_only = True
            counting = Counting(connection, plan, (since, min(counted.minutes_to, now)), now)
            await counting.count_fine(counted)
            tally = (await counting.sums(counted)).get(None, tally)
        rest = await rollup_reads.fetch(connection, _FINISHED, space, max(counted.minutes_to, since))
        await connection.execute_fetchall("ROLLBACK")
    for status, deadline_status, count in rest:
        tally.completed += count * (status == "COMPLETED")
        tally.on_time += count * (deadline_status == "COMPLETED_ON_TIME")
        tally.late += count * (deadline_status == "COMPLETED_LATE")
        tally.failed += count * (status == "FAILED")
    return tally


async def _count(readers: Readers, sql: str, *params: object) -> int:
    row = await readers.one(sql, params)
    return int(row[0]) if row is not None else 0


def _incidents(rows: list[Any]) -> IncidentSummary:
    by_status = {str(each): 0 for each in IncidentStatus if each is not IncidentStatus.CLOSED}
    by_severity = {str(each): 0 for each in Severity}
    for status, severity, count in rows:
        by_status[status] += count
        by_severity[severity] += count
    return IncidentSummary.model_construct(open=sum(by_status.values()), by_status=by_status, by_severity=by_severity)


def _counts(names: Iterable[str], rows: list[Any]) -> dict[str, int]:
    return {str(name): 0 for name in names} | {str(row[0]): int(row[1]) for row in rows}
