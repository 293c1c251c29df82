from __future__ import annotations

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from trackdesk.cli import exits
from trackdesk.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

RID = "11111111-2222-4333-8444-555555555555"


class Receiver:
    """A small real server that takes pings, answers `status` and `words`, and remembers what came."""

    def __init__(self) -> None:
        self.status, self.words = 200, "OK"
        self.said: list[str] = []
        self.bodies: list[bytes] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.said.append(self.path)
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(receiver.status)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(receiver.words)))
                self.end_headers()
                self.wfile.write(receiver.words.encode())

            def log_message(self, *_args: object) -> None:
                """The tests say what they need to know."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def pinged() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()


@pytest.fixture
def url(pinged: Receiver, environ: dict[str, str]) -> list[str]:
    return ["--url", f"http://127.0.0.1:{pinged.server.server_address[1]}"]


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ([], "/ping/-/nightly"),
        (["--start"], "/ping/-/nightly/start"),
        (["--fail"], "/ping/-/nightly/fail"),
        (["--log", "-m", "x"], "/ping/-/nightly/log"),
        (["--exit-code", "3"], "/ping/-/nightly/3"),
        (["--start", "--rid", RID.upper()], f"/ping/-/nightly/start?rid={RID}"),
    ],
)
def test_a_ping_calls_the_address_of_what_it_says(
    pinged: Receiver, url: list[str], words: list[str], path: str
) -> None:
    assert main(["ping", "nightly", *words, *url]) == 0
    assert pinged.said == [path]


def test_the_message_is_the_body(
    pinged: Receiver, url: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pinged.words = "Created"
    assert main(["ping", "nightly", "-m", "copied 3 files", *url]) == 0
    assert capsys.readouterr() == ("", "trackdesk: process nightly was made\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff" * 200_000)))
    assert main(["ping", "nightly", "-m", "-", "--json", *url]) == 0
    assert json.loads(capsys.readouterr().out) == {"process": "nightly", "created": True}
    assert pinged.bodies == [b"copied 3 files", b"\xff" * 102_400]


@pytest.mark.parametrize(
    "words", [["--exit-code", "256"], ["--exit-code", "-1"], ["--rid", "7"], ["--start", "--fail"]]
)
def test_what_is_no_ping_is_refused_before_anything_is_sent(pinged: Receiver, url: list[str], words: list[str]) -> None:
    assert main(["ping", "nightly", *words, *url]) == exits.USAGE
    assert pinged.said == []


@pytest.mark.parametrize(("status", "code"), [(400, 1), (401, 5), (403, 5), (429, 1), (503, 3)])
def test_a_refused_ping_has_its_exit_code(
    pinged: Receiver, url: list[str], status: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    pinged.words, pinged.status = "told so", status
    assert main(["ping", "nightly", *url]) == code
    assert "told so" in capsys.readouterr().err


def test_a_ping_without_a_server_says_so(environ: dict[str, str], free_port: int) -> None:
    assert main(["ping", "nightly", "--url", f"http://127.0.0.1:{free_port}"]) == exits.UNREACHABLE
