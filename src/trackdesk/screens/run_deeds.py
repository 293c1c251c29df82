"""What can be done to runs by hand: start one, complete them, end them as failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from trackdesk.widgets.dialogs import ConfirmDialog, PromptDialog
from trackdesk.widgets.forms import Field, FormDialog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.run import Run
    from trackdesk.screens.place import Place
    from trackdesk.widgets.forms import Errors, Values


async def start_run(place: Place, process: str = "") -> Run | None:
    """Asks what to start, and starts it."""
    made: list[Run] = []

    async def start(values: Values) -> Errors:
        try:
            body = body_of(values)
        except ValueError as error:
            return {"tags": str(error)}

        async def deed() -> None:
            made.append(await place.client.runs.start(values["process"], body))

        return await place.submit(deed())

    fields = [
        Field("process", "process", process, "nightly-backup", required=True),
        Field("id", "run", hint="made up when empty"),
        Field("deadline", "deadline", hint="30m, 1h30m or 2026-01-02T03:04:05Z"),
        Field("tags", "tags", hint="env=prod team=ops"),
    ]
    await place.ask(FormDialog("Start a run", fields, submit=start))
    if not made:
        return None
    place.post_message(place.Say(f"Started {made[0].process} {made[0].id}"))
    return made[0]


def body_of(values: Mapping[str, str]) -> dict[str, Any]:
    """The body of a start from the words of the form. Raises ValueError for tags that are no `key=value`."""
    body: dict[str, Any] = {name: values[name] for name in ("id", "deadline") if values[name]}
    tags: dict[str, str] = {}
    for word in values["tags"].split():
        key, equals, value = word.partition("=")
        if not equals or not key or not value:
            raise ValueError(f"expected key=value, not {word!r}")
        tags[key] = value
    return body | {"tags": tags} if tags else body


async def complete_runs(place: Place, runs: Sequence[Run]) -> Sequence[Run]:
    """Those that are completed now. Several are only completed after a question."""
    active = [run for run in runs if run.status == "ACTIVE"]
    if len(active) > 1 and not await place.ask(ConfirmDialog(f"Complete {len(active)} runs?", _names(active))):
        return ()
    return await _end(place, active, {"status": "COMPLETED"}, "Completed")


async def fail_runs(place: Place, runs: Sequence[Run]) -> Sequence[Run]:
    """Asks what went wrong. Those that have failed now."""
    active = [run for run in runs if run.status == "ACTIVE"]
    said = await place.ask(PromptDialog(f"What went wrong with {_named(active)}?", placeholder="disk full"))
    if said is None:
        return ()
    return await _end(place, active, {"status": "FAILED", "error": {"message": said}}, "Failed")


async def _end(place: Place, runs: Sequence[Run], body: dict[str, Any], done: str) -> Sequence[Run]:
    from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

    outcomes = await asyncio.gather(
        *(place.client.runs.complete(run.uid, body) for run in runs), return_exceptions=True
    )
    ended: list[Run] = []
    refused: list[str] = []
    for outcome in outcomes:
        if isinstance(outcome, TrackdeskError):
            refused.append(outcome.detail)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            ended.append(outcome)
    if refused:
        rest = f"{done.lower()} {len(ended)}, not {len(refused)}: " if ended else ""
        place.post_message(place.Say(rest + refused[0], "fail"))
    else:
        place.post_message(place.Say(f"{done}: {_named(ended)}"))
    return ended


def _named(runs: Sequence[Run]) -> str:
    return f"{runs[0].process} {runs[0].id}" if len(runs) == 1 else f"{len(runs)} runs"


def _names(runs: Sequence[Run]) -> str:
    shown = [f"{run.process} {run.id}" for run in runs[:8]]
    return "\n".join([*shown, f"and {len(runs) - 8} more"] if len(runs) > 8 else shown)
