"""`trackdesk channel`: make, test and look after the places outside that are told. A channel's URL is a secret, so it
comes from a variable, a file or stdin, never from the argument list, which every user of the machine can read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackdesk.cli import exits, times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, pick, plain, show_list, with_client
from trackdesk.cli.common import add_limit, checked, print_json, say, tag, whole
from trackdesk.cli.table import Cell, Column
from trackdesk.contract.telling import CHANNEL_LIST, DELIVERY_LIST
from trackdesk.domain.errors import Invalid
from trackdesk.domain.incident import Severity
from trackdesk.domain.notification import NEVER_CHOSEN, DeliveryStatus, Kind

if TYPE_CHECKING:
    import argparse

    from trackdesk.client import Client
    from trackdesk.domain.notification import Channel, Delivery

_COLUMNS = (
    Column("ID", right=True),
    Column("NAME", shrinks=True),
    Column("STATE"),
    Column("WHERE", shrinks=True),
    Column("DEPARTMENT", shrinks=True, from_width=90),
    Column("MIN SEVERITY", from_width=100),
    Column("LAST PROVEN"),
    Column("WAITING", right=True),
)
_DELIVERY_COLUMNS = (
    Column("ID", right=True),
    Column("STATUS"),
    Column("CHANNEL", shrinks=True),
    Column("ABOUT", shrinks=True),
    Column("TRIES", right=True),
    Column("MADE"),
    Column("NEXT TRY"),
    Column("LAST ERROR", shrinks=True),
)
_STYLES = {"SENT": "good", "DEAD": "bad", "RETRYING": "warn", "PENDING": "", "GROUPED": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, list_channels)
    add_limit(parser, "all")
    add_limit(actions.add("list", list_channels, "list channels and how they fare"), "all")
    _add_add(actions.add("add", add_channel, "make a channel; without --url-env and --url-file its URL is asked for"))
    for name, action, words in (
        ("test", test_channel, "send a test message now and say what came of it"),
        ("enable", switch_channel, "tell it again"),
        ("disable", switch_channel, "tell it nothing for now"),
        ("remove", remove_channel, "delete a channel with its deliveries"),
    ):
        one = actions.add(name, action, words)
        one.add_argument("channel", metavar="CHANNEL", help="its id or name")
        one.set_defaults(enabled=name == "enable")
    sent = actions.add("deliveries", list_deliveries, "list deliveries, newest first")
    sent.add_argument("channel", metavar="CHANNEL", nargs="?", default=None, help="its id or name; all when absent")
    statuses = [status.lower() for status in DeliveryStatus]
    sent.add_argument("--status", action="append", type=str.lower, choices=statuses, default=None)
    add_limit(sent, "50")
    retry = actions.add("retry", retry_delivery, "try a delivery again at once, also a dead one")
    retry.add_argument(
        "delivery", metavar="DELIVERY", type=whole("delivery"), nargs="+", help="its id; several at once"
    )


def _add_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what people call it, as in: ops-mail")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url-env", metavar="VARIABLE", default=None, help="the variable that holds the URL")
    where.add_argument("--url-file", metavar="FILE", default=None, help="the file that holds the URL; - for stdin")
    signed = parser.add_mutually_exclusive_group()
    signed.add_argument(
        "--secret-env", metavar="VARIABLE", default=None, help="a variable: what webhooks are signed with"
    )
    signed.add_argument("--secret-file", metavar="FILE", default=None, help="a file: what webhooks are signed with")
    parser.add_argument("--department", metavar="ID", default=None, help="only what concerns this department")
    severities = [severity.lower() for severity in Severity]
    parser.add_argument("--min-severity", type=str.lower, choices=severities, default=None, help="this or worse")
    kinds = [str(kind) for kind in Kind if kind not in NEVER_CHOSEN]
    parser.add_argument(
        "--kind", action="append", type=str.lower, choices=kinds, metavar="KIND", default=None, help=", ".join(kinds)
    )
    parser.add_argument("--process", metavar="NAME", default=None, help="only this process")
    parser.add_argument("--service", metavar="NAME", default=None, help="only this service")
    parser.add_argument(
        "--tag", metavar="K=V", action="append", type=checked(tag), default=None, help="only with these"
    )
    parser.add_argument(
        "--group-window", metavar="SPAN", default=None, help="gather what comes within it into one message, as in: 5m"
    )
    parser.epilog = (
        "A URL is one of Apprise's (mailtos://…, slack://…, tgram://…, ntfy://…) or webhook+https://HOST/PATH for a "
        "signed webhook."
    )


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


async def _one(client: Client, args: argparse.Namespace) -> Channel:
    found: Channel = pick(await listed(client, CHANNEL_LIST), "channel", args.channel)
    return found


def list_channels(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        channels = await listed(client, CHANNEL_LIST, most=args.limit)
        return show_list(args, channels, _COLUMNS, _row, "no channels yet: trackdesk channel add NAME")

    return with_client(args, work)


def _row(channel: Channel) -> list[Cell | str]:
    return [
        str(channel.id),
        channel.name,
        _state(channel),
        channel.url,
        channel.department or "all",
        str(channel.min_severity or "any"),
        times.ago(channel.proven_at),
        str(channel.pending),
    ]


def _state(channel: Channel) -> Cell:
    if not channel.enabled:
        return Cell("off", "dim")
    if channel.dead_since is not None:
        return Cell("dead", "bad")
    if channel.pending and channel.last_error is not None:
        return Cell("retrying", "warn")
    return Cell("proven", "good") if channel.proven_at is not None else Cell("unproven", "warn")


def add_channel(args: argparse.Namespace) -> int:
    body: dict[str, Any] = {"name": args.name, "url": _url(args)}
    if secret := _from(args.secret_env, args.secret_file, "secret"):
        body["secret"] = secret
    narrowed = {
        "department": args.department,
        "min_severity": args.min_severity and args.min_severity.upper(),
        "kinds": args.kind,
        "group_window": args.group_window,
        "match": _match(args),
    }
    body |= {name: value for name, value in narrowed.items() if value}

    async def work(client: Client) -> int:
        made = await client.channels.add(body)
        if args.json:
            print_json(plain(made))
        else:
            print(made.id)
            say(args, f"channel {made.id} {made.name!r} goes to {made.url}; try it: trackdesk channel test {made.id}")
        return exits.OK

    flags = {"kinds": "--kind", **{name: f"--{name.replace('_', '-')}" for name in narrowed if name != "kinds"}}
    return with_client(args, work, flags)


def _match(args: argparse.Namespace) -> dict[str, Any]:
    match = {"process": args.process, "service": args.service, "tag": dict(args.tag) if args.tag else None}
    return {name: value for name, value in match.items() if value}


def _url(args: argparse.Namespace) -> str:
    if found := _from(args.url_env, args.url_file, "url"):
        return found
    if not sys.stdin.isatty():
        if given := sys.stdin.readline().strip():
            return given
        raise Invalid("url", "expected it in --url-env VARIABLE, in --url-file FILE, or on stdin")
    from getpass import getpass

    return getpass("URL of the channel (not shown): ").strip()


def _from(variable: str | None, file: str | None, what: str) -> str | None:
    """The secret in a variable or file; None when neither is named. Raises Invalid, OSError."""
    if variable is not None:
        value = os.environ.get(variable, "").strip()
        if not value:
            raise Invalid(f"{what}-env", "expected the name of a variable that is set", variable)
        return value
    if file is None:
        return None
    text = sys.stdin.readline() if file == "-" else Path(file).expanduser().read_text("utf-8")
    if not text.strip():
        raise Invalid(f"{what}-file", "expected a file with something in it", file)
    return text.strip()


def test_channel(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        channel = await _one(client, args)
        delivery = await client.channels.test(channel.id)
        if args.json:
            print_json(plain(delivery))
        sent = delivery.status == DeliveryStatus.SENT
        last = delivery.attempts[-1] if delivery.attempts else None
        what = (
            f"arrived after {times.span(last.took)}" if sent and last else f"{delivery.status}: {_last_error(delivery)}"
        )
        say(args, f"{channel.name}: {what}")
        return exits.OK if sent else exits.FAILED

    return with_client(args, work)


def switch_channel(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        channel = await _one(client, args)
        changed = await client.channels.patch(channel.id, {"enabled": args.enabled}, if_match=channel.version)
        if args.json:
            print_json(plain(changed))
        say(args, f"{changed.name} is {'on' if changed.enabled else 'off'}")
        return exits.OK

    return with_client(args, work)


def remove_channel(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        channel = await _one(client, args)
        await client.channels.delete(channel.id)
        say(args, f"{channel.name} is deleted")
        return exits.OK

    return with_client(args, work)


def list_deliveries(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        channel = [(await _one(client, args)).id] if args.channel else None
        query = {"channel": channel, "status": args.status}
        found = await listed(client, DELIVERY_LIST, query, most=args.limit or 50)
        return show_list(args, found, _DELIVERY_COLUMNS, _delivery_row, "no delivery matches")

    return with_client(args, work)


def _delivery_row(delivery: Delivery) -> list[Cell | str]:
    return [
        str(delivery.id),
        Cell(delivery.status, _STYLES[delivery.status]),
        delivery.channel_name,
        delivery.title,
        str(len(delivery.attempts)),
        times.ago(delivery.created_at),
        times.left(delivery.next_try_at),
        _last_error(delivery),
    ]


def _last_error(delivery: Delivery) -> str:
    errors = [attempt.error or attempt.status for attempt in delivery.attempts if attempt.outcome != "sent"]
    return errors[-1] if errors else ""


def retry_delivery(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        tried = [await client.deliveries.retry(each) for each in args.delivery]
        if args.json:
            print_json(plain(tried))
        for each in tried:
            say(args, f"delivery {each.id} to {each.channel_name} is tried again")
        return exits.OK

    return with_client(args, work)
