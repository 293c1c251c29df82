"""`trackdesk process set`: what is expected of a process, and with `--test` what that would have alerted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import times
from trackdesk.cli.calls import plain, with_client
from trackdesk.cli.common import checked, print_json, say
from trackdesk.cli.exits import OK
from trackdesk.cli.table import Cell, Column, paint, show
from trackdesk.domain.errors import Invalid, NotFound
from trackdesk.domain.instant import format_instant, parse_duration
from trackdesk.domain.schedule import Cron, describe, upcoming

if TYPE_CHECKING:
    import argparse

    from trackdesk.client import Client
    from trackdesk.domain.process import Process

NONE = "none"
_TIMES_SHOWN = 5
_TEXTS = {
    "department": "who owns it and is told",
    "service": "what it belongs to",
    "runbook_url": "where it says what to do when it fails",
    "category": "what kind of work it is",
    "description": "what it does",
}
_SPANS = {
    "grace": ("--grace", "how much later than expected it may start (5m)"),
    "default_deadline": ("--deadline", "how long a run may take"),
    "heartbeat_timeout": ("--heartbeat", "how long a run may be silent"),
    "retention": ("--retention", "how long its runs are kept, as in: 90d"),
}
_FLAGS = {name: f"--{name.removesuffix('_url')}" for name in _TEXTS}
_FLAGS |= {"warn_at": "--warn-at", "alert_after_failures": "--alert-after-failures", "incident_per": "--incident-per"}
_FLAGS |= {
    "schedule.cron": "--cron",
    "schedule.every": "--every",
    "schedule.timezone": "--timezone",
    "since": "--since",
}
"""By which flags what is expected is said, beside those of `_SPANS`."""
_COLUMNS = (Column("ORIGIN"), Column("FROM"), Column("UNTIL"), Column("SEEN", right=True), Column("RUN"))


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("process", metavar="PROCESS")
    when = parser.add_argument_group("when it is expected")
    kind = when.add_mutually_exclusive_group()
    kind.add_argument(
        "--cron", metavar="LINE", help="as in a crontab: '0 2 * * *', or @daily; none: at no certain time"
    )
    kind.add_argument("--every", metavar="SPAN", type=checked(_span), help="so long after its last start, as in: 15m")
    when.add_argument("--timezone", metavar="ZONE", help="of --cron, as in: Europe/Berlin (what it has, else UTC)")
    rest = parser.add_argument_group("what else is expected")
    for flag, words in _SPANS.values():
        rest.add_argument(flag, metavar="SPAN", type=checked(_span), help=words)
    rest.add_argument("--warn-at", metavar="SHARE", type=checked(_share), help="of the deadline, as in: 0.75")
    rest.add_argument("--alert-after-failures", metavar="N", type=checked(_count), help="in a row (1)")
    rest.add_argument("--auto-close", choices=("yes", "no"), help="whether recovery closes its incident (yes)")
    rest.add_argument("--incident-per", choices=("process", "run"), help="what an incident stands for (process)")
    for name, words in _TEXTS.items():
        rest.add_argument(f"--{name.removesuffix('_url').replace('_', '-')}", metavar="TEXT", help=words)
    trial = parser.add_argument_group("trying it")
    trial.add_argument("--test", action="store_true", help="say what it would have alerted, and change nothing")
    trial.add_argument("--since", metavar="TIME", type=checked(times.since), help="for --test: from when on (30d ago)")


def _span(text: str) -> str:
    if text != NONE:
        parse_duration(text)
    return text


def _share(text: str) -> float | str:
    try:
        return text if text == NONE else float(text)
    except ValueError:
        raise ValueError(f"warn-at: expected a number from 0 to 1, not {text!r}") from None


def _count(text: str) -> int | str:
    if text != NONE and not (text.isascii() and text.isdecimal()):
        raise ValueError(f"alert-after-failures: expected a number from 1 to 100, not {text!r}")
    return text if text == NONE else int(text)


def set_process(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        try:
            before = await client.processes.get(args.process)
        except NotFound:
            before = None
        body = _body(args, before)
        if getattr(args, "test", False):
            return await _test(client, args, body)
        if not body:
            raise Invalid("process set", "expected something to set, as in --every 15m")
        process = await client.processes.patch(args.process, body)
        if args.json:
            print_json(plain(process))
            return OK
        say(args, f"{process.name} is {'made' if before is None else 'changed'}")
        coming(process, apart=False)
        return OK

    flags = {name: flag for name, (flag, _) in _SPANS.items()} | _FLAGS
    return with_client(args, work, flags)


def _body(args: argparse.Namespace, before: Process | None) -> dict[str, Any]:
    """The PATCH for what was said; what was not said is not in it."""
    given = vars(args)
    body: dict[str, Any] = {}
    for name, (flag, _) in _SPANS.items():
        _take(body, name, given.get(flag[2:].replace("-", "_")))
    for name in ("warn_at", "alert_after_failures", "incident_per"):
        _take(body, name, given.get(name))
    for name in _TEXTS:
        _take(body, name, given.get(name.removesuffix("_url")))
    if "auto_close" in given:
        body["auto_close"] = args.auto_close == "yes"
    if any(name in given for name in ("cron", "every", "timezone")):
        body["schedule"] = _schedule(given, before.schedule if before is not None else None)
    return body


def _take(body: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        body[name] = None if value == NONE else value


def _schedule(given: dict[str, Any], before: Any) -> dict[str, Any] | None:
    """A line without a zone keeps the zone there was, and a zone without a line the line."""
    cron, every, timezone = given.get("cron"), given.get("every"), given.get("timezone")
    if NONE in {cron, every}:
        return None
    if every is not None:
        return {"every": every} if timezone is None else {"every": every, "timezone": timezone}
    stood = before if isinstance(before, Cron) else None
    if cron is None and stood is None:
        raise Invalid("timezone", "expected --cron with it: the process has no cron line", timezone)
    return {
        "cron": cron if cron is not None else (stood.cron if stood else None),
        "timezone": timezone or (stood.timezone if stood else "UTC"),
    }


async def _test(client: Client, args: argparse.Namespace, body: dict[str, Any]) -> int:
    since = getattr(args, "since", None)
    if since is not None:
        body = {**body, "since": format_instant(since)}
    answer = await client.processes.test(args.process, body)
    if args.json:
        print_json(answer.model_dump(mode="json", by_alias=True))
        return OK
    often = {0: "would have alerted nobody", 1: "would have alerted once"}
    told = often.get(answer.count, f"would have alerted {answer.count} times")
    runs = f"{answer.runs:,} runs" + (" (the newest; there are more)" if answer.capped else "")
    print(f"{told} since {times.full(answer.from_)}, over {runs}")
    if answer.incidents:
        print()
        show(_COLUMNS, [_incident_row(each) for each in answer.incidents], "")
    _times("would be expected next", answer.next_expected)
    return OK


def _incident_row(each: Any) -> list[Cell | str]:
    until = Cell("still open", "bad") if each.until is None else Cell(times.full(each.until) or "")
    return [each.origin, times.full(each.at) or "", until, str(each.occurrences), each.run or "-"]


def coming(process: Process, *, apart: bool) -> None:
    """Prints the next five times at which the process is expected, `apart` from what stands above."""
    if process.schedule is None or process.next_expected_at is None:
        return
    first = process.next_expected_at
    if process.missing_since is None:
        fires = [first, *upcoming(process.schedule, first, _TIMES_SHOWN - 1)]
    else:
        fires = upcoming(process.schedule, times.now(), _TIMES_SHOWN)
    _times(f"expected next ({describe(process.schedule)})", fires, apart=apart)


def _times(title: str, instants: list[int], *, apart: bool = True) -> None:
    if not instants:
        return
    if apart:
        print()
    print(paint(title, "strong"))
    for each in instants:
        print(f"  {times.due(each)}")
