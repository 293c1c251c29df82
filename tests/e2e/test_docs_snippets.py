"""What the README and the docs tell people to type is typed here, at a real server; addresses alone are others."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.clocks import PATIENCE
from tests.e2e.pages import blocks
from tests.e2e.ready import ready_trackdesk
from trackdesk.engine.channels.signature import sign
from trackdesk.store.lock import read_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SETS_UP = "python3 -m venv"
"""How the two commands of the README begin that set everything up; CI runs one of them, this test is inside it."""
ADDRESS, HOOK = "http://127.0.0.1:8787", "webhook+https://hooks.example.org"
LIMIT = 120
"""Seconds for a page: some verbs take a second each on a busy machine."""

needs_tools = pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl"
)


def _runnable(page: Path) -> list[tuple[int, str]]:
    return [block for block in blocks(page, "sh") if not block[1].startswith(SETS_UP)]


@pytest.fixture(scope="module")
def trackdesk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder, ready_trackdesk(Path(folder)) as tool:
        yield tool


@pytest.fixture
def environ(tmp_path: Path, trackdesk: Path) -> dict[str, str]:
    """Nothing of the machine's own settings, and `trackdesk` on the path."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("TRACKDESK_")}
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "trackdesk").symlink_to(trackdesk)
    python = tools / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')  # a link would lose its virtual environment
    python.chmod(0o755)
    return known | {
        "TRACKDESK_DATA_DIR": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATH": f"{tools}{os.pathsep}{known['PATH']}",
    }


@pytest.fixture
def server(tmp_path: Path, environ: dict[str, str], trackdesk: Path) -> Iterator[str]:
    """The address of a server of this test's own."""
    log, database = tmp_path / "server.log", tmp_path / "data" / "trackdesk.sqlite3"
    with log.open("wb") as said:
        tool = subprocess.Popen([trackdesk, "serve", "--port", "0"], env=environ, stdout=said, stderr=said)
    end = time.monotonic() + PATIENCE
    while (holder := read_lock(database)) is None or not holder.url:
        assert tool.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < end, "the server does not come up"
        threading.Event().wait(0.02)
    yield holder.url
    os.kill(holder.pid, signal.SIGTERM)
    assert tool.wait(10) == 0, log.read_text("utf-8")


class _Hook(http.server.BaseHTTPRequestHandler):
    """Takes every message."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Not on stderr."""


@contextmanager
def _hooks() -> Iterator[tuple[str, list[Any]]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hook) as receiver:
        receiver.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"webhook+http://127.0.0.1:{receiver.server_port}", receiver.seen  # type: ignore[attr-defined]
        finally:
            receiver.shutdown()
            thread.join()


@needs_tools
@pytest.mark.parametrize("page", [page for page in PAGES if _runnable(page)], ids=lambda page: page.name)
def test_every_command_of_a_page_works(page: Path, server: str, environ: dict[str, str], tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + "".join(
        f"echo '── {page.name}, line {line}'\n{text}" for line, text in _runnable(page)
    )
    with _hooks() as (hook, seen):
        script = script.replace(ADDRESS, server).replace(HOOK, hook)
        place = tmp_path / "place"
        place.mkdir()
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=place,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            check=False,
        )
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")
    assert bool(seen) == ("channel test" in script)


@pytest.mark.parametrize(
    ("page", "line"),
    [(page, line) for page in PAGES if page.name != "api.md" for line, _ in blocks(page, "python")],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_every_program_in_a_page_works(page: Path, line: int, server: str, environ: dict[str, str]) -> None:
    text = dict(blocks(page, "python"))[line].replace(ADDRESS, server)
    done = subprocess.run(
        [sys.executable, "-c", text], env=environ, capture_output=True, timeout=LIMIT, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "trackdesk" not in done.stderr


def test_the_program_that_checks_a_signature_knows_ours_and_no_other() -> None:
    ((_, text),) = blocks(ROOT / "docs" / "api.md", "python")
    known: dict[str, Any] = {}
    exec(text, known)
    is_genuine, now, body = known["is_genuine"], time.time_ns() // 1000, b'{"event": "incident.opened"}'
    header = sign("a secret of ours", body, now)
    assert is_genuine("a secret of ours", header, body)
    assert not is_genuine("another secret", header, body)
    assert not is_genuine("a secret of ours", header, body + b" ")
    assert not is_genuine("a secret of ours", sign("a secret of ours", body, now - 301_000_000), body)
    assert not is_genuine("a secret of ours", "", body)


@pytest.mark.parametrize(
    ("page", "text"), [(page.name, text) for page in PAGES for _, text in blocks(page, "yaml")], ids=lambda it: it[:12]
)
def test_every_yaml_can_be_read(page: str, text: str) -> None:
    assert all(isinstance(document, dict) for document in yaml.safe_load_all(text)), page


def test_rules_of_prometheus_name_figures_that_there_are() -> None:
    page = ROOT / "docs" / "operations.md"
    named = {name for _, text in blocks(page, "yaml") for name in re.findall(r"trackdesk_[a-z_]+", text)}
    known = set(re.findall(r"^\| `(trackdesk_[a-z_]+)` \|", page.read_text("utf-8"), re.MULTILINE))
    assert named
    assert {name.removesuffix("_bucket") for name in named} <= known


def test_the_readme_has_the_two_commands_of_a_newcomer() -> None:
    first, second = (text for _, text in blocks(ROOT / "README.md", "sh") if text.startswith(SETS_UP))
    assert first.endswith("trackdesk demo\n")
    assert second.endswith("python -m tests\n")


def test_no_page_names_a_place_of_somebody_s_machine() -> None:
    wrong = re.compile(r"/(?:root|home/\w+|Users/\w+|tmp)/|/work/|index-url|extra-index", re.IGNORECASE)
    for page in [*PAGES, ROOT / "CHANGELOG.md"]:
        assert not wrong.search(page.read_text("utf-8")), page.name
