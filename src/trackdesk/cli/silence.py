"""`trackdesk silence 2h --service crm --why deploy`: tell nobody about what matches for a while."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trackdesk.cli import exits, times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, one_by_one, plain, show_list, with_client
from trackdesk.cli.common import add_common, add_limit, checked, print_json, say, tag
from trackdesk.cli.parser import Parser
from trackdesk.cli.table import Cell, Column, facts, show
from trackdesk.contract.noise import SILENCE_LIST
from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident import Severity
from trackdesk.domain.instant import format_duration, parse_duration
from trackdesk.domain.run import parse_due
from trackdesk.domain.silence import PREVIEWED, SilenceState

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

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
_STANDING = {SilenceState.ACTIVE, SilenceState.PENDING}
_LISTED = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, list_silences)
    _add_filters(parser)
    _add_filters(actions.add("list", list_silences, "list silences, those that have ended behind the others"))
    add = actions.add("add", add_silence, "silence something; the word add may be left out")
    add.add_argument(
        "until", metavar="UNTIL", type=checked(parse_due), help="for how long or until when: 2h, 2026-01-02T06:00:00Z"
    )
    _add_matchers(add)
    add.add_argument("--why", metavar="TEXT", required=True, help="the reason that everybody sees")
    add.add_argument("--from", dest="begin", metavar="TIME", type=checked(times.ahead), help="when it begins (now)")
    _numbered(actions, "show", show_silence, "show silences with all they have")
    preview = actions.add("preview", preview_silence, "what a silence would have muted")
    _add_matchers(preview)
    preview.add_argument("--since", metavar="SPAN", type=checked(parse_duration), help="how far back (7d)")
    _numbered(actions, "end", end_silences, "end them now; what still stands is told")
    parser.epilog = (
        "Examples: trackdesk silence 2h --service crm --why 'deploy of 4.2'; trackdesk silence preview "
        "--service 'pay*'; trackdesk silence end 3"
    )
    parser.parse_args = partial(_parse_words, parser.prog, actions, parser.parse_args)  # type: ignore[assignment, method-assign]


def _parse_words(
    prog: str, actions: Actions, parse: Callable[[Sequence[str]], argparse.Namespace], words: Sequence[str]
) -> argparse.Namespace:
    """`trackdesk silence 2h --service crm` is `trackdesk silence add 2h --service crm`."""
    before = Parser(prog, add_help=False, allow_abbrev=False)
    _add_filters(before)
    add_common(before)
    _, behind = before.parse_known_args(words)
    whole = not behind or behind[0] in {*actions.names, "-h", "--help"}
    return parse(words if whole else ["add", *words])


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", action="append", choices=list(SilenceState), help="only these")
    parser.add_argument("--q", metavar="QUERY", help="the console's filter, as in: state:active by:ada")
    add_limit(parser, str(_LISTED))


def _add_matchers(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what to silence (of a flag given twice any value, of unlike flags all)")
    for name in _MATCHED[:3]:
        what.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar=name.upper(),
            help=f"this {name}, or those that begin so: pay*",
        )
    severities = [str(each).lower() for each in Severity]
    what.add_argument(
        "--severity", action="append", default=[], type=str.lower, choices=severities, help="of this severity"
    )
    what.add_argument(
        "--tag", action="append", default=[], metavar="K=V", type=checked(tag), help="with this tag; V may end in *"
    )


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not text.strip("0"):
        raise ValueError(f"silence: expected its number, such as 3, not {text!r}")
    return int(text)


def _numbered(actions: Actions, name: str, action: Callable[[argparse.Namespace], int], words: str) -> None:
    actions.add(name, action, words).add_argument(
        "silences", metavar="ID", type=checked(_number), nargs="+", help="its number; several at once"
    )


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def _match(args: argparse.Namespace) -> dict[str, Any]:
    match: dict[str, Any] = {name: getattr(args, name) for name in _MATCHED if getattr(args, name)}
    if "severity" in match:
        match["severity"] = [each.upper() for each in match["severity"]]
    tags: dict[str, list[str]] = {}
    for key, value in args.tag:
        tags.setdefault(key, []).append(value)
    return {**match, "tag": tags} if tags else match


def add_silence(args: argparse.Namespace) -> int:
    match = _match(args)
    if not match:
        raise Invalid("match", "expected what to silence: --service, --process, --rule, --severity or --tag")
    body = {"match": match, "until": str(args.until), "reason": args.why}
    if "begin" in args:
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

    return with_client(args, work, {"reason": "--why", "from": "--from", "until": "UNTIL"})


def list_silences(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        most = _LISTED if args.limit is None else args.limit
        # What stands comes first, however many have ended since it was made.
        asked = args.state or list(SilenceState)
        found: list[Silence] = []
        for states in (_STANDING, {SilenceState.ENDED}):
            wanted = [each for each in SilenceState if each in states and each in asked]
            if wanted and len(found) < most:
                query = {"state": wanted, "q": args.q}
                found += await listed(client, SILENCE_LIST, query, most=most - len(found))
        return show_list(args, found, _COLUMNS, _row, "no silence matches")

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
        for number in args.silences:
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
    since = getattr(args, "since", PREVIEWED)
    body = {"match": match, "since": since / 1_000_000}

    async def work(client: Client) -> int:
        found = await client.silences.preview(body)
        if args.json:
            print_json(plain(found))
        else:
            _print_preview(args, found, since)
        return exits.OK

    return with_client(args, work, {"since": "--since"})


def _print_preview(args: argparse.Namespace, found: Preview, since: int) -> None:
    rows: list[list[Cell | str]] = [
        [each.ref, each.severity, each.status, times.ago(each.opened_at), each.title] for each in found.incidents
    ]
    show(_WOULD, rows, "nothing")
    more = found.muted - len(found.incidents)
    say(
        args,
        f"would have muted {found.muted} of {found.opened} incidents of the last {format_duration(since)}"
        + (f", {more} more than are shown" if more else "")
        + f"; open now: {found.open}",
    )


def end_silences(args: argparse.Namespace) -> int:
    async def end(client: Client, number: int) -> None:
        await client.silences.end(number)

    def done(number: int, _: None) -> str:
        return f"silence {number} has ended; what it held back and still stands is told now"

    return one_by_one(args, args.silences, end, done, called=lambda number: f"silence {number}")
