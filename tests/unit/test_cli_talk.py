"""What the verbs say on stderr, and what the console's log file looks like to others."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING

import pytest

from trackdesk.cli import exits, logs
from trackdesk.cli.common import complain
from trackdesk.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def wide_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_a_terminal_would_obey_is_spelt_out(capsys: pytest.CaptureFixture[str]) -> None:
    complain("there is no channel \x1b]0;mine\x07\x1b[2J")
    assert capsys.readouterr().err == "trackdesk: there is no channel \\e]0;mine\\x07\\e[2J\n"


def test_a_log_line_is_one_line_with_nothing_in_it_that_a_terminal_obeys() -> None:
    error = ValueError("bad\x1b[2J")
    trace = (ValueError, error, None)
    record = logging.LogRecord("x", logging.INFO, "", 0, "a\nb\x1b]0;c\x07\x9b\u202e", None, trace)
    told, _, traced = logs.TextFormatter().format(record).partition("\n")
    assert told.endswith("x: a\\nb\\e]0;c\\x07\\x9b\\u202e")
    assert traced == "ValueError: bad\\e[2J"
    line = logs.JsonFormatter().format(record)
    assert json.loads(line)["message"] == "a\nb\x1b]0;c\x07\x9b\u202e"
    assert line.isprintable()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.usefixtures("wide_mask")
def test_log_files_stay_private_over_rotation(tmp_path: Path) -> None:
    handler = logs.PrivateFileHandler(tmp_path / "trackdesk.log", maxBytes=200, backupCount=2, encoding="utf-8")
    for number in range(10):
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, f"{number} {'x' * 100}", None, None))
    handler.close()
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"trackdesk.log": 0o600, "trackdesk.log.1": 0o600, "trackdesk.log.2": 0o600}


def test_a_value_that_begins_with_a_minus_is_refused_with_what_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "backup", "--deadline", "-5m"]) == exits.USAGE
    said = capsys.readouterr().err
    assert "expected one argument" not in said
    assert "-5m" in said


def test_a_data_directory_that_is_a_file_is_said_to_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["serve", "--data-dir", str(tmp_path / "file")]) == exits.FAILED
    assert f"{tmp_path / 'file'} is no directory" in capsys.readouterr().err


def test_a_settings_file_that_is_no_toml_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trackdesk.toml").write_text("port = ")
    assert main(["runs", "--data-dir", str(tmp_path)]) == exits.USAGE
    said = capsys.readouterr().err
    assert "expected TOML (" in said
    assert said.count(str(tmp_path)) == 1


def test_without_a_terminal_attach_advises_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "http://127.0.0.1:1"]) == exits.USAGE
    said = capsys.readouterr().err
    assert "needs a terminal" in said
    assert "trackdesk serve" not in said


@pytest.mark.parametrize(
    ("words", "accepted"),
    [
        (["incidents", "report", "smoke", "--severity", "bad"], "'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'"),
        (["key", "make", "ci", "--role", "boss"], "'ADMIN', 'MAINTAINER', 'REPORTER', 'INGEST'"),
    ],
)
def test_a_wrong_choice_names_what_is_accepted(
    words: list[str], accepted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == exits.USAGE
    assert f"(choose from {accepted})" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("runs", "--limit", "abc"), "limit: expected a whole number from 1 to 100000, not 'abc'"),
        (("processes", "-n", "0"), "limit: expected a whole number from 1 to 100000, not '0'"),
        (("incidents", "list", "-n", "1.5"), "limit: expected a whole number from 1 to 100000, not '1.5'"),
        (("silence", "list", "--limit=-5"), "limit: expected a whole number from 1 to 100000, not '-5'"),
        (("channel", "deliveries", "--limit", "9" * 20), "limit: expected a whole number from 1 to 100000, not '999"),
        (("channel", "retry", "x"), "delivery: expected a whole number from 1 on, not 'x'"),
        (("rules", "top", "-n", "51"), "limit: expected a whole number from 1 to 50, not '51'"),
        (("runs", "show", "a/b", "--attempt", "x"), "attempt: expected a whole number from 1 on, not 'x'"),
        (("key", "make", "a", "--role", "ADMIN", "--rate-limit", "x"), "rate-limit: expected a whole number from 1 to"),
        (("runs", "--since", "99999d"), "--since: expected a duration of at most ten years, not '99999d'"),
        (("metric", "chart", "crm", "latency"), "metric_type: expected 1 to 64 of A-Z 0-9 _, a letter first, not 'lat"),
        (("demo", "--seed", "x"), "seed: expected a whole number from 0 on, not 'x'"),
    ],
)
def test_a_value_that_can_not_be_is_answered_with_what_is_accepted(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == exits.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("runs", "--api-key", "abc"), "trackdesk runs: unrecognized arguments: --api-key\n"),
        (("incidents", "--limt", "5", "list"), "trackdesk incidents: unrecognized arguments: --limt\n"),
        (("runs", "--limit", "5", "lst"), "argument ACTION: invalid choice: 'lst' (choose from 'list', 'show')"),
    ],
)
def test_a_flag_that_there_is_not_is_named_and_not_its_value(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == exits.USAGE
    assert said in capsys.readouterr().err
