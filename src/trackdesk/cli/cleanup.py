"""`trackdesk cleanup`: delete what is old, see first what that would be, give the disk its room back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from trackdesk.cli.calls import plain, with_client
from trackdesk.cli.common import checked, complain, print_json, say, settings_of
from trackdesk.cli.exits import FAILED, OK, USAGE
from trackdesk.domain.instant import format_duration, parse_duration
from trackdesk.domain.retention import OF_A_PROCESS, USUAL, Cleaned, Cleanup, Deleted

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from trackdesk.client import Client

_KINDS = tuple(dict.fromkeys((*USUAL, *OF_A_PROCESS)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Example: trackdesk cleanup --older-than 90d --dry-run. What is still going on is never deleted. "
        "--compact rewrites the database without unused room; the server has to be stopped for it."
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--older-than", metavar="DURATION", type=checked(parse_duration), help="delete what is over for so long: 90d"
    )
    way.add_argument("--compact", action="store_true", help="rewrite the database file, without a server")
    parser.add_argument("--process", metavar="NAME", help="only the runs of this process")
    parser.add_argument(
        "--what",
        metavar="KINDS",
        type=checked(_kinds),
        help=f"what to delete, of {', '.join(_KINDS)} ({','.join(USUAL)}; of a process runs)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only count")
    parser.add_argument("--yes", "-y", action="store_true", help="don't ask")


def _kinds(text: str) -> list[str]:
    kinds = [each.strip() for each in text.split(",")]
    for each in kinds:
        if each not in _KINDS:
            raise ValueError(f"what: expected some of {', '.join(_KINDS)} with commas between them, not {each!r}")
    return kinds


def run(args: argparse.Namespace) -> int:
    if args.compact:
        if args.dry_run or args.what or args.process:
            complain(
                "cleanup: --compact rewrites all of the file, and goes with none of --dry-run, --what and --process"
            )
            return USAGE
        return _compact(args)
    body: dict[str, Any] = {"older_than": format_duration(args.older_than), "what": args.what, "process": args.process}
    Cleanup.model_validate(body)
    return with_client(args, lambda client: _clean(client, args, body))


def _compact(args: argparse.Namespace) -> int:
    from trackdesk.store.compact import rebuild
    from trackdesk.store.lock import read_lock

    settings = settings_of(args)
    if (holder := read_lock(settings.database)) is not None:
        complain(f"process {holder.pid} serves {settings.database}; stop it first")
        return FAILED
    before, after = rebuild(settings.database)
    if args.json:
        print_json({"database": str(settings.database), "before": before, "after": after})
    say(args, f"{settings.database}: {before:,} bytes before, {after:,} now")
    return OK


async def _clean(client: Client, args: argparse.Namespace, body: dict[str, Any]) -> int:
    would = await client.cleanup.run({**body, "dry_run": True})
    if args.dry_run or not any(_counts(would)):
        _tell(args, would, "would be deleted" if args.dry_run else "deleted")
        return OK
    if not args.yes and (refused := _ask(would)) is not None:
        return refused
    done = Deleted()
    while True:
        step = await client.cleanup.run(body)
        done = done.plus(_counts(step))
        if step.done:
            break
        say(args, f"{done.runs:,} of {would.runs:,} runs so far")
    _tell(args, step.model_copy(update=done._asdict()), "deleted")
    return OK


def _counts(cleaned: Cleaned) -> Deleted:
    return Deleted(*(getattr(cleaned, name) for name in Deleted._fields))


def _tell(args: argparse.Namespace, cleaned: Cleaned, words: str) -> None:
    if args.json:
        print_json(plain(cleaned))
    else:
        print(f"{_listed(cleaned)} {words}")


_WORDS = {
    "runs": ("run", "runs"),
    "logs": ("log line", "log lines"),
    "notifications": ("notification", "notifications"),
    "deliveries": ("delivery", "deliveries"),
    "incidents": ("incident", "incidents"),
    "comments": ("comment", "comments"),
    "journal": ("journal entry", "journal entries"),
    "samples": ("sample", "samples"),
    "rollups": ("roll-up", "roll-ups"),
}


def _listed(cleaned: Cleaned) -> str:
    shown = [f"{count:,} {_WORDS[name][count != 1]}" for name, count in _counts(cleaned).shown.items()]
    return ", ".join(shown) or "nothing"


def _ask(would: Cleaned) -> int | None:
    """The exit code when it is not to be."""
    if not sys.stdin.isatty():
        complain(f"this deletes {_listed(would)}; say --yes if that is what you want")
        return USAGE
    print(f"This deletes {_listed(would)}. Type yes to go on: ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in {"yes", "y"}:
        return None
    complain("nothing was deleted")
    return FAILED
