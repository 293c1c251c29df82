"""`trackdesk import FILE`: an export becomes the database; `import healthchecks FILE` takes over from another tool."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from trackdesk.cli.common import complain, print_json, say, settings_of
from trackdesk.cli.exits import OK, USAGE

if TYPE_CHECKING:
    import argparse

    from trackdesk.cli.verbs import VerbModule

KINDS = ("healthchecks",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "trackdesk import [flags] [healthchecks] FILE"
    parser.epilog = (
        "Examples: trackdesk import all.ndjson (made by `trackdesk export`; into an empty place, no server running); "
        "trackdesk import healthchecks checks.json (the JSON of its API's list of checks; needs a running server)"
    )
    parser.add_argument(
        "words",
        metavar="FILE",
        nargs="+",
        help="an export; or the word healthchecks, and a file with its checks. - reads stdin",
    )
    parser.add_argument("--dry-run", action="store_true", help="look through the file and change nothing")


def run(args: argparse.Namespace) -> int:
    *kind, args.file = args.words
    if not kind:
        return _import_rows(args)
    if kind != ["healthchecks"]:
        complain(f"import: expected FILE or {' or '.join(KINDS)} FILE, not {' '.join(args.words)}")
        return USAGE
    module = cast("VerbModule", import_module("trackdesk.cli.healthchecks"))
    return module.run(args)


def _import_rows(args: argparse.Namespace) -> int:
    from trackdesk.cli.progress import Progress
    from trackdesk.store.load import load

    settings, progress = settings_of(args), Progress(quiet=args.quiet)
    try:
        if args.file == "-":
            loaded = load(sys.stdin.buffer, settings.database, progress=progress, only_check=args.dry_run)
        else:
            with Path(args.file).expanduser().open("rb") as source:
                loaded = load(source, settings.database, progress=progress, only_check=args.dry_run)
    finally:
        progress.end()
    rows = sum(loaded.counts.values())
    if args.json:
        kept = None if loaded.kept is None else str(loaded.kept)
        print_json({"rows": rows, "counts": loaded.counts, "dry_run": args.dry_run, "kept": kept})
    speed = progress.speed(rows)
    if args.dry_run:
        say(args, f"{rows:,} rows are fine{speed}; nothing was changed")
        return OK
    say(args, f"{rows:,} rows in {settings.database}{speed}")
    if not loaded.secrets:
        say(args, "keys were not in the file: make new ones; channels are off until they are given their URL again")
    return OK
