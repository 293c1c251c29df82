"""`trackdesk department`: the teams that own processes and are told of what goes wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.cli import times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, plain, with_client
from trackdesk.cli.common import add_limit, print_json, say
from trackdesk.cli.exits import OK
from trackdesk.cli.table import Column, show
from trackdesk.contract.telling import DEPARTMENT_LIST

if TYPE_CHECKING:
    import argparse

    from trackdesk.client import Client

_COLUMNS = (Column("ID"), Column("NAME", shrinks=True), Column("DESCRIPTION", shrinks=True), Column("MADE"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, list_departments)
    add_limit(parser, "all")
    add_limit(actions.add("list", list_departments, "list departments"), "all")
    add = actions.add("add", add_department, "make a department")
    add.add_argument("id", metavar="ID", help="what processes and channels refer to, as in: payments")
    add.add_argument("--name", metavar="NAME", default=None, help="what people read; the id when absent")
    add.add_argument("--description", metavar="TEXT", default=None)
    remove = actions.add("remove", remove_department, "delete a department that nothing refers to")
    remove.add_argument("id", metavar="ID")


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def list_departments(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await listed(client, DEPARTMENT_LIST, most=args.limit)
        if args.json:
            print_json(plain(found))
        else:
            rows = [[each.id, each.name, each.description or "", times.ago(each.created_at or None)] for each in found]
            show(_COLUMNS, rows, "no departments")
        return OK

    return with_client(args, work)


def add_department(args: argparse.Namespace) -> int:
    body = {"id": args.id, "name": args.id if args.name is None else args.name}
    if args.description:
        body["description"] = args.description

    async def work(client: Client) -> int:
        made = await client.departments.add(body)
        if args.json:
            print_json(plain(made))
        say(args, f"department {made.id} is made; give it work: PATCH /v1/processes/NAME, or the console's Processes")
        return OK

    return with_client(args, work, {"id": "ID", "name": "--name", "description": "--description"})


def remove_department(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        await client.departments.delete(args.id)
        say(args, f"department {args.id} is deleted")
        return OK

    return with_client(args, work)
