"""Figures from the command line against a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.premises import Premises


def test_figures_are_shown_by_time_process_and_tag(served: Premises) -> None:
    served.cli("run", "stats-good", "--tag", "host=n1", "--", "true")
    served.cli("run", "stats-bad", "--tag", "host=n2", "--", "sh", "-c", "exit 3", code=3)
    by_time = served.within("stats", "stats-good", "--by", "hour").stdout.splitlines()
    assert by_time[0].split() == ["FROM", "RUNS", "FAILED", "MISSED", "AVG", "P50", "P90", "P99"]
    assert len(by_time) >= 25
    days = served.within(
        "stats",
        "--by",
        "day",
        "--since",
        "2026-01-02T12:00:00Z",
        "--until",
        "2026-01-03T12:00:00Z",
        "--timezone",
        "Asia/Tokyo",
    ).stdout.splitlines()
    assert [line.split()[:2] for line in days[1:]] == [["02", "Jan"], ["03", "Jan"]]
    found = served.data_of("stats", "stats-good", "stats-bad", "--since", "1h")
    assert found["meta"]["totals"][0]["by_status"]["FAILED"] == 1
    groups = served.within("stats", "--group-by", "process").stdout
    assert "stats-good" in groups
    hosts = served.data_of("stats", "--group-by", "tag:host", "--by", "day")["meta"]
    assert {"n1", "n2"} <= {total["group"] for total in hosts["totals"]}
    tags = served.within("stats", "--tags").stdout
    assert "host=n2" in tags


def test_what_cannot_be_asked_is_refused_with_what_can(served: Premises) -> None:
    refused = served.within("stats", "--by", "90s", code=2)
    assert "whole minutes" in refused.stderr
    refused = served.within("stats", "--group-by", "moon", code=2)
    assert "expected process or tag:KEY" in refused.stderr
    refused = served.within("stats", "--tags", "--by", "day", code=2)
    assert "not with --by" in refused.stderr
    refused = served.within("stats", "stats-of-nothing", code=4)
    assert "stats-of-nothing" in refused.stderr
    nothing = served.within("stats", "--group-by", "tag:moon")
    assert "no run with the tag moon ended in this time" in nothing.stderr
    refused = served.within("stats", "--since", "40d", "--by", "minute", code=1)
    assert "at most 1000 buckets" in refused.stderr
