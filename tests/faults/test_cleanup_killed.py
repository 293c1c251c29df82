"""kill -9 while old runs are deleted: each is there with its lines and tags, or is gone; counts are true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clocks import until
from tests.faults.harness import open_site

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("point", ["removal.middle:3", "removal.after_lines:2"])
async def test_a_cleanup_killed_in_the_middle_leaves_whole_runs(tmp_path: Path, point: str) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        async with site.load():
            await site.acknowledge(100)
        await site.stop()
        await site.start(kill_at=point)  # what is stored is counted at the start, and may go from then on
        async with site.load(seed=2):
            await site.died()
            await site.start()
            await site.acknowledge(60)
        await until(lambda: site.rows("SELECT count(*) FROM gone_runs") == [(0,)])
        await site.made("POST", "/v1/cleanup", {"older_than": "30m", "process": "old"})
        left = site.rows("SELECT r.status FROM runs r JOIN processes p ON p.id = r.process_id WHERE p.name = 'old'")
        assert {status for (status,) in left} <= {"ACTIVE"}
        await site.check()
