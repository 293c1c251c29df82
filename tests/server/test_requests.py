"""What the wrapper makes of a request before a handler sees it."""

from __future__ import annotations

import asyncio
import io
import json
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.clocks import PATIENCE
from tests.server.stand import OWNER_KEY, Stand, open_stand
from tests.server.stubs import stubs
from trackdesk.server.app import build_app
from trackdesk.server.listen import listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

START = "/v1/processes/backup"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path, stubs()) as opened:
        yield opened


async def test_an_optional_body_may_be_empty_whatever_its_type(stand: Stand) -> None:
    for headers in ({}, {"Content-Type": "application/x-www-form-urlencoded"}, JSON):
        answer = await stand.ask("POST", START, data=b"", headers=headers)
        assert answer.status == 200
        assert "deadline=None" in answer.json["body"]


async def test_a_needed_body_that_is_missing_is_named(stand: Stand) -> None:
    answer = await stand.ask("POST", "/v1/incidents")
    assert (answer.status, answer.field) == (400, "body")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("application/vnd.trackdesk+json", 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
async def test_only_json_is_taken(stand: Stand, content_type: str, status: int) -> None:
    answer = await stand.ask("POST", START, data=b"{}", headers={"Content-Type": content_type})
    assert answer.status == status
    assert (await stand.ask("POST", START, data=b"{}")).status == 200


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        (b'{"id": 5}', "id", "expected text"),
        (b'{"nonsense": 1}', "nonsense", "unknown member; known are id, "),
        (b'{"deadlin": "1h"}', "deadlin", "unknown member: did you mean deadline?"),
        (b'{"Deadline": "1h"}', "Deadline", "unknown member: did you mean deadline?"),
        (b'{"tags": {"env": 5}}', "tags.env", "expected text"),
        (b'{"tags": [{"key": "a"}]}', "tags", "item 0: expected {key, value}"),
        (b'{"id": "a b"}', "id", "1 to 100 of A-Z"),
        (b'{"on_active": "maybe"}', "on_active", "one of refuse or supersede"),
        (b'{"deadline": "2026-01-01T00:00:00"}', "deadline", "expected"),
        (b'{"total": 1e400}', "total", ""),
        (b'{"total": 99999999999999999999999}', "total", ""),
        (b'{"context": {"a": "\\u0000"}}', "context.a", "NUL"),
        (b'{"correlation_id": "\\ud800"}', "body", ""),
        (b'{"correlation_id": "\xff"}', "body", ""),
        (b"{", "body", "expected JSON"),
        (b"[]", "body", "expected an object"),
        (b"nul", "body", "expected JSON"),
        (b'{"context": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}", "body", "32 levels"),
        (b'{"context": ' + b"[" * 100_000, "body", ""),
    ],
)
async def test_a_bad_body_is_refused_by_the_name_of_the_field(stand: Stand, body: bytes, field: str, says: str) -> None:
    answer = await stand.ask("POST", START, data=body, headers=JSON)
    assert (answer.status, answer.field) == (400, field), answer.body
    assert says in answer.json["detail"]
    assert "pydantic" not in answer.body.decode()
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_many_brackets_in_text_are_not_depth(stand: Stand) -> None:
    text = '{"context": {"a": "' + "[{" * 500 + '", "b": [' + ",".join(["[[]]"] * 500) + "]}}"
    assert (await stand.ask("POST", START, data=text.encode(), headers=JSON)).status == 200


async def test_of_one_line_or_an_array_only_the_fitting_errors_are_told(stand: Stand) -> None:
    path = "/v1/processes/backup/n1/logs"
    one = await stand.ask("POST", path, {"message": 5})
    assert [each["field"] for each in one.json["errors"]] == ["message"]
    many = await stand.ask("POST", path, [{"message": "a"}, {"message": "b", "level": "LOUD"}])
    assert [each["field"] for each in many.json["errors"]] == ["1.level"]
    assert (await stand.ask("POST", path, "text")).field == "body"


async def test_a_body_over_its_limit_is_413(stand: Stand) -> None:
    large = b'{"context": {"a": "' + b"x" * 1_048_576 + b'"}}'
    assert (await stand.ask("POST", START, data=io.BytesIO(large), headers=JSON)).status == 413

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    assert (await stand.ask("POST", START, data=chunks(), headers=JSON)).status == 413


