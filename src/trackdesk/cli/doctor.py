"""`trackdesk doctor`: looks at everything that may be wrong on this machine, and says how to mend what is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.cli.common import print_json, settings_of
from trackdesk.cli.exits import FAILED, OK

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from trackdesk.store.check import Finding

_STYLES = {"OK": "good", "WARN": "warn", "ERROR": "bad"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Changes nothing, and works beside a running server. Exit code 1 when something is wrong."


def run(args: argparse.Namespace) -> int:
    from trackdesk.cli.checks import examine

    findings = list(examine(settings_of(args)))
    if args.json:
        names = ("name", "level", "detail", "remedy")
        print_json([{name: getattr(each, name) for name in names} for each in findings])
    else:
        _print(findings)
    return FAILED if any(each.level == "ERROR" for each in findings) else OK


def _print(findings: Iterable[Finding]) -> None:
    from trackdesk.cli.table import facts, paint
    from trackdesk.domain.safe import safe_text

    findings = list(findings)
    longest = max(len(each.name) for each in findings)
    for each in findings:
        print(
            f"{paint(each.level.ljust(5), _STYLES[each.level])}  {each.name.ljust(longest)}  {safe_text(each.detail)}"
        )
        if each.remedy:
            print(f"{'':<{longest + 9}}→ {safe_text(each.remedy)}")
    wrong = [each for each in findings if each.level != "OK"]
    print()
    if wrong:
        facts([(f"{len(wrong)} to look at", ", ".join(each.name for each in wrong))])
    else:
        print("all is well")
