"""What is made of incidents: `trackdesk incidents stats, changes, postmortem`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackdesk.cli import times
from trackdesk.cli.calls import plain, with_client
from trackdesk.cli.common import checked, print_json, say
from trackdesk.cli.exits import OK
from trackdesk.cli.incident_number import add_incident
from trackdesk.cli.table import Cell, Column, facts, heading, show
from trackdesk.domain.instant import format_instant, parse_duration

if TYPE_CHECKING:
    import argparse

    from trackdesk.cli.actions import Actions
    from trackdesk.client import Client
    from trackdesk.domain.changes import Change
    from trackdesk.domain.incident_stats import IncidentStats, Taken

_CHANGES = (Column("WHEN"), Column("WHAT", shrinks=True), Column("BY", shrinks=True, from_width=70))
_TIMES = (
    Column("SEVERITY"),
    Column("OPEN", right=True),
    Column("TAKEN", right=True),
    Column("MEAN", right=True),
    Column("P50", right=True),
    Column("CLOSED", right=True),
    Column("MEAN", right=True),
    Column("P50", right=True),
)
_STYLES = {"run_failed": "bad", "rule": "warn", "process": "warn", "service": "warn"}


def add_actions(actions: Actions) -> None:
    stats = actions.add("stats", show_stats, "how many there are, and how long it takes to take and to close one")
    stats.add_argument("--since", metavar="TIME", type=checked(times.since), default=None, help="30d ago when absent")
    stats.add_argument("--until", metavar="TIME", type=checked(times.since), default=None, help="now when absent")
    changes = actions.add("changes", show_changes, "what changed on its service before an incident")
    add_incident(changes)
    changes.add_argument("--window", metavar="DURATION", type=checked(_window), default=None, help="1h when absent")
    story = actions.add("postmortem", write_postmortem, "the story of an incident as Markdown")
    add_incident(story)
    story.add_argument("-o", "--output", metavar="FILE", type=Path, default=None, help="a file, instead of stdout")


def _window(text: str) -> str:
    parse_duration(text)
    return text


def show_stats(args: argparse.Namespace) -> int:
    query = {
        name: format_instant(at) for name, at in (("from", args.since), ("to", args.until)) if at is not None
    }  # fmt: skip

    async def work(client: Client) -> int:
        found = await client.incidents.stats(query)
        if args.json:
            print_json(found.model_dump(mode="json"))
        else:
            _print_stats(found)
        return OK

    return with_client(args, work)


def _print_stats(found: IncidentStats) -> None:
    facts(
        [
            ("status", _counts(found.by_status)),
            ("age", _counts({f"under {name}" if name != "older" else name: n for name, n in found.by_age.items()})),
            ("nobody's", str(found.unassigned)),
            ("oldest open", times.full(found.oldest_open_at)),
            ("opened", f"{found.opened:,} from {times.full(found.from_)} to {times.full(found.to)}"),
        ]
    )
    heading("how long it takes until somebody takes one, and until it is closed")
    rows = [_times(name, str(found.by_severity[name]), taken) for name, taken in found.times_by_severity.items()]
    show(_TIMES, [*reversed(rows), _times("all", str(sum(found.by_severity.values())), found.times)], "")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ').lower()}" for name, count in counts.items())


def _times(name: str, standing: str, taken: Any) -> list[Cell | str]:
    return [name, standing, *_taken(taken.acknowledge), *_taken(taken.close)]


def _taken(taken: Taken) -> tuple[str, str, str]:
    return f"{taken.count:,}", times.rounded(taken.mean), times.rounded(taken.p50)


def show_changes(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await client.incidents.changes(args.incident, {"window": args.window})
        if args.json:
            print_json(plain(found))
            return OK
        nothing = f"nothing changed about {found.service or found.process or 'anything'} before INC-{found.incident}"
        show(_CHANGES, [_change(each) for each in found.data], nothing)
        if found.cut:
            say(args, "there were more runs than were looked at")
        return OK

    return with_client(args, work)


def _change(found: Change) -> list[Cell | str]:
    return [times.full(found.at) or "", Cell(found.text, _STYLES.get(found.kind, "")), found.who or "-"]


def write_postmortem(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        text = await client.incidents.postmortem(args.incident)
        if args.json:
            print_json({"incident": args.incident, "markdown": text})
        if args.output is not None:
            args.output.write_text(text, "utf-8")
            say(args, f"{len(text.splitlines())} lines in {args.output}")
        elif not args.json:
            _print_text(text)
        return OK

    return with_client(args, work)


def _print_text(text: str) -> None:
    """Made safe once more: a server's word for it is not taken."""
    from trackdesk.domain.safe import safe_lines

    print("\n".join(safe_lines(text.removesuffix("\n"))))
