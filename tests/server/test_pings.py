"""Pings over HTTP, as programs that know the convention send them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager, closing
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.server.stand import OWNER_KEY, Answer, Stand, open_stand
from trackdesk.domain.clock import SECOND
from trackdesk.domain.identity import Role
from trackdesk.domain.ping import BODY_LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Pinger:
    """A stand with an INGEST key."""

    def __init__(self, stand: Stand, key: str, path: Path) -> None:
        self.stand = stand
        self.key = key
        self._path = path

    async def __call__(self, tail: str, method: str = "GET", **more: Any) -> Answer:
        return await self.stand.ask(method, f"/ping/{self.key}/{tail}", key=None, **more)

    def values(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self._path)) as connection:
            return [row[0] for row in connection.execute(sql)]


@asynccontextmanager
async def open_pinger(folder: Path) -> AsyncIterator[Pinger]:
    async with open_stand(folder) as stand:
        yield Pinger(stand, await stand.key(Role.INGEST), stand.engine.path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_a_ping_is_answered_in_words_and_the_first_of_a_process_with_created(tmp_path: Path, method: str) -> None:
    async with open_pinger(tmp_path) as ping:
        first, second = await ping("backup", method), await ping("backup", method)
        assert (first.status, second.status) == (201, 200)
        assert (first.body, second.body) == ((b"", b"") if method == "HEAD" else (b"Created", b"OK"))
        assert second.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert second.headers["Access-Control-Allow-Origin"] == "*"
        assert second.headers["Ping-Body-Limit"] == "102400"
        assert second.headers["Content-Length"] == "2"


@pytest.mark.parametrize(
    ("tail", "status", "word"),
    [
        ("backup/256", 400, b"invalid url format"),
        ("backup/-1", 400, b"invalid url format"),
        ("backup/stop", 400, b"invalid url format"),
        ("backup/start/1", 400, b"invalid url format"),
        ("back%20up", 400, b"invalid url format"),
        ("backup?rid=7", 400, b"invalid uuid format"),
        ("backup?rid=", 400, b"invalid uuid format"),
    ],
)
async def test_what_is_malformed_is_told_in_words(tmp_path: Path, tail: str, status: int, word: bytes) -> None:
    async with open_pinger(tmp_path) as ping:
        answer = await ping(tail)
        assert (answer.status, answer.body) == (status, word)
        assert ping.values("SELECT name FROM processes") == []


async def test_a_slash_at_the_end_and_parameters_of_other_servers_are_passed_over(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        assert (await ping("backup/")).status == 201
        assert (await ping("backup/0?create=1&m=x", "POST")).body == b"OK"
        assert ping.values("SELECT status FROM runs") == ["COMPLETED", "COMPLETED"]


async def test_an_unknown_secret_and_a_higher_key_are_not_found(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        secrets = ["nothing", OWNER_KEY, str(uuid4())]
        secrets += [await ping.stand.key(role) for role in Role if role != Role.INGEST]
        for secret in secrets:
            answer = await ping.stand.ask("GET", f"/ping/{secret}/backup", key=None)
            own = secret.count("-") == 4 and len(secret) == 36
            assert (answer.status, answer.body) == ((400, b"invalid url format") if own else (404, b"not found"))
        assert (await ping.stand.ask("GET", f"/ping/{uuid4()}", key=None)).body == b"not found"


async def test_a_key_that_has_expired_is_not_found_and_one_with_a_rate_is_held_to_it(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        key = await ping.stand.key(Role.INGEST, expires_at=ping.stand.clock.now() // SECOND + 1, rate_limit=1)
        path = f"/ping/{key}/backup"
        assert (await ping.stand.ask("GET", path, key=None)).status == 201
        limited = await ping.stand.ask("GET", path, key=None)
        assert (limited.status, limited.body, limited.headers["Retry-After"]) == (429, b"rate limited", "1")
        ping.stand.clock.leap(2 * SECOND)
        assert (await ping.stand.ask("GET", path, key=None)).status == 404


async def test_a_process_has_an_address_of_its_own(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        await ping("backup")
        own = str(uuid4())
        await ping.stand.engine.writer.run(lambda tx: tx.execute("UPDATE processes SET ping_uuid = ?", (own,)))
        for tail in (own, f"{own.upper()}/start", f"{own}/3", f"{own}/log"):
            answer = await ping.stand.ask("POST", f"/ping/{tail}", key=None, data=b"said")
            assert (answer.status, answer.body) == (200, b"OK")
        assert ping.values("SELECT status FROM runs ORDER BY seq") == ["COMPLETED", "COMPLETED", "FAILED"]
        assert ping.values("SELECT DISTINCT actor FROM journal WHERE topic = 'runs' ORDER BY 1")[-1] == "ping"


async def test_of_many_first_pings_at_once_one_makes_the_process(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        answers = await asyncio.gather(*(ping("backup") for _ in range(24)))
        assert sorted(answer.status for answer in answers) == [200] * 23 + [201]
        assert ping.values("SELECT name FROM processes") == ["backup"]
        assert ping.values("SELECT total FROM processes") == [24]


async def test_of_a_body_of_5_megabytes_the_first_100_kib_are_kept(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        assert (await ping("backup", "POST", data=BytesIO(b"x" * 5_000_000))).body == b"Created"
        assert ping.values("SELECT sum(length(message)) FROM logs") == [BODY_LIMIT]
        assert (await ping("backup", "POST", data=b"y")).body == b"OK"


async def test_broken_utf_8_and_nul_in_a_body_do_no_harm(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        assert (await ping("backup/fail", "POST", data=b"\xffa\x00b\n")).status == 201
        assert ping.values("SELECT message FROM logs") == ["\ufffdab"]
        assert ping.values("SELECT json_extract(error, '$.message') FROM runs") == ["\ufffdab"]


async def test_the_secret_stays_out_of_log_journal_metrics_and_errors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_pinger(tmp_path) as ping:
        answers = [await ping(tail) for tail in ("backup", "backup/999", "a/b/c/d", "backup?rid=x")]
        answers.append(await ping("backup", "PUT"))
        answers.append(await ping.stand.ask("GET", "/metrics"))
        assert b'endpoint="pings.process"' in answers[-1].body
        stored = ping.values("SELECT group_concat(changed || ref || actor) FROM journal")
        stored += ping.values("SELECT context FROM runs")
    text = caplog.text + repr(stored) + repr([(answer.body, dict(answer.headers)) for answer in answers])
    assert ping.key not in text


async def test_a_ping_says_where_it_came_from(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        await ping("backup", "POST", headers={"User-Agent": "curl/8.5.0"})
        (run,) = (await ping.stand.ask("GET", "/v1/runs")).json["data"]
        assert run["context"] == {"via": "ping", "method": "POST", "from": "127.0.0.1", "user_agent": "curl/8.5.0"}
        assert run["id"].startswith("ping-")


async def test_a_method_that_is_no_ping_is_refused(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        answer = await ping("backup", "DELETE")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


async def test_a_key_may_come_in_a_header_instead_and_then_be_a_higher_one(tmp_path: Path) -> None:
    async with open_pinger(tmp_path) as ping:
        for key, status in ((OWNER_KEY, 201), (ping.key, 200), (None, 401), ("unknown", 401)):
            assert (await ping.stand.ask("POST", "/ping/-/backup", key=key)).status == status
        reader = await ping.stand.key(Role.REPORTER)
        answer = await ping.stand.ask("GET", "/ping/-/backup", key=reader)
        assert (answer.status, answer.body) == (403, b"not allowed")
