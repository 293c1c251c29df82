"""Whatever fits the OpenAPI document, and whatever doesn't quite: no answer outside of the document, no 5xx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.server.process import OWNER_KEY, serving
from trackdesk.contract.openapi import document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import APIOperation, Case

NOWHERE = "webhook+http://127.0.0.1:9/nobody-listens"
EXAMPLES = 10
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(document("1.2.3"))
OPERATIONS = sorted(
    (found.ok() for found in SCHEMA.get_all_operations() if found.ok().path != "/v1/stream"),
    key=lambda operation: operation.method == "delete",
)
"""Deletions last, so that the others find something. A stream never ends; it has tests of its own."""


@schemathesis.serializer("application/x-ndjson")
def _as_it_is(_: object, value: object) -> bytes:
    return str(value).encode("utf-8", "replace")


class Served:
    """A server with one of each thing in it, so that calls below a thing find one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["X-API-Key"] = OWNER_KEY
        run = self.made("/v1/processes/backup", {"id": "n1", "deadline": "30m", "tags": {"env": "prod"}})
        self.made("/v1/processes/backup/n1/logs", {"message": "begun"})
        self.made("/v1/channels", {"name": "pager", "url": NOWHERE})
        self.made("/v1/departments", {"id": "ops", "name": "Operations"})
        self.made("/v1/keys", {"name": "a job", "role": "INGEST"})
        self.made("/v1/incidents", {"title": "Invoices arrive twice"})
        self.made("/v1/incidents/1/comments", {"content": "seen"})
        self.made("/v1/rules", {"id": "slow", "metric_type": "LATENCY_MS", "operator": ">", "threshold": 1})
        self.known = {
            "process": "backup",
            "id": "n1",
            "uid": run["uid"],
            "incident": "INC-1",
            "department": "ops",
            "rule": "slow",
            **dict.fromkeys(("comment", "notification", "channel", "delivery", "key"), "1"),
        }

    def made(self, path: str, body: object) -> dict[str, Any]:
        answer = self.session.post(self.url + path, json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as url:
        there = Served(url)
        yield there
        there.session.close()


def aim(case: Case, known: dict[str, str], chosen: bool) -> None:
    """Half of the calls go to what is there; whatever may be sent to goes nowhere."""
    if chosen and case.path_parameters:
        case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
    if isinstance(case.body, dict) and isinstance(case.body.get("url"), str) and ":/" in case.body["url"]:
        case.body["url"] = NOWHERE


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_in_the_document(served: Served, operation: APIOperation) -> None:
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, chosen=st.booleans())
    def answers(case: Case, chosen: bool) -> None:
        aim(case, served.known, chosen)
        response = case.call(base_url=served.url, session=served.session, headers={"X-API-Key": OWNER_KEY})
        case.validate_response(response, checks=CHECKS)

    answers()


def test_the_server_is_well_after_all_of_it(served: Served) -> None:
    assert served.session.get(f"{served.url}/readyz").json()["ready"] is True
