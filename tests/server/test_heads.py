"""Heads that came before are not read again, and nobody can tell."""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
import threading
from contextlib import asynccontextmanager, closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from uuid import UUID

import orjson
import pytest

from tests.clocks import PATIENCE, until
from tests.server.dialling import dialling, request
from tests.server.stand import OWNER, OWNER_KEY, Stand, open_stand
from trackdesk.domain.identity import Permission, Role
from trackdesk.engine import keys
from trackdesk.server.app import build_app
from trackdesk.server.heads import LONGEST, MOST, Heads
from trackdesk.server.listen import listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.server.dialling import Dial, Line
    from trackdesk.server.app import App
    from trackdesk.server.heads import Head


HEAD = cast("Head", SimpleNamespace(rid=None))


class Known:
    """A server that knows what it is asked."""

    def __init__(self, stand: Stand, app: App, url: str, dial: Dial) -> None:
        self.stand = stand
        self.app = app
        self.url = url
        self.dial = dial

    async def learn(self, asked: bytes) -> Line:
        """A connection that has sent this so often that its head is known."""
        line, before = await self.dial(self.url), len(self.app.heads)
        for _ in range(2):
            await line.ask(asked)
        assert len(self.app.heads) == before + 1
        return line

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[None]:
        """While it is open, nothing that is written gets done."""
        go_on = threading.Event()
        holding = asyncio.create_task(self.stand.engine.writer.run(lambda _: go_on.wait(PATIENCE)))
        yield
        go_on.set()
        assert await holding


@pytest.fixture
async def known(tmp_path: Path) -> AsyncIterator[Known]:
    async with open_stand(tmp_path) as stand, dialling() as dial:
        app = build_app(stand.house)
        listening = await listen(app, "127.0.0.1", 0)
        yield Known(stand, app, listening.url, dial)
        await listening.stop()


def start(run: str) -> bytes:
    return request("POST", "/v1/processes/backup", b'{"id": "%b"}' % run.encode())


async def test_each_body_behind_a_known_head_is_its_own(known: Known) -> None:
    line = await known.learn(start("0"))
    for run in ("1", "2"):
        _, body = await line.ask(start(run))
        assert orjson.loads(body)["id"] == run


async def test_a_body_that_comes_later_than_its_known_head_is_waited_for(known: Known) -> None:
    line, asked = await known.learn(start("0")), start("1")
    line.writer.write(asked[:-5])
    await line.writer.drain()
    await known.stand.ask("GET", "/healthz")
    _, body = await line.ask(asked[-5:])
    assert orjson.loads(body)["id"] == "1"


async def test_a_second_request_behind_a_known_one_is_answered_too(known: Known) -> None:
    line = await known.learn(start("0"))
    line.writer.write(start("1") + start("2"))
    assert [orjson.loads((await line.answer())[1])["id"] for _ in range(2)] == ["1", "2"]


async def test_a_compressed_body_behind_a_head_that_came_before_is_unpacked(known: Known) -> None:
    line = await known.dial(known.url)
    for run in "1234":
        packed = gzip.compress(b'{"id": "%b"}' % run.encode(), mtime=0)
        _, body = await line.ask(request("POST", "/v1/processes/backup", packed, OWNER_KEY, "Content-Encoding: gzip"))
        assert orjson.loads(body)["id"] == run


@pytest.mark.parametrize("path", ["/ping/{key}/backup", "/ping/-/backup", "/v1/processes/backup"])
async def test_a_key_that_is_taken_back_opens_no_known_head(known: Known, path: str) -> None:
    key = await known.stand.key(Role.INGEST)
    body = b"{}" if path.startswith("/v1") else b""
    asked = request("POST", path.format(key=key), body, key if "{key}" not in path else "none")
    line = await known.learn(asked)
    assert (await line.ask(asked))[0][0].split()[1] in {b"200", b"201"}
    made = known.stand.house.door.enter({"X-API-Key": key}, Permission.INGEST)
    assert made.key_id is not None
    await keys.delete(known.stand.engine, OWNER, made.key_id)
    assert (await line.ask(asked))[0][0].split()[1] in {b"401", b"404"}


async def test_a_known_ping_says_where_it_comes_from_each_time(known: Known) -> None:
    asked = request("GET", f"/ping/{await known.stand.key(Role.INGEST)}/backup")
    await known.learn(asked)
    elsewhere = await known.dial(known.url, "127.0.0.2")
    assert (await elsewhere.ask(asked))[1] == b"OK"
    with closing(sqlite3.connect(known.stand.engine.path)) as connection:
        found = connection.execute("SELECT context ->> 'from' FROM runs ORDER BY seq").fetchall()
    assert found == [("127.0.0.1",), ("127.0.0.1",), ("127.0.0.2",)]


def with_rid(key: str, rid: str, tail: str = "/start") -> bytes:
    return request("GET", f"/ping/{key}/backup{tail}?rid={rid}")


