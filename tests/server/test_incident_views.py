"""Figures, changes and post-mortems over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.stand import OWNER_KEY, Stand, open_stand
from trackdesk.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        await opened.ask("POST", "/v1/processes/deploy", {"id": "n1", "service": "crm"})
        opened.clock.leap(60_000_000)
        await opened.ask("POST", "/v1/incidents", {"title": "Down [now]", "service": "crm", "severity": "HIGH"})
        yield opened


async def test_figures_of_incidents(stand: Stand) -> None:
    stand.clock.leap(90_000_000)
    await stand.ask("PATCH", "/v1/incidents/1", {"status": "CLOSED"})
    found = (await stand.ask("GET", "/v1/incidents/stats")).json
    assert found["by_status"] == {"OPEN": 0, "TRIAGED": 0, "IN_PROGRESS": 0, "CLOSED": 1}
    assert found["times"]["close"] == {"count": 1, "mean": 90.0, "p50": 90.0}
    assert found["times"]["acknowledge"]["count"] == 1, "whoever closes it has seen it"
    assert (await stand.ask("GET", "/v1/incidents/stats?to=2020-01-01T00:00:00Z")).json["opened"] == 0
    assert (await stand.ask("GET", "/v1/incidents/stats?from=2099-01-01T00:00:00Z")).field == "from"
    async with Client(stand.url, OWNER_KEY) as client:
        assert (await client.incidents.stats()).times_by_severity["HIGH"].close.mean == 90_000_000


async def test_what_changed_before_an_incident(stand: Stand) -> None:
    found = (await stand.ask("GET", "/v1/incidents/INC-1/changes")).json
    assert [(each["kind"], each["text"]) for each in found["data"]] == [("run_started", "deploy/n1 started")]
    assert (await stand.ask("GET", "/v1/incidents/1/changes?window=30s")).json["data"] == []
    too_long = await stand.ask("GET", "/v1/incidents/1/changes?window=8d")
    assert too_long.json["detail"] == "window: expected more than 0s and at most 7d, not 8d"
    assert (await stand.ask("GET", "/v1/incidents/9/changes")).status == 404
    async with Client(stand.url, OWNER_KEY) as client:
        assert (await client.incidents.changes("INC-1", {"window": "2h"})).service == "crm"


async def test_a_post_mortem_is_markdown(stand: Stand) -> None:
    answer = await stand.ask("GET", "/v1/incidents/INC-1/postmortem")
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.body.startswith(b"# INC-1: Down \\[now\\]\n")
    assert (await stand.ask("GET", "/v1/incidents/9/postmortem")).status == 404
    async with Client(stand.url, OWNER_KEY) as client:
        assert await client.incidents.postmortem(1) == answer.body.decode()
