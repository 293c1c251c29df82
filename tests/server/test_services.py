"""Services: made by what they send or by hand, described, deleted; and how well each is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import OWNER_KEY, Stand, open_stand
from trackdesk.cli import exits
from trackdesk.cli.main import main
from trackdesk.domain.clock import MINUTE
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def names(stand: Stand, query: str = "") -> list[str]:
    answer = await stand.ask("GET", f"/v1/services?{query}")
    assert answer.status == 200, answer.json
    return [each["name"] for each in answer.json["data"]]


async def send(stand: Stand, service: str, metric_type: str = "LATENCY_MS", **members: Any) -> None:
    body = {"service": service, "metric_type": metric_type, "value": 1, **members}
    assert (await stand.ask("POST", "/v1/metrics", body)).status == 201


async def report(stand: Stand, service: str, severity: str) -> None:
    body = {"title": "x", "service": service, "severity": severity}
    assert (await stand.ask("POST", "/v1/incidents", body)).status == 201


async def test_a_service_stands_there_by_its_first_sample(stand: Stand) -> None:
    await send(stand, "api", "LATENCY_MS")
    await send(stand, "api", "ERROR_RATE", tags={"host": "n1"})
    service = (await stand.ask("GET", "/v1/services/api")).json

    assert (service["health"], service["version"], service["open_incidents"]) == ("OK", 1, 0)
    assert service["metric_types"] == ["ERROR_RATE", "LATENCY_MS"]
    assert service["last_sample_at"] == format_instant(stand.clock.now())


async def test_a_service_may_be_made_described_and_deleted_by_hand(stand: Stand) -> None:
    made = await stand.ask("POST", "/v1/services", {"name": "a b%", "depends_on": ["db"]})
    again = await stand.ask("POST", "/v1/services", {"name": "a b%"})
    changed = await stand.ask(
        "PATCH", "/v1/services/a%20b%25", {"description": "front", "department": "default"}, headers={"If-Match": '"1"'}
    )
    stale = await stand.ask("PATCH", "/v1/services/a%20b%25", {"description": "x"}, headers={"If-Match": '"1"'})

    assert (made.status, made.json["health"], made.json["depends_on"]) == (201, "NO_DATA", ["db"])
    assert (again.status, again.json["code"]) == (409, "exists")
    assert (changed.json["description"], changed.json["version"], changed.headers["ETag"]) == ("front", 2, '"2"')
    assert (stale.status, stale.json["code"]) == (409, "changed")
    assert (await stand.ask("DELETE", "/v1/services/a%20b%25")).status == 204
    assert await names(stand) == []


async def test_what_is_wrong_with_a_service_is_named(stand: Stand) -> None:
    for body, field in (
        ({"name": "a/b"}, "name"),
        ({"name": "api", "department": "nobody"}, "department"),
        ({"name": "api", "depends_on": ["api"]}, "depends_on"),
        ({"name": "api", "depends_on": ["a", "a"]}, "depends_on"),
    ):
        answer = await stand.ask("POST", "/v1/services", body)
        assert (answer.status, answer.field) == (400, field)
    assert (await stand.ask("GET", "/v1/services/api")).status == 404
    assert (await stand.ask("PATCH", "/v1/services/api", {})).status == 404


async def test_a_service_goes_with_its_samples_unless_something_refers_to_it(stand: Stand) -> None:
    await send(stand, "api")
    await stand.ask("POST", "/v1/services", {"name": "shop", "depends_on": ["api"]})
    refused = await stand.ask("DELETE", "/v1/services/api")
    await stand.ask("PATCH", "/v1/services/shop", {"depends_on": []})
    gone = await stand.ask("DELETE", "/v1/services/api")
    await send(stand, "api")

    assert (refused.status, refused.json["code"]) == (409, "in_use")
    assert "service shop" in refused.json["detail"]
    assert gone.status == 204
    assert len((await stand.ask("GET", "/v1/metrics")).json["data"]) == 1


async def test_health_follows_incidents_and_silence(stand: Stand) -> None:
    await send(stand, "late", recorded_at=format_instant(stand.clock.now() - 15 * MINUTE))
    for service in ("ok", "low", "down"):
        await send(stand, service)
    await report(stand, "low", "LOW")
    await report(stand, "down", "HIGH")
    await report(stand, "down", "CRITICAL")
    page = (await stand.ask("GET", "/v1/services?sort=health")).json

    found = [(each["name"], each["health"], each["open_incidents"]) for each in page["data"]]
    assert found == [("down", "DOWN", 2), ("low", "DEGRADED", 1), ("late", "NO_DATA", 0), ("ok", "OK", 0)]
    assert await names(stand, "health=down&health=NO_DATA") == ["down", "late"]
    assert await names(stand, "q=-health:OK") == ["down", "late", "low"]
    assert await names(stand, "sort=-health&limit=1") == ["ok"]


async def test_services_are_narrowed_and_paged(stand: Stand) -> None:
    for name in ("api", "web", "web-2"):
        await send(stand, name, "LATENCY_MS" if name == "api" else "ERROR_RATE")
    await stand.ask("PATCH", "/v1/services/web", {"department": "default"})

    assert await names(stand, "search=web") == ["web", "web-2"]
    assert await names(stand, "department=default") == ["web"]
    assert await names(stand, "q=metric_type:ERR*%20name:web") == ["web"]
    assert await names(stand, "q=sample:<5m") == ["api", "web", "web-2"]
    first = (await stand.ask("GET", "/v1/services?sort=health&limit=2")).json
    assert await names(stand, f"sort=health&cursor={first['meta']['next']}") == ["web-2"]


async def test_services_are_listed_and_shown_on_the_command_line(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKDESK_API_KEY", OWNER_KEY)
    await send(stand, "crm-api", tags={"region": "eu"})
    await stand.ask("POST", "/v1/services", {"name": "quiet"})
    common = ["--url", stand.url, "--data-dir", str(tmp_path)]

    for words, shown in (
        (["--health", "ok"], ["✓ ok", "crm-api", "LATENCY_MS"]),
        (["list", "--q", "name:quiet"], ["? no data", "quiet"]),
        (["show", "crm-api"], ["crm-api", "LATENCY_MS", "region=eu"]),
        (["show", "crm-api", "--json"], ['"latest"', '"health": "OK"']),
    ):
        assert await asyncio.to_thread(main, ["services", *words, *common]) == exits.OK
        out = capsys.readouterr().out
        assert [word for word in shown if word not in out] == []
    assert await asyncio.to_thread(main, ["services", "show", "nobody", *common]) == exits.NOT_FOUND
