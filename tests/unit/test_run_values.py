"""What may be sent about runs."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.run import CompleteRun, Due, NewLog, PatchRun, Run, RunAddress, RunStatus, StartRun, parse_due


def start(**body: Any) -> StartRun:
    return StartRun.model_validate_json(orjson.dumps(body))


def refused(model: Any, **body: Any) -> tuple[Any, ...]:
    """Where the first thing that was refused stands."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(orjson.dumps(body))
    return caught.value.errors()[0]["loc"]


@pytest.mark.parametrize(
    ("value", "due"),
    [
        ("30m", Due(30 * MINUTE, relative=True)),
        ("PT30M", Due(30 * MINUTE, relative=True)),
        ("1970-01-01T00:01:00Z", Due(MINUTE, relative=False)),
        ("1970-01-01t00:01:00z", Due(MINUTE, relative=False)),
        ("1970-01-01 00:01:00+00:00", Due(MINUTE, relative=False)),
        (1_790_000_000, Due(1_790_000_000_000_000, relative=False)),
        (1_790_000_000.5, Due(1_790_000_000_500_000, relative=False)),
    ],
)
def test_a_deadline_is_an_instant_or_a_duration(value: object, due: Due) -> None:
    assert parse_due(value) == due


@pytest.mark.parametrize("value", [60, 3600.5, 946_684_799])
def test_a_small_number_is_no_deadline_but_most_likely_a_duration(value: float) -> None:
    with pytest.raises(ValueError, match="a duration is written"):
        parse_due(value)


@pytest.mark.parametrize("value", ["", "soon", "2026-01-02T03:04:05", "1970", "-5m", True, [], {}, 1e308, 10**400])
def test_what_is_neither_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_due(value)


def test_an_empty_body_starts_a_run() -> None:
    assert start() == StartRun()


def test_tags_are_an_object_or_a_list_of_pairs() -> None:
    assert start(tags={"env": "prod"}).tags == start(tags=[{"key": "env", "value": "prod"}]).tags == {"env": "prod"}
    assert start(tags=[]).tags == {}


@pytest.mark.parametrize(
    "tags",
    [
        {"": "x"},
        {"a b": "x"},
        {"a": ""},
        {"a": "x" * 257},
        {"a": 1},
        {"a": None},
        {"a": "x\x00"},
        {"k" * 129: "x"},
        {f"k{number}": "x" for number in range(21)},
        [{"key": "a"}],
        [{"key": "a", "value": "x", "more": 1}],
        [{"key": "a", "value": "x"}, {"key": "a", "value": "y"}],
        [{"key": 1, "value": "x"}],
        [{"key": "a", "value": 1}],
        ["a:x"],
        "a:x",
        7,
    ],
)
def test_tags_of_another_shape_are_refused_by_name(tags: object) -> None:
    assert refused(StartRun, tags=tags)[0] == "tags"


def test_the_longest_tags_are_taken() -> None:
    tags = {f"{number:02}" + "k" * 126: "x" * 256 for number in range(20)}

    assert start(tags=tags).tags == tags


@pytest.mark.parametrize("run_id", ["", "a/b", "a b", "é", "x" * 101, "a\n", "a\x00"])
def test_an_id_that_breaks_its_pattern_is_refused_by_name(run_id: str) -> None:
    assert refused(StartRun, id=run_id) == ("id",)


@pytest.mark.parametrize("timeout", ["0s", "999ms", 0, 0.9, -1, "1y", 1e308, True])
def test_a_heartbeat_timeout_that_no_network_keeps_is_refused_by_name(timeout: object) -> None:
    assert refused(StartRun, heartbeat_timeout=timeout) == ("heartbeat_timeout",)


def test_a_heartbeat_timeout_may_be_seconds_or_text() -> None:
    assert start(heartbeat_timeout=1).heartbeat_timeout == SECOND
    assert start(heartbeat_timeout="2m").heartbeat_timeout == 2 * MINUTE


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (StartRun, {"dead_line": "1m"}),
        (CompleteRun, {"state": "FAILED"}),
        (PatchRun, {"status": "FAILED"}),
        (NewLog, {"message": "a", "lvl": "INFO"}),
    ],
)
def test_unknown_members_are_refused_by_name(model: Any, body: dict[str, Any]) -> None:
    assert refused(model, **body)[0] in {"dead_line", "state", "status", "lvl"}


@pytest.mark.parametrize("status", ["ACTIVE", "completed", "DONE", "", None, 1])
def test_a_run_finishes_as_one_of_three(status: object) -> None:
    assert refused(CompleteRun, status=status) == ("status",)


@pytest.mark.parametrize("line", [{}, {"message": ""}, {"message": "x" * 16_385}, {"message": "\x00"}, {"message": 1}])
def test_a_log_line_has_a_message_of_bounded_length(line: dict[str, Any]) -> None:
    assert refused(NewLog, **line) == ("message",)


def test_null_is_told_apart_from_absent() -> None:
    assert PatchRun.model_validate_json(b'{"deadline": null}').model_fields_set == {"deadline"}
    assert PatchRun.model_validate_json(b"{}").model_fields_set == set()


def test_an_address_reads_as_it_is_written() -> None:
    assert str(RunAddress(uid="01abc")) == "01abc"
    assert str(RunAddress(process="backup", id="n1", attempt=2)) == "backup/n1?attempt=2"


FULL = Run(
    uid="01j",
    process="nightly",
    id="a",
    attempt=2,
    status=RunStatus.FAILED,
    deadline_status="COMPLETED_LATE",
    overdue_at_finish=True,
    started_at="2026-01-02T03:04:05.678901Z",
    completed_at="2026-01-02T04:04:05Z",
    deadline=1_790_000_000,
    duration=3599.25,
    progress={"done": 3, "total": 9},
    tags={"env": "prod"},
    context={"deep": {"list": [1, 2.5, None, "ü"]}},
    error={"message": "no", "backtrace": "line 1"},
    heartbeat_timeout="1h30m",
    last_heartbeat_at="2026-01-02T03:05:05Z",
)
BARE = Run(uid="1", process="p", id="a", attempt=1, status=RunStatus.ACTIVE, started_at=0)


@pytest.mark.parametrize("run", [FULL, BARE])
def test_the_quick_json_of_a_run_says_what_its_model_says(run: Run) -> None:
    assert orjson.loads(run.to_json()) == run.model_dump(mode="json")
    assert list(orjson.loads(run.to_json())) == list(Run.model_fields)
