"""`trackdesk openapi`: the API's OpenAPI 3.1 document. Needs no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.cli.common import print_json
from trackdesk.cli.exits import OK

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond the common flags."""


def run(args: argparse.Namespace) -> int:  # noqa: ARG001 - every verb is called alike
    from importlib.metadata import version

    from trackdesk.contract.openapi import document

    print_json(document(version("trackdesk")))
    return OK
