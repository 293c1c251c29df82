"""What `trackdesk processes` and `trackdesk process` make of a process, and of what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackdesk.cli import exits, times
from trackdesk.cli.main import build_parser, main
from trackdesk.cli.process_set import _body
from trackdesk.cli.processes import expected, state, strip
from trackdesk.cli.verbs import BY_NAME
from trackdesk.domain.clock import HOUR, MINUTE
from trackdesk.domain.errors import Invalid
from trackdesk.domain.process import Outcome, Process, ProcessState
from trackdesk.domain.schedule import Cron, Every, Schedule

if TYPE_CHECKING:
    import argparse


def process(state: ProcessState = ProcessState.OK, schedule: Schedule | None = None, **values: object) -> Process:
    return Process.model_construct(name="backup", state=state, schedule=schedule, **values)


def typed(*words: str) -> argparse.Namespace:
    return build_parser(BY_NAME["process"]).parse_args(["set", "backup", *words])


def outcome(status: str, *, late: bool = False, duration: int | None = MINUTE) -> Outcome:
    return Outcome.model_construct(uid="u", status=status, late=late, duration=duration, started_at=0)


def test_only_what_was_typed_is_changed() -> None:
    assert _body(typed(), None) == {}
    assert _body(typed("--grace", "10m", "--deadline", "30m", "--warn-at", "0.5", "--auto-close", "no"), None) == {
        "grace": "10m",
        "default_deadline": "30m",
        "warn_at": 0.5,
        "auto_close": False,
    }


def test_none_takes_a_setting_back() -> None:
    body = _body(typed("--grace", "none", "--runbook", "none", "--alert-after-failures", "none"), None)

    assert body == {"grace": None, "runbook_url": None, "alert_after_failures": None}
    assert _body(typed("--cron", "none"), None) == _body(typed("--every", "none"), None) == {"schedule": None}


def test_a_cron_line_keeps_the_zone_there_was_and_a_zone_the_line() -> None:
    before = process(schedule=Cron(cron="0 2 * * *", timezone="Europe/Berlin"))

    line = _body(typed("--cron", "0 3 * * *"), before)["schedule"]
    zone = _body(typed("--timezone", "Asia/Tokyo"), before)["schedule"]

    assert line == {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}
    assert zone == {"cron": "0 2 * * *", "timezone": "Asia/Tokyo"}
    assert _body(typed("--cron", "0 3 * * *"), None)["schedule"] == {"cron": "0 3 * * *", "timezone": "UTC"}


def test_an_empty_cron_line_is_no_line_and_goes_to_the_server_to_be_refused() -> None:
    assert _body(typed("--cron", ""), None)["schedule"] == {"cron": "", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (None, "-"),
        (994_900, "995ms"),
        (999_600, "1s"),
        (9_924_203, "10s"),
        (59_600_000, "1m00s"),
        (131_499_999, "2m11s"),
        (29 * MINUTE + 50_000_000, "30m"),
        (50 * HOUR - 1, "2d02h"),
    ],
)
def test_a_figure_is_rounded_to_what_is_shown(duration: int | None, said: str) -> None:
    assert times.rounded(duration) == said


def test_a_zone_without_any_line_is_refused() -> None:
    with pytest.raises(Invalid, match="timezone: expected --cron with it"):
        _body(typed("--timezone", "Asia/Tokyo"), process(schedule=Every(every="15m")))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--grace", "soon"], "expected a duration"),
        (["--warn-at", "much"], "expected a number from 0 to 1"),
        (["--alert-after-failures", "-2"], "expected a number from 1 to 100"),
        (["--cron", "@daily", "--every", "1h"], "not allowed with"),
    ],
)
def test_what_can_be_refused_without_asking_is(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["process", "set", "backup", *words]) == exits.USAGE
    assert said in capsys.readouterr().err


def test_an_action_must_be_named_and_a_deletion_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["process"]) == exits.USAGE
    assert main(["process", "delete", "backup"]) == exits.USAGE
    assert "say --yes" in capsys.readouterr().err


def test_the_state_is_a_glyph_and_a_word() -> None:
    assert state(process(ProcessState.MISSING)) == ("? missing", "bad")
    assert state(process(ProcessState.PAUSED)) == ("‖ paused", "dim")


def test_what_comes_next_counts_down_and_counts_up_while_missing() -> None:
    now = times.now()

    assert expected(process(next_expected_at=now + 3 * HOUR + MINUTE)).text == "in 3h"
    missing = process(ProcessState.MISSING, next_expected_at=now - 2 * HOUR - MINUTE, missing_since=now - 2 * HOUR)
    assert expected(missing) == ("late 2h", "bad")
    assert expected(process()).text == "-"


def test_a_paused_process_says_when_it_resumes() -> None:
    until = times.now() + 2 * HOUR

    assert expected(process(ProcessState.PAUSED, paused_until=until)).text == "resumes in 2h"
    assert expected(process(ProcessState.PAUSED)).text == "paused"


def test_the_strip_is_a_character_a_run_with_the_newest_last() -> None:
    recent = [
        outcome("ACTIVE", duration=None),
        outcome("FAILED"),
        outcome("SKIPPED"),
        outcome("COMPLETED", late=True),
        outcome("COMPLETED"),
    ]

    assert strip(recent) == "▇!»✗▸".rjust(20)
