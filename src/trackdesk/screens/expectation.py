"""What is expected of a process, changed in a form that shows at once when that would be, and what it would have
alerted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.widgets import Input, Static

from trackdesk.widgets import when
from trackdesk.widgets.background import begin
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.look import Look
from trackdesk.widgets.zone import local_zone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from textual.app import ComposeResult
    from textual.timer import Timer

    from trackdesk.domain.process import Process
    from trackdesk.domain.schedule import Schedule
    from trackdesk.screens.place import Place
    from trackdesk.widgets.forms import Errors, Values

SHOWN = 5
"""Times to come that the form shows."""
_STILL = 0.6
"""Seconds without a key until the server is asked what it would have alerted."""


async def change_expectation(place: Place, process: Process) -> bool:
    """Asks what is expected of `process`, and saves it. Whether it was saved."""

    async def save(values: Values) -> Errors:
        errors = problems(values)
        body = changes(process, values)
        if errors or not body:
            return errors
        return await place.submit(place.client.processes.patch(process.name, body, if_match=process.version))

    async def alerted(values: Values) -> str:
        return await _would_have(place, process, values)

    form = ExpectationForm(process, alerted=alerted, save=save, now=place.desk.now)
    return await place.ask(form) is not None


class ExpectationForm(FormDialog):
    """Says beneath the fields when the next starts would be expected, as one types."""

    DEFAULT_CSS = """
    ExpectationForm .preview { height: auto; margin-top: 1; }
    """

    def __init__(
        self,
        process: Process,
        *,
        alerted: Callable[[Values], Awaitable[str]],
        save: Callable[[Values], Awaitable[Errors]],
        now: Callable[[], int],
    ) -> None:
        super().__init__(f"What is expected of {process.name}", fields_of(process), submit=save)
        self._process = process
        self._alerted = alerted
        self._now = now
        self._asking: Timer | None = None
        self._said = ""
        self._shown = Static("", classes="preview")

    def compose_below(self) -> ComposeResult:
        yield self._shown

    def on_mount(self) -> None:
        super().on_mount()
        self._preview()
        self._ask()

    def on_resize(self) -> None:
        super().on_resize()
        self._preview()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        errors = problems(self.values)
        self.mark_errors(errors)
        self._said = ""
        self._preview()
        if self._asking is not None:
            self._asking.stop()
        self._asking = None if errors else self.set_timer(_STILL, self._ask)

    def _ask(self) -> None:
        begin(self, self._answer, group="alerted", exclusive=True)

    async def _answer(self) -> None:
        self._said = await self._alerted(self.values)
        self._preview()

    def _preview(self) -> None:
        look = Look.of(self.app)
        lines: list[Text] = []
        if not {"schedule", "timezone"} & problems(self.values).keys():
            schedule = schedule_of(self.values)
            lines = _times(schedule, self._process, look, self._now(), tall=not self.has_class("-tight"))
        if self._said:
            lines.append(Text(self._said, look.role("new")))
        self._shown.update(Text("\n").join(lines))


def _times(schedule: Schedule | None, process: Process, look: Look, now: int, *, tall: bool) -> list[Text]:
    if schedule is None:
        return [Text("it is expected at no certain time", look.role("dim"))]
    from trackdesk.domain.schedule import describe, upcoming  # noqa: PLC0415 - loaded with the form's first character

    # `every` counts from the last start; one that lies too far back is answered by the next.
    every, last = getattr(schedule, "every", None), process.last_run_at
    since = last if every is not None and last is not None and last + every > now else now
    fires = upcoming(schedule, since, SHOWN)
    head = Text(f"{describe(schedule)}: the next {len(fires)} times by this clock", look.role("dim"))
    if not tall:
        said = ", ".join(when.weekday_clock(at) for at in fires)
        return [head, Text(said, look.role("run"))]
    lines = [head]
    for at in fires:
        line = Text(f"  {when.weekday_clock(at):<26}", look.role("run"))
        line.append(when.until(at, now), look.role("dim"))
        lines.append(line)
    return lines


async def _would_have(place: Place, process: Process, values: Values) -> str:
    from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

    try:
        answer = await place.client.processes.test(process.name, changes(process, values))
    except TrackdeskError as error:
        return f"what it would have alerted is not known: {error.detail}"
    if not answer.runs and not answer.count:
        return "there are no runs yet to say what it would have alerted"
    times = "once" if answer.count == 1 else f"{answer.count:,} times"
    kinds: dict[str, int] = {}
    for incident in answer.incidents:
        kinds[incident.origin] = kinds.get(incident.origin, 0) + 1
    of_these = ", ".join(f"{count:,} {origin}" for origin, count in kinds.items())
    looked = f"the last {answer.runs:,} runs" if answer.capped else f"{answer.runs:,} runs of 30 days"
    return f"would have alerted {times if answer.count else 'never'} in {looked}{': ' + of_these if of_these else ''}"


# -- the fields and what they mean -------------------------------------------------------------------------------------


def fields_of(process: Process) -> list[Field]:
    schedule = process.schedule
    every = getattr(schedule, "every", None)
    line = f"every {_duration(every)}" if every is not None else getattr(schedule, "cron", "")
    return [
        Field("schedule", "schedule", line, "0 2 * * *, @daily or every 15m; empty: none"),
        Field("timezone", "time zone", getattr(schedule, "timezone", "") or local_zone(), "Europe/Berlin"),
        Field("grace", "grace", _duration(process.grace), "5m; how much later it may start"),
        Field("default_deadline", "deadline", _duration(process.default_deadline), "30m; empty: none"),
        Field("warn_at", "warn at", f"{process.warn_at:g}", "the share of the deadline: 0.75"),
        Field("heartbeat_timeout", "heartbeat", _duration(process.heartbeat_timeout), "2m; empty: none expected"),
        Field("alert_after_failures", "alert after", str(process.alert_after_failures), "1; failures in a row"),
    ]


def changes(process: Process, values: Mapping[str, str]) -> dict[str, Any]:
    """What of the form differs from how `process` stands, as the body of a PATCH."""
    before = {field.name: field.value for field in fields_of(process)}
    body: dict[str, Any] = {}
    for name in ("grace", "default_deadline", "heartbeat_timeout"):
        if values[name] != before[name]:
            body[name] = values[name] or None
    if values["warn_at"] != before["warn_at"]:
        body["warn_at"] = float(values["warn_at"]) if values["warn_at"] else None
    if values["alert_after_failures"] != before["alert_after_failures"]:
        body["alert_after_failures"] = int(values["alert_after_failures"]) if values["alert_after_failures"] else None
    schedule = schedule_of(values)
    if schedule != process.schedule:
        body["schedule"] = None if schedule is None else schedule.model_dump(mode="json")
    return body


def schedule_of(values: Mapping[str, str]) -> Schedule | None:
    """The schedule that the fields say; None without one and while they say nothing that could be read."""
    if not values["schedule"] or {"schedule", "timezone"} & problems(values).keys():
        return None
    return _read_schedule(values)


def _read_schedule(values: Mapping[str, str]) -> Schedule:
    from trackdesk.domain.instant import parse_duration  # noqa: PLC0415 - loaded by now
    from trackdesk.domain.schedule import Cron, Every  # noqa: PLC0415

    span = _span(values["schedule"])
    if span is not None:
        return Every.model_construct(every=parse_duration(span))
    return Cron(cron=values["schedule"], timezone=values["timezone"] or "UTC")


def problems(values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the fields, each for itself and grace with the schedule."""
    checks: dict[str, Callable[[str], object]] = {
        "schedule": _check_schedule,
        "timezone": _check_zone,
        **dict.fromkeys(("grace", "default_deadline", "heartbeat_timeout"), _check_span),
        "warn_at": _check_share,
        "alert_after_failures": _check_count,
    }
    errors: dict[str, str] = {}
    for name, check in checks.items():
        if not values[name]:
            continue
        try:
            check(values[name])
        except ValueError as error:
            errors[name] = str(error)
    if not errors and (said := _check_grace(values)):
        errors["grace"] = said
    return errors


