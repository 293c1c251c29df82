"""The OpenAPI 3.1 document, made from the table of endpoints and pydantic's JSON schemas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from trackdesk.contract.endpoints import ENDPOINTS
from trackdesk.contract.examples import EXAMPLES
from trackdesk.contract.paths import HINTS, PATTERNS
from trackdesk.domain.identity import ALLOWED, Permission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.json_schema import JsonSchemaMode

    from trackdesk.contract.endpoint import Endpoint

REF: Final = "#/components/schemas/{model}"
TITLES: Final = {
    400: "Malformed or invalid; `errors` names the fields",
    401: "No key, or one that is unknown or has expired",
    403: "The role of the key may not do this",
    404: "There is no such thing",
    405: "This method is not possible here",
    409: "Clashes with the state of things; `code` says how",
    413: "The body is too large",
    415: "The body is not of the type that is taken here",
    429: "More requests than this key may make",
    503: "Not possible now; nothing was written",
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem document",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable, for programs"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
        "request_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code", "errors"],
}
_TAGS: Final = {
    "runs": "Executions of a process, with deadlines, tags, progress and logs",
    "ingest": "Many lines in one request",
    "pings": "What jobs say by calling an address; the secret is in it",
    "processes": "Named kinds of work and what is expected of them",
    "incidents": "What a person must look at",
    "comments": "What people say about an incident",
    "attachments": "Files that belong to an incident",
    "metrics": "Samples: what services measure",
    "services": "Systems under watch",
    "alerts": "What other tools have found",
    "departments": "Teams: they own processes and receive notifications",
    "notifications": "The inbox",
    "channels": "Places outside to tell",
    "deliveries": "What was sent over channels, with every attempt",
    "keys": "API keys and their roles",
    "journal": "Who changed what, and when",
    "stats": "Figures: counts, runs over time, tags",
    "live": "The live stream",
    "operations": "trackdesk itself",
}


_WITHOUT_KEY: Final = frozenset({Permission.OPEN, Permission.PING})


def document(version: str, endpoints: Iterable[Endpoint[Any]] = ENDPOINTS) -> dict[str, Any]:
    """The whole document as plain JSON values."""
    endpoints = tuple(endpoints)
    schemas, definitions = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        for index, (method, path) in enumerate(endpoint.routes):
            operation = _operation(endpoint, path, schemas)
            operation["operationId"] = endpoint.name if index == 0 else f"{endpoint.name}.{index + 1}"
            paths.setdefault(path, {})[method.lower()] = operation
    groups = dict.fromkeys(endpoint.name.partition(".")[0] for endpoint in endpoints)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "trackdesk",
            "version": version,
            "description": "Watches work that runs unattended: runs and their deadlines, incidents, and who is told.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": group, "description": _TAGS.get(group, group)} for group in groups],
        "security": [{"key": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Problem": _PROBLEM},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


_Key = tuple[str, str]


def _schemas(endpoints: tuple[Endpoint[Any], ...]) -> tuple[dict[_Key, Any], dict[str, Any]]:
    """The schema of every body and reply by (endpoint, which), and the definitions they refer to."""
    wanted: list[tuple[_Key, JsonSchemaMode, TypeAdapter[Any]]] = []
    for endpoint in endpoints:
        if endpoint.body is not None:
            wanted.append(((endpoint.name, "body"), "validation", endpoint.body_adapter()))
        if endpoint.reply is not None:
            wanted.append(((endpoint.name, "reply"), "serialization", endpoint.reply_adapter()))
    found, shared = TypeAdapter.json_schemas(wanted, ref_template=REF)
    definitions = shared.get("$defs", {})
    return {key: schema for (key, _), schema in found.items()}, definitions


def _operation(endpoint: Endpoint[Any], path: str, schemas: dict[_Key, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [endpoint.name.partition(".")[0]],
        "summary": endpoint.summary,
        "description": _description(endpoint),
        "parameters": [*_path_parameters(path), *_query_parameters(endpoint), *_headers(endpoint)],
        "responses": _responses(endpoint, path, schemas),
    }
    if endpoint.body is not None:
        content: dict[str, Any] = {"schema": schemas[endpoint.name, "body"]}
        if endpoint.name in EXAMPLES:
            content["examples"] = {name: {"value": value} for name, value in EXAMPLES[endpoint.name].items()}
        kinds = {"application/json": content}
        if endpoint.also_takes:
            kinds[endpoint.also_takes] = {"schema": {"type": "string", "description": "JSON objects, one a line"}}
        operation["requestBody"] = {"required": endpoint.body_required, "content": kinds}
    elif endpoint.takes != "application/json":
        operation["requestBody"] = _other_body(endpoint)
    if endpoint.permission in _WITHOUT_KEY:
        operation["security"] = []
    return operation


def _other_body(endpoint: Endpoint[Any]) -> dict[str, Any]:
    """What is read as it arrives: a form with a file, or lines."""
    if endpoint.takes.startswith("multipart/"):
        file = {"type": "string", "format": "binary", "description": "With a file name"}
        form = {"type": "object", "properties": {"file": file}, "required": ["file"]}
        return {"required": True, "content": {endpoint.takes: {"schema": form}}}
    text = {"type": "string", "description": "JSON objects, one a line", **EXAMPLES[endpoint.name]}
    return {"required": False, "content": {endpoint.takes: {"schema": text}}}


def _description(endpoint: Endpoint[Any]) -> str:
    if endpoint.permission is Permission.OPEN:
        return "Open to everybody."
    if endpoint.permission is Permission.PING:
        return "The path carries the secret: an INGEST key, or the process's own."
    roles = [role.value for role, permissions in ALLOWED.items() if endpoint.permission in permissions]
    return f"Permission `{endpoint.permission}`: {', '.join(roles)}."


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": HINTS.get(name, "a number"),
            "schema": {"type": "string", "pattern": PATTERNS[name]},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(endpoint: Endpoint[Any]) -> list[dict[str, Any]]:
    """One parameter a field, with its schema in full, so that the page can show what is accepted beside its field."""
    if endpoint.query is None:
        return []
    schema = TypeAdapter(endpoint.query).json_schema()
    definitions = schema.get("$defs", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _plain(each, definitions),
        }
        for name, each in schema["properties"].items()
    ]


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:
    """Without references and titles, and without the null that only says that a parameter may be left out."""
    if isinstance(schema, list):
        return [_plain(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    schema = {key: value for key, value in schema.items() if key != "title" and (key, value) != ("default", None)}
    if "anyOf" in schema:
        branches = [each for each in schema.pop("anyOf") if each.get("type") != "null"]
        schema |= branches[0] if len(branches) == 1 else {"anyOf": branches}
        if "$ref" in schema:
            return _plain(schema, definitions)
    return {key: _plain(value, definitions) for key, value in schema.items()}


def _headers(endpoint: Endpoint[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if endpoint.permission not in _WITHOUT_KEY:
        actor = {"type": "string", "minLength": 1, "maxLength": 200}
        found.append(_header("X-Actor", "The person behind the key; recorded as declared", actor))
    if endpoint.idempotent:
        key = {"type": "string", "minLength": 1, "maxLength": 200}
        found.append(_header("Idempotency-Key", "The same key and body within 24 h get the first answer again", key))
    if endpoint.if_match:
        version = {"type": "string", "pattern": '^((W/)?"[0-9]{1,18}"|[0-9]{1,18})$'}
        found.append(_header("If-Match", "The version that is to be changed; another one is 409 `changed`", version))
    if endpoint.media == "text/event-stream":
        last = {"type": "string", "pattern": "^[0-9]{1,18}$"}
        found.append(_header("Last-Event-ID", "The id of the last event that was seen", last))
    return found


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _responses(endpoint: Endpoint[Any], path: str, schemas: dict[_Key, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.reply is not None:
        success["content"] = {endpoint.media: {"schema": schemas[endpoint.name, "reply"]}}
    elif endpoint.media != "application/json":
        success["content"] = {endpoint.media: {"schema": {"type": "string"}}}
    responses = {str(endpoint.status): success}
    if endpoint.permission is Permission.PING:
        responses |= {"201": {**success, "description": "The process was made by this ping"}}
    if endpoint.makes:
        responses |= {"201": {**success, "description": "It was made just now"}}
    for status in _statuses(endpoint, path):
        if endpoint.permission is Permission.PING:
            responses[str(status)] = {"description": TITLES[status], "content": success["content"]}
            continue
        media = {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}}
        if endpoint.name == "operations.readyz" and status == 503:
            media = {"application/json": {"schema": schemas[endpoint.name, "reply"]}, **media}
        responses[str(status)] = {"description": TITLES[status], "content": media}
    return responses


def _statuses(endpoint: Endpoint[Any], path: str) -> list[int]:
    statuses = {400, 503, *endpoint.errors}
    if endpoint.permission is Permission.PING:
        return sorted(statuses | {404, 429})
    if endpoint.permission is not Permission.OPEN:
        statuses |= {401, 403, 429}
    if "{" in path or endpoint.permission is not Permission.OPEN:
        statuses.add(404)
    if endpoint.writes or endpoint.body is not None:
        statuses |= {413, 415}
    if endpoint.idempotent:
        statuses.add(409)
    return sorted(statuses)
