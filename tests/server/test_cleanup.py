"""POST /v1/cleanup over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.stand import Stand, open_stand
from trackdesk.domain.clock import DAY
from trackdesk.domain.identity import Role
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def an_old_run(stand: Stand, process: str = "backup") -> str:
    at = stand.clock.now() - 100 * DAY
    body = {"started_at": format_instant(at)}
    uid: str = (await stand.ask("POST", f"/v1/processes/{process}", body)).json["uid"]
    await stand.ask("POST", f"/v1/runs/{uid}/complete", {"completed_at": format_instant(at + 1_000_000)})
    row = "INSERT OR REPLACE INTO rollup_cursors VALUES (1, ?, ?, ?, ?)"
    await stand.engine.writer.run(lambda tx: tx.execute(row, (stand.clock.now(),) * 4) and None)
    return uid


async def test_a_cleanup_answers_how_many_of_what_were_deleted(stand: Stand) -> None:
    uid = await an_old_run(stand)
    would = await stand.ask("POST", "/v1/cleanup", {"older_than": "90d", "dry_run": True})
    assert (would.status, would.json["runs"], would.json["dry_run"]) == (200, 1, True)
    assert (await stand.ask("GET", f"/v1/runs/{uid}")).status == 200
    done = await stand.ask("POST", "/v1/cleanup", {"older_than": "90d"})
    assert done.json == {
        "before": format_instant(stand.clock.now() - 90 * DAY),
        "dry_run": False,
        "done": True,
        "runs": 1,
        "logs": 0,
        "notifications": 0,
        "deliveries": 0,
        "incidents": 0,
        "comments": 0,
        "journal": 2,
        "samples": 0,
        "rollups": 0,
    }
    assert (await stand.ask("GET", f"/v1/runs/{uid}")).status == 404


async def test_a_cleanup_stays_in_its_namespace(stand: Stand) -> None:
    uid = await an_old_run(stand)
    row = "INSERT INTO namespaces (name, created_at) VALUES ('other', 0)"
    await stand.engine.writer.run(lambda tx: tx.execute(row) and None)
    done = await stand.ask("POST", "/v1/cleanup", {"older_than": "1d"}, headers={"X-Namespace": "other"})
    assert (done.json["runs"], done.json["journal"]) == (0, 0)
    assert (await stand.ask("GET", f"/v1/runs/{uid}")).status == 200


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.REPORTER, Role.INGEST])
async def test_only_an_admin_may_clean_up(stand: Stand, role: Role) -> None:
    key = await stand.key(role)
    assert (await stand.ask("POST", "/v1/cleanup", {"older_than": "90d"}, key=key)).status == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "older_than"),
        ({"older_than": "soon"}, "older_than"),
        ({"older_than": -1}, "older_than"),
        ({"older_than": "90d", "what": ["everything"]}, "what.0"),
        ({"older_than": "90d", "what": []}, "what"),
        ({"older_than": "90d", "process": "a b"}, "process"),
        ({"older_than": "90d", "dry_run": "yes"}, "dry_run"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(stand: Stand, body: object, field: str) -> None:
    answer = await stand.ask("POST", "/v1/cleanup", body)
    assert (answer.status, answer.field) == (400, field)


async def test_the_journal_belongs_to_no_process(stand: Stand) -> None:
    await an_old_run(stand)
    body = {"older_than": "90d", "process": "backup", "what": ["runs", "journal"]}
    answer = await stand.ask("POST", "/v1/cleanup", body)
    assert answer.status == 400
    assert "expected runs and incidents with a process, not 'journal'" in answer.body.decode()


async def test_an_unknown_process_is_not_found(stand: Stand) -> None:
    assert (await stand.ask("POST", "/v1/cleanup", {"older_than": "90d", "process": "nope"})).status == 404
