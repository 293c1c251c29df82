"""Operations on runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.engine.run_change import Lines, Patch, append_logs, delete_run, patch_runs
from trackdesk.engine.run_finish import Finish, finish_runs
from trackdesk.engine.run_start import Start, start_runs

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from trackdesk.domain.identity import Caller
    from trackdesk.domain.once import Once
    from trackdesk.domain.plain_start import PlainStart
    from trackdesk.domain.run import CompleteRun, LogsAccepted, NewLog, PatchRun, Run, RunAddress, StartRun
    from trackdesk.engine.core import Engine


def start(
    engine: Engine, caller: Caller, process: str, body: StartRun | PlainStart, once: Once | None = None
) -> Awaitable[Run]:
    """Raises Conflict `run_active`, `idempotency_key_reused`; Invalid."""
    return engine.writer.run_each(start_runs, Start(caller.namespace_id, caller.actor, process, body, once))


async def patch(engine: Engine, caller: Caller, address: RunAddress, body: PatchRun) -> Run:
    """Raises NotFound, Conflict `run_finished`, Invalid."""
    run = await engine.writer.run_each(patch_runs, Patch(caller.namespace_id, caller.actor, address, body))
    if body.progress is not None:
        engine.hub.tick(caller.namespace_id, "progress", run.uid)
    return run


async def complete(engine: Engine, caller: Caller, address: RunAddress, body: CompleteRun) -> Run:
    """Raises NotFound, Conflict `run_finished`, Invalid."""
    return await engine.writer.run_each(finish_runs, Finish(caller.namespace_id, caller.actor, address, body))


async def delete(engine: Engine, caller: Caller, address: RunAddress) -> None:
    """Raises NotFound."""
    await engine.writer.run(lambda tx: delete_run(tx, caller.namespace_id, caller.actor, address))


async def log(engine: Engine, caller: Caller, address: RunAddress, lines: list[NewLog]) -> LogsAccepted:
    """Lines are data, not changes of state: watchers are only told that there are new ones. Raises NotFound."""
    uid, accepted = await engine.writer.run_each(append_logs, Lines(caller.namespace_id, address, lines))
    if accepted.accepted:
        engine.hub.tick(caller.namespace_id, "logs", uid)
    return accepted
