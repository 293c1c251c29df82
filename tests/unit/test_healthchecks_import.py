from __future__ import annotations

import json
from typing import Any

import pytest

from trackdesk.cli.healthchecks import read

CHECK: dict[str, Any] = {
    "name": "Filesystem Backup",
    "slug": "filesystem-backup",
    "tags": "backup fs",
    "desc": "Runs every hour",
    "grace": 600,
    "n_pings": 12,
    "status": "up",
    "started": False,
    "last_ping": "2026-01-02T03:04:05+00:00",
    "manual_resume": False,
    "methods": "",
    "uuid": "31365bce-8da9-4729-8ff3-aaa71d56b712",
    "ping_url": "https://hc-ping.com/31365bce-8da9-4729-8ff3-aaa71d56b712",
    "channels": "1bdea468-03bf-47b8-ab27-29a9dd0e4b94",
    "timeout": 3600,
}
CRON = {"name": "DB", "slug": "", "tags": "", "desc": "", "grace": 60, "status": "paused", "schedule": "15 5 * * *"}


def reading(*checks: Any) -> tuple[list[Any], list[str]]:
    return read(json.dumps({"checks": checks}).encode())


def test_a_check_with_a_timeout_becomes_a_process_that_is_expected_so_long_after_its_last_start() -> None:
    ((check,), problems) = reading(CHECK)
    assert problems == []
    assert check.name == "filesystem-backup"
    assert check.settings == {
        "schedule": {"every": 3600},
        "grace": 600,
        "default_deadline": 600,
        "description": "Filesystem Backup\nRuns every hour\nTags: backup fs",
        "category": "backup",
    }
    assert (check.paused, check.ping_url) == (False, CHECK["ping_url"])
    assert check.left_behind == ["its integrations: make channels with `trackdesk channel add`"]


def test_a_check_with_a_schedule_keeps_its_zone_and_one_without_a_slug_is_called_by_its_name() -> None:
    ((check,), problems) = reading({**CRON, "name": "DB: nightly dump (EU)", "tz": "Europe/Riga"})
    assert problems == []
    assert (check.name, check.paused) == ("DB:-nightly-dump-EU", True)
    assert check.settings["schedule"] == {"cron": "15 5 * * *", "timezone": "Europe/Riga"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schedule": "99 5 * * *"}, "checks[1].schedule: "),
        ({"schedule": "0 0 30 2 *"}, "checks[1].schedule: "),
        ({"schedule": "Mon..Fri 02:00"}, "checks[1].schedule: "),
        ({"tz": "Europe/Nowhere"}, "checks[1].tz: "),
        ({"schedule": None}, "checks[1].schedule: expected a timeout"),
        ({"schedule": None, "timeout": 0}, "checks[1].timeout: expected at least 1s, not 0s"),
        ({"grace": "600"}, "checks[1].grace: expected a whole number, not '600'"),
        ({"grace": -1}, "checks[1].grace: "),
        ({"tags": ["a"]}, "checks[1].tags: expected text"),
        ({"slug": "filesystem-backup"}, "checks[1].slug: 'filesystem-backup' is what checks[0] becomes, too"),
    ],
)
def test_a_bad_check_is_named_by_its_place_and_member(change: dict[str, Any], problem: str) -> None:
    _, problems = reading(CHECK, {**CRON, **change})
    assert len(problems) == 1, problems
    assert problems[0].startswith(problem)


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"checks": 7}', b'"checks"'])
def test_what_is_no_list_of_checks_is_refused(text: bytes) -> None:
    checks, problems = read(text)
    assert (checks, len(problems)) == ([], 1)
    assert read(b"[7]")[1] == ["checks[0]: expected an object, not '7'"]


def test_a_grace_longer_than_the_period_keeps_the_time_after_which_silence_is_told() -> None:
    ((check,), problems) = reading({**CHECK, "timeout": 60, "grace": 3601})
    assert problems == []
    assert check.settings["schedule"] == {"every": 1831}
    assert (check.settings["grace"], check.settings["default_deadline"]) == (1830, 3601)


def test_a_grace_longer_than_between_two_fires_of_a_cron_line_is_named_by_its_place() -> None:
    _, (problem,) = reading(CHECK, {**CRON, "schedule": "*/5 * * * *", "grace": 3600})
    assert problem.startswith("checks[1].grace: expected at most 5m, the shortest time between two starts")
