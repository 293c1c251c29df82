"""Everything that a member, a parameter, a path or a body must not be, made from the document's own schemas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLE = "@@here@@"
SAMPLES = {
    "null": b"null",
    "boolean": b"true",
    "integer": b"5",
    "number": b"1.5",
    "array": b"[]",
    "object": b'{"x": 1}',
}
NO_TIMES = (
    '"yesterday"',
    '"2026-01-01T00:00:00"',
    '"2026-01-01"',
    '"2026-13-01T00:00:00Z"',
    '"99999999999d"',
    "253402300800",
    "-1",
)
NO_TEXTS = (b'"a\\u0000b"', b'"\\ud800"', b'"\xff"', b'"\xed\xa0\x80"')
HUGE = (b"1" + b"0" * 400, b"-1" + b"0" * 400, b"1e308", b"-1e308", b"1e400", b"NaN", b"-Infinity", b"1" * 5000)
FINITE = (b"1e308", b"-1e308")
"""A number without bounds may be that."""


@dataclass(frozen=True)
class Member:
    """A place in a body: `path` leads to it, `around` is a good body with a hole there."""

    path: tuple[str, ...]
    schema: dict[str, Any]
    around: dict[str, Any]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def body(self, raw: bytes) -> bytes:
        return orjson.dumps(self.around).replace(b'"' + HOLE.encode() + b'"', raw)


def branches(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The alternatives of a schema, without references."""
    if "$ref" in schema:
        yield from branches(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if not alternatives:
        yield schema
        return
    for each in alternatives:
        yield from branches(each, definitions)


def members(
    schema: dict[str, Any], definitions: dict[str, Any], good: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[Member]:
    """Every member of a body, those of its objects too."""
    for branch in branches(schema, definitions):
        for name, each in branch.get("properties", {}).items():
            if branch.get("type") != "object" or "key" in branch["properties"]:
                continue  # tags as a list of pairs
            yield Member((*path, name), each, {**good, name: HOLE})
            for inner in branches(each, definitions):
                required = dict.fromkeys(inner.get("required", ()), "x")
                for below in members(inner, definitions, required, (*path, name)):
                    yield Member(below.path, below.schema, {**good, name: below.around})


def bad_values(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[bytes]:
    """JSON that breaks the schema, or what every text and number has to keep to."""
    found = list(branches(schema, definitions))
    types = {_type(each) for each in found}
    for kind, sample in SAMPLES.items():
        if kind not in types and not (kind == "integer" and "number" in types):
            yield sample
    if "object" in types and not any("properties" in each for each in found):
        yield b'{"a": "\\u0000"}'
    text = [each for each in found if _type(each) == "string"]
    if not text:
        yield b'"text"'
    elif any("enum" in each or "const" in each for each in text):
        yield b'"NO_SUCH_WORD"'
    else:
        yield from NO_TEXTS
        yield b'"' + b"x" * (1 + max(_longest(each) for each in text)) + b'"'
    if {"number", "string"} <= types or any(each.get("format") == "date-time" for each in text):
        yield from (each.encode() for each in NO_TIMES)
    if types & {"number", "integer"}:
        bounded = "integer" in types or any("maximum" in each for each in found)
        yield from (raw for raw in HUGE if bounded or raw not in FINITE)
    if any(each.get("minimum", -1) >= 0 for each in found):
        yield b"-1"


def bad_parameters(name: str, schema: dict[str, Any]) -> Iterator[str]:
    """Query values, percent-encoded, that the parameter refuses."""
    item = schema.get("items", schema)
    yield from ("%00", "a%00b", "%FF", "%ED%A0%80")
    if name in KNOWN_BAD:
        yield from KNOWN_BAD[name]
    if "enum" in item:
        yield from ("NO_SUCH_WORD", "")
    elif _type(item) in {"integer", "number", "boolean"}:
        yield from ("many", "1.5", "-1", "9" * 400, "1e999", "nan", "")
    elif name.endswith(("_after", "_before", "after", "before")):
        yield from ("yesterday", "2026-01-01T00:00:00", "2026-01-01T00:00:00+99:00", "-1", "1e308", "nan", "9" * 400)
    elif "maxLength" in item:
        yield "x" * (item["maxLength"] + 1)


KNOWN_BAD = {
    "cursor": ("%21", "a", "bm9wZQ", "W10", "x" * 1001, "WyItc3RhcnRlZF9hdCIsWzFdLHt9XQ"),
    "q": ("nope:1", "%22open", "started:", "-", "x" * 1001, "status:%3E", "a%20" * 60),
    "tag": ("novalue", "a%20b:c", ":x"),
    "limit": ("0", "1001"),
    "attempt": ("0",),
    "topics": ("A", ",", "runs,,incidents"),
    "running_longer_than": ("soon", "99999999999d", "-5m"),
    "sort": ("no_such_field",),
}

BAD_BODIES = {
    "cut": b'{"a": ',
    "no object": b"5",
    "a word": b'"text"',
    "null": b"null",
    "true": b"true",
    "not JSON": b"a=1&b=2",
    "bytes": b"\xff\xfe\x00",
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "an unknown member": b'{"no_such_member": 1}',
    "33 levels": b'{"context": ' + b"[" * 32 + b"]" * 32 + b"}",
    "100,000 levels": b'{"context": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 levels, never closed": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}
BAD_PATH_PARTS = ("a%20b", "%00", "a%00", "%FF", "%0A", "a%2Fb", "x" * 101, "%F0%9F%98%80%00", "9" * 400)


def _type(schema: dict[str, Any]) -> str:
    if "type" in schema:
        return str(schema["type"])
    return "string" if "enum" in schema or "const" in schema else "any"


def _longest(schema: dict[str, Any]) -> int:
    """How many characters may be in it; what has no limit of its own has that of a parser behind it."""
    counted = re.search(r"\{1,(\d+)\}\$$", schema.get("pattern", ""))
    return int(schema.get("maxLength") or (counted[1] if counted else 70_000))
