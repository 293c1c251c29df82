"""`trackdesk restore FILE`: puts a backup in the database's place. The old database is kept beside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trackdesk.cli.common import complain, print_json, say, settings_of
from trackdesk.cli.exits import FAILED, OK, USAGE

if TYPE_CHECKING:
    import argparse

    from trackdesk.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the backup")
    parser.add_argument("--yes", "-y", action="store_true", help="don't ask")


def run(args: argparse.Namespace) -> int:
    from trackdesk.store.backup import restore
    from trackdesk.store.depot_copies import restore_files
    from trackdesk.store.lock import read_lock

    settings = settings_of(args)
    source = args.file.expanduser().absolute()
    if (holder := read_lock(settings.database)) is not None:
        complain(f"process {holder.pid} serves {settings.database}; stop it first")
        return FAILED
    if not args.yes and settings.database.exists() and (refused := _ask(settings, source)) is not None:
        return refused
    kept = restore(source, settings.database)
    copied = restore_files(source, settings.database)
    if args.json:
        facts = {"attachments": copied.files, "missing_attachments": copied.missing}
        print_json({"database": str(settings.database), "kept": None if kept is None else str(kept), **facts})
    say(args, f"{settings.database} is now what {source} was")
    if copied.files:
        say(args, f"{copied.files:,} files of attachments are there, {copied.new:,} of them from the backup")
    if copied.missing:
        complain(f"{len(copied.missing)} files of attachments are neither here nor beside {source}")
    if kept is not None:
        say(args, f"the database that was there before is {kept}")
    return OK


def _ask(settings: Settings, source: Path) -> int | None:
    """The exit code when it is not to be."""
    if not sys.stdin.isatty():
        complain(f"this replaces {settings.database}; say --yes if that is what you want")
        return USAGE
    print(f"This puts {source} in the place of {settings.database}. Type yes to go on: ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in {"yes", "y"}:
        return None
    complain("nothing was changed")
    return FAILED
