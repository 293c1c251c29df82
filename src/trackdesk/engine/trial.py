"""What a changed expectation would have alerted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from trackdesk.domain.errors import Invalid
from trackdesk.domain.expectation import check_grace
from trackdesk.domain.instant import format_instant
from trackdesk.domain.replay import Expected, would_have
from trackdesk.domain.schedule import upcoming
from trackdesk.domain.trial import MOST_RUNS, TIMES_SHOWN, USUAL_RANGE, Trial, TryProcess
from trackdesk.store import past_runs, process_lists

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.process import Process
    from trackdesk.engine.core import Engine

_USUAL_ALERT = 1


async def test(engine: Engine, caller: Caller, name: str, body: TryProcess | None) -> Trial:
    """Raises NotFound; Invalid for a grace longer than the period, and for a `since` that lies ahead."""
    now = engine.clock.now()
    body = body or TryProcess()
    from_at = _since(body, now)
    process = await process_lists.get(engine.readers, caller.namespace_id, name)
    before = Expected(process.schedule, process.grace, process.default_deadline, process.alert_after_failures)
    changed = _changed(process, body)
    check_grace(changed.schedule, changed.grace)
    history = await past_runs.newest(engine.readers, caller.namespace_id, name, from_at, MOST_RUNS + 1)
    inside = [run for run in history if run.started_at >= from_at]
    capped = len(inside) > MOST_RUNS
    if capped:
        inside = inside[:MOST_RUNS]
        history, from_at = inside, inside[-1].started_at
    blind = await past_runs.blind_since(engine.readers, from_at)
    incidents = await asyncio.to_thread(would_have, changed, before, history, from_at, now, blind)
    return Trial.model_construct(
        count=len(incidents),
        from_=from_at,
        to=now,
        runs=len(inside),
        capped=capped,
        incidents=incidents,
        next_expected=upcoming(changed.schedule, now, TIMES_SHOWN) if changed.schedule is not None else [],
    )


def _since(body: TryProcess, now: int) -> int:
    if body.since is None:
        return now - USUAL_RANGE
    since = max(now - body.since.micros, 0) if body.since.relative else body.since.micros
    if since > now:
        raise Invalid("since", "expected a time that has passed", format_instant(since))
    return since


def _changed(process: Process, body: TryProcess) -> Expected:
    """Members that the body names, null included, stand in for those of the process."""
    given = body.model_fields_set
    alert_after = process.alert_after_failures
    if "alert_after_failures" in given:
        alert_after = body.alert_after_failures or _USUAL_ALERT
    return Expected(
        body.schedule if "schedule" in given else process.schedule,
        body.grace if "grace" in given else process.grace,
        body.default_deadline if "default_deadline" in given else process.default_deadline,
        alert_after,
    )
