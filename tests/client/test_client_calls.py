"""The rest of the groups, call by call, against a real server."""

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


async def test_incidents_and_comments(client: Client) -> None:
    incident = await client.incidents.report({"title": "t"}, idempotency_key="k")
    assert await client.incidents.get(incident.ref) == await client.incidents.get(incident.id)
    comment = await client.comments.add(incident.id, {"content": "looking"}, idempotency_key="c")
    assert [each.id for each in (await client.comments.list(incident.id)).data] == [comment.id]
    await client.comments.delete(incident.id, comment.id)
    assert (await client.incidents.timeline(incident.id)).data[0].kind == "opened"
    assert (await client.incidents.routing(incident.id)).steps
    results = await client.incidents.bulk({"q": "status:OPEN", "expect": 1, "status": "CLOSED"})
    assert [each.ok for each in results.results] == [True]
    assert (await client.incidents.list({"status": "closed"})).meta.total == 1
    await client.incidents.delete(incident.id)
    with pytest.raises(errors.NotFound):
        await client.incidents.get(incident.id)


async def test_processes(client: Client) -> None:
    made = await client.processes.patch("backup", {"default_deadline": "30m"})
    changed = await client.processes.patch("backup", {"default_deadline": None}, if_match=made.version)
    assert changed.default_deadline is None
    assert (await client.processes.get("backup")).version == changed.version
    assert [each.name for each in (await client.processes.list()).data] == ["backup"]


async def test_departments_and_the_inbox(client: Client) -> None:
    department = await client.departments.add({"id": "night ops", "name": "Night"})
    assert await client.departments.get("night ops") == department
    assert (await client.departments.patch("night ops", {"name": "N"})).name == "N"
    assert len((await client.departments.list()).data) == 2
    await client.departments.delete("night ops")
    await client.incidents.report({"title": "t"})
    [told] = (await client.notifications.list({"unread": True})).data
    assert (await client.notifications.get(told.id)).title == told.title
    assert (await client.notifications.read(told.id)).read_at is not None
    assert (await client.notifications.unread(told.id)).read_at is None
    assert (await client.notifications.unread_count()).count == 1
    await client.notifications.read_all()
    assert (await client.notifications.unread_count()).count == 0


async def test_channels_and_deliveries(client: Client) -> None:
    channel = await client.channels.add({"name": "pager", "url": "webhook+http://127.0.0.1:9/hook"})
    channel = await client.channels.patch(channel.id, {"min_severity": "HIGH"}, if_match=channel.version)
    assert await client.channels.get(channel.id) == channel
    assert [each.name for each in (await client.channels.list()).data] == ["pager"]
    assert (await client.deliveries.list({"status": ["DEAD", "SENT"]})).data == []
    with pytest.raises(errors.NotFound):
        await client.deliveries.retry(7)
    await client.channels.delete(channel.id)
    with pytest.raises(errors.NotFound):
        await client.channels.test(channel.id)


async def test_keys_and_figures(client: Client) -> None:
    made = await client.keys.add({"name": "cron", "role": "INGEST"})
    assert (await client.keys.patch(made.id, {"rate_limit": 5})).rate_limit == 5
    assert [key.name for key in (await client.keys.list({"role": "ingest"})).data] == ["cron"]
    await client.keys.delete(made.id)
    assert (await client.stats.summary()).runs.total == 0
    assert (await client.operations.healthz()) == {"status": "ok"}
