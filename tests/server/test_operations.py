"""What trackdesk says about itself."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from openapi_spec_validator import validate

from tests.server.stand import Stand, open_stand
from trackdesk.contract.endpoints import BY_NAME, ENDPOINTS
from trackdesk.contract.examples import EXAMPLES
from trackdesk.domain.identity import Role, Worker
from trackdesk.engine.ingest import KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def test_healthz_says_ok(stand: Stand) -> None:
    assert (await stand.ask("GET", "/healthz", key=None)).json == {"status": "ok"}


async def test_readyz_is_503_and_names_the_worker_that_is_not_well(stand: Stand) -> None:
    assert (await stand.ask("GET", "/readyz", key=None)).json["ready"] is True
    stand.house.workers = lambda: [Worker(name="agenda", ok=False, detail="stopped")]
    answer = await stand.ask("GET", "/readyz", key=None)
    assert (answer.status, answer.headers["Content-Type"]) == (503, "application/json")
    assert answer.json == {"ready": False, "workers": [{"name": "agenda", "ok": False, "detail": "stopped"}]}


async def test_metrics_are_prometheus_text_with_help_and_type_for_every_family(stand: Stand) -> None:
    await stand.ask("POST", "/v1/processes/backup", {})
    await stand.ask("GET", "/v1/runs?x=1")
    stand.house.verdicts = lambda: {"missed": 3}
    answer = await stand.ask("GET", "/metrics")
    text = answer.body.decode()
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'trackdesk_request_seconds_count{endpoint="runs.start",class="2xx"} 1' in text
    assert 'trackdesk_request_seconds_bucket{endpoint="runs.list",class="4xx",le="+Inf"} 1' in text
    assert 'trackdesk_worker_up{worker="writer"} 1' in text
    assert 'trackdesk_agenda_total{what="missed"} 3' in text
    assert 'trackdesk_info{version="1.2.3"} 1' in text
    families = re.findall(r"^# TYPE (\S+) (?:counter|gauge|histogram)$", text, re.MULTILINE)
    assert families == re.findall(r"^# HELP (\S+) .+$", text, re.MULTILINE)
    for line in text.splitlines():
        if not line.startswith("#"):
            match = re.fullmatch(r"(trackdesk_\w+?)(_bucket|_sum|_count)?(\{.*\})? [0-9.e+-]+", line)
            assert match, line
            assert match[1] in families or match[1] + (match[2] or "") in families


async def test_the_buckets_of_a_histogram_add_up(stand: Stand) -> None:
    for _ in range(5):
        await stand.ask("GET", "/v1/processes")
    text = (await stand.ask("GET", "/metrics")).body.decode()
    counts = [int(n) for n in re.findall(r'_bucket\{endpoint="processes.list",class="2xx",le="[^"]+"\} (\d+)', text)]
    assert counts == sorted(counts)
    assert counts[-1] == 5


async def test_the_document_is_valid_openapi_and_has_every_endpoint(stand: Stand) -> None:
    document = (await stand.ask("GET", "/openapi.json", key=None)).json
    validate(document)
    assert document["openapi"].startswith("3.1")
    for endpoint in ENDPOINTS:
        for method, path in endpoint.routes:
            operation = document["paths"][path][method.lower()]
            assert operation["operationId"].startswith(endpoint.name)
            assert str(endpoint.status) in operation["responses"]
    assert "$defs" not in str(document)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_what_the_models_take(name: str) -> None:
    import orjson

    for example in EXAMPLES[name].values():
        if BY_NAME[name].takes == "application/x-ndjson":
            lines = [orjson.loads(line) for text in example for line in text.splitlines()]
            assert [KINDS[line["kind"]].model.model_validate_json(orjson.dumps(line)) for line in lines]
            continue
        BY_NAME[name].body_adapter().validate_json(orjson.dumps(example))


async def test_the_page_runs_only_its_own_script_and_needs_no_other_host(stand: Stand) -> None:
    answer = await stand.ask("GET", "/docs", key=None)
    page, policy = answer.body.decode(), answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for element in ("script", "style"):
        inside = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        assert len(inside) == 1
        digest = base64.b64encode(sha256(inside[0].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert not re.search(r"https?://|//[a-z]|@import|style=|onclick=|innerHTML", page)


async def test_whoami_tells_what_a_key_may(stand: Stand) -> None:
    key = await stand.key(Role.MAINTAINER)
    mine = (await stand.ask("GET", "/v1/whoami", key=key)).json
    assert (mine["role"], mine["owner"], mine["namespace"], mine["version"]) == (
        "MAINTAINER",
        False,
        "default",
        "1.2.3",
    )
    assert "operate" in mine["permissions"]
    assert "admin" not in mine["permissions"]
    assert (await stand.ask("GET", "/v1/whoami")).json["owner"] is True
