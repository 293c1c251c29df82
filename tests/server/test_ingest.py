"""`/v1/ingest`: many lines in one request, each for itself."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.clocks import until
from tests.server.stand import OWNER_KEY, Stand, open_stand
from trackdesk.client import Client
from trackdesk.domain.clock import DAY
from trackdesk.domain.identity import Role
from trackdesk.server import lines as reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from tests.server.stand import Answer

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


def joined(lines: Iterable[dict[str, Any] | bytes]) -> bytes:
    return b"".join((line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n" for line in lines)


async def post(stand: Stand, *lines: dict[str, Any] | bytes, **headers: str) -> Answer:
    sent = {**NDJSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await stand.ask("POST", "/v1/ingest", data=BytesIO(joined(lines)), headers=sent)


async def taken(stand: Stand, *lines: dict[str, Any] | bytes) -> dict[str, Any]:
    answer = await post(stand, *lines)
    assert answer.status == 200, answer.body
    result: dict[str, Any] = answer.json
    return result


def rows(stand: Stand, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(stand.engine.path)) as connection:
        return connection.execute(sql).fetchall()


def start(**members: Any) -> dict[str, Any]:
    return {"kind": "run.start", "process": "backup", **members}


def all_of(number: int) -> dict[str, Any]:
    return {"accepted": number, "duplicates": 0, "refused": [], "refused_left_out": 0}


LIFE = (
    start(uid="a", id="n1", started_at="2026-01-02T03:04:05Z", deadline="1h", tags={"env": "prod"}, total=9),
    {"kind": "run.patch", "process": "backup", "id": "n1", "progress": {"done": 4}},
    {"kind": "run.heartbeat", "process": "backup", "id": "n1"},
    {"kind": "log", "start": "a", "message": "311 rows", "logged_at": "2026-01-02T03:04:06Z"},
    {"kind": "run.complete", "process": "backup", "id": "n1", "completed_at": "2026-01-02T03:05:05Z"},
)


async def test_the_whole_life_of_a_run_is_told_in_one_request_with_its_true_times(stand: Stand) -> None:
    assert await taken(stand, *LIFE) == all_of(5)
    run = (await stand.ask("GET", "/v1/processes/backup/n1")).json
    assert (run["status"], run["deadline_status"], run["duration"]) == ("COMPLETED", "COMPLETED_ON_TIME", 60)
    assert (run["started_at"], run["tags"]) == ("2026-01-02T03:04:05.000000Z", {"env": "prod"})
    assert run["progress"]["done"] == 4
    logs = (await stand.ask("GET", "/v1/processes/backup/n1/logs")).json["data"]
    assert [(line["message"], line["logged_at"]) for line in logs] == [("311 rows", "2026-01-02T03:04:06.000000Z")]


async def test_the_client_sends_lines(stand: Stand) -> None:
    async with Client(stand.url, OWNER_KEY) as client:
        result = await client.ingest.send(LIFE, idempotency_key="one")
        assert (result.accepted, result.refused) == (5, [])
        assert await client.ingest.send(joined(LIFE), idempotency_key="one") == result


async def test_attempts_of_one_key_keep_their_order(stand: Stand) -> None:
    end = {"kind": "run.complete", "process": "backup", "id": "x", "status": "FAILED"}
    await taken(stand, start(id="x"), end, start(id="x"), {**end, "status": "SKIPPED"}, start(id="x"))
    found = rows(stand, "SELECT attempt, status FROM runs ORDER BY attempt")
    assert found == [(1, "FAILED"), (2, "SKIPPED"), (3, "ACTIVE")]


async def test_a_change_after_the_end_is_refused_also_when_it_names_the_run_otherwise(stand: Stand) -> None:
    run = (await stand.ask("POST", "/v1/processes/backup", {"id": "x"})).json
    result = await taken(
        stand,
        {"kind": "run.complete", "run": run["uid"]},
        {"kind": "run.patch", "process": "backup", "id": "x", "tags": {}},
    )
    assert [(each["line"], each["code"]) for each in result["refused"]] == [(2, "run_finished")]


async def test_a_line_with_a_uid_is_taken_once_a_day(stand: Stand) -> None:
    first = start(uid="a")
    last = {"kind": "run.complete", "uid": "b", "start": "a"}
    assert await taken(stand, first, last) == all_of(2)
    again = await taken(stand, first, last, first)
    assert (again["accepted"], again["duplicates"]) == (3, 3)
    assert rows(stand, "SELECT count(*) FROM runs") == [(1,)]
    stand.clock.jump(DAY + 1)
    assert await taken(stand, first) == all_of(1)
    assert rows(stand, "SELECT count(*) FROM runs") == [(2,)]


async def test_the_uid_of_a_refused_line_may_come_again(stand: Stand) -> None:
    end = {"kind": "run.complete", "uid": "b", "process": "backup", "id": "x"}
    assert [each["code"] for each in (await taken(stand, end, end))["refused"]] == ["not_found"] * 2
    await taken(stand, start(id="x"))
    assert await taken(stand, end) == all_of(1)


async def test_a_run_that_was_started_by_a_call_is_known_by_its_idempotency_key_and_the_other_way_round(
    stand: Stand,
) -> None:
    called = (await stand.ask("POST", "/v1/processes/backup", {}, headers={"Idempotency-Key": "k"})).json
    result = await taken(stand, start(uid="k"), {"kind": "log", "start": "k", "message": "x"})
    assert (result["accepted"], result["duplicates"]) == (2, 1)
    await taken(stand, start(uid="l"))
    later = (await stand.ask("POST", "/v1/processes/backup", {}, headers={"Idempotency-Key": "l"})).json
    assert rows(stand, "SELECT uid FROM runs ORDER BY seq") == [(called["uid"],), (later["uid"],)]
    assert rows(stand, "SELECT r.uid FROM logs l JOIN runs r ON r.seq = l.run_seq") == [(called["uid"],)]


async def test_what_has_a_name_of_its_own_needs_no_uid(stand: Stand) -> None:
    lines = (
        {"kind": "log", "process": "backup", "id": "x", "message": "m", "seq": 7},
        {"kind": "run.complete", "process": "backup", "id": "x", "completed_at": stand.clock.now() / 1e6},
    )
    await taken(stand, start(id="x"))
    assert await taken(stand, *lines) == all_of(2)
    again = await taken(stand, *lines)
    assert (again["accepted"], again["duplicates"]) == (2, 2)
    other = await taken(stand, {**lines[1], "status": "FAILED"})
    assert [each["code"] for each in other["refused"]] == ["run_finished"]


BAD: dict[str, tuple[bytes, str]] = {
    "broken UTF-8": (b'{"kind": "log", "message": "\xff"}', "expected JSON"),
    "a lone surrogate": (b'{"kind": "log", "start": "a", "message": "\\ud800"}', "expected JSON"),
    "NUL": (b'{"kind": "log", "start": "a", "message": "a\\u0000b"}', "message: must not contain NUL"),
    "no JSON": (b"hello", "expected JSON"),
    "half of it": (b'{"kind": "log", "mess', "expected JSON"),
    "two in one line": (b'{"kind": "run.start", "process": "a"} {}', "expected JSON"),
    "a number": (b"5", "expected an object"),
    "an array": (b"[]", "expected an object"),
    "null": (b"null", "expected an object"),
    "no kind": (b'{"process": "a"}', "kind: is required: one of run.start, "),
    "unknown kind": (b'{"kind": "run.stop"}', "kind: expected one of run.start, "),
    "kind in capitals": (b'{"kind": "LOG"}', "not 'LOG'"),
    "a kind that is no text": (b'{"kind": 5}', "kind"),
    "unknown member": (
        b'{"kind": "run.start", "process": "a", "deadlin": "1h"}',
        "deadlin: unknown member: did you mean deadline?",
    ),
    "a member like no other": (
        b'{"kind": "log", "start": "a", "xyz": 1}',
        "xyz: unknown member; known are message, level",
    ),
    "a member by two names": (
        b'{"kind": "metric", "service": "a", "service_id": "b", "metric_type": "X", "value": 1}',
        "service_id: means the same as service",
    ),
    "no process": (b'{"kind": "run.start"}', "process: is required"),
    "a bad process": (b'{"kind": "run.start", "process": "a b"}', "process: expected 1 to 100 of"),
    "a bad deadline": (b'{"kind": "run.start", "process": "a", "deadline": "soon"}', "deadline: expected"),
    "a loose type": (b'{"kind": "run.start", "process": "a", "total": "9"}', "total: expected a whole number"),
    "a bad tag": (b'{"kind": "run.start", "process": "a", "tags": {"a b": "c"}}', "tags: expected keys"),
    "an empty uid": (b'{"kind": "run.start", "process": "a", "uid": ""}', "uid: "),
    "a long uid": (b'{"kind": "run.start", "process": "a", "uid": "%s"}' % (b"x" * 201), "uid: "),
    "a uid with a space": (b'{"kind": "run.start", "process": "a", "uid": "a b"}', "uid: "),
    "no run": (b'{"kind": "log", "message": "x"}', 'expected one of "run", "start", or "process" with "id"'),
    "two runs": (b'{"kind": "log", "message": "x", "start": "a", "process": "b", "id": "c"}', "expected one of"),
    "half a run": (b'{"kind": "log", "message": "x", "start": "a", "process": "b"}', "expected one of"),
    "an attempt of nothing": (b'{"kind": "run.heartbeat", "start": "a", "attempt": 1}', '"attempt" goes with'),
    "a bad run": (b'{"kind": "run.heartbeat", "run": "a"}', "run: "),
    "an empty message": (b'{"kind": "log", "start": "a", "message": ""}', "message: expected at least 1"),
    "a long message": (
        b'{"kind": "log", "start": "a", "message": "%s"}' % (b"x" * 16_385),
        "message: expected at most",
    ),
    "33 levels": (
        b'{"kind": "run.start", "process": "a", "context": {"a": ' + b"[" * 32 + b"]" * 32 + b"}}",
        "context: expected at most 32 levels of nesting",
    ),
    "100,000 levels": (b"[" * 100_000, "expected JSON"),
    "over 1 MiB": (b'{"kind": "log", "start": "a", "message": "%s"}' % (b"x" * 1_048_576), "at most 1048576 bytes"),
    "a huge number": (b'{"kind": "run.start", "process": "a", "total": 1%s}' % (b"0" * 400), "total: "),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_line_is_refused_by_itself_and_says_why(stand: Stand, what: str) -> None:
    bad, why = BAD[what]
    result = await taken(stand, start(uid="a"), bad, {"kind": "run.complete", "start": "a"})
    assert (result["accepted"], len(result["refused"])) == (2, 1)
    (refused,) = result["refused"]
    assert (refused["line"], refused["code"]) == (2, "invalid")
    assert why in refused["detail"]
    assert len(refused["detail"]) <= 400
    assert rows(stand, "SELECT status FROM runs") == [("COMPLETED",)]


async def test_every_code_of_a_refusal_is_that_of_the_call(stand: Stand) -> None:
    result = await taken(
        stand,
        start(id="x"),
        start(id="x"),
        {"kind": "run.complete", "process": "backup", "id": "x"},
        {"kind": "run.complete", "process": "backup", "id": "x"},
        {"kind": "log", "run": "0" * 26, "message": "m"},
        {"kind": "log", "start": "nobody", "message": "m"},
        start(started_at="2999-01-01T00:00:00Z"),
    )
    assert result["accepted"] == 2
    assert [(each["line"], each["code"]) for each in result["refused"]] == [
        (2, "run_active"),
        (4, "run_finished"),
        (5, "not_found"),
        (6, "not_found"),
        (7, "invalid"),
    ]


async def test_empty_lines_are_passed_over_and_counted_and_the_last_needs_no_end(stand: Stand) -> None:
    body = b'\n\r\n  \n{"kind": "run.start", "process": "a"}\r\nbad\n{"kind": "run.start", "process": "a"}'
    result = (await stand.ask("POST", "/v1/ingest", data=body, headers=NDJSON)).json
    assert (result["accepted"], [each["line"] for each in result["refused"]]) == (2, [5])


async def test_no_lines_at_all_are_taken_too(stand: Stand) -> None:
    assert (await stand.ask("POST", "/v1/ingest")).json == all_of(0)


async def test_of_many_refusals_the_rest_is_counted(stand: Stand) -> None:
    result = await taken(stand, *[b"bad"] * 1_234)
    assert len(result["refused"]) == 1_000
    assert result["refused_left_out"] == 234


async def test_many_lines_are_taken_in_chunks_over_which_a_run_is_still_known(stand: Stand) -> None:
    lines = [{"kind": "log", "start": "a", "message": f"line {number}", "seq": number} for number in range(3_000)]
    ends = {"kind": "run.complete", "start": "a"}
    assert await taken(stand, start(uid="a"), *lines, ends) == all_of(3_002)
    assert rows(stand, "SELECT count(*), min(seq), max(seq) FROM logs") == [(3_000, 0, 2_999)]
    assert stand.engine.writer.stats.commits > 3


async def test_only_who_may_send_may_send(stand: Stand) -> None:
    for role, status in ((Role.INGEST, 200), (Role.REPORTER, 403)):
        key = await stand.key(role)
        answer = await stand.ask("POST", "/v1/ingest", data=joined([start()]), headers=NDJSON, key=key)
        assert answer.status == status
    assert (await stand.ask("POST", "/v1/ingest", data=b"", headers=NDJSON, key=None)).status == 401


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "x", "application/x-www-form-urlencoded"])
async def test_another_type_is_refused_and_the_right_one_named(stand: Stand, kind: str) -> None:
    answer = await stand.ask("POST", "/v1/ingest", data=joined([start()]), headers={"Content-Type": kind})
    assert answer.status == 415
    assert "application/x-ndjson" in answer.json["detail"]
    assert rows(stand, "SELECT count(*) FROM runs") == [(0,)]


async def test_a_key_for_the_request_gives_the_first_answer_again_and_refuses_another_body(stand: Stand) -> None:
    first = await post(stand, start(), b"bad", Idempotency_Key="k")
    assert (await post(stand, start(), b"bad", Idempotency_Key="k")).body == first.body
    other = await post(stand, start(), Idempotency_Key="k")
    assert (other.status, other.json["code"]) == (409, "idempotency_key_reused")
    assert rows(stand, "SELECT count(*) FROM runs") == [(1,)]


async def _begin(stand: Stand, length: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = stand.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/ingest HTTP/1.1\r\nHost: x\r\nX-API-Key: {OWNER_KEY}\r\nContent-Length: {length}\r\n\r\n"
    writer.write(head.encode())
    return reader, writer


async def test_a_connection_that_is_cut_leaves_whole_chunks(stand: Stand) -> None:
    _, writer = await _begin(stand, 1_000_000)
    writer.write(joined([start(id=f"n{number}") for number in range(400)]) + b'{"kind": "run.start", "process": "cut"')
    await until(lambda: rows(stand, "SELECT count(*) FROM runs")[0][0] >= 100)
    writer.transport.abort()
    await until(lambda: stand.house.statistics.in_flight == 0)
    assert rows(stand, "SELECT count(*) FROM processes WHERE name = 'cut'") == [(0,)]
    ids = [each for (each,) in rows(stand, "SELECT id FROM runs ORDER BY seq")]
    assert ids == [f"n{number}" for number in range(len(ids))]


async def test_a_sender_that_stalls_is_not_waited_for_and_told_what_was_taken(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.05)
    reader, writer = await _begin(stand, 1_000_000)
    writer.write(joined([start() for _ in range(400)]) + b'{"kind"')
    answer = await reader.readuntil(b"}]}")
    writer.close()
    assert b" 400 " in answer
    count = rows(stand, "SELECT count(*) FROM runs")[0][0]
    assert count > 0
    assert f"nothing came for 0.05 s {count} lines before that were taken.".encode() in answer


async def test_a_body_over_32_mib_is_refused(stand: Stand) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield b"x" * 1_048_576

    known = await stand.ask("POST", "/v1/ingest", data=BytesIO(bytes(33 * 1_048_576)), headers=NDJSON)
    unknown = await stand.ask("POST", "/v1/ingest", data=pieces(), headers=NDJSON)
    assert [each.status for each in (known, unknown)] == [413, 413]


async def test_a_ping_is_not_kept_waiting_by_a_large_request(stand: Stand) -> None:
    lines = [start(id=f"n{number}") for number in range(2_000)]
    sending = asyncio.create_task(post(stand, *lines))
    await until(lambda: rows(stand, "SELECT count(*) FROM runs")[0][0] > 0)
    assert (await stand.ask("POST", "/v1/processes/other", {})).status == 201
    assert not sending.done()
    assert (await sending).json == all_of(2_000)


async def test_a_line_that_makes_the_server_stumble_is_refused_alone(stand: Stand) -> None:
    await taken(stand, start(id="a"), start(id="b"))
    with closing(sqlite3.connect(stand.engine.path)) as connection, connection:
        connection.execute("UPDATE runs SET tags = '{' WHERE id = 'a'")  # as a failing disk does
    ends = [{"kind": "run.complete", "process": "backup", "id": name} for name in "ab"]
    result = await taken(stand, *ends, start(id="c"))
    assert [(each["line"], each["code"]) for each in result["refused"]] == [(1, "internal")]
    assert rows(stand, "SELECT id, status FROM runs ORDER BY id")[1:] == [("b", "COMPLETED"), ("c", "ACTIVE")]


@given(pieces=some.lists(some.binary(max_size=12).map(lambda piece: piece.replace(b"a", b"\n"))))
def test_lines_are_the_same_however_they_are_cut(pieces: list[bytes]) -> None:
    splitter = reading.Splitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    assert [*lines, splitter.last()] == b"".join(pieces).split(b"\n")
