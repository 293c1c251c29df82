"""Every field of every call, wrong in every way: refused by its name, and nothing is written."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from contextlib import asynccontextmanager, closing
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.server.badness import (
    BAD_BODIES,
    BAD_PATH_PARTS,
    bad_parameters,
    bad_values,
    members,
)
from tests.server.stand import Stand, open_stand
from trackdesk.contract.endpoints import ENDPOINTS
from trackdesk.contract.openapi import document
from trackdesk.domain.identity import Permission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.server.stand import Answer
    from trackdesk.contract.endpoint import Endpoint

JSON = {"Content-Type": "application/json"}
NOWHERE = "webhook+http://127.0.0.1:9/nobody-listens"
GOOD: dict[str, dict[str, Any]] = {
    "runs.log": {"message": "x"},
    "incidents.report": {"title": "x"},
    "incidents.bulk": {"ids": [1], "status": "TRIAGED"},
    "comments.add": {"content": "x"},
    "departments.add": {"id": "new", "name": "x"},
    "channels.add": {"name": "new", "url": NOWHERE},
    "keys.add": {"name": "new", "role": "INGEST"},
    "metrics.send": {"service": "api", "metric_type": "LATENCY_MS", "value": 1},
    "services.add": {"name": "new"},
    "rules.add": {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 1},
    "alerts.alertmanager": {"version": "4", "alerts": []},
    "silences.add": {"match": {"service": "api"}, "until": "2h", "reason": "x"},
    "silences.preview": {"match": {"service": "api"}},
    "maintenance.add": {"name": "new", "service": "api", "until": "2h", "reason": "x"},
    "rules.preview": {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 1},
}
"""The least that each call with needed members takes."""
OTHERS = {"alerts.alertmanager"}
"""Bodies that other tools define: members that are unknown here are passed over."""
LABELS = {"department", "service", "rule"}
SOME_LABELS = {"a%20b", "%FF"}
"""They may have spaces; what does not decode stands for itself, and there is none of the name."""
WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body is not None]
JSON_ONLY = [endpoint for endpoint in ENDPOINTS if endpoint.permission is not Permission.PING]
"""Pings are answered in words: see test_pings."""
WITH_QUERY = [endpoint for endpoint in JSON_ONLY if endpoint.query is not None]
WITH_PATH = [endpoint for endpoint in JSON_ONLY if "{" in endpoint.path]
DOCUMENT = document("1.2.3")


def _by_name(endpoint: Endpoint[Any]) -> str:
    return endpoint.name


class Tries:
    """Sends what must be refused, and collects where it was not."""

    def __init__(self, stand: Stand, known: dict[str, str]) -> None:
        self.stand = stand
        self.known = known
        self.wrong: list[str] = []
        self.count = 0

    def path(self, endpoint: Endpoint[Any], index: int = 0) -> str:
        return re.sub(r"{(\w+)}", lambda match: self.known[match[1]], endpoint.routes[index][1])

    async def refused(
        self,
        what: str,
        method: str,
        path: str,
        data: bytes | BytesIO | None = None,
        *,
        fields: tuple[str, ...],
        headers: dict[str, str] | None = None,
        statuses: tuple[int, ...] = (400,),
    ) -> None:
        """`fields`: one of them, or a member of it, must be what the answer names."""
        self.count += 1
        answer = await self.stand.ask(method, path, data=data, headers=JSON if headers is None else headers)
        if (fault := _fault(answer, fields, statuses)) is not None:
            sent = data[:120] if isinstance(data, bytes) else data
            self.wrong.append(f"{what}: {method} {path[:80]} {sent!r} → {answer.status} {fault}")


def _fault(answer: Answer, fields: tuple[str, ...], statuses: tuple[int, ...]) -> str | None:
    if answer.status not in statuses:
        return f"expected {statuses}: {answer.body[:200]!r}"
    if answer.headers["Content-Type"] != "application/problem+json":
        return answer.headers["Content-Type"]
    if answer.status != 400:
        return None
    named = [str(error["field"]) for error in answer.json["errors"]]
    if not any(name == field or name.startswith(f"{field}.") for name in named for field in fields):
        return f"names {named}, not {fields}"
    if len(answer.body) > 10_000:
        return "a long answer"
    return None


def contents(path: Path) -> str:
    """Everything that is stored."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(str(row) for table in tables for row in connection.execute(f"SELECT * FROM {table}"))


