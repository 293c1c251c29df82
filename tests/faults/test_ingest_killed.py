"""kill -9 in the middle of a large request: each line at most once, whole chunks only, and sending all of it again
completes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import pytest

from tests.faults.harness import OWNER_KEY, Site, open_site

if TYPE_CHECKING:
    from pathlib import Path

RUNS = 300
ENDED = "2026-01-02T03:05:00Z"
BODY = b"".join(
    orjson.dumps(line) + b"\n"
    for number in range(RUNS)
    for line in (
        {"kind": "run.start", "uid": f"s{number}", "process": "bulk", "started_at": "2026-01-02T03:04:00Z"},
        {"kind": "log", "uid": f"l{number}", "start": f"s{number}", "message": f"line of {number}"},
        {"kind": "log", "start": f"s{number}", "message": "numbered", "seq": 1},
        {"kind": "run.complete", "start": f"s{number}", "completed_at": ENDED},
    )
)


async def ingest(site: Site) -> dict[str, Any]:
    headers = {"X-API-Key": OWNER_KEY, "Content-Type": "application/x-ndjson"}
    async with site.session.post(f"{site.life.url}/v1/ingest", data=BODY, headers=headers) as response:
        assert response.status == 200
        told: dict[str, Any] = await response.json()
        return told


@pytest.mark.parametrize("point", ["ingest.in_chunk:10", "ingest.on_disk:3"])
async def test_lines_that_were_on_their_way_at_a_kill_are_taken_once(tmp_path: Path, point: str) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.stop()
        await site.start(kill_at=point)
        with pytest.raises(aiohttp.ClientError):
            await ingest(site)
        await site.died()
        await site.start()
        ((before,),) = site.rows("SELECT count(*) FROM runs")
        assert 0 < before < RUNS
        assert site.rows("SELECT count(*) FROM ingest_uids WHERE uid LIKE 's%'") == [(before,)]
        told = await ingest(site)
        assert (told["accepted"], told["refused"]) == (4 * RUNS, [])
        assert told["duplicates"] >= before
        assert site.rows("SELECT count(*) FROM runs WHERE status = 'COMPLETED' AND duration = 60000000") == [(RUNS,)]
        lines = "SELECT count(*), count(DISTINCT run_seq) FROM logs WHERE message"
        assert site.rows(f"{lines} = 'numbered'") == [(RUNS, RUNS)]
        assert site.rows(f"{lines} <> 'numbered'") == [(RUNS, RUNS)]
        assert site.rows("SELECT total, active, completed FROM processes") == [(RUNS, 0, RUNS)]
        again = await ingest(site)
        assert (again["accepted"], again["duplicates"]) == (4 * RUNS, 4 * RUNS)
        await site.check()
