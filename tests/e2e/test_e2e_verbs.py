"""The verbs that look, triage and set up, against a real server; what they print where, and how they end."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from trackdesk.cli import exits, table
from trackdesk.cli.main import build_parser, main
from trackdesk.cli.table import Cell, Column
from trackdesk.cli.verbs import VERBS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.premises import Hooks, Premises

ACTIONS = [
    (verb.name, action)
    for verb in VERBS
    for group in build_parser(verb)._actions
    if group.__class__.__name__ == "_SubParsersAction"
    for action in group.choices or ()
]


@pytest.mark.parametrize(("verb", "action"), ACTIONS)
def test_every_action_tells_its_usage(verb: str, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, action, "--help"]) == exits.OK
    assert f"trackdesk {verb} {action}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shell", "check"), [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])]
)
def test_the_completion_script_parses(
    shell: str, check: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    assert main(["completion", shell]) == exits.OK
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    subprocess.run([*check, str(script)], check=True, timeout=60)


def test_runs_are_listed_by_filter(served: Premises) -> None:
    served.cli("run", "list-good", "--tag", "env=prod", "--", "true")
    served.cli("run", "list-bad", "--tag", "env=prod", "--", "sh", "-c", "exit 3", code=3)
    served.within("start", "list-slow", "--tag", "env=test", "--id", "7")

    def names(*flags: str) -> set[str]:
        return {run["process"] for run in served.data_of("runs", *flags)}

    assert names("--tag", "env=prod") == {"list-good", "list-bad"}
    assert names("--status", "failed", "--process", "list-bad") == {"list-bad"}
    assert names("list", "--q", "process:list-* status:active") == {"list-slow"}
    assert names("--since", "1h", "--search", "list-good") == {"list-good"}
    assert len(served.data_of("runs", "-n", "1")) == 1
    text = served.within("runs", "--process", "list-slow").stdout
    assert text.splitlines()[0].split() == ["STATUS", "RUN", "STARTED", "TOOK", "DUE", "DONE", "UID"]
    assert "▶ active  list-slow/7" in text
    assert "list-slow/7" in served.within("runs", "show", "list-slow/7").stdout


def test_many_incidents_are_triaged_at_once_with_a_word_on_each(served: Premises) -> None:
    refs = [served.within("incidents", "report", title).stdout.strip() for title in ("smoke", "sparks")]
    done = served.within("incidents", "take", *refs, "--as", "ada", "-m", "looking")
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"trackdesk: {ref} taken by ada" for ref in refs]
    served.within("incidents", "start", *refs)
    partly = served.within("incidents", "close", refs[0], "INC-4711", code=1)
    assert "There is no incident INC-4711" in partly.stderr
    found = {each["ref"]: each for each in served.data_of("incidents", "--all")}
    assert (found[refs[0]]["status"], found[refs[1]]["status"]) == ("CLOSED", "IN_PROGRESS")
    assert refs[0] not in served.within("incidents").stdout
    served.within("incidents", "reopen", refs[0])
    assert refs[0] in served.within("incidents").stdout


def test_a_made_key_is_all_there_is_on_stdout_and_is_refused_once_revoked(served: Premises) -> None:
    made = served.within("key", "make", "ci", "--role", "ingest", "--expires", "90d")
    secret = made.stdout.strip()
    assert made.stdout == f"{secret}\n"
    assert secret not in made.stderr
    assert secret not in served.within("key", "list").stdout
    assert served.ask("POST", "/v1/processes/by-key", key=secret)[0] == 201
    served.within("runs", TRACKDESK_API_KEY=secret, code=exits.NOT_ALLOWED)
    served.within("key", "revoke", "ci")
    served.within("start", "by-key", TRACKDESK_API_KEY=secret, code=exits.NOT_ALLOWED)


def test_a_channel_is_made_from_stdin_proven_switched_off_and_removed(served: Premises, hooks: Hooks) -> None:
    served.within("channel", "add", "chat", "--url-file", "-", stdin=hooks.url + "\n")
    served.within("channel", "test", "chat")
    assert [call.path for call in hooks.calls] == ["/hooks/t0ken-in-the-path"]
    listed = served.within("channel").stdout
    assert "proven" in listed
    assert "unproven" not in listed
    assert "t0ken" not in listed
    (delivery,) = served.data_of("channel", "deliveries", "chat")
    assert delivery["status"] == "SENT"
    assert delivery["title"] in served.within("channel", "deliveries", "chat", "--limit", "1").stdout
    served.within("channel", "disable", "chat")
    assert served.data_of("channel")[0]["enabled"] is False
    served.within("channel", "remove", "chat")
    assert served.data_of("channel") == []


def test_a_channel_that_does_not_work_fails_its_test(served: Premises) -> None:
    served.within("channel", "add", "void", "--url-env", "VOID", VOID="webhook+http://127.0.0.1:1/x")
    assert "refuses connections" in served.within("channel", "test", "void", code=exits.FAILED).stderr
    (delivery,) = served.data_of("channel", "deliveries", "void", "--status", "dead")
    served.within("channel", "retry", str(delivery["id"]))
    served.within("channel", "remove", "void")


def test_of_silences_those_that_stand_are_listed_first(served: Premises) -> None:
    made = [served.within("silence", "1h", "--service", name, "--why", "x").stdout.strip() for name in "abc"]
    served.within("silence", "end", *made[1:])
    listed = [str(each["id"]) for each in served.data_of("silence")]
    assert listed == [made[0], made[2], made[1]]
    assert [str(each["id"]) for each in served.data_of("silence", "--limit", "2")] == listed[:2]
    served.within("silence", "end", made[0])


def test_what_is_refused_is_called_as_it_was_typed(served: Premises) -> None:
    refused = served.within("stats", "--since", "1h", "--until", "2h", code=exits.FAILED)
    assert refused.stderr == "trackdesk: --since: expected a time before --until, which is now when absent\n"
    assert "--name: expected" in served.within("department", "add", "ops", "--name=", code=exits.FAILED).stderr


def test_departments_are_made_listed_and_deleted(served: Premises) -> None:
    served.within("department", "add", "payments", "--name", "Payments")
    assert [each["id"] for each in served.data_of("department")] == ["default", "payments"]
    served.within("department", "add", "payments", code=exits.FAILED)
    served.within("department", "remove", "payments")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["runs", "--url", "http://127.0.0.1:1"], exits.UNREACHABLE),
        (["runs", "show", "nobody/knows"], exits.NOT_FOUND),
        (["incidents", "show", "INC-9999"], exits.NOT_FOUND),
        (["incidents", "close", "9998", "9999"], exits.NOT_FOUND),
        (["channel", "test", "nobody"], exits.NOT_FOUND),
        (["runs", "--q", "nonsense:1"], exits.FAILED),
        (["runs", "--status", "nonsense"], exits.USAGE),
        (["incidents", "close", "nonsense"], exits.USAGE),
        (["key", "make", "x"], exits.USAGE),
        (["console"], exits.USAGE),
        (["attach", "http://127.0.0.1:1"], exits.USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_exit_codes_are_as_documented(served: Premises, words: list[str], code: int) -> None:
    done = served.within(*words, code=code)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_start_that_another_run_stands_in_the_way_of_advises_the_flag(served: Premises) -> None:
    served.within("start", "twice", "--id", "n1")
    assert "--supersede" in served.within("start", "twice", "--id", "n1", code=exits.FAILED).stderr
    served.within("start", "twice", "--id", "n1", "--supersede")


def test_flags_without_a_verb_are_the_consoles(served: Premises) -> None:
    done = served.within("--port", "0", "--theme", "light", code=exits.USAGE)
    assert "the console needs a terminal" in done.stderr


def test_openapi_needs_no_server(premises: Premises) -> None:
    document = json.loads(premises.within("openapi").stdout)
    assert document["openapi"].startswith("3.1")
    assert "/v1/processes/{process}" in document["paths"]


def test_a_table_fits_the_terminal_and_obeys_nothing_it_shows() -> None:
    columns = [Column("NAME", shrinks=True), Column("N", right=True), Column("UID", from_width=60)]
    rows = [["a name that is far too long for this terminal", "7", "abc"], ["\x1b[31mred\x07", Cell("1000"), "def"]]
    narrow = table.lines(columns, rows, 30)
    assert narrow == [
        "NAME                         N",
        "a name that is far too …     7",
        r"\e[31mred\x07             1000",
    ]
    assert max(len(line) for line in narrow) == 30
    assert table.lines(columns, rows, None)[1].endswith("7  abc")


def test_wide_characters_keep_columns_in_line() -> None:
    lines = table.lines([Column("NAME", shrinks=True), Column("N")], [["夜間バックアップ", "1"], ["x", "2"]], 14)
    assert lines == ["NAME         N", "夜間バック…  1", "x            2"]
