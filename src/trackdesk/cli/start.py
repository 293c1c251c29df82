"""`trackdesk start NAME`: `uid=$(trackdesk start nightly-backup --deadline 30m)`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from trackdesk.cli.common import checked, complain, connect, json_object, print_json, send_kept, settings_of, tag
from trackdesk.cli.exits import FAILED, OK
from trackdesk.sdk import values

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser)
    parser.add_argument(
        "--heartbeat-timeout",
        metavar="TIME",
        type=checked(lambda text: (values.seconds("heartbeat-timeout", text), text)[1]),
        help="call the run stalled when it is silent for so long",
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said of a run when it starts, here and in `trackdesk run`."""
    parser.add_argument(
        "name", metavar="NAME", type=checked(lambda text: values.name("name", text)), help="the process"
    )
    parser.add_argument("--id", type=checked(lambda text: values.name("id", text)), help="your own id for this run")
    parser.add_argument(
        "--deadline", type=checked(values.deadline), help='"30m", "PT30M", or a time such as 2026-01-02T03:04:05Z'
    )
    parser.add_argument("--tag", metavar="K=V", action="append", type=checked(tag), default=[], help="may be repeated")
    parser.add_argument("--context", metavar="JSON", type=checked(json_object), help="a JSON object, or @FILE")
    parser.add_argument("--category", help="the kind of work")
    parser.add_argument("--service", help="the service it works for")
    parser.add_argument("--triggered-by", metavar="WHO", help="who or what set it off")
    parser.add_argument("--supersede", action="store_true", help="end a run of the same id that is still active")


def body_of(args: argparse.Namespace) -> dict[str, Any]:
    """The start as it travels, without heartbeat. Raises SettingsError for tags that the server would refuse."""
    from trackdesk.sdk.body import start_body
    from trackdesk.settings import SettingsError

    try:
        return start_body(
            id=args.id,
            deadline=args.deadline,
            tags=dict(args.tag),
            context=args.context,
            category=args.category,
            service=args.service,
            triggered_by=args.triggered_by,
            supersede=args.supersede,
            heartbeat=0,
        )
    except ValueError as error:
        raise SettingsError("tag", ", ".join("=".join(pair) for pair in args.tag), str(error), "--tag") from None


def run(args: argparse.Namespace) -> int:
    from trackdesk.sdk import wire
    from trackdesk.sdk.http import Refused

    body = body_of(args)
    if args.heartbeat_timeout is not None:
        body["heartbeat_timeout"] = args.heartbeat_timeout
    settings = settings_of(args)
    with connect(settings) as http:
        try:
            started = wire.start(http, args.name, body, os.urandom(16).hex())
        except Refused as refusal:
            if refusal.code != "run_active":
                raise
            complain(
                f"run {args.name}/{args.id} is active; complete it first, or end it as superseded with --supersede"
            )
            return FAILED
        if args.json:
            print_json(started)
        else:
            print(started["uid"])
        send_kept(http, settings)
    return OK
