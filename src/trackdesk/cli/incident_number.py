"""The incident that a command is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trackdesk.cli.common import checked

if TYPE_CHECKING:
    import argparse


def number(text: str) -> int:
    """`INC-42` or `42`. Raises ValueError."""
    match = re.fullmatch(r"(?:INC-)?0*([1-9]\d{0,14})", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise ValueError(f"incident: expected INC-42 or 42, not {text!r}")
    return int(match[1])


def add_incident(parser: argparse.ArgumentParser) -> None:
    """The one incident."""
    parser.add_argument("incident", metavar="INC", type=checked(number), help="INC-42, or 42")