async def test_a_body_where_none_belongs_is_refused(stand: Stand) -> None:
    assert (await stand.ask("POST", "/v1/notifications/7/read", {})).status == 200
    assert (await stand.ask("POST", "/v1/notifications/7/read", {"a": 1})).status == 400


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("nonsense=1", "nonsense"),
        ("limit=1&limit=2", "limit"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("status=LOUD", "status"),
        ("status=active&status=LOUD", "status.1"),
        ("started_after=yesterday", "started_after"),
        ("cursor=%21", "cursor"),
        ("search=%00", "search"),
        ("search=%FF", "query"),
        ("tag=novalue", "tag"),
        ("sort=colour", "sort"),
        ("&".join(f"a{i}=1" for i in range(300)), "query"),
    ],
)
async def test_a_bad_query_is_refused_by_the_name_of_the_parameter(stand: Stand, query: str, field: str) -> None:
    answer = await stand.ask("GET", f"/v1/runs?{query}")
    assert (answer.status, answer.field) == (400, field), answer.body


async def test_parameters_repeat_where_they_may_and_enums_come_in_any_case(stand: Stand) -> None:
    answer = await stand.ask("GET", "/v1/runs?status=active&status=Failed&tag=env:prod&sort=-STARTED_AT&process=a%20b")
    assert answer.json["query"]["status"] == ["ACTIVE", "FAILED"]
    assert answer.json["query"]["process"] == ["a b"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/processes/a%20b", "process"),
        ("/v1/processes/a%2Fb", "process"),
        ("/v1/processes/a%00b", "process"),
        ("/v1/processes/%FF", "process"),
        ("/v1/processes/" + "x" * 101, "process"),
        ("/v1/incidents/INC-0", "incident"),
        ("/v1/incidents/abc", "incident"),
        ("/v1/incidents/9999999999999999999", "incident"),
        ("/v1/runs/short", "uid"),
        ("/v1/departments/a%0Ab", "department"),
    ],
)
async def test_a_bad_path_part_is_refused_by_name(stand: Stand, path: str, field: str) -> None:
    answer = await stand.ask("GET", path)
    assert (answer.status, answer.field) == (400, field), answer.body


async def test_names_with_a_colon_and_a_percent_sign_come_through(stand: Stand) -> None:
    assert (await stand.ask("GET", "/v1/processes/etl:load.v2")).json["path"] == {"process": "etl:load.v2"}
    assert (await stand.ask("GET", "/v1/departments/100%25%20caf%C3%A9")).json["path"] == {"department": "100% café"}


@pytest.mark.parametrize(("given", "version"), [('"3"', 3), ("3", 3), ('W/"3"', 3)])
async def test_if_match_is_read_in_its_three_spellings(stand: Stand, given: str, version: int) -> None:
    answer = await stand.ask("PATCH", "/v1/incidents/7", {}, headers={"If-Match": given})
    assert answer.json["if_match"] == version


@pytest.mark.parametrize("given", ["*", '"a"', "", '"3", "4"', "-1"])
async def test_an_if_match_that_is_no_version_is_refused(stand: Stand, given: str) -> None:
    answer = await stand.ask("PATCH", "/v1/incidents/7", {}, headers={"If-Match": given})
    assert (answer.status, answer.field) == (400, "If-Match")


async def test_an_idempotency_key_comes_with_its_caller_and_a_fingerprint(stand: Stand) -> None:
    async def once(body: object, path: str = START) -> Any:
        return (await stand.ask("POST", path, body, headers={"Idempotency-Key": "k1"})).json["once"]

    first = await once({"id": "a"})
    assert first[:2] == ["1:owner", "k1"]
    assert await once({"id": "a"}) == first
    assert await once({"id": "b"}) != first
    assert await once({"id": "a"}, "/v1/processes/other") != first
    for key in ("", "x" * 201, "a\tb"):
        answer = await stand.ask("POST", START, {}, headers={"Idempotency-Key": key})
        assert (answer.status, answer.field) == (400, "Idempotency-Key")


async def test_a_uid_takes_no_attempt(stand: Stand) -> None:
    assert (await stand.ask("GET", "/v1/processes/backup/n1?attempt=2")).status == 200
    assert (await stand.ask("GET", "/v1/processes/backup/n1?attempt=0")).field == "attempt"


