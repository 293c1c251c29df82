"""Calls as text: paths, query strings and bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import orjson
from pydantic import BaseModel

if TYPE_CHECKING:
    from trackdesk.contract.endpoint import Endpoint
    from trackdesk.domain.filters import Filter

Scalar: TypeAlias = str | int | float | bool | None
Query: TypeAlias = "Mapping[str, Scalar | Sequence[Scalar]] | Filter | None"
"""Parameters by name, as text or plain values; None and empty lists are left out. Or the endpoint's own model."""
Body: TypeAlias = "BaseModel | Mapping[str, Any] | Sequence[Any] | bytes | None"
"""Plain JSON values, or the endpoint's own model, of which only the members that were set are sent; bytes go as
they are."""


def route(endpoint: Endpoint[Any], path: Mapping[str, str | int]) -> tuple[str, str]:
    """Method and path with the parameters filled in: the first route that takes just these."""
    for method, template in endpoint.routes:
        if set(re.findall(r"{(\w+)}", template)) == set(path):
            return method, re.sub(r"{(\w+)}", lambda match: quote(str(path[match[1]]), safe=""), template)
    raise TypeError(f"{endpoint.name} has no path with {', '.join(path) or 'no parameters'}")


def query_pairs(query: Query) -> list[tuple[str, str]]:
    """Names and values; a list repeats its name."""
    if query is None:
        return []
    values = (
        query.model_dump(mode="json", by_alias=True, exclude_defaults=True) if isinstance(query, BaseModel) else query
    )
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        pairs += [(name, _text(each)) for each in many if each is not None]
    return pairs


def body_bytes(body: Body) -> bytes | None:
    """JSON, or bytes that are ready to be sent; None where nothing is sent."""
    if body is None or isinstance(body, bytes):
        return body
    if not isinstance(body, BaseModel):
        return orjson.dumps(body, default=_model)
    return orjson.dumps(_model(body))


def _model(value: object) -> Any:
    if not isinstance(value, BaseModel):
        raise TypeError(f"{type(value).__name__} can't be sent as JSON")
    return value.model_dump(mode="json", exclude_unset=True)


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
