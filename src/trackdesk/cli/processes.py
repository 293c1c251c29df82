"""`trackdesk processes`: how each kind of work stands, and when it is expected next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import times
from trackdesk.cli.calls import listed, show_list, with_client
from trackdesk.cli.common import add_limit
from trackdesk.cli.table import Cell, Column
from trackdesk.contract.work import PROCESS_LIST
from trackdesk.domain.process import ProcessState
from trackdesk.widgets import glyphs, when
from trackdesk.widgets.budget import sparkline

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from trackdesk.client import Client
    from trackdesk.domain.process import Outcome, Process

_WORDS = ("department", "category", "service")
_SORTS = ("name", "last_run_at", "next_expected_at")
_COLUMNS = (
    Column("STATE"),
    Column("PROCESS", shrinks=True),
    Column("NEXT"),
    Column("LAST 20", from_width=90),
    Column("LAST RUN"),
    Column("WELL", right=True, from_width=70),
    Column("P90", right=True, from_width=70),
    Column("DEPARTMENT", shrinks=True, from_width=110),
)
_STYLES = {"ok": "good", "late": "warn", "fail": "bad", "dim": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which processes (a flag that is given twice means any of the two)")
    states = [str(state).lower() for state in ProcessState]
    group.add_argument("--state", action="append", type=str.lower, choices=states, help="how it stands")
    for word in _WORDS:
        group.add_argument(f"--{word}", action="append", metavar=word.upper(), help=f"with this {word}")
    group.add_argument("--search", metavar="WORDS", help="words in name and description")
    group.add_argument("--q", metavar="QUERY", help="the console's filter, as in: state:missing name:backup*")
    group.add_argument("--sort", choices=[f"{way}{name}" for name in _SORTS for way in ("", "-")], help="name")
    add_limit(group, "all")
    parser.add_argument("--names", action="store_true", help="only their names, one a line, for scripts")


def run(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await _listed(client, args)
        only = (lambda each: each.name) if args.names else None
        return show_list(args, found, _COLUMNS, _row, "no process matches", only)

    return with_client(args, work)


async def _listed(client: Client, args: argparse.Namespace) -> list[Process]:
    query: dict[str, Any] = {
        "state": args.state,
        **{word: getattr(args, word) for word in _WORDS},
        "search": args.search,
        "q": args.q,
        "sort": args.sort,
    }
    return await listed(client, PROCESS_LIST, query, most=args.limit)


def _row(process: Process) -> list[Cell | str]:
    runs = process.runs
    return [
        state(process),
        process.name,
        expected(process),
        strip(process.recent),
        times.ago(process.last_run_at),
        "-" if runs.success_rate is None else f"{int(runs.success_rate * 100)}%",
        times.rounded(runs.p90),
        Cell(process.department or "", "dim"),
    ]


def state(process: Process) -> Cell:
    mark = glyphs.process_state(process.state)
    return Cell(mark.text(), _STYLES.get(mark.role, ""))


def expected(process: Process) -> Cell:
    """When it starts next, or since when that is waited for."""
    if process.state == ProcessState.PAUSED:
        until = process.paused_until
        return Cell("paused" if until is None else f"resumes {when.ahead(until, times.now())}", "dim")
    if process.missing_since is not None:
        return times.left(process.missing_since)
    return times.left(process.next_expected_at)


def strip(recent: Sequence[Outcome]) -> str:
    """The last runs, oldest first, a character each: as high as it took long, or what went wrong."""
    shown = list(reversed(recent[:20]))
    heights = sparkline([each.duration if each.status == "COMPLETED" else None for each in shown], len(shown), low=0.0)
    words = {"ACTIVE": "▸", "FAILED": "✗", "SKIPPED": "»"}
    marks = (words.get(each.status, "!" if each.late else height) for each, height in zip(shown, heights, strict=True))
    return "".join(marks).rjust(20)
