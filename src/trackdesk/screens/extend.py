"""Asking for a later deadline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from trackdesk.widgets import when
from trackdesk.widgets.dialogs import ChooseDialog
from trackdesk.widgets.forms import Field, FormDialog

if TYPE_CHECKING:
    from datetime import tzinfo

    from trackdesk.domain.run import Run
    from trackdesk.screens.place import Place
    from trackdesk.widgets.forms import Errors, Values

_STEPS = ("15m", "30m", "1h", "2h", "4h", "1d")
_HINT = "45m, 1h30m, 18:00 or 2026-01-02T03:04:05Z"


async def extend_deadline(place: Place, run: Run) -> bool:
    """Asks by how much and does it. Whether it was done. `place` says what came of it."""
    now = place.desk.now()
    since = "from now on" if run.deadline is None or run.deadline < now else "beyond its deadline"
    choices = [(step, f"{step} {since}") for step in _STEPS]
    chosen = await place.ask(ChooseDialog(_title(run, now), [*choices, ("", "another time…")], current="30m"))
    if chosen is None:
        return False

    async def save(values: Values) -> Errors:
        try:
            due = later(values["by"], run, place.desk.now())
        except ValueError as error:
            return {"by": str(error)}
        wanted = place.client.runs.patch(run.uid, {"deadline": due / when.SECOND})
        return await place.submit(wanted)

    if chosen:
        due = later(chosen, run, place.desk.now())
        said = f"{run.process} is due {when.absolute(due)}"
        return await place.attempt(place.client.runs.patch(run.uid, {"deadline": due / when.SECOND}), said) is not None
    field = Field("by", "by, or until", hint=_HINT, required=True)
    return await place.ask(FormDialog(_title(run, now), [field], submit=save)) is not None


def _title(run: Run, now: int) -> str:
    due = f"due {when.day_clock(run.deadline, now)}" if run.deadline is not None else "without a deadline"
    return f"Extend the deadline of {run.process} {run.id}, {due}"


def later(text: str, run: Run, now: int, zone: tzinfo | None = None) -> int:
    """The instant (µs) that `text` names: a duration beyond the deadline, from now on when that has passed; an hour
    that comes next in `zone` (the machine's own without one); or a time as the API takes it. Raises ValueError."""
    from trackdesk.domain.instant import parse_duration, parse_instant  # noqa: PLC0415 - loaded by now

    hour, colon, minute = text.partition(":")
    if colon and hour.isdecimal() and minute.isdecimal() and len(text) <= 5:
        due = _next(int(hour), int(minute), now, zone)
    elif text[:4].isdecimal() and "-" in text:
        due = parse_instant(text)
    else:
        try:
            by = parse_duration(text)
        except ValueError:
            raise ValueError(f"expected {_HINT}, not {text!r}") from None
        due = max(now, run.deadline or 0) + by
    if due <= now:
        raise ValueError(f"{when.absolute(due, zone)} has passed; a deadline is extended into the future")
    return due


def _next(hour: int, minute: int, now: int, zone: tzinfo | None) -> int:
    if hour > 23 or minute > 59:
        raise ValueError(f"expected an hour from 00:00 to 23:59, not {hour}:{minute:02}")
    local = datetime.fromtimestamp(now // when.SECOND, UTC).astimezone(zone)
    at = local.replace(hour=hour, minute=minute, second=0)
    if at <= local:
        at += timedelta(days=1)
    return int(at.timestamp()) * when.SECOND
