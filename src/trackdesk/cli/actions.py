"""Verbs that have verbs of their own: `trackdesk key make`, `trackdesk incidents close`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from trackdesk.cli.common import add_common, terminal_width

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Action = Callable[[argparse.Namespace], int]


class Actions:
    """The actions of one verb. `default` runs when none is named; its flags then stand on the verb itself."""

    def __init__(self, parser: argparse.ArgumentParser, default: Action) -> None:
        parser.set_defaults(action=default)
        self._sub = parser.add_subparsers(title="actions", metavar="ACTION")

    @property
    def names(self) -> Collection[str]:
        return self._sub.choices

    def add(self, name: str, action: Action, help: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's word
        # What is absent here must not wipe out what was said before the action's name.
        parser = self._sub.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, width=terminal_width()),
        )
        parser.set_defaults(action=action)
        add_common(parser)
        return parser
