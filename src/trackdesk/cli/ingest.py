"""`trackdesk ingest FILE`, or `-` for the lines of stdin as they come: what was written down elsewhere is reported."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from trackdesk.cli.common import complain, connect, print_json, say, send_kept, settings_of
from trackdesk.cli.exits import FAILED, OK
from trackdesk.sdk import wire
from trackdesk.sdk.http import ServerAway

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from io import BufferedReader

_LINES = 1_000
_BYTES = 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="lines of JSON as POST /v1/ingest takes them, or - for stdin")
    parser.epilog = (
        'Example: echo \'{"kind": "run.start", "process": "nightly-backup"}\' | trackdesk ingest -   '
        "Refused lines are named on stderr, and the exit code is 1 then; the others stand."
    )


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    total: dict[str, Any] = {"accepted": 0, "duplicates": 0, "refused": []}
    name = "stdin" if args.file == "-" else args.file
    with _opened(args.file) as file, connect(settings) as http:
        sent = 0
        for lines in _requests(file):
            try:
                answer = wire.ingest(http, b"".join(lines), sum(bool(line.strip()) for line in lines))
            except ServerAway:
                complain(f"the first {sent} lines of {name} were sent; of those after them it is not known")
                raise
            for refused in answer["refused"]:
                refused["line"] += sent
                total["refused"].append(refused)
                complain(f"{name}:{refused['line']}: {refused['code']}: {refused['detail']}")
            total["accepted"] += answer["accepted"]
            total["duplicates"] += answer.get("duplicates", 0)
            sent += len(lines)
        send_kept(http, settings)
    if args.json:
        print_json(total)
    else:
        known = f" ({total['duplicates']} of them before)" if total["duplicates"] else ""
        say(args, f"{total['accepted']} lines taken{known}, {len(total['refused'])} refused")
    return FAILED if total["refused"] else OK


def _opened(name: str) -> AbstractContextManager[BufferedReader]:
    if name == "-":
        return nullcontext(cast("BufferedReader", sys.stdin.buffer))
    return Path(name).open("rb")


def _requests(file: BufferedReader) -> Iterator[list[bytes]]:
    """Lines with their ends, as many as came together and fit into one request."""
    rest = b""
    while piece := _some(file):
        *whole, rest = (rest + piece).split(b"\n")
        for first in range(0, len(whole), _LINES):
            yield [line + b"\n" for line in whole[first : first + _LINES]]
    if rest:
        yield [rest]


def _some(file: BufferedReader) -> bytes:
    """What is there by now, at least one byte unless it has ended."""
    return file.read1(_BYTES)
