"""Bringing what is set up to what a document says, all of it in one transaction."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.configuration import Applied, ApplyConfiguration, EntityChange
from trackdesk.domain.errors import Conflict, FieldError, Invalid, NotFound
from trackdesk.domain.maintenance import MaintenanceSettings
from trackdesk.domain.notification import DEFAULT_DEPARTMENT, ChangeDepartment, NewChannel, NewDepartment
from trackdesk.domain.process import ChangeProcess
from trackdesk.domain.rule import DEFAULTS, named_members
from trackdesk.engine import channel_admin, departments, expect, maintenance, processes, rulebook
from trackdesk.engine.channels.redaction import redact
from trackdesk.engine.edits import given
from trackdesk.engine.seal import Seal, SealError
from trackdesk.engine.senders import secret_identity, url_identity
from trackdesk.store import channels as stored_channels
from trackdesk.store import departments as stored_departments
from trackdesk.store import maintenance as stored_maintenance
from trackdesk.store import processes as stored_processes
from trackdesk.store import rules as stored_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from pydantic import BaseModel

    from trackdesk.domain.configuration import Kind, ProcessSettings
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.notification import ChannelSettings
    from trackdesk.domain.rule import ChangeRule
    from trackdesk.engine.core import Engine
    from trackdesk.store.transaction import JournalEntry
    from trackdesk.store.writer import Tx

MAX_ERRORS = 20
_SECTIONS: dict[Kind, str] = {
    "department": "departments",
    "process": "processes",
    "rule": "rules",
    "maintenance": "maintenance",
    "channel": "channels",
}


async def apply(engine: Engine, caller: Caller, body: ApplyConfiguration) -> Applied:
    """All of it or nothing. Raises Invalid naming each member that won't do, as `processes.backup.department`;
    Conflict `seal_lost`."""
    await _check_urls(caller, body)
    plan = await _rehearse(engine, caller, body) if body.dry_run or body.prune else None
    if plan is None or not body.dry_run:
        for channel_id in plan.removed if plan is not None else ():  # in steps: they may be many
            await channel_admin.forget_deliveries(engine, channel_id)
        plan = await engine.writer.run(lambda tx: _Apply(tx, engine.seal, caller, body).run())
        for channel_id in plan.switched_off:
            await channel_admin.give_up_waiting(engine, channel_id)
    return Applied(dry_run=body.dry_run, changes=plan.changes, unchanged=plan.unchanged)


async def _check_urls(caller: Caller, body: ApplyConfiguration) -> None:
    errors: list[FieldError] = []
    for name, settings in (body.channels or {}).items():
        if settings.url is not None:
            try:
                await channel_admin.check_url(caller, settings.url, settings.secret)
            except Invalid as error:
                errors += _placed(error, "channel", name)
    if errors:
        raise Invalid.of(tuple(errors[:MAX_ERRORS]))


class _Plan(NamedTuple):
    """`removed` and `switched_off` are channels."""

    changes: list[EntityChange]
    unchanged: int
    removed: list[int]
    switched_off: list[int]


class _Rehearsed(Exception):
    """Ends the operation, so that nothing of it stays."""

    def __init__(self, plan: _Plan) -> None:
        super().__init__("rehearsed")
        self.plan = plan


async def _rehearse(engine: Engine, caller: Caller, body: ApplyConfiguration) -> _Plan:
    """What applying would do, found by doing it and taking it back."""
    seal = _DrySeal(engine.seal.path)

    def operation(tx: Tx) -> None:
        raise _Rehearsed(_Apply(tx, seal, caller, body).run())

    try:
        await engine.writer.run(operation)
    except _Rehearsed as ended:
        return ended.plan
    raise AssertionError("the operation above always raises")


class _DrySeal(Seal):
    """Opens what is sealed, and makes no key file."""

    def seal(self, tx: Tx, text: str, identity: str) -> str:  # noqa: ARG002 - as the real one
        return ""


class _Apply:
    """One go through the document, inside an operation."""

    def __init__(self, tx: Tx, seal: Seal, caller: Caller, body: ApplyConfiguration) -> None:
        self._tx = tx
        self._seal = seal
        self._caller = caller
        self._body = body
        self._errors: list[FieldError] = []
        self._plan = _Plan([], 0, [], [])
        self._unchanged = 0

    def run(self) -> _Plan:
        """Raises Invalid for all that is wrong, after everything was tried."""
        body = self._body
        for department_id, team in (body.departments or {}).items():
            self._do("department", department_id, partial(self._department, department_id, team))
        for name, settings in (body.processes or {}).items():
            self._do("process", name, partial(self._process, name, settings))
        for rule_id, rule in (body.rules or {}).items():
            self._do("rule", rule_id, partial(self._rule, rule_id, rule))
        for name, window in (body.maintenance or {}).items():
            self._do("maintenance", name, partial(self._maintenance, name, window))
        for name, channel in (body.channels or {}).items():
            self._do("channel", name, partial(self._channel, name, channel))
        if body.prune:
            self._prune()
        if self._errors:
            raise Invalid.of(tuple(self._errors[:MAX_ERRORS]))
        return self._plan._replace(unchanged=self._unchanged)

    def _do(self, kind: Kind, name: str, work: Callable[[], BaseModel | None]) -> None:
        """`work` gives the settings of what it made, None when it made nothing; what it journals is what it changed."""
        mark = len(self._tx.entries)
        try:
            made = work()
        except (Invalid, Conflict, NotFound) as error:
            if error.code == "seal_lost":
                raise
            self._errors += _placed(error, kind, name)
            return
        if made is not None:
            self._plan.changes.append(EntityChange(kind=kind, name=name, action="made", members=_members(made)))
            return
        # Other topics tell what followed from it, such as an incident that was closed.
        told = [entry for entry in self._tx.entries[mark:] if entry.topic == _SECTIONS[kind]]
        if any(entry.kind == "deleted" for entry in told):
            self._plan.changes.append(EntityChange(kind=kind, name=name, action="removed"))
            return
        members = _between(told)
        if members:
            self._plan.changes.append(EntityChange(kind=kind, name=name, action="changed", members=members))
        else:
            self._unchanged += 1

    def _department(self, department_id: str, team: ChangeDepartment) -> BaseModel | None:
        tx, caller = self._tx, self._caller
        if stored_departments.find(tx, caller.namespace_id, department_id) is None:
            new = NewDepartment(id=department_id, name=team.name or department_id, description=team.description)
            departments.make(tx, caller, new)
            return team
        if self._body.prune:
            team = ChangeDepartment(name=team.name or department_id, description=team.description)
        departments.change(tx, caller, department_id, team)
        return None

    def _process(self, name: str, settings: ProcessSettings) -> BaseModel | None:
        tx, caller = self._tx, self._caller
        known = stored_processes.find(tx, caller.namespace_id, name)
        processes.change(tx, caller, name, _expected(settings, whole=self._body.prune))
        if "pause_reason" in settings.model_fields_set and not settings.paused:
            raise Invalid("pause_reason", "expected paused: true beside it")
        if "paused" in settings.model_fields_set:
            process = stored_processes.get(tx, caller.namespace_id, name)
            if not settings.paused:
                expect.resume(tx, process, caller.actor, tx.now)
            elif not process.paused:
                expect.pause(tx, process, caller.actor, None, settings.pause_reason)
        return settings if known is None else None

    def _forget_process(self, name: str) -> None:
        """Its settings; the process itself when it has no runs, which nobody may lose for a line in a file."""
        tx, caller = self._tx, self._caller
        process = stored_processes.get(tx, caller.namespace_id, name)
        if stored_processes.columns(tx, process.id, ("total",))["total"]:
            processes.change(tx, caller, name, _expected(ChangeProcess(), whole=True))
        else:
            processes.delete_some(tx, caller, name)

    def _rule(self, rule_id: str, settings: ChangeRule) -> BaseModel | None:
        tx, caller = self._tx, self._caller
        if stored_rules.find(tx, caller.namespace_id, rule_id) is None:
            rulebook.make(tx, caller, rule_id, settings)
            return settings
        members = named_members(settings)
        if self._body.prune:
            members = {**DEFAULTS, "name": rule_id, **members}
        rulebook.change(tx, caller, rule_id, members)
        return None

    def _maintenance(self, name: str, settings: MaintenanceSettings) -> BaseModel | None:
        tx, caller, values = self._tx, self._caller, given(settings)
        maintenance_id = stored_maintenance.named(tx, caller.namespace_id, name)
        if maintenance_id is None:
            maintenance.make(tx, caller, name, values)
            return settings
        if self._body.prune:
            values = {**dict.fromkeys(set(MaintenanceSettings.model_fields) - {"reason"}), **values}
        maintenance.change(tx, caller, maintenance_id, values)
        return None

    def _channel(self, name: str, settings: ChannelSettings) -> BaseModel | None:
        tx, caller = self._tx, self._caller
        values = given(settings)
        for each in ("url", "enabled"):
            if each in values and values[each] is None:
                raise Invalid(each, "expected a value, not null")
        channel_id = stored_channels.named(tx, caller.namespace_id, name)
        if channel_id is None:
            self._make_channel(name, settings)
            return settings
        if self._body.prune:
            values = {"enabled": True, **dict.fromkeys(set(type(settings).model_fields) - {"url", "enabled"}), **values}
        after = channel_admin.change(tx, self._seal, caller, channel_id, self._without_same(channel_id, values), None)
        if not after.enabled:
            self._plan.switched_off.append(channel_id)
        return None

    def _make_channel(self, name: str, settings: ChannelSettings) -> None:
        values = given(settings)
        if "url" not in values:
            raise Invalid("url", "is required for a new channel")
        enabled = values.pop("enabled", True)
        window = values.pop("group_window", None)  # in µs by now, which would be read as seconds
        new = NewChannel(name=name, **values).model_copy(update={"group_window": window})
        made = channel_admin.make(self._tx, self._seal, self._caller, new)
        if not enabled:
            channel_admin.change(self._tx, self._seal, self._caller, made.id, {"enabled": False}, None)

    def _without_same(self, channel_id: int, values: dict[str, Any]) -> dict[str, Any]:
        """Without the URL and the secret that it has already: giving them again would make it forget that it works."""
        found = stored_channels.get(self._tx, self._caller.namespace_id, channel_id)
        sealed = {
            "url": (found.url_sealed, url_identity(channel_id)),
            "secret": (found.secret_sealed, secret_identity(channel_id)),
        }
        return {
            name: value for name, value in values.items() if name not in sealed or value != self._opened(*sealed[name])
        }

    def _opened(self, sealed: str | None, identity: str) -> str | None:
        if sealed is None:
            return None
        try:
            return self._seal.open(sealed, identity)
        except SealError:
            return ""  # whatever it was, it is given anew

    def _prune(self) -> None:
        for kind, named, known in self._known():
            if named is None:
                continue
            for name, forget in known:
                if name not in named:
                    self._do(kind, name, forget)

    def _known(self) -> Iterator[tuple[Kind, Container[str] | None, Iterable[tuple[str, Callable[[], None]]]]]:
        """Of each kind what the document names, None when it has no such section, and all there is with how it goes.
        Departments go last: what refers to them has gone by then."""
        body, tx, caller, space = self._body, self._tx, self._caller, self._caller.namespace_id
        channels = stored_channels.channels(tx, space)
        yield "channel", body.channels, [(each.name, partial(self._forget_channel, each.id)) for each in channels]
        windows = stored_maintenance.names(tx, space)
        gone = [(name, partial(maintenance.remove, tx, caller, each)) for each, name in windows]
        yield "maintenance", body.maintenance, gone
        rules = stored_rules.ids(tx, space)
        yield "rule", body.rules, [(each, partial(rulebook.remove, tx, caller, each)) for each in rules]
        names = stored_processes.names(tx, space)
        yield "process", body.processes, [(each, partial(self._forget_process, each)) for each in names]
        teams = [each for each in stored_departments.ids(tx, space, limit=-1) if each != DEFAULT_DEPARTMENT]
        yield "department", body.departments, [(each, partial(departments.remove, tx, caller, each)) for each in teams]

    def _forget_channel(self, channel_id: int) -> None:
        self._plan.removed.append(channel_id)
        channel_admin.remove(self._tx, self._caller, channel_id)


def _placed(error: Invalid | Conflict | NotFound, kind: Kind, name: str) -> list[FieldError]:
    place = f"{_SECTIONS[kind]}.{name}"
    found = [FieldError(f"{place}.{each.field}", each.message) for each in error.errors]
    return found or [FieldError(place, error.detail)]


def _expected(settings: ChangeProcess, *, whole: bool) -> ChangeProcess:
    """What it says of the expectation; the `whole` of it names every member, so that those that were absent take their
    default."""
    names = {name for name in ChangeProcess.model_fields if whole or name in settings.model_fields_set}
    return ChangeProcess.model_construct(names, **{name: getattr(settings, name) for name in names})


def _between(entries: list[JournalEntry]) -> dict[str, tuple[Any, Any]]:
    """The members that changed, each before and after."""
    members: dict[str, tuple[Any, Any]] = {}
    for entry in entries:
        if entry.kind == "changed":
            facts = orjson.loads(entry.changed)
            members |= {key: (value[0], value[1]) for key, value in facts.items() if isinstance(value, list)}
        elif entry.kind in {"paused", "resumed"}:
            members["paused"] = (entry.kind == "resumed", entry.kind == "paused")
    return members


def _members(settings: BaseModel) -> dict[str, tuple[Any, Any]]:
    shown = settings.model_dump(mode="json", exclude_unset=True)
    for name, value in shown.items():
        if value is not None and name in {"url", "secret"}:
            shown[name] = redact(value) if name == "url" else "set"
    return {name: (None, value) for name, value in shown.items()}
