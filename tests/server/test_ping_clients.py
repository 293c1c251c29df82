"""A client that others wrote for Healthchecks, as it installs from the package registry."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from healthchecks_decorator import healthcheck

from tests.server.stand import open_stand
from trackdesk.domain.identity import Role

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_decorated_function_reports_its_start_its_result_and_its_failure(tmp_path: Path) -> None:
    async with open_stand(tmp_path) as stand:
        key = await stand.key(Role.INGEST)

        @healthcheck(url=f"{stand.url}/ping/{key}/good", send_start=True, send_diagnostics=True)
        def good() -> dict[str, int]:
            return {"rows": 311}

        @healthcheck(url=f"{stand.url}/ping/{key}/bad", send_start=True)
        def bad() -> None:
            raise ValueError("disk full")

        assert await asyncio.to_thread(good) == {"rows": 311}
        with pytest.raises(ValueError, match="disk full"):
            await asyncio.to_thread(bad)

        listed = (await stand.ask("GET", "/v1/runs?sort=started_at")).json["data"]
        assert [(run["process"], run["status"]) for run in listed] == [("good", "COMPLETED"), ("bad", "FAILED")]
        assert all(run["completed_at"] >= run["started_at"] for run in listed)
        (line,) = (await stand.ask("GET", f"/v1/runs/{listed[0]['uid']}/logs")).json["data"]
        assert line["message"] == "rows=311"
