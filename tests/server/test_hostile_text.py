"""Text that a terminal would obey, in everything that people and scripts can name: shown escaped, whatever the verb."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.process import OWNER_KEY, serving
from trackdesk.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EVIL = "\x1b[2J\x1b]0;mine\x07\x9b31m\u202egnp\u200b\r\x08[red]x[/red]"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
VERBS = (
    "incidents",
    "incidents show 1",
    "incidents show 2",
    "incidents files 1",
    "incidents changes 1",
    "incidents postmortem 1",
    "incidents comment 99 -m x",
    "runs",
    "runs show evil/n1",
    "processes",
    "process show evil",
    "rules",
    "rules show evil",
    "services",
    "silence list",
    "department",
    "channel",
    "key",
    "apply --dry-run {folder}/evil.yaml",
    "doctor",
)


def fill(url: str) -> None:
    def send(method: str, path: str, body: Any) -> None:
        headers = {"X-API-Key": OWNER_KEY, "Content-Type": "application/json", "X-Actor": "ada"}
        request = urllib.request.Request(url + path, json.dumps(body).encode(), headers, method=method)
        urllib.request.urlopen(request).read()

    def attach(content: bytes) -> None:
        head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="\x1b[2Jx\xc2\x9b31m.txt"\r\n\r\n'
        headers = {"X-API-Key": OWNER_KEY, "Content-Type": "multipart/form-data; boundary=b"}
        body = head + content + b"\r\n--b--"
        urllib.request.urlopen(
            urllib.request.Request(f"{url}/v1/incidents/1/attachments", body, headers, method="POST")
        ).read()

    send("POST", "/v1/departments", {"id": "evil", "name": EVIL, "description": EVIL})
    send("POST", "/v1/channels", {"name": EVIL, "url": "json://127.0.0.1:9/x"})
    send("POST", "/v1/keys", {"name": EVIL, "role": "INGEST"})
    send("PATCH", "/v1/processes/evil", {"description": EVIL, "category": "c", "runbook_url": "https://x.example"})
    body = {"id": "n1", "tags": {"env": EVIL}, "context": {EVIL: EVIL}, "service": "crm", "triggered_by": EVIL}
    send("POST", "/v1/processes/evil", body)
    send("POST", "/v1/processes/evil/n1/logs", {"message": EVIL, "data": {EVIL: EVIL}})
    send("POST", "/v1/incidents", {"title": EVIL, "description": EVIL, "service": "crm", "process": "evil"})
    send("POST", "/v1/incidents/1/comments", {"content": EVIL})
    attach(b"x")
    send("POST", "/v1/processes/evil/n1/complete", {"status": "FAILED", "error": {"message": EVIL}})
    send("POST", "/v1/metrics", {"service": "crm", "metric_type": "CPU", "value": 1, "tags": {"a": EVIL}})
    rule = {"id": "evil", "name": EVIL, "description": EVIL, "metric_type": "CPU", "operator": ">", "threshold": 9}
    send("POST", "/v1/rules", rule)
    send("POST", "/v1/silences", {"match": {"service": "crm"}, "until": "1h", "reason": EVIL})
    alert = {"status": "firing", "labels": {"alertname": EVIL, "x": EVIL}, "annotations": {"summary": EVIL}}
    send("POST", "/v1/alerts/alertmanager", {"version": "4", "alerts": [alert]})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("hostile")) as address:
        fill(address)
        yield address


@pytest.fixture
def said(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """What a verb prints, on both ways out."""
    monkeypatch.setenv("TRACKDESK_API_KEY", OWNER_KEY)
    (tmp_path / "evil.yaml").write_text(json.dumps({"departments": {"evil": {"name": EVIL + "2"}}}), "utf-8")

    def say(words: str) -> str:
        filled = words.format(folder=tmp_path).split(" ")
        main([*filled, "--url", url, "--data-dir", str(tmp_path)])
        captured = capsys.readouterr()
        return captured.out + captured.err

    return say


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_that_a_terminal_obeys_is_printed(said: Callable[[str], str], verb: str) -> None:
    text = said(verb)
    assert text
    assert "wrong usage" not in text
    assert not OBEYED.search(text), ascii(text)


@pytest.mark.parametrize("verb", ["incidents show 1", "runs show evil/n1", "rules"])
def test_json_says_the_same_and_shows_it_escaped(said: Callable[[str], str], verb: str) -> None:
    text = said(f"{verb} --json")
    assert not OBEYED.search(text), ascii(text)
    assert EVIL in str(json.loads(text)) or EVIL.encode("unicode_escape").decode() in repr(json.loads(text))
