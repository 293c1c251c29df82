"""Silences and maintenance windows, call by call, against a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.stand import OWNER_KEY, open_stand
from trackdesk.client import Client
from trackdesk.domain import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with open_stand(tmp_path) as stand, Client(stand.url, OWNER_KEY) as opened:
        yield opened


async def test_a_silence_from_its_preview_to_its_end(client: Client) -> None:
    await client.incidents.report({"title": "slow", "service": "crm"})
    seen = await client.silences.preview({"match": {"service": "c*"}})
    assert (seen.muted, [each.ref for each in seen.incidents]) == (1, ["INC-1"])
    made = await client.silences.add({"match": {"service": "crm"}, "until": "2h", "reason": "deploy"})
    longer = await client.silences.patch(made.id, {"until": "3h"}, if_match=made.version)
    with pytest.raises(errors.Conflict):
        await client.silences.patch(made.id, {"until": "3h"}, if_match=made.version)
    assert await client.silences.get(made.id) == longer
    assert (longer.match, longer.state) == ({"service": ["crm"]}, "active")
    incident = await client.incidents.report({"title": "slower", "service": "crm"})
    kinds = [step.kind for step in (await client.incidents.routing(incident.id)).steps]
    assert kinds == ["cause", "department", "silence"]
    await client.silences.end(made.id)
    assert [each.id for each in (await client.silences.list({"state": "ended"})).data] == [made.id]
    with pytest.raises(errors.Invalid) as caught:
        await client.silences.add({"match": {}, "until": "2h", "reason": "deploy"})
    assert [each.field for each in caught.value.errors] == ["match"]


async def test_a_maintenance_from_its_making_to_its_end(client: Client) -> None:
    schedule = {"cron": "0 2 * * 0", "timezone": "Europe/Berlin"}
    body = {"name": "patching", "service": "crm", "schedule": schedule, "duration": "2h", "reason": "patches"}
    made = await client.maintenance.add(body)
    assert (made.schedule, len(made.windows)) == (schedule, 5)
    changed = await client.maintenance.patch(made.id, {"duration": "3h"}, if_match=made.version)
    assert changed.windows[0].until - changed.windows[0].from_ == 3 * 3_600_000_000
    assert await client.maintenance.get(made.id) == changed
    assert [each.name for each in (await client.maintenance.list({"service": "crm"})).data] == ["patching"]
    await client.maintenance.delete(made.id)
    with pytest.raises(errors.NotFound):
        await client.maintenance.get(made.id)
    with pytest.raises(errors.Invalid) as caught:
        await client.maintenance.add({**body, "schedule": {"cron": "0 2 30 2 *"}})
    assert [each.field for each in caught.value.errors] == ["schedule.cron"]
