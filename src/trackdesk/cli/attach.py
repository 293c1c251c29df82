"""`trackdesk attach URL`: the same console over somebody else's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.cli.common import add_settings, complain, settings_of
from trackdesk.cli.console import on_terminal, show
from trackdesk.cli.exits import NOT_ALLOWED, USAGE

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="URL", help="where it listens, as in: https://trackdesk.example.org")
    add_settings(parser, "read_only", "theme", "ascii", "log_level")


def run(args: argparse.Namespace) -> int:
    args.url = args.address
    settings = settings_of(args)
    target = settings.target()
    assert target is not None, "an address was given"
    if not on_terminal("`trackdesk runs` and its like show the same without one"):
        return USAGE
    if target.api_key is None:
        from getpass import getpass

        target = target._replace(api_key=getpass(f"API key for {target.url} (not shown): ").strip() or None)
    if target.api_key is None:
        complain("no key: name a file with --api-key-file, or set TRACKDESK_API_KEY")
        return NOT_ALLOWED
    return show(settings, target)
