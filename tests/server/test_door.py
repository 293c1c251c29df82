"""Who may do what: every endpoint, every role, no key, a wrong key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.stand import OWNER_KEY, open_stand
from tests.server.stubs import stubs
from trackdesk.contract.endpoints import ENDPOINTS
from trackdesk.domain.clock import SECOND
from trackdesk.domain.identity import ALLOWED, Permission, Role

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.contract.endpoint import Endpoint

VALUES = {"uid": "0123456789abcdefghjkmnpqrs", "process": "backup", "id": "n1", "department": "ops"}


def filled(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda match: VALUES.get(match[1], "7"), path)


async def test_every_endpoint_lets_in_the_roles_it_is_for_and_nobody_else(tmp_path: Path) -> None:
    wrong = []
    async with open_stand(tmp_path, stubs()) as stand:
        secrets = {role: await stand.key(role) for role in Role}
        for endpoint, method, path in _routes():
            if endpoint.permission is Permission.PING:
                continue  # its secret stands in the path: see test_pings
            seen = {role: (await stand.ask(method, path, key=key)).status for role, key in secrets.items()}
            seen_without = [(await stand.ask(method, path, key=key)).status for key in (None, "tdk_" + "0" * 52)]
            for role, status in seen.items():
                let_in = endpoint.permission in ALLOWED[role]
                if (status not in {401, 403}) is not let_in or (not let_in and status != 403):
                    wrong.append(f"{endpoint.name} {method} {path}: {role} got {status}")
            expected_open = endpoint.permission is Permission.OPEN
            if any((status == 401) is expected_open for status in seen_without):
                wrong.append(f"{endpoint.name} {method} {path}: without a key {seen_without}")
    assert not wrong


def _routes() -> list[tuple[Endpoint[Any], str, str]]:
    return [(each, method, filled(path)) for each in ENDPOINTS for method, path in each.routes]


async def test_a_key_is_taken_from_either_header(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        for headers in ({"X-API-Key": OWNER_KEY}, {"Authorization": f"Bearer {OWNER_KEY}"}):
            assert (await stand.ask("GET", "/v1/runs", key=None, headers=headers)).status == 200
        for authorization in ("Basic abc", "Bearer", "Bearer ", OWNER_KEY, "Bearer \xff\xfe"):
            answer = await stand.ask("GET", "/v1/runs", key=None, headers={"Authorization": authorization})
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_refusal_names_the_role_that_may(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        key = await stand.key(Role.REPORTER)
        answer = await stand.ask("DELETE", "/v1/incidents/7", key=key)
        assert (answer.status, answer.json["code"]) == (403, "forbidden")
        assert "REPORTER" in answer.json["detail"]
        assert "ADMIN" in answer.json["detail"]


async def test_an_expired_key_says_so(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        key = await stand.key(Role.ADMIN, expires_at=_rfc(stand.clock.now() + 60 * SECOND))
        assert (await stand.ask("GET", "/v1/runs", key=key)).status == 200
        await stand.clock.advance(60 * SECOND)
        answer = await stand.ask("GET", "/v1/runs", key=key)
        assert (answer.status, answer.json["detail"]) == (401, "This key has expired.")


def _rfc(micros: int) -> str:
    from trackdesk.domain.instant import format_instant

    return format_instant(micros)


async def test_a_key_over_its_rate_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        key = await stand.key(Role.ADMIN, rate_limit=3)
        statuses = [(await stand.ask("GET", "/v1/runs", key=key)).status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        answer = await stand.ask("GET", "/v1/runs", key=key)
        assert (answer.json["code"], answer.headers["Retry-After"]) == ("rate_limited", "1")
        assert (await stand.ask("GET", "/v1/runs")).status == 200
        await stand.clock.advance(SECOND)
        assert (await stand.ask("GET", "/v1/runs", key=key)).status == 200


async def test_only_the_owner_may_name_another_namespace(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        await stand.engine.writer.run(
            lambda tx: tx.execute("INSERT INTO namespaces (name, created_at) VALUES ('lab', 0)") and None
        )
        key = await stand.key(Role.ADMIN)
        mine = await stand.ask("GET", "/v1/runs", headers={"X-Namespace": "lab"})
        assert (mine.status, mine.json["namespace"]) == (200, 2)
        assert (await stand.ask("GET", "/v1/runs", headers={"X-Namespace": "nowhere"})).status == 404
        assert (await stand.ask("GET", "/v1/runs", key=key, headers={"X-Namespace": "lab"})).status == 403
        assert (await stand.ask("GET", "/v1/runs", key=key, headers={"X-Namespace": "default"})).status == 200


async def test_the_person_behind_a_key_is_recorded_beside_it(tmp_path: Path) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        answer = await stand.ask("GET", "/v1/runs", headers={"X-Actor": "alice@host"})
        assert answer.json["actor"] == "alice@host (via owner)"
        for actor in ("", "x" * 201, "a\tb"):
            answer = await stand.ask("GET", "/v1/runs", headers={"X-Actor": actor})
            assert (answer.status, answer.field) == (400, "X-Actor")


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/openapi.json", "/readyz"])
async def test_what_is_open_ignores_a_wrong_key(tmp_path: Path, path: str) -> None:
    async with open_stand(tmp_path, stubs()) as stand:
        assert (await stand.ask("GET", path, key="wrong-key-wrong-key")).status == 200
