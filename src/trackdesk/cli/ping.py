"""`trackdesk ping NAME`, with `--start`, `--fail`, `--log` or `--exit-code N`, as `curl` on a ping address would."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from uuid import UUID

from trackdesk.cli.common import checked, connect, print_json, say, send_kept, settings_of
from trackdesk.cli.exits import OK
from trackdesk.sdk import values

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Examples: trackdesk ping backup --start; ./backup.sh > out 2>&1; "
        "trackdesk ping backup --exit-code $? -m - < out. Without --start it is a run of zero length."
    )
    parser.add_argument(
        "name", metavar="NAME", type=checked(lambda text: values.name("name", text)), help="the process"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--start", action="store_const", dest="signal", const="start", help="a run starts")
    what.add_argument("--fail", action="store_const", dest="signal", const="fail", help="it went wrong")
    what.add_argument("--log", action="store_const", dest="signal", const="log", help="only add to the log")
    what.add_argument(
        "--exit-code", dest="signal", metavar="N", type=checked(_exit_code), help="0 for success, to 255 for failure"
    )
    parser.add_argument("--rid", metavar="UUID", type=checked(_rid), help="names the run, where runs overlap")
    parser.add_argument("--message", "-m", metavar="TEXT", help="goes to the run's log; - reads stdin")


def run(args: argparse.Namespace) -> int:
    from trackdesk.sdk.ping import MAX_BODY, ping

    body = (args.message or "").encode("utf-8", "replace")
    if args.message == "-":
        body = sys.stdin.buffer.read(MAX_BODY)
    settings = settings_of(args)
    with connect(settings) as http:
        words = ping(http, args.name, args.signal or "", body, args.rid)
        send_kept(http, settings)
    if args.json:
        print_json({"process": args.name, "created": words == "Created"})
    elif words == "Created":
        say(args, f"process {args.name} was made")
    return OK


def _exit_code(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255):
        raise ValueError(f"exit-code: expected 0 to 255, not {text!r}")
    return text


def _rid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError(f"rid: expected a UUID, not {text!r}") from None
