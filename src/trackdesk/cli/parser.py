"""The parser of every verb: what is wrong stands alone, not under a page of flags."""

from __future__ import annotations

import argparse
from typing import NoReturn

from trackdesk.cli import exits


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(exits.USAGE, f"{self.prog}: {message}\n`{self.prog} --help` tells how it is used\n")
