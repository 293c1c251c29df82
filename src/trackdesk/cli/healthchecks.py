"""`trackdesk import healthchecks FILE`: the checks that Healthchecks' API lists become processes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.cli.calls import with_client
from trackdesk.cli.common import complain, print_json, say, settings_of, target_of
from trackdesk.cli.exits import OK, USAGE
from trackdesk.domain.safe import safe_text

if TYPE_CHECKING:
    import argparse

    from trackdesk.client import Client
    from trackdesk.domain.configuration import Applied

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.:-]+", re.ASCII)
_MOST_TEXT, _MOST_CATEGORY = 10_000, 255
_PAUSED = {"paused": True, "pause_reason": "paused in Healthchecks"}
_LEFT_BEHIND = {
    "channels": "its integrations: make channels with `trackdesk channel add`",
    "methods": "that it takes POST only",
    "manual_resume": "that a ping does not resume it",
    "filter_subject": "the filter of subjects",
    "filter_body": "the filter of bodies",
}


class Check(NamedTuple):
    """One check: the process it becomes, with `settings` as the API takes them."""

    name: str
    settings: dict[str, Any]
    paused: bool
    ping_url: str | None
    left_behind: list[str]


def run(args: argparse.Namespace) -> int:
    checks, problems = read(_text(args.file))
    if problems:
        for problem in problems:
            print(safe_text(f"{args.file}: {problem}"), file=sys.stderr)
        complain("nothing was imported")
        return USAGE
    return with_client(args, lambda client: _import(args, client, checks))


def _text(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).expanduser().read_bytes()


def read(text: bytes) -> tuple[list[Check], list[str]]:
    """The checks of `GET /api/v3/checks/`, and what is wrong with them, each by its place and member."""
    try:
        found = json.loads(text)
    except ValueError as error:
        return [], [f"expected the JSON of Healthchecks' list of checks ({error})"]
    entries = found.get("checks") if isinstance(found, dict) else found
    if not isinstance(entries, list):
        return [], ['expected {"checks": [...]}, as GET /api/v3/checks/ answers']
    checks: list[Check] = []
    problems: list[str] = []
    taken: dict[str, int] = {}
    for index, entry in enumerate(entries):
        place = f"checks[{index}]"
        if not isinstance(entry, dict):
            problems.append(f"{place}: expected an object, not {str(entry)[:50]!r}")
            continue
        name = _name(entry)
        wrong = _wrong(entry)
        if not wrong:
            checks.append(_check(entry, name))
            wrong = _refused(checks[-1])
        if name in taken:
            wrong.append(f"slug: {name!r} is what checks[{taken[name]}] becomes, too; give one of them another")
        taken.setdefault(name, index)
        problems += [f"{place}.{each}" for each in wrong]
    return checks, problems


_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "slug", "tags", "desc", "schedule", "tz", "status", "channels", "ping_url"), (str,)),
    **dict.fromkeys(("timeout", "grace"), (int,)),
}


def _wrong(entry: dict[str, Any]) -> list[str]:
    """Members of another kind than the API gives."""
    found = []
    for member, kinds in _KINDS.items():
        value = entry.get(member)
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            found.append(
                f"{member}: expected {'text' if kinds == (str,) else 'a whole number'}, not {str(value)[:50]!r}"
            )
    if entry.get("timeout") is None and entry.get("schedule") is None:
        found.append("schedule: expected a timeout, or a schedule with its tz, and there is neither")
    return found


def _name(entry: dict[str, Any]) -> str:
    """Its slug, else what its name can be written as."""
    for given in (entry.get("slug"), entry.get("name"), entry.get("uuid") or entry.get("unique_key")):
        name = _NOT_IN_NAMES.sub("-", str(given or "")).strip("-")[:100]
        if _NAME.fullmatch(name):
            return name
    return "unnamed"


def _check(entry: dict[str, Any], name: str) -> Check:
    tags = str(entry.get("tags") or "").split()
    title, text = str(entry.get("name") or ""), str(entry.get("desc") or "")
    lines = [title if title != name else "", text, f"Tags: {' '.join(tags)}" if len(tags) > 1 else ""]
    every, grace = _apart(entry.get("timeout"), entry.get("grace"))
    settings: dict[str, Any] = {
        "schedule": {"every": every},
        "grace": grace,
        # There, the time from a start to its end is bounded by the grace as well.
        "default_deadline": entry.get("grace"),
        "description": "\n".join(line for line in lines if line)[:_MOST_TEXT] or None,
        "category": tags[0][:_MOST_CATEGORY] if tags else None,
    }
    if entry.get("schedule") is not None:
        settings |= {"schedule": {"cron": entry["schedule"], "timezone": entry.get("tz") or "UTC"}}
        settings["grace"] = entry.get("grace")
    left_behind = [what for member, what in _LEFT_BEHIND.items() if entry.get(member)]
    url = entry.get("ping_url")
    return Check(name, settings, entry.get("status") == "paused", url if isinstance(url, str) else None, left_behind)


def _apart(timeout: int | None, grace: int | None) -> tuple[int | None, int | None]:
    """Seconds of period and grace. There a grace may be longer than the period; here the sum of both is shared out
    between them then, so that silence is told of after the same time."""
    if timeout is None or grace is None or not 0 < timeout < grace:
        return timeout, grace
    whole = timeout + grace
    return whole - whole // 2, whole // 2


_THEIR_NAMES = {
    "schedule.cron": "schedule",
    "schedule.timezone": "tz",
    "schedule.every": "timeout",
    "default_deadline": "grace",
    "description": "desc",
    "category": "tags",
}


def _refused(check: Check) -> list[str]:
    """What trackdesk can't take, by the member's name there."""
    from pydantic import ValidationError

    from trackdesk.domain.errors import Invalid
    from trackdesk.domain.expectation import check_grace
    from trackdesk.domain.process import ChangeProcess

    try:
        settings = ChangeProcess.model_validate_json(json.dumps(check.settings))
        check_grace(settings.schedule, settings.grace)
    except Invalid as error:
        return [error.detail]
    except ValidationError as error:
        found = {}
        for each in error.errors(include_url=False, include_context=False):
            member = ".".join(str(part) for part in each["loc"])
            found[_THEIR_NAMES.get(member, member)] = each["msg"].removeprefix("Value error, ")
        return [f"{member}: {message}" for member, message in found.items()]
    return []


async def _import(args: argparse.Namespace, client: Client, checks: list[Check]) -> int:
    processes = {check.name: {**check.settings, **(_PAUSED if check.paused else {})} for check in checks}
    applied = await client.configuration.apply({"processes": processes, "dry_run": args.dry_run})
    if args.dry_run:
        if args.json:
            print_json(applied.model_dump(mode="json"))
        _tell(args, applied, checks)
        return OK
    moved = [await _addresses(client, check, target_of(settings_of(args)).url) for check in checks]
    if args.json:
        print_json(moved)
    else:
        for each in moved:
            if each["from"] is not None:
                print(safe_text(f"s#{each['from']}#{each['to']}#g"))
    _tell(args, applied, checks)
    return OK


async def _addresses(client: Client, check: Check, url: str) -> dict[str, str | None]:
    """The address that takes the pings, beside the one that took them."""
    process = await client.processes.get(check.name)
    return {"process": check.name, "from": check.ping_url, "to": f"{url}/ping/{process.ping_uuid}"}


def _tell(args: argparse.Namespace, applied: Applied, checks: list[Check]) -> None:
    made = sum(change.action == "made" for change in applied.changes)
    would = "would be " if args.dry_run else ""
    say(
        args,
        f"{len(checks)} checks: {made} processes {would}made, {len(applied.changes) - made} {would}changed, "
        f"{applied.unchanged} are as they should be",
    )
    for what in _LEFT_BEHIND.values():
        names = [check.name for check in checks if what in check.left_behind]
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            say(args, f"left behind of {', '.join(names[:5])}{more}: {what}")
