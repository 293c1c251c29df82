"""What is set up as YAML that `trackdesk apply` takes: every value that isn't the default, secrets as variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from trackdesk.cli.calls import listed
from trackdesk.contract.noise import MAINTENANCE_LIST
from trackdesk.contract.rules import RULE_LIST
from trackdesk.contract.telling import CHANNEL_LIST, DEPARTMENT_LIST
from trackdesk.contract.work import PROCESS_LIST
from trackdesk.domain.maintenance import Maintenance, MaintenanceSettings
from trackdesk.domain.notification import ChangeDepartment, Channel, ChannelSettings, Department
from trackdesk.domain.process import ChangeProcess, Process
from trackdesk.domain.rule import ChangeRule, Rule
from trackdesk.domain.silence import SilenceState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from trackdesk.client import Client

_HEAD = """\
# What is set up in trackdesk, as `trackdesk export --config` wrote it. Change it and bring it about with
#   trackdesk apply FILE --dry-run
#   trackdesk apply FILE
"""


async def write(client: Client) -> str:
    """The text; the variables that it needs are named at its top."""
    variables = _Variables()
    departments = {
        each.id: _settings(each, Department, ChangeDepartment) for each in await listed(client, DEPARTMENT_LIST)
    }
    processes = {
        each.name: _settings(each, Process, ChangeProcess)
        for each in await listed(client, PROCESS_LIST, {"sort": "name"})
    }
    rules = {
        each.id: _settings(each, Rule, ChangeRule, without=("name",) if each.name == each.id else ())
        for each in await listed(client, RULE_LIST)
    }
    maintenance = {
        each.name: _settings(each, Maintenance, MaintenanceSettings)
        for each in await listed(client, MAINTENANCE_LIST)
        if each.state is not SilenceState.ENDED
    }
    channels = {
        each.name: _secrets(each, variables) | _settings(each, Channel, ChannelSettings, without=("url", "secret"))
        for each in await listed(client, CHANNEL_LIST)
    }
    parts = {"departments": departments, "processes": processes, "rules": rules, "maintenance": maintenance}
    parts["channels"] = channels
    return _HEAD + variables.said() + "".join(_dumped({name: part}) for name, part in parts.items())


def _settings(
    thing: BaseModel, shown: type[BaseModel], settings: type[BaseModel], without: Iterable[str] = ()
) -> dict[str, Any]:
    """The members that can be set and have another value than the default."""
    values = thing.model_dump(mode="json", exclude_none=True)
    return {
        word: _escaped(values[word])
        for word, name in ((field.alias or name, name) for name, field in settings.model_fields.items())
        if name not in without and word in values and getattr(thing, name) != shown.model_fields[name].default
    }


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value


def _secrets(channel: Channel, variables: _Variables) -> dict[str, Any]:
    name = variables.take(channel.name, channel.url)
    return {"url": f"${{{name}_URL}}", **({"secret": f"${{{name}_SECRET}}"} if channel.has_secret else {})}


class _Variables:
    """Names of variables made of the names of channels."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def take(self, channel: str, url: str) -> str:
        stem = re.sub(r"[^A-Z0-9]+", "_", channel.upper()).strip("_") or "CHANNEL"
        stem = f"CHANNEL_{stem}" if stem[0].isdigit() else stem
        name, number = stem, 2
        while name in self._shown:
            name, number = f"{stem}_{number}", number + 1
        self._shown[name] = url
        return name

    def said(self) -> str:
        if not self._shown:
            return ""
        lines = [f"#   {name}_URL  was {url}" for name, url in self._shown.items()]
        return "\n".join(["# It takes the secrets of channels from the environment:", *lines, ""])


def _dumped(part: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(part, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)
    return f"\n{text}"