def ids(known: Known) -> list[str]:
    with closing(sqlite3.connect(known.stand.engine.path)) as connection:
        return [run for (run,) in connection.execute("SELECT id FROM runs ORDER BY seq")]


async def test_heads_that_differ_in_their_rid_alone_are_known_together_and_each_means_its_own_run(known: Known) -> None:
    key = await known.stand.key(Role.INGEST)
    rids = [str(UUID(int=number)) for number in range(4)]
    line = await known.dial(known.url)
    for rid in rids:
        await line.ask(with_rid(key, rid))
    assert len(known.app.heads) == 1
    assert ids(known) == rids
    await line.ask(with_rid(key, rids[2], ""))
    with closing(sqlite3.connect(known.stand.engine.path)) as connection:
        assert connection.execute("SELECT id FROM runs WHERE status = 'COMPLETED'").fetchall() == [(rids[2],)]


@pytest.mark.parametrize("written", ["0000000000000000000000000000000{}", "AAAAAAAA-0000-0000-0000-00000000000{}"])
async def test_a_rid_that_is_written_otherwise_means_the_same_behind_a_known_head(known: Known, written: str) -> None:
    key = await known.stand.key(Role.INGEST)
    line = await known.learn(with_rid(key, str(UUID(int=9))))
    for number in range(2):
        await line.ask(with_rid(key, written.format(number)))
    assert ids(known)[1:] == [str(UUID(written.format(number))) for number in range(2)]


@pytest.mark.parametrize("first", ["", str(UUID(int=1))])
async def test_a_rid_that_is_left_empty_is_refused_and_spoils_no_other(known: Known, first: str) -> None:
    key = await known.stand.key(Role.INGEST)
    line = await known.dial(known.url)
    for rid in (first, first or str(UUID(int=1)), first, "", "", str(UUID(int=2)), "", str(UUID(int=3))):
        answer, _ = await line.ask(with_rid(key, rid))
        assert answer[0].split()[1] == (b"200" if rid else b"400") or b"201" in answer[0]
    assert ids(known) == [str(UUID(int=number)) for number in (1, 2, 3)]


async def test_what_looks_like_a_rid_in_other_queries_is_no_rid(known: Known) -> None:
    line = await known.dial(known.url)
    for rid in ("", "", str(UUID(int=1)), str(UUID(int=2))):
        _, body = await line.ask(request("GET", f"/v1/runs?limit=5?rid={rid}"))
        assert f"not '5?rid={rid}'" in orjson.loads(body)["detail"]


async def test_the_rid_that_counts_is_the_one_that_is_the_query(known: Known) -> None:
    key, line = await known.stand.key(Role.INGEST), await known.dial(known.url)
    for number in (1, 2, 3):
        await line.ask(with_rid(key, f"{UUID(int=9)}#?rid={UUID(int=number)}"))
    assert ids(known) == [str(UUID(int=9))]


async def test_a_rid_in_another_line_of_a_head_is_no_rid(known: Known) -> None:
    key, rid = await known.stand.key(Role.INGEST), str(UUID(int=1))
    line = await known.dial(known.url)
    asked = request("GET", f"/ping/{key}/backup", b"", OWNER_KEY, f"Referer: http://x/?rid={rid} HTTP/1.1")
    for _ in range(3):
        await line.ask(asked)
    assert rid not in ids(known)


@asynccontextmanager
async def ping_in_hand(known: Known) -> AsyncIterator[Line]:
    """A connection with a ping behind a known head that is held up until the end of the block."""
    asked = request("GET", f"/ping/{await known.stand.key(Role.INGEST)}/backup")
    line = await known.learn(asked)
    async with known.held_up():
        line.writer.write(asked)
        await until(lambda: known.stand.house.statistics.in_flight == 1)
        yield line


async def test_a_known_ping_is_one_request_in_hand_until_it_is_answered(known: Known) -> None:
    async with ping_in_hand(known) as line:
        pass
    assert (await line.answer())[1] == b"OK"
    assert known.stand.house.statistics.in_flight == 0


async def test_a_known_ping_that_is_cut_off_counts_no_longer(known: Known) -> None:
    async with ping_in_hand(known):
        for front in tuple(known.app.fronts):
            front.abort()
        await until(lambda: known.stand.house.statistics.in_flight == 0)


def test_a_head_is_kept_when_it_comes_again() -> None:
    heads = Heads()
    heads.add(b"one", HEAD)
    assert heads.find(b"one") is None
    heads.add(b"one", HEAD)
    assert heads.find(b"one") is HEAD


def test_no_more_heads_are_kept_than_there_is_room_for() -> None:
    heads = Heads()
    for number in range(3 * MOST):
        for _ in range(2):
            heads.add(b"%d" % number, HEAD)
    assert 0 < len(heads) <= MOST


def test_a_long_head_is_not_kept() -> None:
    heads = Heads()
    for _ in range(2):
        heads.add(b"x" * (LONGEST + 1), HEAD)
    assert len(heads) == 0
