"""`trackdesk incidents change`: severity, assignee, department and texts of one incident or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import exits
from trackdesk.cli.calls import plain, with_client
from trackdesk.cli.common import checked, complain, print_json, say
from trackdesk.cli.incident_number import number
from trackdesk.domain.errors import TrackdeskError
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

    async def work(client: Client) -> int:
        changed: list[Incident] = []
        codes: list[int] = []
        for each in dict.fromkeys(args.incidents):
            try:
                changed.append(await client.incidents.patch(each, body))
            except TrackdeskError as error:
                complain(f"INC-{each}: {error.detail}")
                codes.append(exits.for_status(error.status))
        if args.json:
            print_json(plain(changed))
        for incident in changed:
            say(args, f"{incident.ref} changed")
        return codes[0] if codes else exits.OK

    return with_client(args, work)
