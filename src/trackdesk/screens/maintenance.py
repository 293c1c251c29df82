"""Maintenance windows: when work on a service or at a department makes noise that nobody needs to be told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.curl import curl
from trackdesk.screens.listing import ListPlace
from trackdesk.screens.muting import preview_words
from trackdesk.screens.silences import STATES
from trackdesk.widgets import when
from trackdesk.widgets.cells import Clocked
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.forms import Field
from trackdesk.widgets.glyphs import Mark, Toned
from trackdesk.widgets.preview_form import PreviewForm
from trackdesk.widgets.rows import Row
from trackdesk.widgets.zone import local_zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.maintenance import Maintenance
    from trackdesk.domain.page import Page
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.forms import Errors, Values

_SHOWN = 3
"""Windows to come that the form shows."""
_ON = Mark("‖", "on", "late", "=")


class MaintenanceView(ListPlace["Maintenance"]):
    CONTEXTS = ("maintenance", "list")
    TOPICS = frozenset({"maintenance", "incidents"})
    TITLE = "Maintenance"
    HINT = "state:active  service:crm*  department:infra  or words"
    EMPTY = Empty("No maintenance is planned", "n  plans some, once or by a schedule")
    NEEDS: ClassVar[Mapping[str, str]] = dict.fromkeys(("new", "edit", "delete"), "operate")
    COLUMNS = (
        Column("state", "state", 9, priority=0),
        Column("name", "name", 15, flex=1, most=32, priority=0),
        Column("of", "of", 12, flex=1, most=28, priority=1),
        Column("next", "window", 8, align="right", priority=0),
        Column("plan", "planned", 23, flex=3, most=44, priority=2),
        Column("reason", "why", 16, flex=5, priority=3),
        Column("muted", "muted", 5, align="right", priority=4),
        Column("by", "by", 16, flex=2, most=32, priority=5),
    )

    async def fetch(self, query: dict[str, Any]) -> Page[Maintenance]:
        return await self.client.maintenance.list(query)

    async def fetch_one(self, ref: str) -> Maintenance:
        return await self.client.maintenance.get(int(ref))

    def row(self, item: Maintenance) -> Row:
        return Row(str(item.id), cells_of(item), item)

    def curl_of(self, items: Sequence[Maintenance]) -> str:
        return "\n".join(curl(self.client, "GET", f"/v1/maintenance/{each.id}") for each in items)

    def why_not(self, action: str) -> str | None:
        if action in ("edit", "delete") and self.table.selected is None:
            return "no maintenance is planned"
        return super().why_not(action)

    async def do_new(self) -> None:
        async def save(values: Values) -> Errors:
            return await self.submit(self.client.maintenance.add(body_of(values)))

        if await self.ask(self._form("New maintenance", _fields(None), save)) is not None:
            self.post_message(self.Say("Planned; incidents in the window are kept, nobody is told"))
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        item = self.selected
        if item is None:
            return

        async def save(values: Values) -> Errors:
            body = changes(item, values)
            if not body:
                return {}
            return await self.submit(self.client.maintenance.patch(item.id, body, if_match=item.version))

        if await self.ask(self._form(f"Maintenance {item.name}", _fields(item), save)) is not None:
            self.post_message(self.Say(f"Saved {item.name}"))
            self.reload(at_once=True)

    def _form(self, title: str, fields: list[Field], save: Any) -> PreviewForm:
        async def preview(values: Values) -> Sequence[Toned]:
            lines = _windows(values, self.desk.now())
            if values["service"]:
                lines += (await preview_words(self, {"service": values["service"]}))[:1]
            return lines or [Toned("here stand the next windows of a schedule", "dim")]

        return PreviewForm(title, fields, preview=preview, check=problems, submit=save, lines=_SHOWN + 2)

    async def do_delete(self) -> None:
        item = self.selected
        if item is None:
            return
        on = "The window that is on ends now. " if item.state == "active" else ""
        if await self.ask(ConfirmDialog(f"Delete the maintenance {item.name}?", f"{on}No further one comes.")):
            done = await self.attempt(self._delete(item.id), f"Deleted {item.name}")
            if done:
                self.reload(at_once=True)

    async def _delete(self, number: int) -> bool:
        await self.client.maintenance.delete(number)
        return True


def cells_of(item: Maintenance) -> dict[str, Cell]:
    state = _ON if item.state == "active" else STATES.get(item.state, STATES["ended"])
    window = item.windows[0] if item.windows else None
    about = item.service or (f"all of {item.department}" if item.department else "")
    return {
        "state": state,
        "name": item.name,
        "of": about,
        "next": "" if window is None else Clocked(window.from_ if item.state == "pending" else window.until, _window),
        "plan": Toned(plan_words(item), "dim"),
        "reason": item.reason,
        "muted": f"{item.muted:,}" if item.muted else "",
        "by": Toned(item.created_by, "dim"),
    }


def _window(at: int | None, now: int) -> str:
    return "" if at is None or at <= now else when.ahead(at, now)


def plan_words(item: Maintenance) -> str:
    """`02:00 Europe/Berlin for 2h`, `0 2 * * 0 UTC for 2h`, or from when to when."""
    from trackdesk.domain.schedule import Cron, describe  # noqa: PLC0415 - loaded by now

    if item.schedule is None:
        return "" if item.from_ is None or item.until is None else f"once, for {when.span(item.until - item.from_)}"
    said = describe(Cron.model_validate(item.schedule))
    return f"{said} for {when.span(item.duration)}" if item.duration is not None else said


def _fields(item: Maintenance | None) -> list[Field]:
    was = _words(item) if item is not None else {}
    return [
        Field("name", "name", was.get("name", ""), "weekly-patching", required=True),
        Field("reason", "why", was.get("reason", ""), "security updates", required=True),
        Field("service", "service", was.get("service", ""), "crm-api; this or a department"),
        Field("department", "department", was.get("department", "")),
        Field("schedule", "schedule", was.get("schedule", ""), "0 2 * * sun; empty: once"),
        Field("timezone", "time zone", was.get("timezone", local_zone()), "Europe/Berlin"),
        Field("duration", "lasts", was.get("duration", ""), "2h; with a schedule"),
        Field("from", "from", was.get("from", ""), "2026-01-02T03:04:05Z; once, empty: now"),
        Field("until", "until", was.get("until", ""), "2h, or 2026-01-02T05:00:00Z; once"),
    ]


def _words(item: Maintenance) -> dict[str, str]:
    from trackdesk.domain.instant import format_duration, format_instant  # noqa: PLC0415 - loaded by now

    schedule = item.schedule or {}
    once = item.schedule is None
    return {
        "name": item.name,
        "reason": item.reason,
        "service": item.service or "",
        "department": item.department or "",
        "schedule": schedule.get("cron", ""),
        "timezone": schedule.get("timezone") or local_zone(),
        "duration": "" if item.duration is None else format_duration(item.duration),
        "from": format_instant(item.from_) if once and item.from_ is not None else "",
        "until": format_instant(item.until) if once and item.until is not None else "",
    }


def body_of(values: Values) -> dict[str, Any]:
    """The fields as a body; what is empty is left out."""
    names = ("name", "reason", "service", "department", "duration", "from", "until")
    body: dict[str, Any] = {name: values[name] for name in names if values[name]}
    if values["schedule"]:
        body["schedule"] = {"cron": values["schedule"], "timezone": values["timezone"] or "UTC"}
    return body


def changes(item: Maintenance, values: Values) -> dict[str, Any]:
    """What of the form differs from how `item` stands; what was emptied is null."""
    before, body, made = _words(item), {}, body_of(values)
    for name, value in values.items():
        if value != before[name]:
            member = "schedule" if name == "timezone" else name
            body[member] = made.get(member)
    return body


def problems(values: Values) -> Errors:
    """What is wrong with the fields, each for itself; what can't stand together the server says."""
    from trackdesk.domain.cron import check_line, check_zone  # noqa: PLC0415 - read when a form is opened
    from trackdesk.domain.instant import parse_duration  # noqa: PLC0415

    errors = {}
    for name, check in (("schedule", check_line), ("timezone", check_zone), ("duration", parse_duration)):
        try:
            if values[name]:
                check(values[name])
        except ValueError as error:
            errors[name] = str(error)
    return errors


def _windows(values: Values, now: int) -> list[Toned]:
    """The windows to come, while the schedule can be read."""
    if not values["schedule"] or not values["duration"]:
        return []
    from trackdesk.domain.instant import parse_duration  # noqa: PLC0415 - loaded by now
    from trackdesk.domain.schedule import Cron, upcoming  # noqa: PLC0415

    plan = Cron(cron=values["schedule"], timezone=values["timezone"] or "UTC")
    length = parse_duration(values["duration"])
    ends = [(at, at + length) for at in upcoming(plan, now, _SHOWN)]
    said = [Toned(f"  {when.weekday_clock(at)}, until {when.clock(end)[:5]}", "run") for at, end in ends]
    return [Toned("the next windows by this clock", "dim"), *said]
