"""No endpoint without handler, route, client method, permission, document entry, line in the docs, and test."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trackdesk.client import Client
from trackdesk.contract.endpoints import BY_NAME, ENDPOINTS
from trackdesk.contract.openapi import document
from trackdesk.contract.paths import PATTERNS
from trackdesk.domain.identity import Permission
from trackdesk.server.handlers import HANDLERS

if TYPE_CHECKING:
    from trackdesk.contract.endpoint import Endpoint

ROOT = Path(__file__).parents[2]
NAMES = [endpoint.name for endpoint in ENDPOINTS]
CALLED = [endpoint for endpoint in ENDPOINTS if endpoint.permission is not Permission.PING]
"""Pings are for other programs: they have a wrapper of their own (server/pings.py) and no method of the client."""
CALLED_NAMES = [endpoint.name for endpoint in CALLED]


def test_names_and_routes_are_there_once() -> None:
    routes = [route for endpoint in ENDPOINTS for route in endpoint.routes]
    assert len(set(NAMES)) == len(NAMES)
    assert len(set(routes)) == len(routes)


def test_every_endpoint_has_a_handler_and_every_handler_an_endpoint() -> None:
    assert set(HANDLERS) == set(CALLED_NAMES)
    assert all(callable(handler) for handler in HANDLERS.values())


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)
def test_every_endpoint_has_a_permission_a_summary_and_known_path_parameters(endpoint: Endpoint[Any]) -> None:
    assert isinstance(endpoint.permission, Permission)
    assert endpoint.summary
    assert not endpoint.summary.endswith(".")
    for _, path in endpoint.routes:
        assert set(re.findall(r"{(\w+)}", path)) <= set(PATTERNS)
    assert endpoint.permission is not Permission.OPEN or not endpoint.writes


@pytest.mark.parametrize("endpoint", CALLED, ids=CALLED_NAMES)
def test_every_endpoint_has_a_method_of_the_client(endpoint: Endpoint[Any]) -> None:
    group, _, verb = endpoint.name.partition(".")
    client = Client("http://127.0.0.1:9")
    if endpoint.name == "live.stream":
        assert inspect.ismethod(client.live)
        return
    method = getattr(getattr(client, group), verb)
    assert inspect.iscoroutinefunction(method)
    parameters = set(inspect.signature(method).parameters)
    wanted = {"body"} if endpoint.body is not None else set()
    wanted |= {"if_match"} if endpoint.if_match else set()
    wanted |= {"idempotency_key"} if endpoint.idempotent else set()
    assert wanted <= parameters, f"client.{endpoint.name} lacks {wanted - parameters}"


def test_the_client_has_no_method_without_an_endpoint() -> None:
    client = Client("http://127.0.0.1:9")
    groups = {name.partition(".")[0] for name in CALLED_NAMES} - {"live"}
    methods = {
        f"{group}.{name}"
        for group in groups
        for name, _ in inspect.getmembers(getattr(client, group), inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert methods == set(CALLED_NAMES) - {"live.stream"}


def test_every_route_has_an_operation_in_the_document_and_no_operation_is_without_one() -> None:
    paths = document("0")["paths"]
    operations = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert operations == {route for endpoint in ENDPOINTS for route in endpoint.routes}
    for endpoint in ENDPOINTS:
        operation = paths[endpoint.path][endpoint.method.lower()]
        assert operation["summary"] == endpoint.summary
        assert (operation.get("security") == []) is (endpoint.permission in {Permission.OPEN, Permission.PING})


def test_every_endpoint_is_in_the_docs() -> None:
    """`docs/api.md` names each method and path as it stands in the table: `GET /v1/runs`."""
    page = ROOT / "docs" / "api.md"
    text = page.read_text("utf-8") if page.exists() else ""
    missing = [
        f"{method} {path}" for each in ENDPOINTS for method, path in each.routes if f"{method} {path}" not in text
    ]
    assert not missing, f"docs/api.md lacks {len(missing)}: {', '.join(missing)}"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)
def test_every_endpoint_is_called_by_a_test(endpoint: Endpoint[Any]) -> None:
    """Somewhere under tests/ a method and a path that fit it stand in one line, or the client's method is called."""
    calls = [_call(method, path) for method, path in endpoint.routes]
    client = re.compile(
        rf"client\.{re.escape(endpoint.name)}\(" if endpoint.name != "live.stream" else r"client\.live\("
    )
    found = any(client.search(text) or any(call.search(text) for call in calls) for text in _tests())
    assert found, f"no test calls {endpoint.name} ({endpoint.method} {endpoint.path})"


def _call(method: str, path: str) -> re.Pattern[str]:
    """`"GET", "/v1/runs…"`, with a value or a variable where the path has a parameter."""
    parts = re.split(r"{\w+}", path)
    inner = r"[^\"/?]+".join(re.escape(part) for part in parts)
    return re.compile(rf'"{method}", f?"{inner}[?"]')


def _tests() -> list[str]:
    return [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]


def test_the_table_is_looked_up_by_name() -> None:
    assert BY_NAME["runs.start"].path == "/v1/processes/{process}"
