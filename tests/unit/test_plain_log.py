"""What is read without a model is what the model would have read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from trackdesk.domain.errors import Invalid
from trackdesk.domain.ingest import LogLine
from trackdesk.domain.plain_log import plain_log, plain_logs

USUAL: dict[str, Any] = {
    "kind": "log",
    "process": "backup",
    "id": "n1",
    "message": "311 rows",
    "level": "WARN",
    "logged_at": "2026-01-02T03:04:05.678901Z",
    "seq": 7,
}
ODD = some.sampled_from(
    [
        None,
        "",
        "a",
        "n1",
        "x y",
        "run.start",
        "INFO",
        "info",
        0,
        -1,
        2**53,
        1.5,
        True,
        [],
        {},
        "a" * 26,
        "a\x00b",
        "log\n",
    ]
) | some.sampled_from(
    ["2026-01-02T03:04:05Z", "2026-02-30T03:04:05.000000Z", "9999-12-31T23:59:59.500000Z", "m" * 16_385]
)
NAMES = ("kind", "uid", "run", "start", "process", "id", "attempt", "message", "level", "data", "logged_at", "seq", "x")


def by_model(raw: bytes) -> tuple[Any, ...] | None:
    """None when it refuses the line, also for the way in which it names its run."""
    try:
        line = LogLine.model_validate_json(raw)
        line.named.address()
    except (ValidationError, Invalid):
        return None
    return line.uid, line.named, line.message, line.level, line.logged_at, line.seq, line.kind, line.data


@given(some.dictionaries(some.sampled_from(NAMES), ODD, max_size=3), some.lists(some.sampled_from(NAMES), max_size=3))
def test_it_is_read_as_the_model_reads_it_or_left_to_the_model(changed: dict[str, Any], left_out: list[str]) -> None:
    line = {name: value for name, value in {**USUAL, **changed}.items() if name not in left_out}
    raw = orjson.dumps(line)
    read = plain_log(raw)
    assert read is None or tuple(read) == by_model(raw)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"uid": "a", "level": "ERROR"},
        {"process": None, "id": None, "start": "a"},
        {"process": None, "id": None, "run": "0123456789abcdefghjkmnpqrs"},
        {"logged_at": None, "seq": None, "uid": None},
    ],
)
def test_the_usual_forms_need_no_model(members: dict[str, Any]) -> None:
    raw = orjson.dumps({**USUAL, **members})
    read = plain_log(raw)
    assert read is not None
    assert tuple(read) == by_model(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'"log"',
        b'["log"]',
        b'{"kind": "log"',
        b'{"kind": "log", "message": "\\ud800"}',
        b'{"kind": ["log"]}',
        orjson.dumps({**USUAL, "logged_at": [*"2026-01-02T03:04:05.678901Z"]}),
    ],
)
def test_what_is_broken_is_left_to_the_model(raw: bytes) -> None:
    assert plain_log(raw) is None


@given(
    some.lists(
        some.dictionaries(some.sampled_from(NAMES), ODD, max_size=1)
        | some.fixed_dictionaries({"seq": some.integers(-1, 9)})
        | some.fixed_dictionaries({"id": some.sampled_from(["n1", "n2"])})
        | some.fixed_dictionaries({"message": some.text(max_size=3)}),
        min_size=1,
        max_size=4,
    ),
    some.lists(some.sampled_from(NAMES), max_size=2),
    some.dictionaries(some.sampled_from(NAMES), ODD, max_size=1),
)
def test_many_are_read_as_each_by_itself_or_left_to_that(
    changed: list[dict[str, Any]], left_out: list[str], of_all: dict[str, Any]
) -> None:
    lines = [{**USUAL, **of_all, **each} for each in changed]
    raws = [orjson.dumps({name: value for name, value in line.items() if name not in left_out}) for line in lines]
    read = plain_logs(raws)
    assert read is None or [tuple(line) for line in read.lines()] == [by_model(raw) for raw in raws]


@pytest.mark.parametrize(
    "members", [{}, {"uid": "a"}, {"level": "ERROR", "logged_at": "2026-01-02T04:04:05+01:00"}, {"seq": 8, "id": "n2"}]
)
def test_neighbours_with_the_same_members_are_read_together(members: dict[str, Any]) -> None:
    other = {**({"uid": "b"} if "uid" in members else {}), **USUAL}
    raws = [orjson.dumps({**USUAL, **members}), orjson.dumps(other)]
    read = plain_logs(raws)
    assert read is not None
    assert [tuple(line) for line in read.lines()] == [by_model(raw) for raw in raws]


def test_lines_of_runs_that_are_named_by_their_uid_are_read_together() -> None:
    raws = [orjson.dumps({"kind": "log", "run": "0123456789abcdefghjkmnpqrs", "message": text}) for text in "ab"]
    read = plain_logs(raws)
    assert read is not None
    assert [tuple(line) for line in read.lines()] == [by_model(raw) for raw in raws]


@pytest.mark.parametrize(
    "second",
    [
        b"",
        b'"log"',
        b'["log"]',
        b'{"kind": "log"',
        orjson.dumps({**USUAL, "data": {}}),
        orjson.dumps({**USUAL, "seq": True}),
        orjson.dumps({**USUAL, "id": "x y"}),
        orjson.dumps({**USUAL, "message": ""}),
        orjson.dumps({**USUAL, "message": "m" * 16_385}),
        orjson.dumps({**USUAL, "message": "\x00"}),
        orjson.dumps({**USUAL, "logged_at": "2026-02-30T03:04:05.678901Z"}),
        orjson.dumps({**USUAL, "logged_at": "2026-01-02T03:04:05.67890\u00b2Z"}),
        orjson.dumps({name: value for name, value in USUAL.items() if name != "seq"}),
    ],
)
def test_neighbours_of_which_one_is_odd_are_left_to_be_read_by_themselves(second: bytes) -> None:
    assert plain_logs([orjson.dumps(USUAL), second, orjson.dumps(USUAL)]) is None
