"""What is expected of processes, from the command line against a real server."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from trackdesk.cli import exits
from trackdesk.domain.instant import parse_instant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.premises import Premises


def test_a_schedule_is_set_and_its_next_five_times_are_told(served: Premises) -> None:
    done = served.within(
        "process", "set", "nightly", "--cron", "0 2 * * *", "--timezone", "Europe/Berlin", "--grace", "10m"
    )
    assert "nightly is made" in done.stderr
    title, *expected = done.stdout.strip().splitlines()
    assert title == "expected next (02:00 Europe/Berlin)"
    assert len(expected) == 5
    stands = served.data_of("process", "show", "nightly")
    assert stands["schedule"] == {"cron": "0 2 * * *", "timezone": "Europe/Berlin"}
    assert stands["grace"] == "10m"
    served.within("process", "set", "nightly", "--cron", "none")
    assert served.data_of("process", "show", "nightly")["schedule"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cron", "0 0 30 2 *"], "never fires"),
        (["--cron", "@daily", "--timezone", "Europe/Atlantis"], "expected an IANA time zone"),
        (["--every", "15m", "--grace", "1h"], "grace: expected at most 15m"),
        ([], "expected something to set"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_by_its_name(served: Premises, words: list[str], said: str) -> None:
    assert said in served.within("process", "set", "impossible", *words, code=exits.FAILED).stderr
    served.within("process", "show", "impossible", code=exits.NOT_FOUND)


def test_a_trial_tells_what_would_have_alerted_and_changes_nothing(served: Premises) -> None:
    served.cli("run", "tried", "--", "sh", "-c", "exit 3", code=3)
    done = served.within("process", "set", "tried", "--every", "1h", "--test", "--since", "2h")
    assert "would have alerted" in done.stdout
    assert "failed" in done.stdout
    assert "would be expected next" in done.stdout
    assert served.data_of("process", "show", "tried")["schedule"] is None
    answer = served.data_of("process", "set", "tried", "--alert-after-failures", "2", "--test")
    assert (answer["count"], answer["runs"]) == (0, 1)


def test_many_processes_are_paused_with_a_reason_and_go_on(served: Premises) -> None:
    for name in ("paused-a", "paused-b"):
        served.within("process", "set", name, "--every", "1h")
    done = served.within(
        "process", "pause", "paused-a", "paused-b", "nobody", "--until", "2h", "--why", "moving", code=1
    )
    assert "paused-a is paused until" in done.stderr
    assert "nobody: " in done.stderr
    names = [each["name"] for each in served.data_of("processes", "--state", "paused")]
    assert names == ["paused-a", "paused-b"]
    assert "resumes in" in served.within("processes", "--state", "paused").stdout
    assert "moving" in served.within("process", "show", "paused-a").stdout
    served.within("process", "resume", "paused-a", "paused-b")
    assert served.data_of("processes", "--state", "paused") == []


def test_processes_are_listed_with_what_comes_next_and_how_they_went(served: Premises) -> None:
    served.within("process", "set", "listed", "--every", "1h")
    served.within("start", "listed")
    head, *rows = served.within("processes", "--q", "name:listed").stdout.splitlines()
    assert head.split() == ["STATE", "PROCESS", "NEXT", "LAST", "20", "LAST", "RUN", "WELL", "P90", "DEPARTMENT"]
    assert rows[0].startswith("▶ running  listed")
    assert "in 59m" in rows[0] or "in 1h" in rows[0]
    assert "▸" in rows[0]
    shown = served.within("process", "show", "listed").stdout
    assert "every 1h" in shown
    assert "last runs" in shown


def test_the_next_expected_time_follows_the_last_start(served: Premises) -> None:
    served.within("process", "set", "hourly", "--every", "1h")
    run = served.data_of("start", "hourly")
    stands = served.data_of("process", "show", "hourly")
    assert parse_instant(stands["next_expected_at"]) == parse_instant(run["started_at"]) + 3_600_000_000


def test_a_process_is_deleted_when_that_is_meant(served: Premises) -> None:
    served.within("process", "set", "gone", "--every", "1h")
    served.within("process", "delete", "gone", "--yes")
    served.within("process", "show", "gone", code=exits.NOT_FOUND)
    served.within("process", "delete", "gone", "--yes", code=exits.NOT_FOUND)


def test_the_shell_completes_the_names_of_processes(served: Premises, tmp_path: Path) -> None:
    served.within("process", "set", "completed-by-tab", "--every", "1h")
    script = tmp_path / "completion"
    script.write_text(served.within("completion", "bash").stdout)
    tool = tmp_path / "trackdesk"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho completed-by-tab\n')
    tool.chmod(0o755)
    typed = f"""PATH={tmp_path}:$PATH; source {script}
        COMP_WORDS=(trackdesk process show comp); COMP_CWORD=3
        _shtab_trackdesk; echo "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["completed-by-tab"]
    assert (tmp_path / "asked").read_text() == "processes --names\n"
    assert "completed-by-tab" in served.within("processes", "--names").stdout.splitlines()


def test_a_terminal_without_a_character_shows_another_and_json_stays_whole(premises: Premises) -> None:
    premises.serve()
    premises.within("process", "set", "books", "--description", "Bücher ✓", "--deadline", "5m")
    assert "books" in premises.cli("processes", PYTHONIOENCODING="ascii").stdout
    (process,) = json.loads(premises.cli("processes", "--json", PYTHONIOENCODING="ascii").stdout)
    assert process["description"] == "Bücher ✓"
