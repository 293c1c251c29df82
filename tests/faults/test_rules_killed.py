"""kill -9 while rules are evaluated: each sample counts once, each breach has its one incident, told once."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.clocks import until
from tests.faults.harness import Site, open_site

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = ("crm", "shop", "mail", "search")
SWING = (200, 210, 190, 100, 200, 90, 205)
"""Two incidents a round, of three breaches and of one, the third of one and the first of the next round."""
RULES = (
    {"id": "each", "metric_type": "LATENCY_MS", "operator": ">", "threshold": 150},
    {
        "id": "window",
        "metric_type": "LATENCY_MS",
        "operator": ">",
        "threshold": 150,
        "aggregate": "max",
        "window": "24h",
    },
)

EVALUATED = """
SELECT (SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'rules_cursor') = (SELECT max(id) FROM samples)
    AND NOT EXISTS (SELECT 1 FROM rule_uncounted)
"""


async def send(site: Site, service: str, rounds: int) -> None:
    """Samples one after the other, each until it is acknowledged; its `uid` has it stored once."""
    for number, value in enumerate(SWING * rounds):
        sample = {"service": service, "metric_type": "LATENCY_MS", "value": value, "uid": f"{service}-{number}"}
        while True:
            await site.up.wait()
            try:
                answer = await site.ask("POST", "/v1/metrics", sample)
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
                continue
            if answer.status == 201:
                break
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("point", ["rules.before_follow:20", "rules.in_follow:30", "writer.after_commit:90"])
async def test_a_server_killed_while_it_evaluates_counts_each_sample_once(tmp_path: Path, point: str) -> None:
    async with open_site(tmp_path) as site:
        await site.start(kill_at=point)
        await site.prepare()
        for rule in RULES:
            await site.made("POST", "/v1/rules", rule)
        sending = asyncio.gather(*(send(site, service, 10) for service in SERVICES))
        await site.died()
        await site.start()
        await sending
        await until(lambda: site.rows(EVALUATED) == [(1,)])
        wrong = [len(list(values)) for breaches, values in groupby(SWING * 10, lambda value: value > 150) if breaches]
        for service in SERVICES:
            counted = "SELECT occurrences FROM incidents WHERE rule = ? AND service = ? ORDER BY id"
            assert [count for (count,) in site.rows(counted, ("each", service))] == wrong
            assert site.rows(counted, ("window", service)) == [(len(SWING) * 10,)]
        await site.check()
