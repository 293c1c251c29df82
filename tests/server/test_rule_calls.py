"""Rules over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import Stand, open_stand
from trackdesk.domain.identity import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SLOW = {"id": "slow", "metric_type": "LATENCY_MS", "operator": ">", "threshold": 150}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def ok(stand: Stand, method: str, path: str, body: object = None, status: int = 200) -> Any:
    answer = await stand.ask(method, path, body)
    assert answer.status == status, answer.body
    return answer.json if answer.body else None


async def test_a_rule_from_its_making_to_its_end(stand: Stand) -> None:
    made = await ok(stand, "POST", "/v1/rules", {**SLOW, "for": "2m", "aggregate": "avg", "window": 300}, 201)
    assert (made["for"], made["window"], made["state"], made["version"]) == ("2m", "5m", "OK", 1)
    assert (await ok(stand, "POST", "/v1/rules", SLOW, 409))["code"] == "exists"

    changed = await stand.ask("PATCH", "/v1/rules/slow", {"enabled": False, "for": None}, headers={"If-Match": '"1"'})
    assert (changed.json["enabled"], changed.json["for"], changed.headers["ETag"]) == (False, None, '"2"')
    late = await stand.ask("PATCH", "/v1/rules/slow", {"threshold": 1}, headers={"If-Match": '"1"'})
    assert (late.status, late.json["code"]) == (409, "changed")

    assert (await ok(stand, "GET", "/v1/rules?enabled=false&severity=medium"))["meta"]["total"] == 1
    assert (await ok(stand, "GET", "/v1/rules/slow"))["name"] == "slow"
    assert (await ok(stand, "GET", "/v1/rules/stats/top-triggered?since=30d&limit=50")) == []
    await ok(stand, "DELETE", "/v1/rules/slow", status=204)
    await ok(stand, "GET", "/v1/rules/slow", status=404)


async def test_a_trial_changes_nothing_and_needs_no_saved_rule(stand: Stand) -> None:
    draft = {name: value for name, value in SLOW.items() if name != "id"}
    trial = await ok(stand, "POST", "/v1/rules/test", {**draft, "since": "7d"})
    assert (trial["would_open"], trial["samples"], trial["truncated"]) == ([], 0, False)
    assert (await ok(stand, "GET", "/v1/rules"))["data"] == []

    await ok(stand, "POST", "/v1/rules", SLOW, 201)
    assert (await ok(stand, "POST", "/v1/rules/slow/test", {"threshold": 200}))["count"] == 0
    await ok(stand, "POST", "/v1/rules/none/test", status=404)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/rules", {"operator": ">", "threshold": 1}, "metric_type"),
        ("POST", "/v1/rules", {**SLOW, "operator": "=>"}, "operator"),
        ("POST", "/v1/rules", {**SLOW, "for": "2 minutes"}, "for"),
        ("POST", "/v1/rules", {**SLOW, "window": "25h", "aggregate": "avg"}, "window"),
        ("POST", "/v1/rules", {**SLOW, "aggregate": "p95"}, "window"),
        ("POST", "/v1/rules", {**SLOW, "recover_threshold": 200}, "recover_threshold"),
        ("POST", "/v1/rules", {**SLOW, "action": "WEBHOOK"}, "action"),
        ("POST", "/v1/rules", {**SLOW, "id": "a\u001b[2J"}, "id"),
        ("POST", "/v1/rules/test", {"metric_type": "LATENCY_MS"}, "operator"),
        ("POST", "/v1/rules/test", {**SLOW, "since": "soon"}, "since"),
        ("GET", "/v1/rules?sort=threshold", None, "sort"),
        ("GET", "/v1/rules?q=colour:red", None, "q"),
        ("GET", "/v1/rules/stats/top-triggered?limit=51", None, "limit"),
        ("GET", "/v1/rules/stats/top-triggered?since=2999-01-01T00:00:00Z", None, "since"),
        ("GET", f"/v1/rules/{'x' * 101}", None, "rule"),
    ],
)
async def test_what_is_wrong_is_refused_by_name(stand: Stand, method: str, path: str, body: object, field: str) -> None:
    answer = await stand.ask(method, path, body)

    assert (answer.status, answer.field) == (400, field)


async def test_reporters_read_and_maintainers_change(stand: Stand) -> None:
    reporter, maintainer = await stand.key(Role.REPORTER), await stand.key(Role.MAINTAINER)

    assert (await stand.ask("POST", "/v1/rules", SLOW, key=reporter)).status == 403
    assert (await stand.ask("POST", "/v1/rules", SLOW, key=maintainer)).status == 201
    assert (await stand.ask("GET", "/v1/rules", key=reporter)).status == 200
    assert (await stand.ask("POST", "/v1/rules/slow/test", key=reporter)).status == 200
    assert (await stand.ask("DELETE", "/v1/rules/slow", key=reporter)).status == 403


async def test_the_same_idempotency_key_makes_one_rule(stand: Stand) -> None:
    body = {name: value for name, value in SLOW.items() if name != "id"}
    first = await stand.ask("POST", "/v1/rules", body, headers={"Idempotency-Key": "k"})
    again = await stand.ask("POST", "/v1/rules", body, headers={"Idempotency-Key": "k"})

    assert first.json == again.json
    assert (await ok(stand, "GET", "/v1/rules"))["meta"]["total"] == 1
