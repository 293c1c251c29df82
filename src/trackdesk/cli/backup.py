"""`trackdesk backup FILE`: a copy of the database, also while the server writes to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trackdesk.cli.common import print_json, say, settings_of
from trackdesk.cli.exits import OK

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="where to; an older backup there is replaced")


def run(args: argparse.Namespace) -> int:
    from trackdesk.store.backup import backup

    settings = settings_of(args)
    target = args.file.expanduser().absolute()
    size = backup(settings.database, target)
    if args.json:
        print_json({"file": str(target), "bytes": size})
    say(args, f"{size:,} bytes in {target}, as of now")
    if settings.seal_key_file.exists():
        say(args, f"channel URLs in it are sealed with {settings.seal_key_file}: keep a copy of that file elsewhere")
    return OK
