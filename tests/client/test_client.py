"""The client against a real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.client.stranger import Stranger
from tests.server.stand import OWNER_KEY, Stand, open_stand
from trackdesk.client import Client, ServerAway
from trackdesk.client.encoding import query_pairs, route
from trackdesk.contract import work
from trackdesk.domain import errors
from trackdesk.domain.filters import RunFilter
from trackdesk.domain.identity import Role
from trackdesk.domain.incident import ChangeIncident, IncidentStatus, NewIncident
from trackdesk.domain.run import PatchRun, RunAddress, StartRun, parse_due

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(stand: Stand) -> AsyncIterator[Client]:
    async with Client(stand.url, OWNER_KEY, actor="ada@desk") as opened:
        yield opened


async def test_a_run_is_started_found_changed_and_finished(client: Client) -> None:
    run = await client.runs.start("backup", {"id": "n1", "deadline": "30m", "tags": {"env": "prod"}})
    assert await client.runs.get(run.uid) == run
    assert await client.runs.get(RunAddress(process="backup", id="n1", attempt=1)) == run
    assert (await client.runs.patch(run.uid, {"progress": {"done": 1}})).progress is not None
    assert (await client.runs.log(run.uid, {"message": "hello"})).accepted == 1
    address = RunAddress(process="backup", id="n1")
    assert [line.message for line in (await client.runs.logs(address, {"level": "INFO"})).data] == ["hello"]
    assert (await client.runs.complete(address)).status == "COMPLETED"
    assert (await client.runs.list({"status": ["COMPLETED"], "tag": ["env:prod"]})).data[0].uid == run.uid
    await client.runs.delete(run.uid)
    with pytest.raises(errors.NotFound):
        await client.runs.get(run.uid)


async def test_bodies_may_be_models_of_which_only_what_was_set_is_sent(client: Client) -> None:
    run = await client.runs.start("backup", StartRun(id="n1", deadline=parse_due("30m")))
    assert run.deadline == run.started_at + 30 * 60 * 1_000_000
    later = run.started_at + 7_200_000_000
    assert (await client.runs.patch(run.uid, PatchRun(deadline=parse_due(later // 1_000_000)))).deadline is not None
    incident = await client.incidents.report(NewIncident(title="t", assignee="ada"))
    changed = await client.incidents.patch(incident.id, ChangeIncident(status=IncidentStatus.TRIAGED))
    assert (changed.assignee, changed.status) == ("ada", "TRIAGED")
    assert (await client.incidents.patch(incident.id, ChangeIncident(assignee=None))).assignee is None


async def test_the_actor_stands_in_the_journal(client: Client) -> None:
    await client.incidents.report({"title": "t"})
    entries = await client.journal.list({"topic": ["incidents"]})
    assert entries.data[0].actor == "ada@desk (via owner)"


async def test_an_error_comes_back_as_what_it_was(client: Client, stand: Stand) -> None:
    await client.runs.start("backup", {"id": "n1"})
    with pytest.raises(errors.Conflict) as conflict:
        await client.runs.start("backup", {"id": "n1"})
    assert conflict.value.code == "run_active"
    with pytest.raises(errors.Invalid) as invalid:
        await client.runs.start("backup", {"id": 5})
    assert (invalid.value.field, invalid.value.errors[0].field, invalid.value.status) == ("id", "id", 400)
    incident = await client.incidents.report({"title": "t"})
    await client.incidents.patch(incident.id, {"status": "TRIAGED"}, if_match=incident.version)
    with pytest.raises(errors.Conflict) as changed:
        await client.incidents.patch(incident.id, {"status": "CLOSED"}, if_match=incident.version)
    assert changed.value.code == "changed"
    async with Client(stand.url, "wrong-key-wrong-key") as other:
        with pytest.raises(errors.Unauthorized):
            await other.runs.list()
    async with Client(stand.url, await stand.key(Role.INGEST, rate_limit=1)) as slow:
        with pytest.raises(errors.Forbidden):
            await slow.runs.list()
        await slow.runs.start("other")
        with pytest.raises(errors.RateLimited) as limited:
            await slow.runs.start("other")
        assert limited.value.retry_after == 1


async def test_pages_go_on_to_the_end(client: Client) -> None:
    for number in range(7):
        await client.runs.start("backup", {"id": f"n{number}"})
    pages = [page async for page in client.pages(work.RUN_LIST, query={"limit": 3, "status": ["ACTIVE"]})]
    assert [len(page.data) for page in pages] == [3, 3, 1]
    assert len({run.uid for page in pages for run in page.data}) == 7


async def test_the_same_key_gets_the_first_answer_again(client: Client) -> None:
    first = await client.runs.start("backup", {}, idempotency_key="k")
    assert await client.runs.start("backup", {}, idempotency_key="k") == first


async def test_nobody_there_is_server_away() -> None:
    async with Client("http://127.0.0.1:9", "k" * 20) as client:
        with pytest.raises(ServerAway, match=r"127\.0\.0\.1:9 does not answer: connection refused$"):
            await client.stats.summary()


async def test_one_who_answers_too_late_is_server_away() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/healthz", hang)
    listening = await Stranger(app).start()
    async with Client(listening.url, timeout=0.05) as client:
        with pytest.raises(ServerAway, match="too long"):
            await client.operations.healthz()
    await listening.stop()


async def test_what_a_proxy_wrote_is_an_error_too() -> None:
    async def bad(_: web.Request) -> web.Response:
        return web.Response(status=502, text="<html>")

    async def odd(_: web.Request) -> web.Response:
        return web.Response(text="<html>")

    app = web.Application()
    app.router.add_get("/healthz", bad)
    app.router.add_get("/v1/whoami", odd)
    listening = await Stranger(app).start()
    async with Client(listening.url) as client:
        with pytest.raises(errors.TrackdeskError) as error:
            await client.operations.healthz()
        assert error.value.status == 502
        with pytest.raises(ServerAway):
            await client.keys.whoami()
    await listening.stop()


async def test_the_key_is_not_carried_to_where_a_redirect_points() -> None:
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.headers["X-API-Key"])
        return web.Response(text="{}")

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"{other.url}{request.path}")

    strange, app = web.Application(), web.Application()
    strange.router.add_get("/{any:.*}", elsewhere)
    app.router.add_get("/{any:.*}", away)
    other, listening = await Stranger(strange).start(), await Stranger(app).start()
    async with Client(listening.url, OWNER_KEY) as client:
        for call in (client.keys.whoami(), anext(client.live())):
            with pytest.raises(errors.TrackdeskError, match="307 with a redirect"):
                await call
    await listening.stop()
    await other.stop()
    assert asked == []


async def test_operations_answer_as_text_and_models(client: Client, stand: Stand) -> None:
    assert (await client.operations.readyz()).ready
    stand.house.workers = lambda: [worker.model_copy(update={"ok": False}) for worker in _workers(stand)]
    assert not (await client.operations.readyz()).ready
    assert "trackdesk_info" in await client.operations.metrics()
    assert "<title>" in await client.operations.docs()
    assert (await client.operations.openapi())["openapi"].startswith("3.1")
    assert (await client.keys.whoami()).owner


def _workers(stand: Stand) -> list[object]:
    from trackdesk.server.workers import WriterHealth

    return [WriterHealth(stand.engine.writer).health()]


def test_a_filter_model_becomes_what_the_server_reads() -> None:
    given = RunFilter(status=["active"], started_after="2026-01-02T03:04:05Z", tag=["a:b"])
    assert query_pairs(given) == [
        ("status", "ACTIVE"),
        ("tag", "a:b"),
        ("started_after", "2026-01-02T03:04:05.000000Z"),
    ]


def test_paths_are_escaped() -> None:
    assert route(work.RUN_START, {"process": "a/b c"}) == ("POST", "/v1/processes/a%2Fb%20c")


def test_the_client_is_imported_without_a_network_library() -> None:
    script = "import trackdesk.client, sys; print([n for n in ('aiohttp', 'textual', 'aiosqlite') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