async def test_an_unknown_path_is_404_and_a_wrong_method_405_with_what_is_allowed(stand: Stand) -> None:
    missing = await stand.ask("GET", "/v1/nothing/here")
    assert (missing.status, missing.json["code"]) == (404, "not_found")
    assert "/docs" in (await stand.ask("GET", "/")).json["detail"]
    wrong = await stand.ask("DELETE", "/v1/runs")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET, HEAD")
    assert (await stand.ask("GET", "/v1/notifications/read-all")).headers["Allow"] == "POST"
    assert (await stand.ask("OPTIONS", "/v1/runs")).status == 405


async def test_head_answers_as_get_does_without_a_body(stand: Stand) -> None:
    head = await stand.ask("HEAD", "/v1/runs")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) > 0


async def test_a_body_cut_short_leaves_the_server_well(stand: Stand) -> None:
    host, port = stand.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {START} HTTP/1.1\r\nHost: x\r\nX-API-Key: {OWNER_KEY}\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode() + b'{"id":')
    await writer.drain()
    writer.close()
    await reader.read()
    assert (await stand.ask("POST", START, {})).status == 200


async def test_a_body_that_claims_to_be_compressed_and_is_not_is_the_callers_fault(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await stand.ask("POST", START, data=b"{}not gzip", headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status == 400
    # The connection ends with it, and says so after the answer.
    assert (await stand.ask("POST", START)).status == 200
    assert "Traceback" not in caplog.text


async def test_a_very_long_query_is_answered_as_any_other(stand: Stand) -> None:
    words = "&".join(f"process={'x' * 250}" for _ in range(50))
    assert (await stand.ask("GET", f"/v1/runs?{words}")).status == 200
    assert (await stand.ask("GET", f"/v1/runs?{words}&process=y")).field == "process"


async def say(stand: Stand, *sent: bytes) -> bytes:
    """What comes back on a connection of its own until the server closes it."""
    host, port = stand.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for part in sent:
        writer.write(part)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    return answer


async def test_what_is_no_http_is_a_problem_document_and_one_line_in_the_log(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    head, _, body = (await say(stand, b"\x16\x03\x01 nonsense\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"application/problem+json" in head
    assert b"aiohttp" not in head
    assert json.loads(body)["code"] == "malformed_request"
    assert "Traceback" not in caplog.text
    assert caplog.text.count("malformed") == 1
    assert (await stand.ask("GET", "/v1/runs")).status == 200


async def test_a_caller_who_wants_to_close_is_told_so_and_closed(stand: Stand) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head, _, body = (await say(stand, request)).partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert json.loads(body)


async def test_http_1_0_is_answered_and_closed(stand: Stand) -> None:
    head, _, body = (await say(stand, b"GET /healthz HTTP/1.0\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert json.loads(body)


async def test_requests_sent_in_one_piece_are_answered_in_their_order(stand: Stand) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await say(stand, one + one + last)
    assert [each[:3] for each in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404"]


async def test_a_whole_answer_carries_its_date_and_its_length(stand: Stand) -> None:
    answer = await stand.ask("GET", "/healthz")
    assert parsedate_to_datetime(answer.headers["Date"]).tzinfo is not None
    assert int(answer.headers["Content-Length"]) == len(answer.body)


async def test_head_has_the_head_of_the_answer_and_no_body(stand: Stand) -> None:
    answer = await stand.ask("HEAD", "/healthz")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == "application/json"


async def test_a_caller_that_asks_before_it_sends_is_told_to_go_on(stand: Stand) -> None:
    body = b'{"id": "asked-first"}'
    head = (
        f"POST {START} HTTP/1.1\r\nHost: x\r\nX-API-Key: {OWNER_KEY}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    ).encode()
    host, port = stand.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200")


async def test_only_short_paths_without_a_secret_are_remembered(stand: Stand) -> None:
    app = build_app(stand.house, stubs())
    listening = await listen(app, "127.0.0.1", 0)
    try:
        for path in ("/healthz", "/healthz", f"/ping/{'k' * 20}/backup", f"/v1/departments/{'x' * 300}", "/v1/nothing"):
            async with stand.session.get(f"{listening.url}{path}") as answer:
                await answer.read()
    finally:
        await listening.stop()
    assert app.remembered == 1
