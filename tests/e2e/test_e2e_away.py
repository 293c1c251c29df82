"""The server is away while jobs run, and comes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trackdesk.domain.instant import parse_instant

if TYPE_CHECKING:
    from tests.e2e.premises import Premises


def test_a_command_runs_without_a_server_and_its_report_arrives_later_with_its_true_times(premises: Premises) -> None:
    before = time.time_ns() // 1000
    words = ["run", "nightly-import", "--deadline", "30m", "--", "sh", "-c", "echo 311 rows; exit 7"]
    done = premises.cli(*words, code=7)
    after = time.time_ns() // 1000
    assert done.stdout == "311 rows\n"
    assert list((premises.data / "spool").glob("*.json")) != []

    premises.serve()
    (run,) = premises.data_of("runs")
    assert (run["process"], run["status"], run["deadline_status"]) == ("nightly-import", "FAILED", "ON_TRACK")
    assert before <= parse_instant(run["started_at"]) <= parse_instant(run["completed_at"]) <= after
    logs = premises.ask("GET", f"/v1/runs/{run['uid']}/logs")[1]["data"]
    assert [line["message"] for line in logs] == ["311 rows"]
    assert list((premises.data / "spool").glob("*.json")) == []


def test_a_server_that_goes_away_in_between_costs_the_command_nothing(premises: Premises) -> None:
    server = premises.serve()
    uid = premises.cli("start", "nightly-import").stdout.strip()
    premises.end(server)
    premises.cli("complete", uid, code=3)
    premises.serve()
    premises.cli("start", "something-else")
    assert premises.data_of("runs", "show", uid)["status"] == "COMPLETED"


def test_a_command_runs_also_when_a_setting_can_not_be_used(premises: Premises) -> None:
    done = premises.cli("run", "nightly-import", "--", "sh", "-c", "echo 311 rows; exit 7", code=7, TRACKDESK_URL="x")
    assert done.stdout == "311 rows\n"
    assert "(from TRACKDESK_URL); nightly-import runs without being reported" in done.stderr
    assert premises.cli("run", "nightly-import", "--url", "x", "--", "true", code=2).stdout == ""
