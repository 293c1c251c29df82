"""Sending samples, and reading them: one, many, lines; what is refused, and by which name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.server.stand import Stand, open_stand
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.identity import Role
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SAMPLE: dict[str, Any] = {"service": "api", "metric_type": "LATENCY_MS", "value": 12.5}
LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def values(stand: Stand, query: str = "", path: str = "/v1/metrics") -> list[float]:
    answer = await stand.ask("GET", f"{path}?{query}")
    assert answer.status == 200, answer.json
    return [each["value"] for each in answer.json["data"]]


async def send(stand: Stand, *samples: dict[str, Any]) -> None:
    answer = await stand.ask("POST", "/v1/metrics", [{**SAMPLE, **each} for each in samples])
    assert answer.status == 201, answer.json


async def test_one_sample_is_answered_as_it_was_stored(stand: Stand) -> None:
    at = stand.clock.now() - HOUR
    sent = {**SAMPLE, "recorded_at": format_instant(at), "tags": {"env": "prod"}}
    answer = await stand.ask("POST", "/v1/metrics", sent)

    assert answer.status == 201
    assert answer.json == {**sent, "id": 1}
    assert (await stand.ask("GET", "/v1/metrics")).json["data"] == [answer.json]


async def test_the_names_that_tracely_uses_are_taken(stand: Stand) -> None:
    sent = {"service_id": "api", "metric_type": "ERROR_RATE", "value": 1, "timestamp": 1_700_000_000}
    answer = await stand.ask("POST", "/v1/metrics", sent)

    assert answer.json["service"] == "api"
    assert answer.json["recorded_at"] == "2023-11-14T22:13:20.000000Z"


async def test_an_array_and_lines_are_taken_whole(stand: Stand) -> None:
    array = await stand.ask("POST", "/v1/metrics", [SAMPLE, {**SAMPLE, "value": 2}])
    lines = b"\n".join([orjson.dumps(SAMPLE), b"", orjson.dumps({**SAMPLE, "value": 3})])
    ndjson = await stand.ask("POST", "/v1/metrics", data=lines, headers=LINES)

    assert (array.status, array.json) == (ndjson.status, ndjson.json) == (201, {"accepted": 2})


@pytest.mark.parametrize(
    ("given", "stored"),
    [("-0.0", "0.0"), ("1e308", "1e+308"), ("-1e308", "-1e+308"), ("5", "5.0"), ("5e-324", "5e-324")],
)
async def test_every_finite_number_is_taken_as_it_is(stand: Stand, given: str, stored: str) -> None:
    body = orjson.dumps({**SAMPLE, "value": 0}).replace(b'"value":0', f'"value":{given}'.encode())
    answer = await stand.ask("POST", "/v1/metrics", data=body, headers={"Content-Type": "application/json"})

    assert answer.status == 201
    assert repr(answer.json["value"]) == stored


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", '"5"', "null", "true", "[1]"])
@pytest.mark.parametrize("form", ["one", "array", "lines"])
async def test_what_is_no_finite_number_is_refused_by_its_place(stand: Stand, value: str, form: str) -> None:
    good = orjson.dumps(SAMPLE)
    bad = good.replace(b"12.5", value.encode())
    body = {"one": bad, "array": b"[%b,%b]" % (good, bad), "lines": b"%b\n\n%b\n" % (good, bad)}[form]
    headers = LINES if form == "lines" else {"Content-Type": "application/json"}
    answer = await stand.ask("POST", "/v1/metrics", data=body, headers=headers)

    assert answer.status == 400, answer.json
    assert answer.field == {"one": "value", "array": "1.value", "lines": "line 3.value"}[form]
    assert await values(stand) == []


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"metric_type": "latency"}, "metric_type"),
        ({"metric_type": "A" * 65}, "metric_type"),
        ({"service": "a/b"}, "service"),
        ({"service": "a\x1b[31m"}, "service"),
        ({"colour": 1}, "colour"),
        ({"tags": {"a b": "c"}}, "tags"),
        ({"tags": None}, "tags"),
        ({"uid": "a b"}, "uid"),
        ({"recorded_at": "2026-01-01T00:00:00"}, "recorded_at"),
        ({"recorded_at": -1}, "recorded_at"),
        ({"recorded_at": 253402300800}, "recorded_at"),
        ({"service_id": "other"}, "service_id"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_name(stand: Stand, members: dict[str, Any], field: str) -> None:
    one = await stand.ask("POST", "/v1/metrics", {**SAMPLE, **members})
    many = await stand.ask("POST", "/v1/metrics", [SAMPLE, {**SAMPLE, **members}])

    assert (one.status, many.status) == (400, 400)
    assert one.field.partition(".")[0] == field
    assert many.field.startswith(f"1.{field}")
    assert await values(stand) == []


async def test_of_two_names_that_mean_the_same_one_is_to_be_given(stand: Stand) -> None:
    twice = {**SAMPLE, "service_id": "other"}
    for body, place in ((twice, ""), ([SAMPLE, twice], "1.")):
        answer = await stand.ask("POST", "/v1/metrics", body)
        assert answer.field == f"{place}service_id"
        assert answer.json["errors"][0]["message"] == "means the same as service, which is given too: give one of them"


async def test_a_time_over_a_day_ahead_is_refused_and_one_long_past_is_stored(stand: Stand) -> None:
    ahead = {"recorded_at": format_instant(stand.clock.now() + DAY + MINUTE)}
    one = await stand.ask("POST", "/v1/metrics", {**SAMPLE, **ahead})
    many = await stand.ask("POST", "/v1/metrics", [SAMPLE, {**SAMPLE, **ahead}])
    past = await stand.ask("POST", "/v1/metrics", {**SAMPLE, "recorded_at": 0})

    assert (one.field, many.field, past.status) == ("recorded_at", "1.recorded_at", 201)
    assert await values(stand) == [12.5]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"5", b"[5]", b"null"])
async def test_what_is_no_sample_is_refused(stand: Stand, body: bytes) -> None:
    answer = await stand.ask("POST", "/v1/metrics", data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 400


async def test_more_than_ten_thousand_samples_are_refused(stand: Stand) -> None:
    body = b"[" + b",".join([orjson.dumps(SAMPLE)] * 10_001) + b"]"
    answer = await stand.ask("POST", "/v1/metrics", data=body, headers={"Content-Type": "application/json"})

    assert (answer.status, answer.field) == (400, "body")


async def test_a_key_that_may_only_send_records_samples_and_reads_none(stand: Stand) -> None:
    key = await stand.key(Role.INGEST)
    assert (await stand.ask("POST", "/v1/metrics", SAMPLE, key=key)).status == 201
    assert (await stand.ask("GET", "/v1/metrics", key=key)).status == 403
    assert (await stand.ask("POST", "/v1/metrics", SAMPLE, key=await stand.key(Role.REPORTER))).status == 403


async def test_pages_of_samples_go_on_where_they_ended(stand: Stand) -> None:
    now = stand.clock.now()
    times = [now - (n % 5) * MINUTE for n in range(40)]
    await send(
        stand,
        *({"service": f"s{n % 7}", "value": n, "recorded_at": format_instant(at)} for n, at in enumerate(times)),
    )
    seen: list[float] = []
    query = "limit=3"
    while query:
        page = (await stand.ask("GET", f"/v1/metrics?{query}")).json
        seen += [each["value"] for each in page["data"]]
        query = f"limit=3&cursor={page['meta']['next']}" if page["meta"]["next"] else ""

    assert seen == sorted(range(40), key=lambda n: (-times[n], -n))
    assert page["meta"]["total"] == 40


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("service=a", [4, 2, 1]),
        ("service=a&metric_type=latency_ms", [2, 1]),
        ("metric_type=ERROR_RATE", [4]),
        ("tag=env:prod", [2, 1]),
        ("tag=env:prod&tag=host:n1", [2]),
        ("service=nobody", []),
        ("from=1700000000&to=1700000120", [2, 1]),
        ("q=tag:env=prod%20-tag:host=n1", [1]),
        ("q=metric_type:ERR*", [4]),
        ("q=service:b", [3]),
        ("q=n1", [2]),
        ("search=error", [4]),
    ],
)
async def test_samples_are_narrowed_by_what_they_are_of(stand: Stand, query: str, expected: list[float]) -> None:
    await send(
        stand,
        {"service": "a", "value": 1, "recorded_at": 1_700_000_000, "tags": {"env": "prod", "host": 'say "n2"'}},
        {"service": "a", "value": 2, "recorded_at": 1_700_000_060, "tags": {"host": "n1", "env": "prod"}},
        {"service": "b", "value": 3, "recorded_at": 1_700_000_120, "tags": {"x": '"env":"prod"'}},
        {"service": "a", "value": 4, "recorded_at": 1_700_000_180, "metric_type": "ERROR_RATE"},
    )
    assert await values(stand, query) == expected


async def test_the_last_of_each_series_is_the_newest_by_its_own_time(stand: Stand) -> None:
    now = stand.clock.now()
    await send(
        stand,
        {"service": "b", "value": 1},
        {"service": "a", "value": 2, "tags": {"host": "n1"}},
        {"service": "a", "value": 3},
        {"service": "a", "value": 4, "recorded_at": format_instant(now - HOUR)},
    )
    assert await values(stand, path="/v1/metrics/latest") == [2, 3, 1]
    assert await values(stand, "service=a&tag=host:n1", "/v1/metrics/latest") == [2]
    first = (await stand.ask("GET", "/v1/metrics/latest?limit=2")).json
    assert await values(stand, f"limit=2&cursor={first['meta']['next']}", "/v1/metrics/latest") == [1]


async def test_an_ingest_takes_samples_among_other_lines(stand: Stand) -> None:
    lines = [
        {"kind": "metric", **SAMPLE, "uid": "m1"},
        {"kind": "run.start", "process": "backup", "uid": "r1"},
        {"kind": "metric", **SAMPLE, "value": "5"},
        {"kind": "metric", "service_id": "web", "metric_type": "ERROR_RATE", "value": 2, "timestamp": 5},
        {"kind": "log", "start": "r1", "message": "x"},
        {"kind": "metric", **SAMPLE, "uid": "m1"},
    ]
    answer = await stand.ask("POST", "/v1/ingest", data=b"\n".join(map(orjson.dumps, lines)), headers=LINES)

    assert (answer.json["accepted"], answer.json["duplicates"]) == (5, 1)
    assert answer.json["refused"] == [{"line": 3, "code": "invalid", "detail": "value: expected a number, not '5'"}]
    assert await values(stand) == [12.5, 2.0]
