"""`trackdesk silence 2h --service crm --why deploy`: tell nobody about what matches for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import exits, times
from trackdesk.cli.calls import listed, one_by_one, plain, with_client
from trackdesk.cli.common import checked, print_json, say, tag
from trackdesk.cli.table import Cell, Column, facts, show
from trackdesk.contract.noise import SILENCE_LIST
from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident import Severity
from trackdesk.domain.instant import format_duration, parse_duration
from trackdesk.domain.run import parse_due
from trackdesk.domain.silence import PREVIEWED, SilenceState

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from trackdesk.client import Client
    from trackdesk.domain.silence import Preview, Silence

_COLUMNS = (
    Column("ID", right=True),
    Column("STATE"),
    Column("MATCHES", shrinks=True),
    Column("ENDS"),
    Column("MUTED", right=True),
    Column("HELD", right=True, from_width=90),
    Column("BY", shrinks=True, from_width=100),
    Column("REASON", shrinks=True),
)
_WOULD = (Column("REF"), Column("SEVERITY"), Column("STATUS"), Column("OPENED"), Column("TITLE", shrinks=True))
_STYLES = {SilenceState.ACTIVE: "warn", SilenceState.PENDING: "", SilenceState.ENDED: "dim"}
_MATCHED = ("service", "process", "rule", "severity")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign] # words among flags
    parser.add_argument(
        "words",
        metavar="WORD",
        nargs="*",
        help="for how long, or until when: 2h, 2026-01-02T06:00:00Z; or: list, show ID, preview, end ID…",
    )
    what = parser.add_argument_group("what to silence (of a flag given twice any value, of unlike flags all)")
    for name in _MATCHED[:3]:
        what.add_argument(
            f"--{name}", action="append", metavar=name.upper(), help=f"this {name}, or those that begin so: pay*"
        )
    severities = [str(each).lower() for each in Severity]
    what.add_argument("--severity", action="append", type=str.lower, choices=severities, help="of this severity")
    what.add_argument("--tag", action="append", metavar="K=V", type=checked(tag), help="with this tag; V may end in *")
    parser.add_argument("--why", metavar="TEXT", help="the reason that everybody sees; required")
    parser.add_argument("--from", dest="begin", metavar="TIME", type=checked(times.ahead), help="when it begins (now)")
    parser.add_argument("--state", action="append", choices=list(SilenceState), help="list: only these")
    parser.add_argument("--q", metavar="QUERY", help="list: the console's filter, as in: state:active by:ada")
    parser.add_argument("--since", metavar="SPAN", type=checked(parse_duration), help="preview: how far back (7d)")
    parser.add_argument("--limit", "-n", metavar="N", type=int, default=50, help="list: how many at most (50)")
    parser.epilog = (
        "Examples: trackdesk silence 2h --service crm --why 'deploy of 4.2'; trackdesk silence preview "
        "--service 'pay*'; trackdesk silence end 3"
    )


def run(args: argparse.Namespace) -> int:
    words: list[str] = args.words
    if not words and not _match(args) and args.why is None:
        return list_silences(args)
    action = _ACTIONS.get(words[0] if words else "")
    if action is not None:
        return action(args)
    if len(words) != 1:
        raise Invalid(
            "until", "expected one word for how long or until when, as in: trackdesk silence 2h --service crm"
        )
    return add_silence(args)


def _match(args: argparse.Namespace) -> dict[str, Any]:
    match: dict[str, Any] = {name: getattr(args, name) for name in _MATCHED if getattr(args, name)}
    if "severity" in match:
        match["severity"] = [each.upper() for each in match["severity"]]
    tags: dict[str, list[str]] = {}
    for key, value in args.tag or ():
        tags.setdefault(key, []).append(value)
    return {**match, "tag": tags} if tags else match


def _numbers(args: argparse.Namespace) -> list[int]:
    """The ids behind the action. Raises Invalid."""
    wrong = next((word for word in args.words[1:] if not word.isdecimal()), None)
    if wrong is not None or len(args.words) == 1:
        raise Invalid("id", f"expected the number of a silence after {args.words[0]}", wrong)
    return [int(word) for word in args.words[1:]]


def add_silence(args: argparse.Namespace) -> int:
    match = _match(args)
    if not match:
        raise Invalid("match", "expected what to silence: --service, --process, --rule, --severity or --tag")
    if args.why is None:
        raise Invalid("why", "expected the reason, as in: --why 'deploy of 4.2'")
    try:
        until = str(parse_due(args.words[0]))
    except ValueError as error:
        raise Invalid("until", str(error)) from None
    body = {"match": match, "until": until, "reason": args.why}
    if args.begin is not None:
        body["from"] = args.begin / 1_000_000

    async def work(client: Client) -> int:
        made = await client.silences.add(body)
        if args.json:
            print_json(plain(made))
        else:
            print(made.id)
            say(
                args, f"silence {made.id} ends {times.full(made.until)}; end it before: trackdesk silence end {made.id}"
            )
        return exits.OK

    return with_client(args, work)


def list_silences(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await listed(client, SILENCE_LIST, {"state": args.state, "q": args.q}, most=args.limit)
        if args.json:
            print_json(plain(found))
        else:
            show(_COLUMNS, [_row(each) for each in found], "no silence matches")
        return exits.OK

    return with_client(args, work)


def _row(silence: Silence) -> list[Cell | str]:
    return [
        str(silence.id),
        Cell(silence.state, _STYLES[silence.state]),
        matched(silence.match),
        times.full(silence.until) or "",
        str(silence.muted),
        str(silence.held),
        silence.created_by,
        silence.reason,
    ]


def matched(match: dict[str, Any]) -> str:
    """`service:crm,web severity:LOW tag:env=test`."""
    parts = [f"{name}:{','.join(match[name])}" for name in _MATCHED if name in match]
    parts += [f"tag:{key}={','.join(values)}" for key, values in match.get("tag", {}).items()]
    return " ".join(parts)


def show_silence(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        for number in _numbers(args):
            silence = await client.silences.get(number)
            if args.json:
                print_json(plain(silence))
                continue
            facts(
                [
                    ("silence", str(silence.id)),
                    ("state", Cell(silence.state, _STYLES[silence.state])),
                    ("matches", matched(silence.match)),
                    ("reason", silence.reason),
                    ("from", times.full(silence.from_)),
                    ("until", times.full(silence.until)),
                    ("made by", silence.created_by),
                    ("ended by", silence.ended_by),
                    ("muted", f"{silence.muted} incidents, {silence.held} wait for its end"),
                ]
            )
        return exits.OK

    return with_client(args, work)


def preview_silence(args: argparse.Namespace) -> int:
    """What it would have muted; with `--json` the same."""
    match = _match(args)
    if not match:
        raise Invalid("match", "expected what to silence: --service, --process, --rule, --severity or --tag")
    body = {"match": match, "since": (args.since or PREVIEWED) / 1_000_000}

    async def work(client: Client) -> int:
        found = await client.silences.preview(body)
        if args.json:
            print_json(plain(found))
        else:
            _print_preview(args, found)
        return exits.OK

    return with_client(args, work)


def _print_preview(args: argparse.Namespace, found: Preview) -> None:
    rows: list[list[Cell | str]] = [
        [each.ref, each.severity, each.status, times.ago(each.opened_at), each.title] for each in found.incidents
    ]
    show(_WOULD, rows, "nothing")
    more = found.muted - len(found.incidents)
    since = format_duration(args.since or PREVIEWED)
    say(
        args,
        f"would have muted {found.muted} of {found.opened} incidents of the last {since}"
        + (f", {more} more than are shown" if more else "")
        + f"; open now: {found.open}",
    )


def end_silences(args: argparse.Namespace) -> int:
    async def end(client: Client, number: int) -> None:
        await client.silences.end(number)

    def done(number: int, _: None) -> str:
        return f"silence {number} has ended; what it held back and still stands is told now"

    return one_by_one(args, _numbers(args), end, done, called=lambda number: f"silence {number}")


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": list_silences,
    "show": show_silence,
    "preview": preview_silence,
    "end": end_silences,
}
