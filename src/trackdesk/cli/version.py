"""`trackdesk version`, with --json also of what it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.cli.common import print_json
from trackdesk.cli.exits import OK

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond the common flags."""


def run(args: argparse.Namespace) -> int:
    from importlib.metadata import version

    if not args.json:
        print(f"trackdesk {version('trackdesk')}")
        return OK
    import platform
    import sqlite3

    print_json(
        {
            "trackdesk": version("trackdesk"),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "platform": platform.platform(),
        }
    )
    return OK
