"""`trackdesk run NAME -- COMMAND…`: the command runs as if nobody watched, its run is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.cli.common import checked, complain, settings_of
from trackdesk.cli.start import add_run_arguments, body_of
from trackdesk.sdk import values
from trackdesk.settings import SettingsError

if TYPE_CHECKING:
    import argparse

_MOST_LINES = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser)
    parser.add_argument(
        "--heartbeat",
        metavar="TIME",
        type=checked(_heartbeat),
        default=30.0,
        help="how often to show that it lives (30s); 0 for never",
    )
    parser.add_argument(
        "--tail",
        metavar="LINES",
        type=checked(_lines),
        default=100,
        help="the output's last lines to keep (100); 0 leaves the output alone",
    )


def _heartbeat(text: str) -> float:
    return 0.0 if text == "0" else values.seconds("heartbeat", text)


def _lines(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:9]) > _MOST_LINES:
        raise ValueError(f"tail: expected a number from 0 to {_MOST_LINES}, not {text!r}")
    return int(text)


def run(args: argparse.Namespace) -> int:
    from trackdesk.sdk.body import silence
    from trackdesk.sdk.child import run_child
    from trackdesk.sdk.reporter import Plan
    from trackdesk.sdk.spool import Spool

    body = {**body_of(args), **silence(args.heartbeat)}
    try:
        settings = settings_of(args)
    except SettingsError as error:
        if error.source.startswith("--"):
            raise
        # Nobody looks while a job runs, and the job matters more than its report.
        complain(f"{error}; {args.name} runs without being reported")
        return run_child(args.command, None, args.name, body, args.tail)
    talk = (lambda _text: None) if args.quiet else complain
    plan = Plan(
        find=settings.target,
        spool=Spool(settings.spool, say=complain),
        warn=talk,
        url=settings.url,
        namespace=settings.namespace,
        heartbeat=args.heartbeat,
    )
    return run_child(args.command, plan if settings.enabled else None, args.name, body, args.tail)
