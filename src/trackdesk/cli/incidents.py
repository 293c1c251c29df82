"""`trackdesk incidents`: list them, show one; take, start, close, reopen and comment on one or many; report one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import exits, incident_change, incident_files, incident_report, times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, plain, show_list, with_client
from trackdesk.cli.common import add_limit, checked, complain, print_json, say
from trackdesk.cli.incident_number import add_incident, number
from trackdesk.cli.table import Cell, Column, facts, heading, paint
from trackdesk.contract.triage import INCIDENT_LIST
from trackdesk.domain.errors import TrackdeskError
from trackdesk.domain.incident import IncidentStatus, Origin, Severity

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from trackdesk.client import Client
    from trackdesk.domain.incident import BulkResult, Comment, Incident, JournalEntry, RoutingStep

_WORDS = ("service", "process", "department", "assignee", "reported_by")
_SORTS = ("opened_at", "updated_at", "severity")
_STYLES = {"CRITICAL": "bad", "HIGH": "bad", "MEDIUM": "warn", "CLOSED": "dim", "LOW": ""}
_DUE = {"missing": "expected", "failed": "failed", "stalled": "stalled", "alert": "firing since"}
"""What stands at the origin's own instant, where it isn't a deadline."""
_TOLD_ELSEWHERE = frozenset({"title", "due_at", "comment", "content"})
_COLUMNS = (
    Column("REF"),
    Column("SEVERITY"),
    Column("STATUS"),
    Column("TITLE", shrinks=True),
    Column("SEEN", right=True, from_width=70),
    Column("ASSIGNEE", shrinks=True, from_width=70),
    Column("DEPARTMENT", shrinks=True, from_width=90),
    Column("OPENED"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, list_incidents)
    _add_filters(parser)
    _add_filters(actions.add("list", list_incidents, "list incidents; without --status those that are not closed"))
    one = actions.add("show", show_incident, "show one incident: what happened, who was told, what was said")
    add_incident(one)
    take = _many(actions, "take", take_incidents, "make them yours: triaged, with you as assignee")
    take.add_argument("--as", dest="assignee", metavar="NAME", default=None, help="somebody else; you when absent")
    for name, status, words in (
        ("start", IncidentStatus.IN_PROGRESS, "say that work has begun"),
        ("close", IncidentStatus.CLOSED, "close them"),
        ("reopen", IncidentStatus.OPEN, "open them again, or hand them back"),
    ):
        _many(actions, name, change_status, words).set_defaults(status_wanted=status)
    comment = actions.add("comment", comment_on, "say something about them")
    comment.add_argument("incidents", metavar="INC", nargs="+", type=checked(number), help="INC-42, or 42")
    comment.add_argument("-m", "--comment", metavar="TEXT", required=True, help="what there is to say")
    _add_report(actions)
    incident_change.add_action(actions)
    incident_files.add_actions(actions)
    incident_report.add_actions(actions)


def _many(actions: Actions, name: str, action: Any, words: str) -> argparse.ArgumentParser:
    parser = actions.add(name, action, words)
    parser.add_argument(
        "incidents", metavar="INC", nargs="+", type=checked(number), help="INC-42, or 42; several at once"
    )
    parser.add_argument("-m", "--comment", metavar="TEXT", default=None, help="a comment along with it")
    return parser


def _add_report(actions: Actions) -> None:
    parser = actions.add("report", report, "report an incident that no machine saw")
    parser.add_argument("title", metavar="TITLE", help="what is wrong, in one line")
    parser.add_argument(
        "--severity", type=str.upper, choices=[str(each) for each in Severity], default=None, help="MEDIUM when absent"
    )
    for name in ("description", "service", "process", "department", "assignee"):
        parser.add_argument(f"--{name}", metavar=name.upper(), default=None)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which incidents (a flag that is given twice means any of the two)")
    for name, choices in (("status", IncidentStatus), ("severity", Severity), ("origin", Origin)):
        words = [str(each).lower() for each in choices]
        group.add_argument(f"--{name}", action="append", type=str.lower, choices=words, help=f"of this {name}")
    for word in _WORDS:
        shown = word.replace("_", "-")
        group.add_argument(
            f"--{shown}", action="append", metavar=word.upper(), help=f"with this {word.replace('_', ' ')}"
        )
    group.add_argument("--nobody", action="store_true", help="that are nobody's")
    group.add_argument("--all", action="store_true", help="closed ones too")
    group.add_argument("--search", metavar="WORDS", help="words in title and description")
    group.add_argument("--q", metavar="QUERY", help="the console's filter, as in: severity:high assignee:ada")
    group.add_argument("--sort", choices=[f"{way}{name}" for name in _SORTS for way in ("", "-")], help="-opened_at")
    add_limit(group, "50")


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def list_incidents(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await _listed(client, args)
        return show_list(args, found, _COLUMNS, _row, "no incident matches")

    return with_client(args, work)


async def _listed(client: Client, args: argparse.Namespace) -> list[Incident]:
    status = args.status
    if not status and not args.all and not args.q:
        status = [each for each in IncidentStatus if each is not IncidentStatus.CLOSED]
    query: dict[str, Any] = {
        "status": status,
        "severity": args.severity,
        "origin": args.origin,
        **{word: getattr(args, word) for word in _WORDS},
        "search": args.search,
        "q": " ".join(part for part in (args.q, "-assignee:*" if args.nobody else None) if part),
        "sort": args.sort,
    }
    return await listed(client, INCIDENT_LIST, query, most=args.limit or 50)


def show_incident(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await client.incidents.get(args.incident)
        timeline = (await client.incidents.timeline(found.id, {"limit": 200})).data
        comments = (await client.comments.list(found.id, {"limit": 200})).data
        routing = (await client.incidents.routing(found.id)).steps
        if args.json:
            rest = {"timeline": plain(timeline), "comments": plain(comments), "routing": plain(routing)}
            print_json(plain(found) | rest)
            return exits.OK
        _print_incident(found, timeline, comments, routing)
        return exits.OK

    return with_client(args, work)


def take_incidents(args: argparse.Namespace) -> int:
    from trackdesk.sdk.http import actor

    me = {"assignee": actor().partition("@")[0] if args.assignee is None else args.assignee}

    async def work(client: Client) -> int:
        lying, results = [], []
        for each in args.incidents:
            try:
                found = await client.incidents.get(each)
            except TrackdeskError as error:
                results.append(_refused(each, error))
                continue
            if found.status in {IncidentStatus.TRIAGED, IncidentStatus.IN_PROGRESS}:
                results += await _bulk(client, [each], args.comment, me)
            else:
                lying.append(each)
        if lying:
            results += await _bulk(client, lying, args.comment, {**me, "status": IncidentStatus.TRIAGED})
        return _tell(args, results, f"taken by {me['assignee']}")

    return with_client(args, work)


def change_status(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        results = await _bulk(client, args.incidents, args.comment, {"status": args.status_wanted})
        return _tell(args, results, str(args.status_wanted))

    return with_client(args, work)


def comment_on(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        return _tell(args, await _bulk(client, args.incidents, args.comment, {}), "commented")

    return with_client(args, work)


def report(args: argparse.Namespace) -> int:
    names = ("title", "severity", "description", "service", "process", "department", "assignee")
    body = {name: value for name in names if (value := getattr(args, name)) is not None}

    async def work(client: Client) -> int:
        made = await client.incidents.report(body)
        if args.json:
            print_json(plain(made))
        else:
            print(made.ref)
        return exits.OK

    return with_client(args, work)


async def _bulk(client: Client, ids: Sequence[int], comment: str | None, change: dict[str, Any]) -> list[BulkResult]:
    body = {"ids": list(dict.fromkeys(ids)), **change, **({"comment": comment} if comment else {})}
    return (await client.incidents.bulk(body)).results


def _refused(incident: int, error: TrackdeskError) -> BulkResult:
    from trackdesk.domain.incident import BulkResult

    return BulkResult(id=incident, ok=False, code=error.code, detail=error.detail)


def _tell(args: argparse.Namespace, results: list[BulkResult], done: str) -> int:
    """One line each; the exit code of what went wrong, if anything did."""
    if args.json:
        print_json(plain(results))
    for each in results:
        if each.ok:
            say(args, f"INC-{each.id} {done}")
        else:
            complain(f"INC-{each.id}: {each.detail}")
    wrong = [each for each in results if not each.ok]
    if not wrong:
        return exits.OK
    unknown = all(each.code == "not_found" for each in wrong) and len(wrong) == len(results)
    return exits.NOT_FOUND if unknown else exits.FAILED


def _row(found: Incident) -> list[Cell | str]:
    return [
        found.ref,
        Cell(found.severity, _STYLES[found.severity]),
        Cell(found.status, _STYLES.get(found.status, "")),
        found.title,
        str(found.occurrences),
        found.assignee or "-",
        found.department,
        times.ago(found.opened_at),
    ]


def _print_incident(
    found: Incident, timeline: list[JournalEntry], comments: list[Comment], routing: list[RoutingStep]
) -> None:
    print(f"{paint(found.ref, 'strong')}  ", end="")
    facts([(f"{found.severity} {found.status}", Cell(found.title, "strong"))])
    print()
    facts(
        [
            ("origin", found.origin),
            ("process", found.process),
            ("run", found.run),
            ("service", found.service),
            ("department", found.department),
            ("assignee", found.assignee or "nobody"),
            ("reported by", found.reported_by),
            (_DUE.get(found.origin, "due"), times.full(found.due_at) if found.due_at != found.opened_at else None),
            ("opened", times.full(found.opened_at)),
            ("seen late", "trackdesk itself was away when it happened" if found.seen_late else None),
            ("occurrences", str(found.occurrences)),
            ("closed", times.full(found.closed_at)),
            ("because", found.close_reason),
            ("description", found.description),
        ]
    )
    for title, rows in (
        ("timeline", [(times.full(each.at), f"{each.kind} by {each.actor}{_change(each)}") for each in timeline]),
        ("comments", [(times.full(each.created_at), f"{each.author}: {each.content}") for each in comments]),
        ("who was told, or not", [(times.full(each.at), times.said(each.detail)) for each in routing]),
    ):
        if rows:
            heading(title)
            facts((at or "", text) for at, text in rows)


def _change(entry: JournalEntry) -> str:
    """What changed, in words: `status OPEN → CLOSED`. What stands above the timeline or below it is left out."""
    parts = []
    for name, value in entry.changed.items():
        if name in _TOLD_ELSEWHERE:
            continue
        if isinstance(value, list) and len(value) == 2:
            old, new = ("none" if each is None else each for each in value)
            parts.append(f"{name} {old} → {new}")
        else:
            parts.append(f"{name} {value}")
    return f": {', '.join(parts)}" if parts else ""
