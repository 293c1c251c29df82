"""`trackdesk metric push`: one sample, lines of stdin, and a server that is away."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from trackdesk.cli import exits
from trackdesk.cli.main import main

if TYPE_CHECKING:
    from tests.sdk.receiver import Receiver

SAMPLE = ["crm-api", "LATENCY_MS", "182.5"]


@pytest.fixture
def url(receiver: Receiver, environ: dict[str, str]) -> list[str]:
    return ["--url", receiver.url]


def test_a_sample_goes_out_with_a_name_and_its_time(receiver: Receiver, url: list[str]) -> None:
    assert main(["metric", "push", *SAMPLE, "--tag", "region=eu", *url]) == exits.OK
    (sent,) = receiver.bodies("/v1/metrics")
    assert len(sent.pop("uid")) == 20
    assert sent.pop("recorded_at").endswith("Z")
    assert sent == {"service": "crm-api", "metric_type": "LATENCY_MS", "value": 182.5, "tags": {"region": "eu"}}


def test_a_sample_may_name_its_time_and_be_negative(receiver: Receiver, url: list[str]) -> None:
    for at, sent in (("1700000000", 1_700_000_000), ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z")):
        assert main(["metric", "push", "probe", "TEMPERATURE", "-5.5", "--at", at, *url]) == exits.OK
        assert receiver.bodies("/v1/metrics")[-1]["recorded_at"] == sent
    assert receiver.bodies("/v1/metrics")[-1]["value"] == -5.5
    assert main(["metric", "push", *url, "probe", "TEMPERATURE", "--", "-7"]) == exits.OK
    assert receiver.bodies("/v1/metrics")[-1]["value"] == -7


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["a/b", "LATENCY_MS", "1"], "service"),
        (["api", "latency", "1"], "metric_type"),
        (["api", "LATENCY_MS", "nan"], "value"),
        (["api", "LATENCY_MS", "1e999"], "value"),
        ([*SAMPLE, "--at", "yesterday"], "at"),
        (["api", "LATENCY_MS"], "VALUE"),
        ([*SAMPLE, "--tag", "x"], "tag"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    receiver: Receiver, url: list[str], words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["metric", "push", *words, *url]) == exits.USAGE
    assert named in capsys.readouterr().err
    assert receiver.seen == []


def test_lines_of_stdin_go_out_together_and_refused_ones_are_named(
    receiver: Receiver, url: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.dumps({"service": "api", "metric_type": "X", "value": 1})
    given = "\n".join([good, "", "{", "5", good, json.dumps({"service": "bad"})]).encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(given)))
    receiver.refuse = lambda line: ("invalid", "value: is required") if line["service"] == "bad" else None

    assert main(["metric", "push", "-", "--json", *url]) == exits.FAILED
    out, err = capsys.readouterr()
    assert json.loads(out) == {"accepted": 2, "refused": 3, "kept": 0}
    assert "line 3: expected JSON" in err
    assert "line 4: expected an object" in err
    assert "line 6: value: is required" in err
    assert receiver.said() == ["POST /v1/ingest"]


def test_what_finds_no_server_is_kept_and_sent_by_the_next_command(
    receiver: Receiver, url: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answer = (503, {"code": "not_ready", "detail": "not yet", "status": 503})
    lines = (json.dumps({"service": "api", "metric_type": "X", "value": n}).encode() + b"\n" for n in (1, 2))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"".join(lines))))
    assert main(["metric", "push", *SAMPLE, *url]) == exits.UNREACHABLE
    assert main(["metric", "push", "-", *url]) == exits.UNREACHABLE
    assert "2 kept; the next trackdesk command" in capsys.readouterr().err
    (first,) = receiver.bodies("/v1/metrics")
    receiver.seen.clear()
    receiver.answer = None

    assert main(["metric", "push", "web", "X", "3", *url]) == exits.OK
    sent = receiver.told("metric")
    assert [line["value"] for line in sent] == [182.5, 1, 2]
    assert sent[0] == {**first, "kind": "metric"}