FURNISHED: dict[str, bytes] = {}
"""The files of a server with one of each thing: the first test makes them, all copy them."""


async def furnish(folder: Path) -> None:
    """One of each thing."""
    async with open_stand(folder) as stand:
        for path, body in (
            ("/v1/processes/backup", {"id": "n1", "deadline": "30m"}),
            ("/v1/incidents", {"title": "Invoices arrive twice"}),
            ("/v1/incidents/1/comments", {"content": "seen"}),
            ("/v1/channels", {"name": "pager", "url": NOWHERE}),
            ("/v1/departments", {"id": "ops", "name": "Operations"}),
            ("/v1/services", {"name": "api"}),
            ("/v1/rules", {"id": "slow", **GOOD["rules.add"]}),
            ("/v1/keys", {"name": "a job", "role": "INGEST"}),
            ("/v1/silences", GOOD["silences.add"]),
            ("/v1/maintenance", {**GOOD["maintenance.add"], "name": "old"}),
        ):
            answer = await stand.ask("POST", path, body)
            assert answer.status == 201, answer.body


def keep(folder: Path) -> None:
    FURNISHED.update({entry.name: entry.read_bytes() for entry in folder.iterdir()})


def lay_out(folder: Path) -> None:
    for name, content in FURNISHED.items():
        (folder / name).touch(0o600)
        (folder / name).write_bytes(content)


@asynccontextmanager
async def trying(folder: Path) -> AsyncIterator[Tries]:
    """A server with one of each thing; afterwards nothing in it has changed, and all was refused as it should be."""
    if not FURNISHED:
        with tempfile.TemporaryDirectory() as first:
            await furnish(Path(first))
            keep(Path(first))
    lay_out(folder)
    async with open_stand(folder) as stand:
        run = (await stand.ask("GET", "/v1/processes/backup/n1")).json
        ones = (
            "comment",
            "notification",
            "channel",
            "delivery",
            "key",
            "incident",
            "attachment",
            "silence",
            "maintenance",
        )
        known = {"process": "backup", "id": "n1", "uid": run["uid"], **dict.fromkeys(ones, "1")}
        known |= {"department": "ops", "service": "api", "rule": "slow"}
        before = contents(stand.engine.path)
        tries = Tries(stand, known)
        yield tries
        assert tries.wrong == [], f"{len(tries.wrong)} of {tries.count}:\n" + "\n".join(tries.wrong[:40])
        assert contents(stand.engine.path) == before
        assert (await stand.ask("GET", "/v1/runs")).status == 200


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=_by_name)
async def test_every_member_of_a_body_is_checked(tmp_path: Path, endpoint: Endpoint[Any]) -> None:
    schema = endpoint.body_adapter().json_schema()
    definitions = schema.get("$defs", {})
    async with trying(tmp_path) as tries:
        path = tries.path(endpoint)
        for member in members(schema, definitions, GOOD.get(endpoint.name, {})):
            for raw in bad_values(member.schema, definitions):
                fields = (member.name, "body")
                await tries.refused(member.name, endpoint.method, path, member.body(raw), fields=fields)
        assert tries.count > 5


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=_by_name)
async def test_every_needed_member_is_missed(tmp_path: Path, endpoint: Endpoint[Any]) -> None:
    async with trying(tmp_path) as tries:
        path, good = tries.path(endpoint), GOOD.get(endpoint.name, {})
        for name in good:
            if endpoint.name == "incidents.bulk":
                continue
            rest = orjson.dumps({each: value for each, value in good.items() if each != name})
            await tries.refused("missing", endpoint.method, path, rest, fields=(name,))
        if endpoint.name not in OTHERS:
            unknown = orjson.dumps({**good, "no_such_member": 1})
            await tries.refused("unknown", endpoint.method, path, unknown, fields=("no_such_member",))


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=_by_name)
async def test_every_body_is_bounded_json_of_the_right_type(tmp_path: Path, endpoint: Endpoint[Any]) -> None:
    async with trying(tmp_path) as tries:
        path, method = tries.path(endpoint), endpoint.method
        for what, raw in BAD_BODIES.items():
            await tries.refused(what, method, path, raw, fields=("body", "no_such_member", "message", "version"))
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "json"):
            headers = {"Content-Type": kind}
            await tries.refused(kind, method, path, b"{}", fields=(), headers=headers, statuses=(415,))
        large = b'{"context": {"a": "' + b"x" * endpoint.max_body + b'"}}'
        await tries.refused("too large", method, path, BytesIO(large), fields=(), statuses=(413,))
        zipped = {**JSON, "Content-Encoding": "gzip"}
        await tries.refused("no gzip", method, path, b"{}", fields=("body",), headers=zipped)
        if endpoint.body_required:
            await tries.refused("nothing", method, path, b"", fields=("body",))


