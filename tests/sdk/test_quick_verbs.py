from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trackdesk.cli import exits
from trackdesk.cli.main import build_parser, main
from trackdesk.cli.verbs import VERBS
from trackdesk.sdk.filelock import try_lock

if TYPE_CHECKING:
    from tests.sdk.receiver import Receiver


@pytest.fixture
def url(receiver: Receiver, environ: dict[str, str]) -> list[str]:
    return ["--url", receiver.url]


def test_start_prints_the_uid_and_nothing_else(
    receiver: Receiver, url: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["nightly", "--deadline", "30m", "--tag", "a=b=c", "--context", '{"x": 1}', "--heartbeat-timeout", "5m"]
    assert main(["start", *words, "--supersede", *url]) == 0
    assert capsys.readouterr() == ("uid1\n", "")
    assert receiver.seen[0].headers["idempotency-key"]
    assert receiver.seen[0].body == {
        "deadline": "30m",
        "tags": {"a": "b=c"},
        "context": {"x": 1},
        "heartbeat_timeout": "5m",
        "on_active": "supersede",
    }


def test_start_prints_the_run_as_json(url: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "nightly", "--json", *url]) == 0
    assert json.loads(capsys.readouterr().out)["uid"] == "uid1"


def test_common_flags_may_stand_before_the_verb(url: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*url, "--quiet", "start", "nightly"]) == 0
    assert capsys.readouterr().out == "uid1\n"


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ([], {"status": "COMPLETED"}),
        (["--failed"], {"status": "FAILED"}),
        (["--skipped"], {"status": "SKIPPED"}),
        (["--error", "disk full"], {"status": "FAILED", "error": {"message": "disk full"}}),
        (["--context", '{"rows": 3}'], {"status": "COMPLETED", "context": {"rows": 3}}),
    ],
)
def test_complete_says_how_it_ended(receiver: Receiver, url: list[str], words: list[str], body: dict[str, Any]) -> None:
    assert main(["complete", "0000000000000000000000uid1", *words, *url]) == 0
    (sent,) = receiver.bodies("/complete")
    assert sent.pop("completed_at").endswith("Z")
    assert sent == body


def test_a_run_may_be_named_by_process_and_id(receiver: Receiver, url: list[str]) -> None:
    assert main(["complete", "nightly/2026:1", *url]) == 0
    assert receiver.said() == ["POST /v1/processes/nightly/2026:1/complete"]


def test_log_sends_a_line(receiver: Receiver, url: list[str]) -> None:
    assert main(["log", "0000000000000000000000uid1", "careful", "--level", "warn", *url]) == 0
    (line,) = receiver.lines()
    assert (line["message"], line["level"]) == ("careful", "WARN")


