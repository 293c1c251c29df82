"""What is expected of a process: set, met by a start, given up for a pause, taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.deadline import HOLD_LATE_REPORT
from trackdesk.domain.expectation import due_after, expected_after, first_expected, grace_of
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.notification import Kind
from trackdesk.engine.causes import SELF, clear_missing, tell_process
from trackdesk.engine.words import round_up
from trackdesk.store import blind, expectations
from trackdesk.store.expectations import Standing

if TYPE_CHECKING:
    from trackdesk.domain.run import Run
    from trackdesk.store.processes import Counts, ProcessRow
    from trackdesk.store.writer import Tx


def meet(tx: Tx, counts: Counts, process: ProcessRow, started_at: int) -> int | None:
    """Of a start (µs) whose `counts` are about to be written: what its process is expected at next joins them. Gives
    since when (µs) the process was missing; callers pass that to `recover` when the run is written."""
    if process.schedule is None or process.paused:
        return None
    stands = expectations.standing(tx, process.id)
    if stands.expected_at is None:
        return None
    following = expected_after(process.schedule, started_at, stands.expected_at)
    if following <= stands.expected_at:
        return None
    due_at = following + grace_of(process.schedule, process.grace)
    if due_at <= tx.now:  # told afterwards; the start that was next may be told in the next breath
        due_at = tx.now + HOLD_LATE_REPORT
    counts.expect(process.id, following, due_at)
    expectations.remember(tx, process.id, Standing(following, None))
    tx.wake("agenda", due_at)
    return stands.missing_since


def recover(tx: Tx, process: ProcessRow, run: Run, since: int) -> None:
    """The process was missing since then (µs) and `run` started it: journal, incident, channels."""
    facts = {"missing_since": [format_instant(since), None], "run": run.uid}
    tx.journal(process.namespace_id, "processes", "recovered", process.name, SELF, facts)
    clear_missing(tx, process, _why_recovered(process, run, since), run)
    tell_process(tx, process, Kind.RECOVERED, since, run)


def _why_recovered(process: ProcessRow, run: Run, since: int) -> str:
    assert process.schedule is not None, "nothing else is missing"
    name = f"{run.process}/{run.id}"
    if run.started_at <= since + grace_of(process.schedule, process.grace):
        return f"{name} had started in time, at {format_instant(run.started_at)}, as was reported afterwards"
    return f"{name} started, {format_duration(round_up(run.started_at - since))} after it was expected"


def begin(tx: Tx, process: ProcessRow, since: int) -> None:
    """Expect it as if `since` (µs) had been its last start."""
    if process.schedule is None:
        expectations.write(tx, process.id, {"expected_at": None, "missing_since": None, "next_due_at": None})
        return
    expected_at = first_expected(process.schedule, since)
    due_at = expected_at + grace_of(process.schedule, process.grace)
    expectations.write(tx, process.id, {"expected_at": expected_at, "missing_since": None, "next_due_at": due_at})


def rearrange(tx: Tx, before: ProcessRow, after: ProcessRow, actor: str) -> None:
    """Its schedule or grace was changed. A new schedule begins now; a longer grace also counts for the start that is
    awaited, or did not come."""
    if after.paused or (before.schedule == after.schedule and before.grace == after.grace):
        return
    stands = expectations.standing(tx, after.id)
    if before.schedule != after.schedule:
        begin(tx, after, tx.now)
        if stands.missing_since is not None:
            clear_missing(tx, after, f"what is expected of {after.name} was changed by {actor}")
        return
    if after.schedule is None or stands.expected_at is None:
        return
    due_at = due_after(stands.expected_at, grace_of(after.schedule, after.grace), blind.since(tx, stands.expected_at))
    if stands.missing_since is None:
        expectations.write(tx, after.id, {"next_due_at": due_at})
    elif due_at > tx.now:
        expectations.write(tx, after.id, {"missing_since": None, "next_due_at": due_at})
        clear_missing(tx, after, f"the grace of {after.name} was extended by {actor}")


def pause(tx: Tx, process: ProcessRow, actor: str, until: int | None, reason: str | None) -> None:
    """Nothing is expected of it, and nobody is told of its runs, until it is resumed or `until` (µs) has come."""
    paused_at, *standing = expectations.pause(tx, process.id)
    if paused_at is not None and standing == [until, reason]:
        return
    missing = expectations.standing(tx, process.id).missing_since is not None
    values: dict[str, Any] = {
        "paused_at": tx.now if paused_at is None else paused_at,
        "paused_until": until,
        "paused_by": actor,
        "pause_reason": reason,
        "expected_at": None,
        "missing_since": None,
        "next_due_at": until,
    }
    expectations.write_pause(tx, process, values)
    facts = {"until": None if until is None else format_instant(until), "reason": reason}
    tx.journal(process.namespace_id, "processes", "paused", process.name, actor, facts)
    if missing:
        clear_missing(tx, process, f"{process.name} was paused by {actor}")


def resume(tx: Tx, process: ProcessRow, actor: str, at: int) -> None:
    """It is expected anew from `at` (µs) on."""
    if not process.paused:
        return
    values = dict.fromkeys(("paused_at", "paused_until", "paused_by", "pause_reason"))
    expectations.write_pause(tx, process, values)
    begin(tx, process, at)
    tx.journal(process.namespace_id, "processes", "resumed", process.name, actor)
