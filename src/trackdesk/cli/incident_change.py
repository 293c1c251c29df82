"""`trackdesk incidents change`: severity, assignee, department and texts of one incident or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import exits
from trackdesk.cli.calls import one_by_one
from trackdesk.cli.common import checked, complain
from trackdesk.cli.incident_number import number
from trackdesk.domain.incident import Severity

if TYPE_CHECKING:
    import argparse

    from trackdesk.cli.actions import Actions
    from trackdesk.client import Client
    from trackdesk.domain.incident import Incident

_TEXTS = ("assignee", "department", "title", "description")


def add_action(actions: Actions) -> None:
    parser = actions.add("change", change, "change severity, assignee, department or texts")
    parser.add_argument("incidents", metavar="INC", nargs="+", type=checked(number), help="INC-42, or 42")
    words = [str(each) for each in Severity]
    parser.add_argument("--severity", type=str.upper, choices=words, default=None, help="how grave it is")
    for name in _TEXTS:
        parser.add_argument(f"--{name}", metavar=name.upper(), default=None)
    parser.add_argument("--nobody", action="store_true", default=False, help="take the assignee away")


def change(args: argparse.Namespace) -> int:
    body: dict[str, Any] = {
        name: value for name in ("severity", *_TEXTS) if (value := getattr(args, name)) is not None
    }  # fmt: skip
    if args.nobody and "assignee" in body:
        complain("say either --assignee or --nobody")
        return exits.USAGE
    if args.nobody:
        body["assignee"] = None
    if not body:
        complain("say what to change: --severity, --assignee, --nobody, --department, --title or --description")
        return exits.USAGE

    async def patch(client: Client, incident: int) -> Incident:
        return await client.incidents.patch(incident, body)

    return one_by_one(args, args.incidents, patch, lambda _, found: f"{found.ref} changed", lambda each: f"INC-{each}")