def _span(text: str) -> str | None:
    """`15m` of `every 15m`, and of `15m` itself; None of a cron line."""
    words = text.split()
    if words[0].lower() == "every":
        return "".join(words[1:])
    return text if len(words) == 1 and not text.startswith("@") else None


def _check_schedule(text: str) -> None:
    from trackdesk.domain.cron import check_line  # noqa: PLC0415 - read when a form is opened
    from trackdesk.domain.instant import parse_duration  # noqa: PLC0415

    span = _span(text)
    if span is None:
        check_line(text)
    elif parse_duration(span) < when.SECOND:
        raise ValueError(f"expected at least 1s, not {span!r}")


def _check_zone(text: str) -> None:
    from trackdesk.domain.cron import check_zone  # noqa: PLC0415 - read when a form is opened

    check_zone(text)


def _check_span(text: str) -> None:
    from trackdesk.domain.instant import parse_duration  # noqa: PLC0415 - loaded by now

    if not parse_duration(text):
        raise ValueError("expected more than 0s")


def _check_share(text: str) -> None:
    try:
        fits = 0 <= float(text) <= 1
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"expected a number from 0 to 1, not {text!r}")


def _check_count(text: str) -> None:
    from trackdesk.domain.process import MOST_FAILURES  # noqa: PLC0415 - loaded by now

    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_FAILURES):
        raise ValueError(f"expected a number from 1 to {MOST_FAILURES}, not {text!r}")


def _check_grace(values: Mapping[str, str]) -> str | None:
    from trackdesk.domain.errors import Invalid  # noqa: PLC0415 - loaded by now
    from trackdesk.domain.expectation import check_grace  # noqa: PLC0415
    from trackdesk.domain.instant import parse_duration  # noqa: PLC0415

    if not values["grace"] or not values["schedule"]:
        return None
    try:
        check_grace(_read_schedule(values), parse_duration(values["grace"]))
    except Invalid as error:
        return error.detail.removeprefix("grace: ")
    return None


def _duration(micros: int | None) -> str:
    from trackdesk.domain.instant import format_duration  # noqa: PLC0415 - loaded by now

    return "" if micros is None else format_duration(micros)
