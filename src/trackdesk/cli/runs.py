"""`trackdesk runs`: list them with filters, follow them, show one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trackdesk.cli import times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, plain, with_client
from trackdesk.cli.common import add_limit, checked, print_json, tag, whole
from trackdesk.cli.complete import run_name
from trackdesk.cli.exits import OK
from trackdesk.cli.table import Cell, Column, facts, heading, lines, paint, show, width
from trackdesk.contract.work import RUN_LIST
from trackdesk.domain.instant import format_instant
from trackdesk.domain.run import DeadlineStatus, RunAddress, RunStatus

if TYPE_CHECKING:
    import argparse

    from trackdesk.client import Client
    from trackdesk.domain.run import LogLine, Run

_WORDS = ("process", "id", "category", "service")
_SORTS = ("started_at", "completed_at", "deadline", "duration")
_COLUMNS = (
    Column("STATUS"),
    Column("RUN", shrinks=True),
    Column("STARTED"),
    Column("TOOK", right=True),
    Column("DUE"),
    Column("DONE", right=True, from_width=70),
    Column("UID", from_width=100),
)
_LOG_LINES = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, list_runs)
    _add_filters(parser)
    _add_filters(actions.add("list", list_runs, "list runs, newest first"))
    one = actions.add("show", show_run, "show one run with the end of its log")
    one.add_argument("run", metavar="RUN", type=checked(run_name), help="its uid, or NAME/ID")
    one.add_argument(
        "--attempt", metavar="N", type=whole("attempt"), default=None, help="of NAME/ID, the attempt of that number"
    )


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which runs (a flag that is given twice means any of the two)")
    statuses = [status.lower() for status in RunStatus]
    group.add_argument("--status", action="append", type=str.lower, choices=statuses, help="what became of it")
    verdicts = [status.lower() for status in DeadlineStatus]
    group.add_argument(
        "--deadline-status",
        action="append",
        type=str.lower,
        choices=verdicts,
        metavar="STATUS",
        help=", ".join(verdicts),
    )
    for word in _WORDS:
        group.add_argument(f"--{word}", action="append", metavar=word.upper(), help=f"with this {word}")
    group.add_argument("--tag", action="append", metavar="K=V", type=checked(tag), help="with all of these tags")
    group.add_argument("--stalled", action="store_const", const=True, help="silent for too long")
    group.add_argument("--since", metavar="TIME", type=checked(times.since), help='started after a time, or "2h" ago')
    group.add_argument("--search", metavar="WORDS", help="words in process, id and error")
    group.add_argument(
        "--q", metavar="QUERY", help="the console's filter, as in: status:failed started:<2h tag:env=prod"
    )
    group.add_argument("--sort", choices=[f"{way}{name}" for name in _SORTS for way in ("", "-")], help="-started_at")
    add_limit(group, "50")
    group.add_argument("--watch", "-w", action="store_true", help="go on: print every run that changes, as it changes")


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def list_runs(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await _listed(client, args)
        if args.json and not args.watch:
            print_json(plain(found))
        elif not args.json:
            show(_COLUMNS, [_row(each) for each in found], "no run matches")
        if args.watch:
            await _follow(client, args, found)
        return OK

    return with_client(args, work)


def show_run(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        process, slash, run_id = args.run.partition("/")
        address = RunAddress(None, process, run_id, args.attempt) if slash else RunAddress(args.run)
        found = await client.runs.get(address)
        if args.json:
            print_json(plain(found))
            return OK
        logs = await client.runs.logs(found.uid, {"tail": True, "limit": _LOG_LINES})
        _print_run(found, logs.data)
        return OK

    return with_client(args, work)


async def _listed(client: Client, args: argparse.Namespace) -> list[Run]:
    query: dict[str, Any] = {
        "status": args.status,
        "deadline_status": args.deadline_status,
        **{word: getattr(args, word) for word in _WORDS},
        "tag": [":".join(pair) for pair in args.tag or ()],
        "stalled": args.stalled,
        "started_after": None if args.since is None else format_instant(args.since),
        "search": args.search,
        "q": args.q,
        "sort": args.sort,
    }
    return await listed(client, RUN_LIST, query, most=args.limit or 50)


async def _follow(client: Client, args: argparse.Namespace, found: list[Run]) -> None:
    """Prints whatever of the list is new or has changed, until interrupted."""
    known = {each.uid: each for each in found}
    if args.json:
        for each in found:
            print(json.dumps(plain(each)), flush=True)
    async for _ in client.live(["runs"]):
        fresh = [each for each in await _listed(client, args) if known.get(each.uid) != each]
        known.update((each.uid, each) for each in fresh)
        for each in reversed(fresh):
            line = json.dumps(plain(each)) if args.json else lines(_COLUMNS, [_row(each)], width())[1]
            print(line, flush=True)


def state(found: Run) -> Cell:
    """The one word that matters most about a run."""
    if found.status == RunStatus.ACTIVE:
        if found.stalled:
            return Cell("? stalled", "bad")
        words = {DeadlineStatus.MISSED: Cell("! late", "bad"), DeadlineStatus.WARNING: Cell("▲ warning", "warn")}
        return words.get(found.deadline_status or DeadlineStatus.ON_TRACK, Cell("▶ active"))
    if found.status == RunStatus.FAILED:
        return Cell("✗ failed", "bad")
    if found.status == RunStatus.SKIPPED:
        return Cell("· skipped", "dim")
    return Cell("✓ late", "warn") if found.overdue_at_finish else Cell("✓ done", "good")


def _row(found: Run) -> list[Cell | str]:
    active = found.status == RunStatus.ACTIVE
    took = times.now() - found.started_at if active else found.duration
    progress = found.progress
    done = (
        f"{progress.done}/{progress.total}" if progress and progress.total else str(progress.done) if progress else ""
    )
    return [
        state(found),
        f"{found.process}/{found.id}",
        times.ago(found.started_at),
        times.span(took),
        times.left(found.deadline) if active else Cell("-" if found.deadline is None else _kept(found), "dim"),
        done,
        Cell(found.uid, "dim"),
    ]


def _kept(found: Run) -> str:
    return "late" if found.overdue_at_finish else "kept"


def _print_run(found: Run, logs: list[LogLine]) -> None:
    print(f"{paint(*state(found))}  {paint(f'{found.process}/{found.id}', 'strong')}  attempt {found.attempt}\n")
    progress = found.progress
    facts(
        [
            ("uid", found.uid),
            ("started", times.full(found.started_at)),
            ("due", times.due(found.deadline)),
            ("completed", times.full(found.completed_at)),
            ("took", None if found.duration is None else times.span(found.duration)),
            ("progress", None if progress is None else f"{progress.done} of {progress.total or '?'}"),
            ("last heard of", times.full(found.last_heartbeat_at) if found.status == RunStatus.ACTIVE else None),
            ("category", found.category),
            ("service", found.service),
            ("triggered by", found.triggered_by),
            ("tags", " ".join(f"{key}={value}" for key, value in found.tags.items()) or None),
            ("context", json.dumps(found.context, ensure_ascii=False) if found.context else None),
            ("error", Cell(found.error.message, "bad") if found.error else None),
        ]
    )
    if logs:
        heading("last lines")
        levels = {"WARN": "warn", "ERROR": "bad"}
        facts(
            (times.clock(line.logged_at), Cell(f"{line.level:<5} {line.message}", levels.get(line.level, "")))
            for line in logs
        )
