"""`trackdesk rules add`, `set` and `test`: a rule as it is typed, and what it would have opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import times
from trackdesk.cli.calls import plain, with_client
from trackdesk.cli.common import checked, finite, print_json, say, tag
from trackdesk.cli.exits import OK
from trackdesk.cli.table import Cell, Column, show
from trackdesk.domain.condition import EXAMPLES, parse_condition
from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident import Severity
from trackdesk.domain.instant import format_instant
from trackdesk.domain.rule import condition_words, number_words

if TYPE_CHECKING:
    import argparse

    from trackdesk.cli.actions import Actions
    from trackdesk.client import Client
    from trackdesk.domain.rule_trial import RuleTrial, WouldOpen

NONE = "none"
_TEXTS = {
    "name": "what people read; the id when absent",
    "description": "what it means and what to do",
    "service": "only this one; every service that has the metric when absent",
    "department": "who is told; the service's when absent",
}
_COLUMNS = (
    Column("SERVICE", shrinks=True),
    Column("FROM"),
    Column("UNTIL"),
    Column("LASTED", right=True),
    Column("PEAK", right=True),
    Column("SEEN", right=True, from_width=70),
)


def add_actions(actions: Actions) -> None:
    add = actions.add("add", add_rule, "make a rule")
    add.epilog = f"Example: trackdesk rules add slow-checkout '{EXAMPLES[1]}' --service checkout --severity high"
    add.add_argument("rule", metavar="ID", help="as in: slow-checkout; - has one made up")
    add.add_argument("condition", metavar="CONDITION", type=checked(_condition), help="in quotes, see below")
    add.add_argument("--disabled", action="store_true", help="look at nothing until it is enabled")
    _add_settings(add)
    change = actions.add("set", set_rule, "change a rule; acts at once")
    change.epilog = (
        "Example: trackdesk rules set slow-checkout --severity critical --recover 300. The word `none` takes a setting "
        "back to what is usual. A condition is taken whole: what it doesn't say is no longer so."
    )
    change.add_argument("rule", metavar="RULE")
    change.add_argument("condition", metavar="CONDITION", nargs="?", default=None, type=checked(_condition))
    _add_settings(change)
    test = actions.add("test", test_rule, "say which incidents a rule would have opened over the stored samples")
    test.add_argument("rule", metavar="RULE")
    _add_since(test, "from when on (1d ago)")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what else it is")
    for name, words in _TEXTS.items():
        group.add_argument(f"--{name}", metavar="TEXT", help=words)
    group.add_argument("--tag", metavar="KEY=VALUE", action="append", type=checked(_tag), help="samples must have it")
    severities = [*(str(each).lower() for each in Severity), NONE]
    group.add_argument("--severity", type=str.lower, choices=severities, help="of its incidents (medium)")
    group.add_argument("--recover", metavar="NUMBER", type=checked(_recover), help="recovered only behind this value")
    group.add_argument("--priority", metavar="N", type=checked(_whole), help="the least comes first (100)")
    group.add_argument("--auto-close", choices=("yes", "no"), help="whether recovery closes its incident (yes)")
    trial = parser.add_argument_group("trying it")
    trial.add_argument("--test", action="store_true", help="say what it would have opened, and change nothing")
    _add_since(trial, "for --test: from when on (1d ago)")


def _add_since(parser: argparse.ArgumentParser | argparse._ArgumentGroup, words: str) -> None:
    parser.add_argument("--since", metavar="TIME", type=checked(times.since), help=words)


def _condition(text: str) -> dict[str, Any]:
    try:
        return parse_condition(text)
    except Invalid as error:
        raise ValueError(error.detail) from None


def _tag(text: str) -> tuple[str, str] | str:
    return text if text == NONE else tag(text)


def _recover(text: str) -> float | str:
    return text if text == NONE else finite("recover", text)


def _whole(text: str) -> int | str:
    if text != NONE and not (text.isascii() and text.isdecimal()):
        raise ValueError(f"priority: expected a whole number from 1 on, not {text!r}")
    return text if text == NONE else int(text)


def body_of(args: argparse.Namespace) -> dict[str, Any]:
    """The members that were typed; what was not said is not in it."""
    given = vars(args)
    body: dict[str, Any] = dict(given.get("condition") or {})
    for name in (*_TEXTS, "severity", "priority"):
        _take(body, name, given.get(name))
    _take(body, "recover_threshold", given.get("recover"))
    if body.get("severity") is not None:
        body["severity"] = body["severity"].upper()
    if given.get("tag"):
        body["tags"] = None if NONE in given["tag"] else dict(given["tag"])
    if "auto_close" in given:
        body["auto_close"] = given["auto_close"] == "yes"
    if given.get("disabled"):
        body["enabled"] = False
    return body


def _take(body: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        body[name] = None if value == NONE else value


def add_rule(args: argparse.Namespace) -> int:
    body = body_of(args)
    if args.rule != "-":
        body["id"] = args.rule

    async def work(client: Client) -> int:
        if getattr(args, "test", False):
            return _tell(args, await client.rules.preview(_with_since(args, body)))
        made = await client.rules.add(body)
        if args.json:
            print_json(plain(made))
        else:
            print(made.id)
        say(args, f"rule {made.id} is made: {condition_words(made)}")
        return OK

    return with_client(args, work)


def set_rule(args: argparse.Namespace) -> int:
    body = body_of(args)

    async def work(client: Client) -> int:
        if getattr(args, "test", False):
            return _tell(args, await client.rules.test(args.rule, _with_since(args, body)))
        if not body:
            raise Invalid("rules set", "expected something to set, as in --severity high")
        rule = await client.rules.patch(args.rule, body)
        if args.json:
            print_json(plain(rule))
        say(args, f"rule {rule.id} is changed: {condition_words(rule)}")
        return OK

    return with_client(args, work)


def test_rule(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        return _tell(args, await client.rules.test(args.rule, _with_since(args, {})))

    return with_client(args, work)


def _with_since(args: argparse.Namespace, body: dict[str, Any]) -> dict[str, Any]:
    since = getattr(args, "since", None)
    return body if since is None else {**body, "since": format_instant(since)}


def _tell(args: argparse.Namespace, trial: RuleTrial) -> int:
    if args.json:
        print_json(plain(trial))
        return OK
    often = {0: "would have opened no incident", 1: "would have opened 1 incident"}
    told = often.get(trial.count, f"would have opened {trial.count:,} incidents")
    over = f"{trial.samples:,} samples of {trial.series:,} series" + " (the newest; there are more)" * trial.truncated
    print(f"{told} since {times.full(trial.since)}, over {over}")
    if trial.would_open:
        print()
        show(_COLUMNS, [_row(each) for each in trial.would_open], "")
    return OK


def _row(incident: WouldOpen) -> list[Cell | str]:
    until = incident.recovered_at
    return [
        incident.service,
        times.full(incident.opened_at) or "",
        Cell("still open", "bad") if until is None else times.full(until) or "",
        times.span(incident.duration),
        Cell("silent", "dim") if incident.peak is None else number_words(incident.peak),
        str(incident.occurrences),
    ]
