"""`trackdesk apply FILE`: brings departments, processes, rules, maintenance and channels to what files say."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from trackdesk.cli.calls import plain, with_client
from trackdesk.cli.common import complain, print_json, say
from trackdesk.cli.exits import CHANGES, FAILED, OK, USAGE
from trackdesk.cli.table import paint
from trackdesk.domain.safe import safe_text

if TYPE_CHECKING:
    import argparse

    from trackdesk.cli.config_source import Source
    from trackdesk.cli.yaml_lines import Problem
    from trackdesk.client import Client
    from trackdesk.domain.configuration import Applied

_SIGNS = {"made": ("+", "good"), "changed": ("~", "warn"), "removed": ("-", "bad")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Example: PAGER_URL=webhook+https://pager.example.org/in trackdesk apply trackdesk.yaml --dry-run"
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help="YAML; a directory takes all of its *.yaml, - reads stdin"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help=f"show what would change; exit code {CHANGES} if anything"
    )
    parser.add_argument("--prune", action="store_true", help="remove what the files don't hold, of the kinds they name")
    parser.add_argument("--yes", "-y", action="store_true", help="don't ask before pruning")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of such files, for editors")


def run(args: argparse.Namespace) -> int:
    from trackdesk.cli.config_source import load
    from trackdesk.cli.yaml_lines import ProblemsError

    if args.schema:
        return _print_schema()
    if not args.files:
        complain("apply: expected a FILE, a directory, or - for stdin")
        return USAGE
    try:
        source = load(args.files, os.environ)
    except ProblemsError as error:
        return _refuse(error.problems)
    return with_client(args, lambda client: _apply(args, client, source))


def _print_schema() -> int:
    from trackdesk.domain.configuration import Configuration

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Configuration.model_json_schema()}
    print_json(schema)
    return OK


def _refuse(problems: list[Problem]) -> int:
    for (file, line, column), message in problems:
        print(safe_text(f"{file}:{line}:{column}: {message}"), file=sys.stderr)
    complain("nothing was applied")
    return USAGE


async def _apply(args: argparse.Namespace, client: Client, source: Source) -> int:
    from trackdesk.domain.errors import Invalid

    try:
        if args.prune and not args.dry_run and not args.yes:
            code = await _ask(args, client, source)
            if code is not None:
                return code
        applied = await client.configuration.apply({**source.value, "dry_run": args.dry_run, "prune": args.prune})
    except Invalid as error:
        return _refuse(source.problems(error.errors)) if error.errors else _refused(error)
    if args.json:
        print_json(plain(applied))
    else:
        _show(applied)
    _sum_up(args, applied)
    return CHANGES if args.dry_run and applied.changes else OK


def _refused(error: Exception) -> int:
    complain(str(error))
    return USAGE


async def _ask(args: argparse.Namespace, client: Client, source: Source) -> int | None:
    """The exit code when it is not to be."""
    planned = await client.configuration.apply({**source.value, "dry_run": True, "prune": True})
    if not planned.changes:
        return None
    if not sys.stdin.isatty() or "-" in args.files:
        complain("--prune removes what the files don't hold; look with --dry-run, then say --yes")
        return USAGE
    _show(planned)
    print("Type yes to do this: ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in {"yes", "y"}:
        return None
    complain("nothing was changed")
    return FAILED


def _show(applied: Applied) -> None:
    for change in applied.changes:
        sign, style = _SIGNS[change.action]
        print(paint(safe_text(f"{sign} {change.kind} {change.name}"), style))
        for member, (before, after) in change.members.items():
            text = _text(after) if change.action == "made" else f"{_text(before)} → {_text(after)}"
            print(f"    {safe_text(f'{member}: {text}')}")


def _text(value: Any) -> str:
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sum_up(args: argparse.Namespace, applied: Applied) -> None:
    counts = {action: sum(change.action == action for change in applied.changes) for action in _SIGNS}
    parts = [f"{count} {'to be ' * args.dry_run}{action}" for action, count in counts.items() if count]
    say(args, ", ".join([*parts, f"{applied.unchanged} as they should be"]))
