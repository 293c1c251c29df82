"""Operations on processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.deadline import DEFAULT_WARN_AT
from trackdesk.domain.expectation import check_grace
from trackdesk.domain.instant import format_duration
from trackdesk.domain.schedule import pack, unpack
from trackdesk.engine.edits import check_department, check_version, given
from trackdesk.engine.expect import rearrange
from trackdesk.store import process_lists, processes

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.process import ChangeProcess, Process
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

_DEFAULTS: dict[str, Any] = {
    "warn_at": DEFAULT_WARN_AT,
    "auto_close": True,
    "incident_per": "process",
    "alert_after_failures": 1,
}
_DURATIONS = {"grace", "default_deadline", "heartbeat_timeout", "retention"}


async def patch(engine: Engine, caller: Caller, name: str, body: ChangeProcess, if_match: int | None = None) -> Process:
    """Made when there is none. Runs that are under way keep what they started with.

    Raises Conflict `changed`; Invalid for a department that doesn't exist.
    """
    await engine.writer.run(lambda tx: change(tx, caller, name, body, if_match))
    return await process_lists.get(engine.readers, caller.namespace_id, name)


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
    rearrange(tx, process, processes.get(tx, caller.namespace_id, name), caller.actor)


def _shown(key: str, value: Any) -> Any:
    if key == "schedule" and value is not None:
        return unpack(value).model_dump(mode="json")
    if key in _DURATIONS and value is not None:
        return format_duration(value)
    return bool(value) if key == "auto_close" else value
