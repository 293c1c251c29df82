"""`trackdesk completion bash`: the completion script of a shell, made of the verbs' own parsers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trackdesk.cli.exits import OK
from trackdesk.cli.main import build_parser
from trackdesk.cli.verbs import VERBS

if TYPE_CHECKING:
    import argparse

SHELLS = ("bash", "zsh", "fish")
_WHERE = (
    'put `eval "$(trackdesk completion bash)"` into ~/.bashrc, the same with zsh into ~/.zshrc behind compinit, '
    "`trackdesk completion fish | source` into ~/.config/fish/config.fish"
)
_ASKED = {
    "PROCESS": "trackdesk processes --names 2>/dev/null",
    "RULE": "trackdesk rules --ids 2>/dev/null",
}
"""What a shell runs to learn which values there are, by the placeholder that stands for them."""
_FILES = frozenset({"FILE", "PATH"})
_FOLDERS = frozenset({"DIR"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help=_WHERE)


def run(args: argparse.Namespace) -> int:
    import shtab

    script = shtab.complete(whole_parser(), shell=args.shell)
    print(_for_zsh(script) if args.shell == "zsh" else script)
    return OK


def _for_zsh(script: str) -> str:
    """What shtab writes would ask for all values as the shell starts, and complete only the first of several."""
    lazy = script.replace(":($(trackdesk ", r":(\$(trackdesk ")
    return re.sub(r'^  "\(\*\)::?', '  "*:', lazy, flags=re.MULTILINE)


def whole_parser() -> argparse.ArgumentParser:
    """All verbs in one parser. Loads every verb's module."""
    import argparse

    parser = argparse.ArgumentParser("trackdesk")
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers()
    for verb in VERBS:
        one = build_parser(verb)
        _ask_for_values(one)
        verbs.add_parser(verb.name, help=verb.help, parents=[one], add_help=False)
    return parser


def _ask_for_values(parser: argparse.ArgumentParser) -> None:
    import argparse

    import shtab

    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask for them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for sub in action.choices.values():
                _ask_for_values(sub)
        elif action.metavar in _ASKED:
            action.complete = shtab.cmd(_ASKED[action.metavar])  # type: ignore[attr-defined]
        elif action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
