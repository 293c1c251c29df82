"""The parser of every verb: what is wrong stands alone, not under a page of flags."""

from __future__ import annotations

import argparse
import shlex
from typing import Any, NoReturn

from trackdesk.cli import exits


class Parser(argparse.ArgumentParser):
    _words: tuple[str, ...] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._words = tuple(args or ())
        return super().parse_known_args(args, namespace)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """argparse would show an empty word as nothing at all."""
        found, surplus = self.parse_known_args(args, namespace)
        if surplus:
            self.error(f"unrecognized arguments: {shlex.join(surplus)}")
        return found

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Of a flag that there isn't argparse would say that its value is no action."""
        if action.nargs == argparse.PARSER and value not in (action.choices or ()):
            flags = [word.partition("=")[0] for word in self._words[: self._words.index(value)] if word[:2] == "--"]
            for flag in flags:
                if flag not in self._option_string_actions:
                    self.error(f"unrecognized arguments: {flag}")
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        self.exit(exits.USAGE, f"{self.prog}: {message}\n`{self.prog} --help` tells how it is used\n")
