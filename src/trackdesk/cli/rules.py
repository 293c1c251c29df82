"""`trackdesk rules`: list rules and how they stand; show, add, set, try, enable, disable and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import exits, rule_set, times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, one_by_one, plain, show_list, with_client
from trackdesk.cli.common import add_limit, checked, print_json
from trackdesk.cli.table import Cell, Column, facts, paint, show
from trackdesk.contract.rules import RULE_LIST
from trackdesk.domain.incident import Severity
from trackdesk.domain.instant import format_instant
from trackdesk.domain.rule import RuleState, condition_words, number_words
from trackdesk.domain.safe import safe_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from trackdesk.client import Client
    from trackdesk.domain.rule import ListedRule

_WORDS = ("metric_type", "service", "department")
_SORTS = ("priority", "name", "updated_at", "trigger_count")
_STYLES = {"FIRING": "bad", "NO_DATA": "bad", "PENDING": "warn", "OK": "good"}
_SEVERE = {"CRITICAL": "bad", "HIGH": "bad", "MEDIUM": "warn"}
_COLUMNS = (
    Column("STATE"),
    Column("RULE", shrinks=True),
    Column("CONDITION", shrinks=True),
    Column("SERVICE", shrinks=True, from_width=70),
    Column("SEVERITY", from_width=90),
    Column("OPEN", right=True),
    Column("EVER", right=True, from_width=90),
    Column("LAST", from_width=70),
)
_TOP = (Column("RULE", shrinks=True), Column("NAME", shrinks=True), Column("TIMES", right=True), Column("LAST"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, list_rules)
    _add_filters(parser)
    _add_filters(actions.add("list", list_rules, "list rules and how they stand"))
    one = actions.add("show", show_rule, "show one rule")
    one.add_argument("rule", metavar="RULE")
    rule_set.add_actions(actions)
    _many(actions, "enable", enable_rules, "have them look at samples from now on")
    _many(actions, "disable", disable_rules, "have them look at nothing, which closes their incidents")
    _many(actions, "delete", delete_rules, "delete them; their incidents stay as they are")
    top = actions.add("top", top_rules, "the rules that opened most incidents")
    top.add_argument("--since", metavar="TIME", type=checked(times.since), help="from when on (7d ago)")
    add_limit(top, "10", 50)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which rules (a flag that is given twice means any of the two)")
    for name, choices in (("state", RuleState), ("severity", Severity)):
        words = [str(each).lower() for each in choices]
        group.add_argument(f"--{name}", action="append", type=str.lower, choices=words, help=f"of this {name}")
    for word in _WORDS:
        shown = word.removesuffix("_type")
        group.add_argument(f"--{shown}", dest=word, action="append", metavar=shown.upper(), help=f"on this {shown}")
    group.add_argument("--enabled", choices=("yes", "no"), help="whether they look at samples")
    group.add_argument("--search", metavar="WORDS", help="words in id, name, description, metric and service")
    group.add_argument("--q", metavar="QUERY", help="the console's filter, as in: state:firing severity:>=high")
    group.add_argument("--sort", choices=[f"{way}{name}" for name in _SORTS for way in ("", "-")], help="priority")
    add_limit(group, "all")
    parser.add_argument("--ids", action="store_true", help="only their ids, one a line, for scripts")


def _many(
    actions: Actions, name: str, action: Callable[[argparse.Namespace], int], words: str
) -> argparse.ArgumentParser:
    parser = actions.add(name, action, words)
    parser.add_argument("rules", metavar="RULE", nargs="+", help="its id; several at once")
    return parser


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def list_rules(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await _listed(client, args)
        only = (lambda each: each.id) if args.ids else None
        return show_list(args, found, _COLUMNS, _row, "no rule matches", only)

    return with_client(args, work)


async def _listed(client: Client, args: argparse.Namespace) -> list[ListedRule]:
    query: dict[str, Any] = {
        "state": args.state,
        "severity": args.severity,
        **{word: getattr(args, word) for word in _WORDS},
        "enabled": {"yes": "true", "no": "false"}.get(args.enabled or ""),
        "search": args.search,
        "q": args.q,
        "sort": args.sort,
    }
    return await listed(client, RULE_LIST, query, most=args.limit)


def _row(rule: ListedRule) -> list[Cell | str]:
    return [
        state(rule),
        rule.id,
        condition_words(rule),
        rule.service or Cell("all", "dim"),
        Cell(rule.severity, _SEVERE.get(rule.severity, "")),
        Cell(str(rule.open_incidents), "bad" if rule.open_incidents else "dim"),
        str(rule.trigger_count),
        times.ago(rule.last_triggered_at),
    ]


def state(rule: ListedRule) -> Cell:
    """How it stands; a rule that is switched off stands nowhere."""
    return Cell(rule.state, _STYLES.get(rule.state, "")) if rule.enabled else Cell("off", "dim")


def show_rule(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        rule = await client.rules.get(args.rule)
        if args.json:
            print_json(plain(rule))
        else:
            _print_rule(rule)
        return exits.OK

    return with_client(args, work)


def _print_rule(rule: ListedRule) -> None:
    named = f"  {safe_text(rule.name)}" if rule.name != rule.id else ""
    wrong = f" in {rule.wrong_series} series" if rule.wrong_series > 1 else ""
    print(f"{paint(*state(rule))}{wrong}  {paint(rule.id, 'strong')}{named}\n")
    recovery = None if rule.recover_threshold is None else f"at {number_words(rule.recover_threshold)}"
    facts(
        [
            ("condition", condition_words(rule)),
            ("recovers", recovery),
            ("service", rule.service or Cell("every one that has the metric", "dim")),
            ("tags", ", ".join(f"{key}={value}" for key, value in rule.tags.items()) or None),
            ("severity", Cell(rule.severity, _SEVERE.get(rule.severity, ""))),
            ("department", rule.department or Cell("the service's", "dim")),
            ("closes", None if rule.auto_close else "its incidents are closed by hand"),
            ("priority", str(rule.priority)),
            ("about", rule.description),
            ("open", str(rule.open_incidents)),
            ("ever", f"{rule.trigger_count:,} incidents" if rule.trigger_count else "no incident"),
            ("last", times.full(rule.last_triggered_at)),
            ("made", f"{times.full(rule.created_at)} by {rule.created_by or 'somebody'}"),
            ("changed", times.full(rule.updated_at) if rule.version > 1 else None),
        ]
    )


def enable_rules(args: argparse.Namespace) -> int:
    async def enable(client: Client, rule_id: str) -> ListedRule:
        return await client.rules.patch(rule_id, {"enabled": True})

    return one_by_one(args, args.rules, enable, lambda rule, _: f"rule {rule} is enabled")


def disable_rules(args: argparse.Namespace) -> int:
    async def disable(client: Client, rule_id: str) -> ListedRule:
        return await client.rules.patch(rule_id, {"enabled": False})

    return one_by_one(args, args.rules, disable, lambda rule, _: f"rule {rule} is disabled")


def delete_rules(args: argparse.Namespace) -> int:
    async def delete(client: Client, rule_id: str) -> None:
        await client.rules.delete(rule_id)

    return one_by_one(args, args.rules, delete, lambda rule, _: f"rule {rule} is deleted")


def top_rules(args: argparse.Namespace) -> int:
    since, limit = getattr(args, "since", None), getattr(args, "limit", None)
    query = {"since": None if since is None else format_instant(since), "limit": limit}

    async def work(client: Client) -> int:
        found = await client.rules.top({name: value for name, value in query.items() if value is not None})
        if args.json:
            print_json(plain(found))
        else:
            rows = [
                [
                    each.rule,
                    each.name or Cell("deleted", "dim"),
                    str(each.trigger_count),
                    times.ago(each.last_triggered_at),
                ]
                for each in found
            ]
            show(_TOP, rows, "no rule has opened an incident in this time")
        return exits.OK

    return with_client(args, work)
