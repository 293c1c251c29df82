"""A start that is read without a model is what the model would have read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from trackdesk.domain.ingest import StartLine
from trackdesk.domain.plain_start import PlainStart, plain_body, plain_start
from trackdesk.domain.run import StartRun

USUAL: dict[str, Any] = {
    "kind": "run.start",
    "process": "backup",
    "id": "n1",
    "deadline": "45m",
    "tags": {"env": "prod", "team": "data"},
    "context": {"host": "etl-07", "rows": 120_000, "dry": False, "parent": None},
    "triggered_by": "cron",
    "started_at": "2026-01-02T03:04:05.678901Z",
}
# fmt: off
ODD: list[Any] = [
    None, "", "a", "n1", "x y", "x\n", "a/b", " a", "é", "a\x00b", "a\x7fb", "a" * 101, "a" * 256, "log", "run.start",
    "supersede", "45m", "1s", "0s", "P1M", "2026-01-02T03:04:05Z", "2026-02-30T03:04:05.000000Z", 0, 1, -1, 1.5, 2**53,
    2**64 - 1, 1e300, True, [], {}, {"env": "prod"}, {"env": 1}, {"env": ""}, {"a b": "c"}, {"a": "b\x00"},
    {"a": [1]}, {"a": {"b": 1}}, {"a": 1.5}, [{"key": "env", "value": "prod"}], ["."] * 27, {"é": "ü" * 256},
    {f"k{number}": "v" for number in range(21)},
]
# fmt: on
LINE_ONLY = {"uid": None, "process": "", "kind": "run.start"}
USUAL_BODY = {name: value for name, value in USUAL.items() if name not in LINE_ONLY}
NAMES = ("uid", *StartLine.model_fields, "x")


def by_model(raw: bytes) -> dict[str, Any] | None:
    """None when it refuses the line."""
    try:
        line = StartLine.model_validate_json(raw)
    except ValidationError:
        return None
    return {name: getattr(line, name) for name in PlainStart._fields}


def body_by_model(raw: bytes) -> dict[str, Any] | None:
    """None when it refuses the body; what a line has beyond it stands as if it came with none."""
    try:
        body = StartRun.model_validate_json(raw)
    except ValidationError:
        return None
    return {name: getattr(body, name, LINE_ONLY.get(name)) for name in PlainStart._fields}


@given(
    some.dictionaries(some.sampled_from(NAMES), some.sampled_from(ODD), max_size=3),
    some.lists(some.sampled_from(NAMES), max_size=3),
)
def test_a_start_is_read_as_the_model_reads_it_or_left_to_the_model(
    changed: dict[str, Any], left_out: list[str]
) -> None:
    raw = orjson.dumps({name: value for name, value in {**USUAL, **changed}.items() if name not in left_out})
    read = plain_start(raw)
    assert read is None or read._asdict() == by_model(raw)


@pytest.mark.parametrize("name", NAMES)
def test_each_member_of_a_start_is_read_as_the_model_reads_it_or_left_to_the_model(name: str) -> None:
    for value in ODD:
        raw = orjson.dumps({**USUAL, name: value})
        read = plain_start(raw)
        assert read is None or read._asdict() == by_model(raw)


@pytest.mark.parametrize("name", NAMES)
def test_each_member_of_a_body_is_read_as_its_model_reads_it_or_left_to_the_model(name: str) -> None:
    for value in ODD:
        raw = orjson.dumps({**USUAL_BODY, name: value})
        read = plain_body(raw)
        assert read is None or read._asdict() == body_by_model(raw)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"uid": "a", "id": None, "deadline": None, "started_at": None, "triggered_by": None},
        {"deadline": "2026-01-02T05:00:00Z", "tags": {}, "context": {}},
        {"category": "etl", "service": "orders", "correlation_id": "c", "on_active": "supersede"},
        {"heartbeat_timeout": "1m", "total": 0, "category": None, "service": None, "correlation_id": None},
    ],
)
def test_the_usual_forms_of_a_start_need_no_model(members: dict[str, Any]) -> None:
    raw = orjson.dumps({**USUAL, **members})
    read = plain_start(raw)
    assert read is not None
    assert read._asdict() == by_model(raw)
    body = orjson.dumps({**USUAL_BODY, **{name: value for name, value in members.items() if name != "uid"}})
    read = plain_body(body)
    assert read is not None
    assert read._asdict() == body_by_model(body)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'"run.start"',
        b'["run.start"]',
        b'{"kind": "run.start"',
        b'{"kind": ["run.start"]}',
        b'{"kind": "run.start", "process": "p", "triggered_by": "\\ud800"}',
        b'{"kind": "run.start", "process": "p", "context": {"a": "\\u0000"}}',
        b'{"kind": "run.start", "process": "p", "context": {"a": 123456789012345678901234567890}}',
        b'{"kind": "run.start", "process": "p", "context": {"a": 1e400}}',
    ],
)
def test_what_is_broken_or_not_to_be_kept_is_left_to_the_model_of_starts(raw: bytes) -> None:
    assert plain_start(raw) is None
    assert plain_body(raw) is None
