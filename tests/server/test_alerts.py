"""Alertmanager's webhook: what it sends opens, repeats and closes incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import Stand, open_stand
from trackdesk.client import Client
from trackdesk.domain.identity import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOOK = "/v1/alerts/alertmanager"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


def alert(name: str = "DiskFull", status: str = "firing", **more: Any) -> dict[str, Any]:
    labels = {"alertname": name, "severity": "critical", "job": "node"}
    times = {"startsAt": "2026-01-02T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}
    return {"status": status, "labels": labels, "annotations": {}, "fingerprint": f"f-{name}", **times, **more}


async def send(stand: Stand, *alerts: Any, **more: Any) -> dict[str, Any]:
    answer = await stand.ask("POST", HOOK, {"version": "4", "alerts": list(alerts), "receiver": "td", "x": 1, **more})
    assert answer.status == 200, answer.body
    return {name: value for name, value in answer.json.items() if value}


async def incidents(stand: Stand) -> list[dict[str, Any]]:
    return list(reversed((await stand.ask("GET", "/v1/incidents?origin=alert&limit=1000")).json["data"]))


async def test_an_alert_opens_repeats_and_closes_one_incident(stand: Stand) -> None:
    assert await send(stand, alert()) == {"opened": 1}
    assert await send(stand, alert(), alert("Other")) == {"opened": 1, "repeated": 1}
    one, other = await incidents(stand)
    assert (one["title"], one["severity"], one["service"], one["occurrences"]) == ("DiskFull", "CRITICAL", "node", 2)
    assert (one["origin"], one["due_at"], one["tags"]["job"]) == ("alert", "2026-01-02T00:00:00.000000Z", "node")
    assert await send(stand, alert(status="resolved", endsAt="2026-01-02T00:05:00Z")) == {"closed": 1}
    one, other = await incidents(stand)
    assert one["close_reason"] == "the alert was resolved at 2026-01-02T00:05:00.000000Z"
    assert (one["status"], other["status"]) == ("CLOSED", "OPEN")
    assert await send(stand, alert(status="resolved")) == {"unchanged": 1}
    assert await send(stand, alert()) == {"opened": 1}


async def test_what_was_closed_by_hand_stays_closed_until_the_alert_is_resolved(stand: Stand) -> None:
    await send(stand, alert())
    await stand.ask("PATCH", "/v1/incidents/1", {"status": "CLOSED"})
    assert await send(stand, alert()) == {"repeated": 1}
    assert await send(stand, alert(status="resolved")) == {"unchanged": 1}
    assert await send(stand, alert()) == {"opened": 1}
    assert [each["status"] for each in await incidents(stand)] == ["CLOSED", "OPEN"]


async def test_an_alert_that_began_later_opens_again_what_was_closed_by_hand(stand: Stand) -> None:
    await send(stand, alert())
    await stand.ask("PATCH", "/v1/incidents/1", {"status": "CLOSED"})
    assert await send(stand, alert(startsAt="2026-01-02T00:00:00Z")) == {"repeated": 1}
    assert await send(stand, alert(startsAt="2026-01-03T00:00:00Z")) == {"opened": 1}
    assert await send(stand, alert(startsAt="2026-01-03T00:00:00Z")) == {"repeated": 1}


async def test_bad_alerts_are_named_and_the_others_are_taken(stand: Stand) -> None:
    bad = [
        alert("A", status="odd"),
        alert("B", startsAt="soon"),
        {"labels": 7},
        alert("C", fingerprint="a b"),
        alert("D\0"),
    ]
    answer = await send(stand, *bad, alert())
    assert answer["opened"] == 1
    refused = [(each["alert"], each["name"]) for each in answer["refused"]]
    assert refused == [(1, "A"), (2, "B"), (3, None), (4, "C"), (5, "D\0")]
    assert answer["refused"][0]["detail"] == "status: expected one of firing or resolved, not 'odd'"
    assert (await stand.ask("POST", HOOK, {"version": "4", "alerts": bad})).field == "alerts.0"
    assert (await stand.ask("POST", HOOK, {"version": "3", "alerts": []})).field == "version"


async def test_a_group_of_500_alerts_is_taken_with_a_key_that_may_only_send(stand: Stand) -> None:
    key = await stand.key(Role.INGEST)
    body = {"version": "4", "alerts": [alert(f"A{number}") for number in range(500)]}
    headers = {"Authorization": f"Bearer {key}"}
    answer = await stand.ask("POST", HOOK, body, key=None, headers=headers)
    assert (answer.status, answer.json["opened"]) == (200, 500)
    assert (await stand.ask("POST", HOOK, body, key=await stand.key(Role.REPORTER))).status == 403


async def test_an_alert_goes_to_the_department_that_its_labels_name(stand: Stand) -> None:
    await stand.ask("POST", "/v1/departments", {"id": "ops", "name": "Operations"})
    async with Client(stand.url, await stand.key(Role.MAINTAINER)) as client:
        labels = {"alertname": "X", "team": "ops"}
        taken = await client.alerts.alertmanager({"version": "4", "alerts": [alert("X", labels=labels)]})
    assert taken.opened == 1
    assert (await incidents(stand))[0]["department"] == "ops"
