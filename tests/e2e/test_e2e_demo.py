"""The demo: a company at work within seconds, the same for the same seed, gone without a trace."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clocks import STOPS_WITHIN
from tests.e2e.premises import until
from trackdesk.demo.company import DEPARTMENTS, JOBS
from trackdesk.demo.fate import fate, starts
from trackdesk.domain.clock import DAY

if TYPE_CHECKING:
    from tests.e2e.premises import Premises

NOW = 1_790_000_000_000_000


def test_without_a_terminal_it_runs_headless_shows_trouble_at_once_and_leaves_nothing_behind(
    premises: Premises,
) -> None:
    demo = premises.launch("demo", "--days", "0.2")
    until(lambda: "open the console" in premises.out or demo.poll() is not None, "company at work", limit=60)
    assert demo.poll() is None, premises.log
    began = time.monotonic()
    url = re.search(r"at work at (http://\S+),", premises.out)
    command = re.search(r"trackdesk --data-dir (\S+)\n", premises.out)
    assert url is not None
    assert command is not None
    premises.url, place = url[1], Path(command[1])
    premises.data = place

    def late() -> object:
        return premises.ask("GET", "/v1/runs?deadline_status=MISSED&status=ACTIVE&process=payment-settle")[1]["data"]

    until(late, "run that is late")
    assert time.monotonic() - began < 30
    open_ones = premises.ask("GET", "/v1/incidents?status=OPEN")[1]["data"]
    assert "payment-settle" in {incident["process"] for incident in open_ones}
    until(lambda: premises.ask("GET", "/v1/deliveries?status=SENT")[1]["data"], "delivery that went out")
    closing = premises.ask("GET", "/v1/incidents/stats")[1]["times"]["close"]
    assert closing["p50"] >= 5, "incidents of the past stood for a while"
    departments = premises.ask("GET", "/v1/departments")[1]["data"]
    assert {each["id"] for each in departments} == {"default", *(id_ for id_, _, _ in DEPARTMENTS)}

    code, took = premises.end(demo, signal.SIGINT)
    assert code == 0
    assert took < STOPS_WITHIN
    assert not place.exists()


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    def story(seed: int) -> list[object]:
        return [
            fate(job, seed, number, at, NOW)
            for job in JOBS
            for number, at in starts(job, seed, NOW - DAY, NOW, keep=job.keep)
        ]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_the_company_is_believable() -> None:
    runs = [
        (job, fate(job, 1, number, at, NOW))
        for job in JOBS
        for number, at in starts(job, 1, NOW - 3 * DAY, NOW, keep=job.keep)
    ]
    assert len(JOBS) >= 40
    assert 1_500 <= len(runs) <= 5_000
    failed = sum(lot.status == "FAILED" for _, lot in runs) / len(runs)
    late = sum(lot.takes > job.budget for job, lot in runs) / len(runs)
    assert 0.01 < failed < 0.10
    assert 0.01 < late < 0.08