def test_log_sends_the_lines_of_stdin(
    receiver: Receiver, url: list[str], cli: list[str], environ: dict[str, str]
) -> None:
    text = "".join(f"line {number}\n" for number in range(1_300)) + "\n\xff end"
    words = [*cli, "log", "0000000000000000000000uid1", "-", "--json", *url]
    done = subprocess.run(words, input=text.encode("latin-1"), env=environ, capture_output=True, timeout=60, check=True)
    assert json.loads(done.stdout) == {"accepted": 1_301, "kept": 0}
    assert [line["message"] for line in receiver.lines()] == [
        *(f"line {number}" for number in range(1_300)),
        "\ufffd end",
    ]
    assert len({line["seq"] for line in receiver.lines()}) == 1_301


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 1), (401, 5), (403, 5), (404, 4), (409, 1), (429, 1), (500, 3), (503, 3)],
)
def test_a_refusal_has_its_exit_code_and_one_line(
    receiver: Receiver, url: list[str], status: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answer = (status, {"code": "no", "detail": "told so"})
    assert main(["start", "nightly", *url]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "told so" in err
    assert err.count("\n") == 1


def test_an_end_and_a_line_that_find_no_server_are_kept_and_sent_with_the_next_command(
    receiver: Receiver, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["log", "0000000000000000000000uid9", "hello"]) == exits.UNREACHABLE
    assert main(["complete", "0000000000000000000000uid9"]) == exits.UNREACHABLE
    assert "kept" in capsys.readouterr().err
    lock = Path(environ["TRACKDESK_DATA_DIR"]) / "trackdesk.sqlite3.lock"
    lock.write_text(json.dumps({"pid": 1, "url": receiver.url}))
    with try_lock(lock):
        assert main(["start", "nightly"]) == 0
    assert receiver.said() == [
        "POST /v1/processes/nightly",
        "POST /v1/ingest",
    ]
    assert [(line["kind"], line["run"]) for line in receiver.seen[1].body] == [
        ("log", "0000000000000000000000uid9"),
        ("run.complete", "0000000000000000000000uid9"),
    ]


def test_without_any_server_a_start_says_what_to_do(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["start", "nightly"]) == exits.UNREACHABLE
    assert "trackdesk serve" in capsys.readouterr().err


def test_a_bad_setting_is_wrong_usage(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "nightly", "--url", "nonsense"]) == exits.USAGE
    assert "url: expected http" in capsys.readouterr().err


def test_a_bad_flag_is_told_alone_not_under_a_page_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--since", "1x"]) == exits.USAGE
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("trackdesk runs: argument --since: expected a duration (30m, 7d) or an RFC 3339 time")
    assert said[1:] == ["`trackdesk runs --help` tells how it is used"]


def test_an_unknown_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incidets"]) == exits.USAGE
    assert "`trackdesk incidents`" in capsys.readouterr().err


def test_the_overview_lists_every_verb_the_exit_codes_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for verb in VERBS:
        assert f"  {verb.name:<12}{verb.help}\n" in text
    for code, meaning in exits.MEANINGS:
        assert f"  {code}  {meaning}\n" in text
    assert "trackdesk run backup --deadline 30m -- ./backup.sh" in text
    assert max(len(line) for line in text.splitlines()) <= 120


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_tells_its_usage(verb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb.name, "--help"]) == 0
    assert f"trackdesk {verb.name}" in capsys.readouterr().out
    assert build_parser(verb).description


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_verbs(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(verb.name in script for verb in VERBS)
    assert "deadline" in script


def test_config_shows_every_value_and_its_source_but_no_secret(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKDESK_OWNER_KEY", "a-very-secret-owner-key")
    assert main(["config", "--json", "--port", "99"]) == 0
    text = capsys.readouterr().out
    shown = json.loads(text)
    assert shown["port"] == {"value": 99, "source": "--port", "env": "TRACKDESK_PORT"}
    assert shown["owner_key"] == {"value": "set", "source": "TRACKDESK_OWNER_KEY", "env": "TRACKDESK_OWNER_KEY"}
    assert shown["api_key"]["value"] == "not set"
    assert "very-secret" not in text
    assert main(["config"]) == 0
    assert "TRACKDESK_OWNER_KEY" in capsys.readouterr().out


def test_version_names_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("trackdesk 0.")
    assert main(["version", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"trackdesk", "python", "sqlite", "platform"}


def test_a_key_is_read_from_a_file(receiver: Receiver, url: list[str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("tdk_from_file\n")
    assert main(["start", "nightly", "--api-key-file", str(tmp_path / "key"), *url]) == 0
    assert receiver.seen[0].headers["x-api-key"] == "tdk_from_file"


def fresh_python(code: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", code]
    return subprocess.run(words, env=environ, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "what",
    [
        "import trackdesk",
        "import trackdesk.sdk.child, trackdesk.sdk.run",
        "from trackdesk import track, configure",
        "from trackdesk.cli.main import main; main(['--help'])",
        "from trackdesk.cli.main import main; main(['start', 'x', '--url', 'http://127.0.0.1:1'])",
        "from trackdesk.cli.main import main; main(['log', 'u', 'x', '--url', 'http://127.0.0.1:1'])",
        "from trackdesk.cli.main import main; main(['complete', 'u', '--url', 'http://127.0.0.1:1'])",
        "from trackdesk.cli.main import main; main(['run', 'x', '--quiet', '--', 'true'])",
        "from trackdesk.cli.main import main; main(['config'])",
    ],
)
def test_the_sdk_and_the_quick_verbs_load_the_standard_library_only(what: str, environ: dict[str, str]) -> None:
    code = (
        f"import sys\nbefore = set(sys.modules)\n{what}\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names\n"
        "print('loaded', sorted(names - {'trackdesk'}))"
    )
    done = fresh_python(code, environ)
    assert done.stdout.splitlines()[-1] == "loaded []", done.stderr


def test_the_sdk_imports_nothing_else_of_trackdesk(environ: dict[str, str]) -> None:
    code = (
        "import sys, trackdesk.sdk.child, trackdesk.sdk.run\n"
        "print([name for name in sys.modules if name.startswith('trackdesk.') and name[10:13] != 'sdk'])"
    )
    done = fresh_python(code, environ)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("words", [["complete", "nightly"], ["log", "nightly", "hello"], ["runs", "show", "nightly"]])
def test_a_process_alone_names_no_run(
    words: list[str], environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == exits.USAGE
    assert "expected NAME/ID or a run's uid of 26 characters, not 'nightly'" in capsys.readouterr().err
    assert not (Path(environ["TRACKDESK_DATA_DIR"]) / "spool").exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_with_closed_streams_still_does_its_work(
    receiver: Receiver, url: list[str], cli: list[str], environ: dict[str, str], closed: str
) -> None:
    words = ["sh", "-c", f'"$@" {closed}', "sh", *cli, "start", "nightly", *url]
    done = subprocess.run(words, env=environ, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert receiver.said() == ["POST /v1/processes/nightly"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [["--help"], ["openapi"]])
def test_a_full_disk_behind_stdout_is_one_line(words: list[str], cli: list[str], environ: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*cli, *words], stdout=full, stderr=subprocess.PIPE, env=environ, timeout=60, check=False)
    assert done.returncode == exits.FAILED
    assert done.stderr.startswith(b"trackdesk: ")
    assert done.stderr.count(b"\n") == 1
