"""`trackdesk export [FILE]`: the whole database as lines of JSON, or what is configured as YAML."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from trackdesk.cli.common import complain, print_json, say, settings_of
from trackdesk.cli.exits import OK, USAGE
from trackdesk.domain.errors import Invalid

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from trackdesk.client import Client

_EXPORT = b'{"format":"trackdesk"'
"""How an export of rows begins."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Examples: trackdesk export all.ndjson; trackdesk export --config trackdesk.yaml"
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="where to; stdout when absent or -")
    parser.add_argument(
        "--config", action="store_true", help="instead the YAML of what is set up, as `trackdesk apply` takes it"
    )
    parser.add_argument(
        "--with-secrets",
        action="store_true",
        help="also digests of keys and sealed channel URLs, which need this place's seal.key",
    )


def run(args: argparse.Namespace) -> int:
    return _export_config(args) if args.config else _export_rows(args)


def _export_config(args: argparse.Namespace) -> int:
    from trackdesk.cli.calls import with_client
    from trackdesk.cli.config_text import write

    if args.with_secrets:
        complain("--with-secrets belongs to the export of rows; with --config secrets stay in the environment")
        return USAGE

    async def work(client: Client) -> int:
        text = await write(client)
        with _target(args.file) as target:
            target.write(text.encode())
        if args.file != "-":
            say(args, f"what is set up is in {args.file}")
        return OK

    return with_client(args, work)


def _export_rows(args: argparse.Namespace) -> int:
    from trackdesk.cli.progress import Progress
    from trackdesk.cli.times import now
    from trackdesk.store.dump import dump

    settings, progress = settings_of(args), Progress(quiet=args.quiet)
    with _target(args.file) as target:
        try:
            counts = dump(settings.database, target.write, now=now(), secrets=args.with_secrets, progress=progress)
        finally:
            progress.end()
    rows = sum(counts.values())
    if args.json and args.file != "-":
        print_json({"file": args.file, "rows": rows, "counts": counts, "secrets": args.with_secrets})
    say(args, f"{rows:,} rows{progress.speed(rows)}, as of now")
    if not args.with_secrets:
        say(args, "keys and the URLs of channels are left out (--with-secrets takes them along)")
    if counts.get("attachments"):
        say(args, f"attached files are not in it: copy {settings.database.parent / 'attachments'} along")
    return OK


@contextmanager
def _target(name: str) -> Iterator[IO[bytes]]:
    """Stdout, or a file that is there wholly or not at all, readable by its owner only."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name).expanduser().absolute()
    if path.exists() and not _may_replace(path):
        raise Invalid("FILE", "expected one that is not there yet, or an older export of rows to replace", str(path))
    if not path.parent.is_dir():
        raise Invalid("FILE", f"the directory {path.parent} is not there")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:  # noqa: PTH123
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _may_replace(path: Path) -> bool:
    """Neither a database nor what somebody has edited."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_EXPORT)) in {b"", _EXPORT}