@pytest.mark.parametrize("endpoint", WITH_QUERY, ids=_by_name)
async def test_every_query_parameter_is_checked(tmp_path: Path, endpoint: Endpoint[Any]) -> None:
    parameters = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]["parameters"]
    schemas = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
    async with trying(tmp_path) as tries:
        path = tries.path(endpoint, len(endpoint.routes) - 1)
        method = endpoint.routes[-1][0]
        for name, schema in schemas.items():
            for value in bad_parameters(name, schema):
                await tries.refused(name, method, f"{path}?{name}={value}", fields=(name, "query"))
            if schema.get("type") != "array":
                await tries.refused("twice", method, f"{path}?{name}=1&{name}=1", fields=(name,))
        await tries.refused("unknown", method, f"{path}?no_such=1", fields=("no_such",))
        await tries.refused("many", method, path + "?" + "&".join(["limit=1"] * 300), fields=("query",))


@pytest.mark.parametrize("endpoint", WITH_PATH, ids=_by_name)
async def test_every_path_parameter_is_checked(tmp_path: Path, endpoint: Endpoint[Any]) -> None:
    async with trying(tmp_path) as tries:
        for method, pattern in endpoint.routes:
            for name in re.findall(r"{(\w+)}", pattern):
                bad = [*BAD_PATH_PARTS, *([] if name in {"process", "id", *LABELS} else ["0", "-1", "abc", "1.5"])]
                if name in LABELS:
                    bad = [value for value in bad if value not in SOME_LABELS]
                for value in bad:
                    part = {**tries.known, name: value}
                    path = re.sub(r"{(\w+)}", lambda match, part=part: part[match[1]], pattern)  # type: ignore[misc]
                    await tries.refused(name, method, path, b"{}", fields=(name,))


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.if_match or each.idempotent], ids=_by_name)
async def test_every_header_is_checked(tmp_path: Path, endpoint: Endpoint[Any]) -> None:
    async with trying(tmp_path) as tries:
        path, body = tries.path(endpoint), orjson.dumps(GOOD.get(endpoint.name, {}))
        bad = [("X-Actor", value) for value in ("", "x" * 201, "a\tb")]
        if endpoint.if_match:
            bad += [("If-Match", value) for value in ("*", '"a"', "", "-1", "9" * 30, '"1", "2"')]
        if endpoint.idempotent:
            bad += [("Idempotency-Key", value) for value in ("", "x" * 201, "a\tb")]
        for name, value in bad:
            headers = {"Content-Type": endpoint.takes, name: value}
            await tries.refused(name, endpoint.method, path, body, fields=(name,), headers=headers)


async def test_of_a_member_that_stands_twice_the_last_one_counts_as_in_every_json_reader(tmp_path: Path) -> None:
    async with open_stand(tmp_path) as stand:
        answer = await stand.ask("POST", "/v1/processes/backup", data=b'{"id": "a", "id": "b"}', headers=JSON)
        assert (answer.status, answer.json["id"]) == (201, "b")
        answer = await stand.ask("POST", "/v1/processes/backup", data=b'{"id": "a", "id": 5}', headers=JSON)
        assert (answer.status, answer.field) == (400, "id")
