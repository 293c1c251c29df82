"""What can be done to processes by hand: pause and resume, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.forms import Field, FormDialog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.process import Process
    from trackdesk.screens.place import Place
    from trackdesk.widgets.forms import Errors, Values


async def pause_or_resume(place: Place, processes: Sequence[Process]) -> bool:
    """Resumes them when all are paused; else asks for how long and why, and pauses those that are not. Whether it was
    done."""
    running = [process for process in processes if process.state != "PAUSED"]
    if not running:
        done = await place.attempt(_resume(place, processes), f"Resumed {_named(processes)}")
        return done is not None

    async def pause(values: Values) -> Errors:
        body = {name: value for name, value in values.items() if value}
        for process in running:
            errors = await place.submit(place.client.processes.pause(process.name, body))
            if errors:
                return errors
        return {}

    fields = [
        Field("until", "until", hint="2h, 2026-01-02T03:04:05Z; empty: until resumed"),
        Field("reason", "reason", hint="the vendor moves house"),
    ]
    if await place.ask(FormDialog(f"Pause {_named(running)}", fields, submit=pause)) is None:
        return False
    place.post_message(place.Say(f"Paused {_named(running)}: nothing is expected of it, nobody is told"))
    return True


async def _resume(place: Place, processes: Sequence[Process]) -> int:
    for process in processes:
        await place.client.processes.resume(process.name)
    return len(processes)


def _named(processes: Sequence[Process]) -> str:
    return processes[0].name if len(processes) == 1 else f"{len(processes)} processes"


async def delete_processes(place: Place, processes: Sequence[Process]) -> str:
    """Deletes them with their runs, after a question. What was done, or nothing."""
    question = f"Delete {_named(processes)}?"
    if not await place.ask(ConfirmDialog(question, "All its runs and their logs go with it. Its incidents stay.")):
        return ""
    done = await place.attempt(_delete(place, processes))
    return "" if done is None else f"Deleted {_named(processes)}"


async def _delete(place: Place, processes: Sequence[Process]) -> int:
    for process in processes:
        await place.client.processes.delete(process.name)
    return len(processes)


async def change_settings(place: Place, process: Process) -> bool:
    """Asks for the settings beside the expectation, and saves them. Whether they were saved."""

    async def save(values: Values) -> Errors:
        body = changes(process, values)
        if not body:
            return {}
        return await place.submit(place.client.processes.patch(process.name, body, if_match=process.version))

    form = FormDialog(f"Settings of {process.name}", settings_fields(process), submit=save)
    return await place.ask(form) is not None


_YES, _NO = "yes", "no"


def settings_fields(process: Process) -> list[Field]:
    from trackdesk.domain.instant import format_duration  # noqa: PLC0415 - loaded by now

    kept = "" if process.retention is None else format_duration(process.retention)
    return [
        Field("department", "department", process.department or "", "who is told; empty: default"),
        Field("runbook_url", "runbook", process.runbook_url or "", "https://wiki.example/backup"),
        Field("description", "description", process.description or ""),
        Field("category", "category", process.category or ""),
        Field("service", "service", process.service or ""),
        Field("auto_close", "closes itself", _YES if process.auto_close else _NO, choices=(_YES, _NO)),
        Field("incident_per", "incident per", process.incident_per, choices=("process", "run")),
        Field("retention", "runs are kept", kept, "90d; empty: as all others"),
    ]


def changes(process: Process, values: Mapping[str, str]) -> dict[str, Any]:
    """What of the form differs from how `process` stands, as the body of a PATCH."""
    before = {field.name: field.value for field in settings_fields(process)}
    body: dict[str, Any] = {}
    for name, value in values.items():
        if value != before[name]:
            body[name] = value == _YES if name == "auto_close" else value or None
    return body
