from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trackdesk import configure, track
from trackdesk.sdk.locate import Target
from trackdesk.sdk.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.receiver import Receiver
    from trackdesk.sdk.http import Http


@pytest.fixture
def spool(environ: dict[str, str]) -> Spool:
    return Spool(Path(environ["TRACKDESK_DATA_DIR"]) / "spool")


@pytest.fixture
def here(receiver: Receiver, environ: dict[str, str]) -> Receiver:
    configure(url=receiver.url, api_key="k")
    return receiver


def test_a_block_that_ends_well_is_completed(here: Receiver) -> None:
    with track("nightly", deadline="30m", id="i1", tags={"env": "prod", "n": 3}, context={"path": Path("/x")}) as run:
        assert (run.uid, run.id, run.name) == ("uid1", "i1", "nightly")
    start, end = here.seen[0], here.seen[-1]
    assert start.path == "/v1/processes/nightly"
    assert start.body.pop("started_at") < end.body["completed_at"]
    assert start.body == {
        "deadline": "30m",
        "id": "i1",
        "tags": {"env": "prod", "n": "3"},
        "context": {"path": "/x"},
        "heartbeat_timeout": "90s",
    }
    assert (end.path, end.body["status"]) == ("/v1/runs/uid1/complete", "COMPLETED")


def test_an_exception_fails_the_run_and_goes_on_its_way(here: Receiver) -> None:
    with pytest.raises(ZeroDivisionError), track("nightly"):
        _ = 1 / 0
    error = here.bodies("/complete")[0]["error"]
    assert error["message"] == "ZeroDivisionError: division by zero"
    assert "1 / 0" in error["backtrace"]


@pytest.mark.parametrize(("code", "status"), [(None, "COMPLETED"), (0, "COMPLETED"), (3, "FAILED"), ("no", "FAILED")])
def test_leaving_by_sys_exit_counts_by_its_code(here: Receiver, code: int | str | None, status: str) -> None:
    with pytest.raises(SystemExit), track("nightly"):
        raise SystemExit(code)
    assert here.bodies("/complete")[0]["status"] == status


def test_lines_arrive_in_order_with_level_data_and_numbers(here: Receiver) -> None:
    with track("nightly") as run:
        for number in range(1_200):
            run.log(f"line {number}", level="warning" if number == 5 else "info", number=number)
        run.log("", note="an empty line says nothing")
    lines = here.lines()
    assert [line["message"] for line in lines] == [f"line {number}" for number in range(1_200)]
    assert (lines[5]["level"], lines[5]["data"]) == ("WARN", {"number": 5})
    assert sorted({line["seq"] for line in lines}) == [line["seq"] for line in lines]
    assert here.said()[-1].endswith("/complete")


def test_what_cannot_be_sent_is_made_fit_to_be_sent(here: Receiver) -> None:
    loop: list[object] = []
    loop.append(loop)
    with track("nightly") as run:
        run.log("nul \x00 surrogate \ud800 " + "x" * 20_000, data=float("nan"), loop=loop, big=2**80)
        run.log("huge", data="y" * 100_000)
    first, second = here.lines()
    assert first["message"].startswith("nul \ufffd surrogate \ufffd xx")
    assert len(first["message"]) == 16_384
    assert first["data"]["data"] == "nan"
    assert first["data"]["big"] == str(2**80)
    assert "left_out" in second["data"]


def test_progress_is_sent_and_its_last_state_counts(here: Receiver) -> None:
    with track("nightly", total=10) as run:
        for done in range(10):
            run.progress(done, 10, failed=1)
        here.wait_for(lambda: any(body["progress"].get("done") == 9 for body in here.bodies("/uid1") if body))
    assert here.bodies("/uid1")[-1] == {"progress": {"done": 9, "total": 10, "failed": 1}}


def test_a_silent_job_sends_heartbeats(here: Receiver) -> None:
    with track("nightly", heartbeat=0.05):
        here.wait_for(lambda: here.said().count("PATCH /v1/runs/uid1") >= 3)
    assert here.bodies("/uid1")[0] == {}
    assert here.seen[0].body["heartbeat_timeout"] == "2s"


