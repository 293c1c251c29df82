"""The real Alertmanager, where it is installed (Debian: `apt-get install prometheus-alertmanager`)."""

from __future__ import annotations

import asyncio
import shutil
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.server.stand import OWNER, Stand, open_stand
from trackdesk.domain.filters import IncidentFilter
from trackdesk.domain.identity import Role
from trackdesk.store import incident_lists

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from trackdesk.domain.incident import Incident

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIG = """
route: {{receiver: trackdesk, group_by: [alertname], group_wait: 0s, group_interval: 100ms, repeat_interval: 200ms}}
receivers:
- name: trackdesk
  webhook_configs:
  - url: {url}/v1/alerts/alertmanager
    http_config: {{authorization: {{type: Bearer, credentials: {key}}}}}
"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Alertmanager is not installed")


@asynccontextmanager
async def alertmanager(folder: Path, config: str) -> AsyncIterator[str]:
    """The URL of one that runs."""
    file, log = folder / "alertmanager.yml", folder / "alertmanager.log"
    file.write_text(config, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}", "--log.level=debug"]
    words += [f"--config.file={file}", f"--storage.path={folder / 'alerts'}"]
    assert PROGRAM is not None
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(PROGRAM, *words, stdout=output, stderr=output)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            await process.wait()


async def post(session: aiohttp.ClientSession, url: str, alerts: list[dict[str, Any]]) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            async with session.post(f"{url}/api/v2/alerts", json=alerts) as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            assert time.monotonic() < end, "Alertmanager does not come up"
        await asyncio.sleep(0.02)


async def until(stand: Stand, holds: Callable[[Incident], bool]) -> Incident:
    """The one incident, once that is true of it."""
    end = time.monotonic() + 20
    while True:
        page = await incident_lists.page(stand.engine.readers, OWNER.namespace_id, IncidentFilter(), stand.clock.now())
        if page.data and holds(page.data[0]):
            assert len(page.data) == 1
            return page.data[0]
        assert time.monotonic() < end, page.data
        await asyncio.sleep(0.02)


async def test_what_alertmanager_sends_opens_repeats_and_closes_an_incident(tmp_path: Path) -> None:
    async with open_stand(tmp_path) as stand:
        config = CONFIG.format(url=stand.url, key=await stand.key(Role.INGEST))
        async with alertmanager(tmp_path, config) as url, aiohttp.ClientSession() as session:
            alert = {
                "labels": {"alertname": "DiskFull", "severity": "critical", "job": "node", "instance": "n1"},
                "annotations": {"summary": "The disk of n1 is full", "runbook_url": "https://run.book/disk"},
                "generatorURL": "http://prometheus/graph",
            }
            await post(session, url, [alert])
            opened = await until(stand, lambda _: True)
            assert (opened.title, opened.severity, opened.service) == ("The disk of n1 is full", "CRITICAL", "node")
            assert "runbook      https://run.book/disk" in (opened.description or "")
            assert opened.due_at is not None
            await until(stand, lambda incident: incident.occurrences >= 2)
            await post(session, url, [{**alert, "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-12-31T00:00:00Z"}])
            closed = await until(stand, lambda incident: incident.status == "CLOSED")
            assert closed.close_reason is not None
            assert closed.close_reason.startswith("the alert was resolved at 20")
