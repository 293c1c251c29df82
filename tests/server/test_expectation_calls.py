"""Schedules, pauses and trials over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import Stand, open_stand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATH = "/v1/processes/backup"
NIGHTLY = {"cron": "0 2 * * *", "timezone": "Europe/Berlin"}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def ok(stand: Stand, method: str, path: str, body: object = None, status: int = 200) -> Any:
    answer = await stand.ask(method, path, body)
    assert answer.status == status, answer.body
    return answer.json if answer.body else None


async def test_a_put_makes_a_process_once_and_tells_all_that_is_expected(stand: Stand) -> None:
    made = await stand.ask("PUT", "/v1/processes/backup", {"schedule": NIGHTLY, "grace": "10m", "retention": "90d"})
    assert made.status == 201
    assert made.headers["ETag"] == '"2"'
    again = await ok(stand, "PUT", "/v1/processes/backup", {"schedule": {"every": 900}})
    assert (again["schedule"], again["grace"], again["retention"]) == ({"every": "15m"}, None, None)
    assert made.json["schedule"] == NIGHTLY
    assert made.json["next_expected_at"].endswith(":00:00.000000Z")
    assert len(made.json["ping_uuid"]) == 36
    assert made.json["alert_after_failures"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"schedule": {"cron": "0 2 30 2 *"}}, "schedule.cron"),
        ({"schedule": {"cron": "0 2 * * *", "timezone": "Europe/Nowhere"}}, "schedule.timezone"),
        ({"schedule": {"cron": "every night"}}, "schedule.cron"),
        ({"schedule": {}}, "schedule"),
        ({"schedule": {"every": "15m", "grace": "1m"}}, "schedule.grace"),
        ({"schedule": {"every": "15m"}, "grace": "1h"}, "grace"),
        ({"grace": "0s"}, "grace"),
        ({"alert_after_failures": 0}, "alert_after_failures"),
        ({"alert_after_failures": 101}, "alert_after_failures"),
        ({"retention": "5m"}, "retention"),
    ],
)
async def test_what_never_fires_or_can_not_be_met_is_refused_by_name(
    stand: Stand, body: dict[str, Any], field: str
) -> None:
    answer = await stand.ask("PATCH", PATH, body)
    assert (answer.status, answer.field) == (400, field)
    assert (await stand.ask("GET", PATH)).status == 404


async def test_a_pause_and_its_end(stand: Stand) -> None:
    await ok(stand, "PUT", "/v1/processes/backup", {"schedule": {"every": "15m"}}, 201)
    paused = await ok(stand, "POST", "/v1/processes/backup/pause", {"until": "2h", "reason": "moving"})
    assert (paused["state"], paused["pause_reason"], paused["next_expected_at"]) == ("PAUSED", "moving", None)
    assert [each["name"] for each in (await ok(stand, "GET", "/v1/processes?state=paused"))["data"]] == ["backup"]
    assert (await ok(stand, "GET", "/v1/stats/summary"))["processes"]["PAUSED"] == 1
    resumed = await ok(stand, "POST", "/v1/processes/backup/resume")
    assert (resumed["state"], resumed["paused_until"]) == ("OK", None)
    assert (await stand.ask("POST", "/v1/processes/nobody/pause")).status == 404
    assert (await stand.ask("POST", "/v1/processes/backup/pause", {"until": "2020-01-01T00:00:00Z"})).field == "until"
    kinds = [each["kind"] for each in (await ok(stand, "GET", "/v1/journal?topic=processes"))["data"]]
    assert sorted(kinds) == ["changed", "made", "paused", "resumed"]


async def test_a_trial_answers_what_would_have_been_alerted(stand: Stand) -> None:
    run = await ok(stand, "POST", PATH, {}, 201)
    await ok(stand, "POST", f"/v1/runs/{run['uid']}/complete", {"status": "FAILED"})
    stand.clock.leap(60_000_000)
    found = await ok(stand, "POST", "/v1/processes/backup/test", {"schedule": {"every": "1h"}, "since": "1d"})
    assert set(found) == {"count", "from", "to", "runs", "capped", "incidents", "next_expected"}
    assert [each["origin"] for each in found["incidents"]] == ["failed"]
    assert len(found["next_expected"]) == 5
    assert (await ok(stand, "POST", "/v1/processes/backup/test"))["incidents"][0]["origin"] == "failed"
    assert (await ok(stand, "GET", PATH))["schedule"] is None


async def test_a_process_is_deleted_when_nothing_of_it_runs(stand: Stand) -> None:
    run = await ok(stand, "POST", PATH, {}, 201)
    refused = await stand.ask("DELETE", "/v1/processes/backup")
    assert (refused.status, refused.json["code"]) == (409, "process_active")
    await ok(stand, "POST", f"/v1/runs/{run['uid']}/complete")
    await ok(stand, "DELETE", "/v1/processes/backup", status=204)
    assert (await stand.ask("DELETE", "/v1/processes/backup")).status == 404


async def test_lists_are_sorted_by_what_comes_next(stand: Stand) -> None:
    for name, every in (("later", "2h"), ("sooner", "5m"), ("never", None)):
        await ok(stand, "PUT", f"/v1/processes/{name}", {"schedule": every and {"every": every}}, 201)
    page = await ok(stand, "GET", "/v1/processes?sort=next_expected_at")
    assert [each["name"] for each in page["data"]] == ["sooner", "later", "never"]
    page = await ok(stand, "GET", "/v1/processes?q=expected:%3C1h")
    assert [each["name"] for each in page["data"]] == ["sooner"]
