"""Every call once, for real: the handlers over the engine and the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import Answer, Stand, open_stand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def ok(stand: Stand, method: str, path: str, body: object = None, status: int = 200, **more: Any) -> Any:
    answer: Answer = await stand.ask(method, path, body, **more)
    assert answer.status == status, answer.body
    return answer.json if answer.body else None


async def test_a_run_from_start_to_end(stand: Stand) -> None:
    body = {"id": "n1", "deadline": "30m", "tags": {"env": "prod"}}
    started = await ok(stand, "POST", "/v1/processes/backup", body, 201)
    assert (started["status"], started["deadline_status"]) == ("ACTIVE", "ON_TRACK")
    key, uid = "/v1/processes/backup/n1", f"/v1/runs/{started['uid']}"
    assert (await ok(stand, "GET", key))["uid"] == started["uid"]
    assert (await ok(stand, "PATCH", uid, {"progress": {"done": 3, "total": 9}}))["progress"]["done"] == 3
    assert (await ok(stand, "PATCH", key))["last_heartbeat_at"]
    assert await ok(stand, "POST", f"{key}/logs", {"message": "hello"}, 201) == {"accepted": 1}
    assert await ok(stand, "POST", f"{uid}/logs", [{"message": "a", "level": "WARN"}, {"message": "b"}], 201) == {
        "accepted": 2
    }
    assert [line["message"] for line in (await ok(stand, "GET", f"{key}/logs?level=warn"))["data"]] == ["a"]
    for method in ("POST", "PUT"):
        answer = await stand.ask(method, f"{key}/complete", {"status": "COMPLETED"})
        assert answer.status == (200 if method == "POST" else 409)
    assert (await ok(stand, "GET", "/v1/runs?status=completed&tag=env:prod"))["meta"]["total"] == 1
    assert (await ok(stand, "GET", uid))["deadline_status"] == "COMPLETED_ON_TIME"
    assert (await stand.ask("GET", f"{uid}?attempt=1")).field == "attempt"
    await ok(stand, "DELETE", uid, status=204)
    assert (await stand.ask("GET", uid)).status == 404


async def test_a_second_start_of_a_running_key_is_refused(stand: Stand) -> None:
    await ok(stand, "POST", "/v1/processes/backup", {"id": "n1"}, 201)
    answer = await stand.ask("POST", "/v1/processes/backup", {"id": "n1"})
    assert (answer.status, answer.json["code"]) == (409, "run_active")


async def test_the_same_start_twice_is_one_run(stand: Stand) -> None:
    headers = {"Idempotency-Key": "k1"}
    first, second = [await ok(stand, "POST", "/v1/processes/backup", {}, 201, headers=headers) for _ in range(2)]
    assert first == second
    answer = await stand.ask("POST", "/v1/processes/backup", {"id": "x"}, headers=headers)
    assert answer.status == 409


async def test_a_process_is_changed_by_whoever_saw_its_last_version(stand: Stand) -> None:
    changed = await ok(stand, "PATCH", "/v1/processes/backup", {"default_deadline": "30m"})
    assert changed["default_deadline"] == "30m"
    headers = {"If-Match": f'"{changed["version"]}"'}
    await ok(stand, "PATCH", "/v1/processes/backup", {"warn_at": 0.5}, headers=headers)
    answer = await stand.ask("PATCH", "/v1/processes/backup", {"warn_at": 0.6}, headers=headers)
    assert (answer.status, answer.json["code"]) == (409, "changed")
    got = await stand.ask("GET", "/v1/processes/backup")
    assert got.headers["ETag"] == f'"{got.json["version"]}"'
    assert (await ok(stand, "GET", "/v1/processes"))["meta"]["total"] == 1


async def test_an_incident_from_report_to_close(stand: Stand) -> None:
    made = await ok(stand, "POST", "/v1/incidents", {"title": "Invoices twice", "severity": "HIGH"}, 201)
    path = f"/v1/incidents/{made['ref']}"
    taken = await ok(stand, "PATCH", path, {"status": "TRIAGED", "assignee": "ada"}, headers={"If-Match": "1"})
    assert (taken["status"], taken["assignee"]) == ("TRIAGED", "ada")
    comment = await ok(stand, "POST", f"{path}/comments", {"content": "looking"}, 201)
    assert [each["content"] for each in (await ok(stand, "GET", f"{path}/comments"))["data"]] == ["looking"]
    await ok(stand, "DELETE", f"{path}/comments/{comment['id']}", status=204)
    results = await ok(stand, "POST", "/v1/incidents/bulk", {"ids": [made["id"], 99], "status": "CLOSED"})
    assert [each["ok"] for each in results["results"]] == [True, False]
    assert (await stand.ask("PATCH", path, {"status": "TRIAGED"})).json["code"] == "closed"
    kinds = [entry["kind"] for entry in (await ok(stand, "GET", f"{path}/timeline"))["data"]]
    assert kinds[0] == "opened"
    assert "closed" in kinds
    assert (await ok(stand, "GET", f"{path}/routing"))["incident"] == made["id"]
    assert (await ok(stand, "GET", "/v1/incidents?status=closed"))["meta"]["total"] == 1
    await ok(stand, "DELETE", path, status=204)
    assert (await stand.ask("GET", path)).status == 404


async def test_the_inbox_has_what_was_opened_until_it_is_read(stand: Stand) -> None:
    await ok(stand, "POST", "/v1/incidents", {"title": "Invoices twice"}, 201)
    [told] = (await ok(stand, "GET", "/v1/notifications?unread=true"))["data"]
    path = f"/v1/notifications/{told['id']}"
    assert (await ok(stand, "GET", path))["read_at"] is None
    assert await ok(stand, "GET", "/v1/notifications/unread-count") == {"count": 1}
    assert (await ok(stand, "POST", f"{path}/read"))["read_at"]
    assert (await ok(stand, "POST", f"{path}/unread"))["read_at"] is None
    await ok(stand, "POST", "/v1/notifications/read-all", status=204)
    assert await ok(stand, "GET", "/v1/notifications/unread-count") == {"count": 0}


async def test_departments_are_made_renamed_and_deleted(stand: Stand) -> None:
    await ok(stand, "POST", "/v1/departments", {"id": "ops", "name": "Operations"}, 201)
    assert (await stand.ask("POST", "/v1/departments", {"id": "ops", "name": "x"})).status == 409
    assert (await ok(stand, "PATCH", "/v1/departments/ops", {"name": "Night"}))["name"] == "Night"
    assert (await ok(stand, "GET", "/v1/departments/ops"))["name"] == "Night"
    assert [each["id"] for each in (await ok(stand, "GET", "/v1/departments"))["data"]] == ["default", "ops"]
    await ok(stand, "DELETE", "/v1/departments/ops", status=204)
    assert (await stand.ask("GET", "/v1/departments/ops")).status == 404


async def test_channels_are_made_changed_and_deleted_and_show_no_secret(stand: Stand) -> None:
    body = {"name": "pager", "url": "webhook+http://127.0.0.1:9/hook-secret", "secret": "signing-secret"}
    made = await stand.ask("POST", "/v1/channels", body)
    assert made.status == 201
    assert b"secret" not in made.body.replace(b'"has_secret":true', b"")
    path = f"/v1/channels/{made.json['id']}"
    assert (await ok(stand, "PATCH", path, {"enabled": False}, headers={"If-Match": "1"}))["enabled"] is False
    assert (await ok(stand, "GET", path))["version"] == 2
    assert (await ok(stand, "GET", "/v1/channels"))["meta"]["total"] == 1
    assert (await ok(stand, "GET", "/v1/deliveries"))["data"] == []
    assert (await stand.ask("POST", "/v1/deliveries/7/retry")).status == 404
    await ok(stand, "DELETE", path, status=204)
    assert (await stand.ask("POST", f"{path}/test")).status == 404


async def test_a_key_works_from_the_moment_it_is_made_to_the_moment_it_is_revoked(stand: Stand) -> None:
    made = await ok(stand, "POST", "/v1/keys", {"name": "cron", "role": "INGEST"}, 201)
    await ok(stand, "POST", "/v1/processes/backup", status=201, key=made["key"])
    path = f"/v1/keys/{made['id']}"
    assert (await ok(stand, "PATCH", path, {"role": "REPORTER"}))["role"] == "REPORTER"
    assert (await stand.ask("POST", "/v1/processes/backup", key=made["key"])).status == 403
    [listed] = (await ok(stand, "GET", "/v1/keys"))["data"]
    assert "key" not in listed
    await ok(stand, "DELETE", path, status=204)
    assert (await stand.ask("GET", "/v1/runs", key=made["key"])).status == 401


async def test_the_journal_and_the_summary_tell_what_happened(stand: Stand) -> None:
    await ok(stand, "POST", "/v1/processes/backup", {"id": "n1"}, 201, headers={"X-Actor": "alice@host"})
    entries = (await ok(stand, "GET", "/v1/journal?topic=runs"))["data"]
    assert [(entry["kind"], entry["actor"]) for entry in entries] == [("started", "alice@host (via owner)")]
    assert (await ok(stand, "GET", "/v1/stats/summary"))["runs"]["active"] == 1
