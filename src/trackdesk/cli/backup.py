"""`trackdesk backup FILE`: a copy of the database and of attachments, also while the server writes to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trackdesk.cli.common import complain, print_json, say, settings_of
from trackdesk.cli.exits import OK

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="where to; an older backup there is replaced")


def run(args: argparse.Namespace) -> int:
    from trackdesk.store.backup import backup
    from trackdesk.store.depot_copies import backup_files, beside

    settings = settings_of(args)
    target = args.file.expanduser().absolute()
    size = backup(settings.database, target)
    copied = backup_files(settings.database, target)
    if args.json:
        facts = {"attachments": copied.files, "new_attachments": copied.new, "missing_attachments": copied.missing}
        print_json({"file": str(target), "bytes": size, **facts})
    say(args, f"{size:,} bytes in {target}, as of now")
    if copied.files:
        say(args, f"{copied.files:,} files of attachments in {beside(target).folder}, {copied.new:,} of them new")
    if copied.missing:
        complain(f"{len(copied.missing)} files of attachments are missing; `trackdesk doctor` says more")
    if settings.seal_key_file.exists():
        say(args, f"channel URLs in it are sealed with {settings.seal_key_file}: keep a copy of that file elsewhere")
    return OK