def test_a_job_beside_a_dead_server_runs_warns_once_and_is_reported_later(
    receiver: Receiver,
    free_port: int,
    spool: Spool,
    caplog: pytest.LogCaptureFixture,
    client: Callable[[Target], Http],
) -> None:
    caplog.set_level(logging.WARNING, "trackdesk")
    with track("nightly", id="i1") as run:
        assert run.uid is None
        run.log("hello")
        run.progress(1)
    assert [record.name for record in caplog.records] == ["trackdesk"]
    assert "kept and sent later" in caplog.text
    spool.flush(client(Target(receiver.url, local=True)))
    assert spool.is_empty()
    assert list(receiver.runs) == ["uid1"]
    assert [line["message"] for line in receiver.lines()] == ["hello"]
    assert receiver.runs["uid1"]["status"] == "COMPLETED"


def test_a_start_that_found_no_server_is_on_disk_while_the_job_still_runs(spool: Spool) -> None:
    with track("nightly"):
        assert len(list(spool.directory.glob("*.json"))) == 1


def test_a_server_that_comes_back_gets_the_start_with_its_true_time_and_what_follows_once(
    here: Receiver, spool: Spool
) -> None:
    here.answer = (502, {"detail": "not yet"})
    with track("nightly") as run:
        here.answer = None
        here.wait_for(lambda: run.uid is not None)
    assert len(here.runs) == 1
    assert here.bodies("/nightly")[0] == here.bodies("/nightly")[-1]
    assert len(here.bodies("/complete")) == 1
    assert spool.is_empty()


def test_a_server_that_hangs_delays_the_start_by_two_seconds_at_most(here: Receiver, spool: Spool) -> None:
    here.released.clear()
    began = time.monotonic()
    job = track("nightly")
    run = job.__enter__()
    waited = time.monotonic() - began
    here.released.set()
    here.wait_for(lambda: run.uid is not None)
    job.__exit__(None, None, None)
    assert 1.5 < waited < 6
    assert here.runs["uid1"]["status"] == "COMPLETED"
    assert spool.is_empty()


def test_a_refused_start_leaves_the_job_alone(here: Receiver, spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    here.answer = (409, {"code": "run_active", "detail": "nightly/i1 is active"})
    with track("nightly", id="i1") as run:
        run.log("hello")
    assert "nightly/i1 is active" in caplog.text
    assert here.said() == ["POST /v1/processes/nightly"]
    assert spool.is_empty()


def test_a_refused_line_does_not_cost_the_end(here: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    here.answer = lambda seen: (400, {"code": "invalid", "detail": "x"}) if seen.path.endswith("/logs") else None
    with track("nightly") as run:
        run.log("hello")
    assert here.runs["uid1"]["status"] == "COMPLETED"
    assert "log lines of nightly" in caplog.text


def test_tracking_can_be_turned_off(here: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKDESK_ENABLED", "false")
    with track("nightly") as run:
        run.log("hello")
        run.progress(1)
        assert run.uid is None
    assert here.seen == []


def test_each_call_of_a_tracked_function_is_a_run(here: Receiver) -> None:
    @track("fibonacci", heartbeat=0)
    def fibonacci(number: int) -> int:
        return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)

    assert fibonacci(3) == 2
    assert fibonacci.__name__ == "fibonacci"
    assert {run["status"] for run in here.runs.values()} == {"COMPLETED"}
    assert len(here.runs) == 5


async def test_a_tracked_coroutine_is_a_run_until_it_ends(here: Receiver) -> None:
    @track("crawl")
    async def crawl() -> int:
        await asyncio.sleep(0)
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await crawl()
    assert here.bodies("/complete")[0]["error"]["message"] == "LookupError: gone"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "x", "id": "a/b"}, "id"),
        ({"name": "x", "deadline": "soon"}, "deadline"),
        ({"name": "x", "deadline": "2026-01-02T03:04:05"}, "deadline"),
        ({"name": "x", "deadline": -1}, "deadline"),
        ({"name": "x", "tags": {"a b": 1}}, "tags"),
        ({"name": "x", "tags": {"a": ""}}, "tags.a"),
        ({"name": "x", "tags": {str(number): 1 for number in range(21)}}, "tags"),
    ],
)
def test_what_the_server_would_never_take_is_refused_before_the_job_begins(
    arguments: dict[str, object], field: str
) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        track(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("deadline", ["30m", "1h30m", "45s", "PT30M", "P1DT2H", "2026-01-02T03:04:05+01:00", 90, 0.5])
def test_deadlines_are_taken_in_all_their_forms(deadline: str | float) -> None:
    track("x", deadline=deadline)
