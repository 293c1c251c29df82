"""What time alone makes of processes: starts that did not come, times that nobody could see, pauses that end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.clock import HOUR
from trackdesk.domain.expectation import grace_of, judge
from trackdesk.domain.instant import format_instant
from trackdesk.domain.notification import Kind
from trackdesk.domain.schedule import upcoming
from trackdesk.engine.causes import SELF, raise_missing, tell_process
from trackdesk.engine.expect import resume
from trackdesk.engine.verdicts import Round
from trackdesk.store import blind, expectations, processes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.domain.expectation import Blind
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx

REBASED = 200
"""Processes looked at in one operation after the clock was set back."""


def put_off(tx: Tx, until: int, held: tuple[int, int] | None) -> str | None:
    """The process that is due first is looked at again in an hour; gives its name."""
    return expectations.put_off_first(tx, until, held, until + HOUR)


def judge_due(tx: Tx, until: int, held: tuple[int, int] | None, limit: int) -> Round:
    """Judge, as of `until` (µs), the processes that are due, at most `limit`. `held` (from, to] is a jump of the clock
    whose verdicts wait."""
    due = expectations.due(tx, until, limit, held)
    counts = dict.fromkeys(("missing", "blind"), 0)
    for item in due:
        process = processes.get(tx, item.namespace_id, item.name)
        if process.paused:
            resume(tx, process, SELF, until)
        else:
            _judge(tx, process, until, counts)
    return Round({"judged": len(due), **counts}, expectations.next_due(tx, held))


def _judge(tx: Tx, process: ProcessRow, until: int, counts: dict[str, int]) -> None:
    stands = expectations.standing(tx, process.id)
    if process.schedule is None or stands.expected_at is None or stands.missing_since is not None:
        expectations.write(tx, process.id, {"next_due_at": None})
        return
    grace = grace_of(process.schedule, process.grace)
    unseen: Sequence[Blind] = blind.since(tx, stands.expected_at)
    verdict = judge(process.schedule, grace, stands.expected_at, until, unseen)
    values: dict[str, Any] = {"expected_at": verdict.expected_at, "next_due_at": verdict.due_at}
    if verdict.blind_at is not None:
        counts["blind"] += 1
        values["blind_at"] = verdict.blind_at
        facts = {"expected_at": [format_instant(verdict.blind_at), format_instant(verdict.expected_at)]}
        tx.journal(process.namespace_id, "processes", "blind", process.name, SELF, facts)
    if verdict.missing:
        counts["missing"] += 1
        values |= {"missing_since": verdict.expected_at, "next_due_at": None}
    expectations.write(tx, process.id, values)
    if verdict.missing:
        _follow(tx, process, verdict.expected_at, verdict.due_at)


def _follow(tx: Tx, process: ProcessRow, expected_at: int, due_at: int) -> None:
    facts = {"missing_since": [None, format_instant(expected_at)]}
    tx.journal(process.namespace_id, "processes", "missing", process.name, SELF, facts)
    raise_missing(tx, process, expected_at, seen_late=blind.touched(tx, expected_at, due_at))
    tell_process(tx, process, Kind.MISSING, expected_at)


def rebase(tx: Tx, now: int, after: int) -> int | None:
    """The clock was set back to `now` (µs): what was expected next by the time it showed before would be far away, and
    nothing be expected until then. At most one fire is let go. Looks at the next processes with an id above `after`;
    gives the id to go on from, None at the end."""
    found = expectations.waiting(tx, after, now, REBASED)
    for item in found:
        process = processes.get(tx, item.namespace_id, item.name)
        stands = expectations.standing(tx, item.id)
        if process.schedule is None or stands.expected_at is None:
            continue
        second = upcoming(process.schedule, now, 2)[-1]
        if second < stands.expected_at:
            due_at = second + grace_of(process.schedule, process.grace)
            expectations.write(tx, item.id, {"expected_at": second, "next_due_at": due_at})
    return found[-1].id if len(found) == REBASED else None
