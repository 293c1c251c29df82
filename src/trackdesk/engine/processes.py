"""Operations on processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.deadline import DEFAULT_WARN_AT
from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.expectation import check_grace
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.process import ChangeProcess, PauseProcess
from trackdesk.domain.schedule import pack, unpack
from trackdesk.engine import expect
from trackdesk.engine.causes import clear_all
from trackdesk.engine.edits import check_department, check_version, given
from trackdesk.store import process_lists, processes, removal, rollups

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import Due
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

_DEFAULTS: dict[str, Any] = {
    "warn_at": DEFAULT_WARN_AT,
    "auto_close": True,
    "incident_per": "process",
    "alert_after_failures": 1,
}
DELETED_AT_ONCE = 200
"""Runs deleted in one operation, a few ms."""
_DURATIONS = {"grace", "default_deadline", "heartbeat_timeout", "retention"}


async def patch(engine: Engine, caller: Caller, name: str, body: ChangeProcess, if_match: int | None = None) -> Process:
    """Made when there is none. Runs that are under way keep what they started with.

    Raises Conflict `changed`; Invalid for a department that doesn't exist.
    """
    await engine.writer.run(lambda tx: change(tx, caller, name, body, if_match))
    return await process_lists.get(engine.readers, caller.namespace_id, name)


async def put(
    engine: Engine, caller: Caller, name: str, body: ChangeProcess | None, if_match: int | None = None
) -> tuple[Process, bool]:
    """All settings: what `body` does not name takes its default. The process, and whether it was made just now. Raises
    as `patch` does."""
    named = {} if body is None else given(body)
    whole = ChangeProcess.model_construct(**{member: named.get(member) for member in ChangeProcess.model_fields})

    def operation(tx: Tx) -> bool:
        made = processes.find(tx, caller.namespace_id, name) is None
        change(tx, caller, name, whole, if_match)
        return made

    made = await engine.writer.run(operation)
    return await process_lists.get(engine.readers, caller.namespace_id, name), made


async def pause(engine: Engine, caller: Caller, name: str, body: PauseProcess | None) -> Process:
    """Raises NotFound; Invalid for an end that has passed."""
    asked = body or PauseProcess()

    def operation(tx: Tx) -> None:
        until = None if asked.until is None else _resolve(asked.until, tx.now)
        process = processes.get(tx, caller.namespace_id, name)
        expect.pause(tx, process, caller.actor, until, asked.reason)

    await engine.writer.run(operation)
    return await process_lists.get(engine.readers, caller.namespace_id, name)


def _resolve(until: Due, now: int) -> int:
    try:
        at = until.resolve(now)
    except ValueError as error:
        raise Invalid("until", str(error)) from None
    if at <= now:
        raise Invalid("until", "expected a time that is yet to come", format_instant(at))
    return at


async def resume(engine: Engine, caller: Caller, name: str) -> Process:
    """What is not paused stays as it is. Raises NotFound."""
    await engine.writer.run(
        lambda tx: expect.resume(tx, processes.get(tx, caller.namespace_id, name), caller.actor, tx.now)
    )
    return await process_lists.get(engine.readers, caller.namespace_id, name)


async def delete(engine: Engine, caller: Caller, name: str) -> None:
    """With its runs, in small steps: whoever is interrupted, by a crash or by a run that starts meanwhile, finds a
    process with fewer runs. Incidents stay; those whose cause holds are closed. Raises NotFound; Conflict
    `process_active`."""
    while not await engine.writer.run(lambda tx: delete_some(tx, caller, name)):
        pass


def delete_some(tx: Tx, caller: Caller, name: str) -> bool:
    """The next of its runs; when there are none left the process itself. Whether it is gone."""
    process = processes.get(tx, caller.namespace_id, name)
    seqs = processes.run_seqs(tx, process.id, DELETED_AT_ONCE)
    active = processes.columns(tx, process.id, ("active",))["active"]
    if active:
        some = "a run that is" if active == 1 else f"{active} runs that are"
        raise Conflict(f"{name} has {some} ACTIVE; complete it first.", code="process_active")
    if seqs:
        rollups.correct_deleted(tx, caller.namespace_id, seqs)
        removal.remove_runs(tx, seqs)
        tx.wake("retention", tx.now)
        return False
    clear_all(tx, process, f"{name} was deleted by {caller.actor}")
    processes.delete(tx, process)
    tx.journal(caller.namespace_id, "processes", "deleted", name, caller.actor)
    return True


def change(tx: Tx, caller: Caller, name: str, body: ChangeProcess, if_match: int | None = None) -> None:
    """The members that `body` names; the process is made when there is none. Raises as `patch` does."""
    values = {key: _DEFAULTS.get(key) if value is None else value for key, value in given(body).items()}
    if body.schedule is not None:
        values["schedule"] = pack(body.schedule)
    check_department(tx, caller.namespace_id, values.get("department"))
    process = processes.find_or_make(tx, caller.namespace_id, name, caller.actor)
    check_version(tx, caller.namespace_id, "processes", name, process.version, if_match)
    before = processes.columns(tx, process.id, tuple(values))
    changed = {
        key: [_shown(key, before[key]), _shown(key, value)] for key, value in values.items() if before[key] != value
    }
    if not changed:
        return
    check_grace(body.schedule if "schedule" in values else process.schedule, values.get("grace", process.grace))
    processes.change(tx, process, {key: values[key] for key in changed})
    tx.journal(caller.namespace_id, "processes", "changed", name, caller.actor, changed)
    if "retention" in changed:
        tx.wake("retention_changed", tx.now)
    expect.rearrange(tx, process, processes.get(tx, caller.namespace_id, name), caller.actor)


def _shown(key: str, value: Any) -> Any:
    if key == "schedule" and value is not None:
        return unpack(value).model_dump(mode="json")
    if key in _DURATIONS and value is not None:
        return format_duration(value)
    return bool(value) if key == "auto_close" else value
