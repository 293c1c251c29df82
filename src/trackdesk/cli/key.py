"""`trackdesk key`: list, make and revoke keys. The secret of a new key is all there is on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, pick, plain, show_list, with_client
from trackdesk.cli.common import add_limit, checked, print_json, say, whole
from trackdesk.cli.exits import OK
from trackdesk.cli.table import Cell, Column
from trackdesk.contract.operations import KEY_LIST
from trackdesk.domain.identity import Role
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    import argparse

    from trackdesk.client import Client
    from trackdesk.domain.identity import Key

_COLUMNS = (
    Column("ID", right=True),
    Column("NAME", shrinks=True),
    Column("ROLE"),
    Column("DEPARTMENTS", shrinks=True),
    Column("EXPIRES"),
    Column("LAST USED"),
    Column("MADE"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, list_keys)
    add_limit(parser, "all")
    add_limit(actions.add("list", list_keys, "list keys, without their secrets"), "all")
    make = actions.add("make", make_key, "make a key and print its secret, this once")
    make.add_argument("name", metavar="NAME", help="what it is for, as in: backup-host")
    make.add_argument(
        "--role",
        type=str.upper,
        choices=[str(each) for each in Role],
        required=True,
        help="INGEST only reports runs, REPORTER reads and reports, MAINTAINER triages and sets up, ADMIN may all",
    )
    make.add_argument(
        "--department", action="append", metavar="ID", default=None, help="sees only this one's inbox; may be repeated"
    )
    make.add_argument("--expires", metavar="TIME", type=checked(times.ahead), default=None, help='"90d", or a time')
    make.add_argument(
        "--rate-limit",
        metavar="N",
        type=whole("rate-limit", 1, 1_000_000),
        default=None,
        help="requests a second; none when absent",
    )
    revoke = actions.add("revoke", revoke_key, "revoke a key at once")
    revoke.add_argument("key", metavar="KEY", help="its id or name")


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def list_keys(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        keys = await listed(client, KEY_LIST, most=args.limit)
        return show_list(
            args, keys, _COLUMNS, _row, "no keys yet, only the owner key: trackdesk key make NAME --role INGEST"
        )

    return with_client(args, work)


def _row(key: Key) -> list[Cell | str]:
    expired = key.expires_at is not None and key.expires_at <= times.now()
    return [
        str(key.id),
        key.name,
        str(key.role),
        ", ".join(key.departments) or "all",
        Cell("expired", "bad") if expired else times.left(key.expires_at),
        times.ago(key.last_used_at),
        times.ago(key.created_at),
    ]


def make_key(args: argparse.Namespace) -> int:
    body: dict[str, Any] = {"name": args.name, "role": args.role}
    if args.department:
        body["departments"] = args.department
    if args.expires is not None:
        body["expires_at"] = format_instant(args.expires)
    if args.rate_limit is not None:
        body["rate_limit"] = args.rate_limit

    async def work(client: Client) -> int:
        made = await client.keys.add(body)
        if args.json:
            print_json(plain(made))
        else:
            print(made.key)
            say(args, f"key {made.id} {made.name!r} ({made.role}); this is the only time it is shown")
        return OK

    return with_client(
        args, work, {"expires_at": "--expires", "departments": "--department", "rate_limit": "--rate-limit"}
    )


def revoke_key(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        key = pick(await listed(client, KEY_LIST), "key", args.key)
        await client.keys.delete(key.id)
        say(args, f"key {key.id} {key.name!r} is revoked")
        return OK

    return with_client(args, work)
