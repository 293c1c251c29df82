"""What goes back: headers, versions, problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import open_stand
from tests.server.stubs import raising, stubs
from trackdesk.domain import errors
from trackdesk.domain.incident import Incident, IncidentStatus, Severity
from trackdesk.store.errors import Busy, Corrupt, Overloaded, StorageFull, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.server.call import Call

NOW = 1_790_000_000_000_000


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.Conflict("no", code="run_active"), 409, "run_active"),
        (errors.NotFound("no"), 404, "not_found"),
        (Overloaded("x"), 503, "overloaded"),
        (Busy("x"), 503, "overloaded"),
        (StorageFull("x"), 503, "storage_full"),
        (StoreError("the writer is not running"), 503, "not_ready"),
        (Corrupt("secret path"), 500, "internal"),
        (KeyError("secret"), 500, "internal"),
    ],
)
async def test_every_error_is_a_problem_document(tmp_path: Path, error: Exception, status: int, code: str) -> None:
    async with open_stand(tmp_path, stubs(runs__list=raising(error))) as stand:
        answer = await stand.ask("GET", "/v1/runs")
    assert (answer.status, answer.json["status"], answer.json["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json) >= {"type", "title", "status", "detail", "code", "errors"}
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body


async def test_a_fault_of_our_own_is_found_in_the_log_by_the_id_in_the_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_stand(tmp_path, stubs(runs__list=raising(KeyError("secret")))) as stand:
        answer = await stand.ask("GET", "/v1/runs")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert answer.json["request_id"] in answer.json["detail"]
    assert answer.json["request_id"] in caplog.text
    assert "KeyError" in caplog.text


async def test_every_answer_carries_the_security_headers_and_no_version_of_anything(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        for path in ("/v1/processes", "/v1/nothing", "/v1/runs?x=1"):
            headers = (await stand.ask("GET", path, key=None)).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["Server"] == "trackdesk"
            assert "Access-Control-Allow-Origin" not in headers


async def _incident(call: Call) -> Any:
    return Incident(
        id=call.number("incident"),
        ref="INC-7",
        origin="report",
        status=IncidentStatus.OPEN,
        severity=Severity.LOW,
        title="t",
        department="default",
        opened_at="2026-01-02T03:04:05.678901Z",
        last_seen_at="2026-01-02T03:04:05.678901Z",
        updated_at="2026-01-02T03:04:05.678901Z",
        version=5,
    )


async def test_what_has_a_version_has_an_etag(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs(incidents__get=_incident)) as stand:
        answer = await stand.ask("GET", "/v1/incidents/INC-7")
    assert answer.headers["ETag"] == '"5"'
    assert answer.json["opened_at"] == "2026-01-02T03:04:05.678901Z"
    assert answer.json["id"] == 7


async def test_a_call_without_an_answer_is_204(tmp_path: Path) -> None:
    async def nothing(_: Call) -> None:
        return None

    async with open_stand(tmp_path, stubs(incidents__delete=nothing)) as stand:
        answer = await stand.ask("DELETE", "/v1/incidents/7")
    assert (answer.status, answer.body) == (204, b"")


async def test_requests_are_counted_by_endpoint_and_class_of_status(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        await stand.ask("GET", "/v1/runs")
        await stand.ask("GET", "/v1/runs?x=1")
        counts = stand.house.statistics.of("runs.list")
        assert (sum(counts.buckets[2]), sum(counts.buckets[4]), stand.house.statistics.in_flight) == (1, 1, 0)
