"""What people type to silence something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trackdesk.cli.main import build_parser, main
from trackdesk.cli.silence import _match, add_silence, end_silences, list_silences, matched
from trackdesk.cli.verbs import BY_NAME

if TYPE_CHECKING:
    import argparse


def read(*words: str, verb: str = "silence") -> argparse.Namespace:
    return build_parser(BY_NAME[verb]).parse_args(words)


@pytest.mark.parametrize(
    "words",
    [
        ("--service", "crm", "2h", "--why", "deploy"),
        ("2h", "--service", "crm", "--why", "deploy"),
        ("--why", "deploy", "--service", "crm", "2h", "--json"),
    ],
)
def test_words_and_flags_come_in_any_order(words: tuple[str, ...]) -> None:
    args = read(*words)
    assert (args.action, str(args.until), args.service, args.why) == (add_silence, "2h", ["crm"], "deploy")
    assert read("end", "--quiet", "3", "4").silences == [3, 4]


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ((), list_silences),
        (("--state", "active", "--json"), list_silences),
        (("--quiet", "end", "3"), end_silences),
        (("--service", "list", "2h", "--why", "x"), add_silence),
        (("add", "2h", "--why", "x"), add_silence),
    ],
)
def test_the_word_add_may_be_left_out(words: tuple[str, ...], action: object) -> None:
    assert read(*words).action is action


def test_flags_become_the_match_that_is_sent_and_shown() -> None:
    given = ("--service", "pay*", "--service", "crm", "--severity", "low", "--tag", "env=test", "--tag", "env=st*")
    match: dict[str, Any] = _match(read("2h", *given, "--why", "x"))
    assert match == {"service": ["pay*", "crm"], "severity": ["LOW"], "tag": {"env": ["test", "st*"]}}
    assert matched(match) == "service:pay*,crm severity:LOW tag:env=test,st*"


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("2h", "--why", "x"), 1, "expected what to silence"),
        (("2h", "--service", "crm"), 2, "required: --why"),
        (("--service", "crm", "--why", "x"), 2, "required: UNTIL"),
        (("2x", "--service", "crm", "--why", "x"), 2, "not '2x'"),
        (("end",), 2, "required: ID"),
        (("show", "x"), 2, "ID: silence: expected its number, such as 3, not 'x'"),
        (("end", "0"), 2, "silence: expected its number, such as 3, not '0'"),
        (("preview",), 1, "expected what to silence"),
    ],
)
def test_what_is_missing_is_said_before_a_server_is_asked(
    words: tuple[str, ...], exit_code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["silence", "--url", "http://127.0.0.1:9", *words])
    assert (code, said in capsys.readouterr().err) == (exit_code, True)


def test_a_maintenance_needs_to_know_of_what_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["maintenance", "add", "patching", "--why", "x", "--until", "2h"]) == 2
    assert main(["maintenance", "add", "patching", "--service", "crm", "--until", "2x", "--why", "x"]) == 2
    assert "not '2x'" in capsys.readouterr().err
    args = read("add", "patching", "--department", "ops", "--until", "2h", "--why", "x", verb="maintenance")
    assert (str(args.until), args.department) == ("2h", "ops")
