"""`trackdesk complete UID` or `NAME/ID`, `--failed --error TEXT`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trackdesk.cli.common import checked, complain, connect, json_object, print_json, say, send_kept, settings_of
from trackdesk.cli.exits import OK, UNREACHABLE
from trackdesk.sdk import values, wire
from trackdesk.sdk.http import ServerAway

if TYPE_CHECKING:
    import argparse

    from trackdesk.settings import Settings

_UID = re.compile("[0-9a-z]{26}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", type=checked(run_name), help="its uid, or NAME/ID")
    outcome = parser.add_mutually_exclusive_group()
    outcome.add_argument("--failed", action="store_true", help="it went wrong")
    outcome.add_argument("--skipped", action="store_true", help="there was nothing to do")
    parser.add_argument("--error", metavar="TEXT", help="what went wrong; means --failed")
    parser.add_argument("--context", metavar="JSON", type=checked(json_object), help="a JSON object, or @FILE, to add")


def run_name(text: str) -> str:
    """A uid or NAME/ID. Raises ValueError."""
    process, slash, run_id = text.partition("/")
    if slash:
        values.name("run", process)
        values.name("run id", run_id)
    elif not _UID.fullmatch(text):
        raise ValueError(f"run: expected NAME/ID or a run's uid of 26 characters, not {text!r}")
    return text


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    body = _body(args)
    try:
        with connect(settings) as http:
            done = wire.complete(http, args.run, body)
            send_kept(http, settings)
    except ServerAway as away:
        complain(str(away))
        keep(settings, args.run, complete=body)
        return UNREACHABLE
    if args.json:
        print_json(done)
    else:
        say(args, f"{done.get('process')}/{done.get('id')} {done.get('deadline_status') or done.get('status')}")
    return OK


def _body(args: argparse.Namespace) -> dict[str, Any]:
    status = "SKIPPED" if args.skipped else "FAILED" if args.failed or args.error else "COMPLETED"
    body: dict[str, Any] = {"status": status, "completed_at": values.rfc3339(values.now_micros())}
    if args.error:
        body["error"] = {"message": values.text(args.error, values.MAX_BACKTRACE)}
    if args.context:
        body["context"] = args.context
    return body


def keep(settings: Settings, name: str, **said: Any) -> None:
    """Spools what is said about a run that is named by its uid; a NAME/ID may mean another run by then."""
    from trackdesk.sdk.spool import Report, Spool

    if "/" in name:
        complain("not kept for later: only a run's uid surely means the same run then")
    elif Spool(settings.spool).save(Report(name, settings.url, settings.namespace, name, **said)):
        complain("kept; the next trackdesk command that gets through sends it")
