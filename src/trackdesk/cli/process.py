"""`trackdesk process`: show one process, set what is expected of it, pause, resume and delete it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.cli import exits, times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import one_by_one, plain, with_client
from trackdesk.cli.common import checked, complain, print_json
from trackdesk.cli.process_set import add_settings, coming, set_process
from trackdesk.cli.processes import expected, state, strip
from trackdesk.cli.runs import state as run_state
from trackdesk.cli.table import Cell, Column, facts, heading, paint, show
from trackdesk.domain.expectation import usual_grace
from trackdesk.domain.instant import format_duration
from trackdesk.domain.run import parse_due
from trackdesk.domain.safe import safe_text
from trackdesk.domain.schedule import describe

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from trackdesk.client import Client
    from trackdesk.domain.process import Process
    from trackdesk.domain.run import Run

_RUNS = (Column("STATUS"), Column("ID", shrinks=True), Column("STARTED"), Column("TOOK", right=True), Column("NOTE"))
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, _ask_what)
    one = actions.add("show", show_process, "show what is expected of a process, and its last 20 runs")
    one.add_argument("process", metavar="PROCESS")
    change = actions.add("set", set_process, "set what is expected of a process, which is made when there is none")
    change.epilog = (
        "Example: trackdesk process set nightly-backup --cron '0 2 * * *' --timezone Europe/Berlin --grace 10m "
        "--deadline 30m. The word `none` takes a setting back to what is usual."
    )
    add_settings(change)
    pause = _many(actions, "pause", pause_processes, "expect nothing and tell nobody for a while; runs are recorded")
    pause.add_argument(
        "--until",
        metavar="TIME",
        type=checked(_until),
        default=None,
        help='a time, or "2h" from now; without it until resumed',
    )
    pause.add_argument("--why", metavar="TEXT", default=None, help="what others see beside it")
    _many(actions, "resume", resume_processes, "expect them again, from now on")
    delete = _many(actions, "delete", delete_processes, "delete processes with all their runs and logs")
    delete.add_argument("--yes", "-y", action="store_true", default=False, help="without this nothing is deleted")


def _many(
    actions: Actions, name: str, action: Callable[[argparse.Namespace], int], words: str
) -> argparse.ArgumentParser:
    parser = actions.add(name, action, words)
    parser.add_argument("processes", metavar="PROCESS", nargs="+", help="its name; several at once")
    return parser


def _until(text: str) -> str:
    return str(parse_due(int(text) if text.isdecimal() else text))


def _ask_what(_: argparse.Namespace) -> int:
    complain("say what to do, as in: trackdesk process show nightly-backup")
    return exits.USAGE


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def show_process(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        process = await client.processes.get(args.process)
        if args.json:
            print_json(plain(process))
            return exits.OK
        runs = await client.runs.list({"process": [process.name], "limit": _SHOWN})
        _print_process(process, runs.data, client.url)
        return exits.OK

    return with_client(args, work)


def pause_processes(args: argparse.Namespace) -> int:
    body = {name: value for name, value in (("until", args.until), ("reason", args.why)) if value is not None}

    async def pause(client: Client, name: str) -> Process:
        return await client.processes.pause(name, body)

    def done(name: str, found: Process) -> str:
        return f"{name} is paused until {times.full(found.paused_until) or 'somebody resumes it'}"

    return one_by_one(args, args.processes, pause, done)


def resume_processes(args: argparse.Namespace) -> int:
    async def resume(client: Client, name: str) -> Process:
        return await client.processes.resume(name)

    def done(name: str, found: Process) -> str:
        return f"{name} goes on; expected {times.due(found.next_expected_at) or 'at no certain time'}"

    return one_by_one(args, args.processes, resume, done)


def delete_processes(args: argparse.Namespace) -> int:
    if not args.yes:
        complain("this deletes all their runs and logs: say --yes")
        return exits.USAGE

    async def delete(client: Client, name: str) -> None:
        await client.processes.delete(name)

    return one_by_one(args, args.processes, delete, lambda name, _: f"{name} is deleted")


def _print_process(process: Process, runs: list[Run], url: str) -> None:
    described = f"  {safe_text(process.description)}" if process.description else ""
    print(f"{paint(*state(process))}  {paint(process.name, 'strong')}{described}\n")
    schedule = process.schedule
    grace = None if schedule is None else process.grace if process.grace is not None else usual_grace(schedule)
    counts = process.runs
    facts(
        [
            ("schedule", Cell("none: it is never missing", "dim") if schedule is None else describe(schedule)),
            ("grace", None if grace is None else format_duration(grace)),
            ("next", None if schedule is None else expected(process)),
            ("missing since", Cell(since, "bad") if (since := times.full(process.missing_since)) else None),
            ("not seen", times.full(process.blind_at)),
            ("paused", _paused(process)),
            ("deadline", None if process.default_deadline is None else format_duration(process.default_deadline)),
            ("heartbeat", None if process.heartbeat_timeout is None else format_duration(process.heartbeat_timeout)),
            ("alerts after", None if (most := process.alert_after_failures) == 1 else f"{most} failures in a row"),
            ("keeps runs", None if process.retention is None else format_duration(process.retention)),
            ("department", process.department),
            ("service", process.service),
            ("category", process.category),
            ("runbook", process.runbook_url),
            ("pings", f"{url}/ping/{process.ping_uuid}" if process.ping_uuid else None),
            ("runs", f"{counts.total:,}, of which {counts.failed:,} failed and {counts.late:,} were late"),
            ("well", None if counts.success_rate is None else f"{int(counts.success_rate * 100)}%"),
            ("takes", _takes(process)),
            ("unusual", Cell(", ".join(process.unusual), "warn") if process.unusual else None),
            ("last 20", strip(process.recent).lstrip() or None),
        ]
    )
    coming(process, apart=True)
    notes = {each.uid: each.unusual or "" for each in process.recent}
    if runs:
        heading("last runs")
        rows = [_run_row(each, notes.get(each.uid, "")) for each in runs]
        show(_RUNS, rows, "")


def _paused(process: Process) -> str | None:
    if process.paused_at is None:
        return None
    until = times.full(process.paused_until) or "somebody resumes it"
    return f"by {process.paused_by or 'somebody'} until {until}{f': {why}' if (why := process.pause_reason) else ''}"


def _takes(process: Process) -> str | None:
    shares = [("half", process.runs.p50), ("nine of ten", process.runs.p90), ("99 of 100", process.runs.p99)]
    known = [f"{name} within {times.rounded(took)}" for name, took in shares if took is not None]
    return ", ".join(known) or None


def _run_row(each: Run, note: str) -> list[Cell | str]:
    took = times.now() - each.started_at if each.completed_at is None else each.duration
    return [run_state(each), each.id, times.ago(each.started_at), times.span(took), Cell(note, "warn")]
