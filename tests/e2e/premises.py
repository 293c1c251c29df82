"""A machine of one's own: real `trackdesk serve` processes, real commands beside them, real receivers."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import pytest

from tests.clocks import PATIENCE
from tests.forked import Forked
from trackdesk.cli.main import main
from trackdesk.store.lock import read_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Process: TypeAlias = "Forked | subprocess.Popen[str]"
COMMAND = [sys.executable, "-m", "trackdesk.cli.main"]


def until(condition: Callable[[], Any], what: str, *, limit: float = PATIENCE) -> Any:
    """The first true value of `condition`; fails the test after `limit` seconds."""
    end = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < end, f"within {limit:g} s there was no {what}"
        time.sleep(0.01)
    return found


class Premises:
    """One data directory, with the processes that were started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.url = ""
        self.processes: list[Process] = []
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACKDESK_")}
        self.environ = {
            **inherited,
            "HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TRACKDESK_DATA_DIR": str(self.data),
            "NO_COLOR": "1",
        }

    @property
    def database(self) -> Path:
        return self.data / "trackdesk.sqlite3"

    @property
    def key(self) -> str:
        return (self.data / "owner.key").read_text("utf-8").strip()

    def launch(self, *words: str, cold: bool = False) -> Process:
        """A command that goes on; its output lies in `log`. `cold` when it has to load Python first, as for people."""
        with (self.folder / "log").open("w") as log, (self.folder / "out").open("w") as out:
            process: Process
            if cold:
                process = subprocess.Popen([*COMMAND, *words], env=self.environ, stdout=out, stderr=log, text=True)
            else:
                process = Forked(words, environ=self.environ, stdout=out.fileno(), stderr=log.fileno())
        self.processes.append(process)
        return process

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text("utf-8")

    def serve(self, *flags: str, cold: bool = False) -> Process:
        """A server that serves by the time this returns."""
        process = self.launch("serve", "--port", "0", *flags, cold=cold)

        def serves() -> str | None:
            assert process.poll() is None, self.log
            holder = read_lock(self.database)
            return holder.url if holder is not None and holder.pid == process.pid else None

        self.url = until(serves, "server that listens")
        return process

    def end(self, process: Process, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Exit code, and the seconds it took to end."""
        asked = time.monotonic()
        process.send_signal(number)
        code = process.wait(PATIENCE)
        return code, time.monotonic() - asked

    def cli(self, *words: str, code: int = 0, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """One command, run to its end; fails the test when its exit code isn't `code`."""
        variables = {**self.environ, **environ}
        if stdin or "PYTHONIOENCODING" in environ:
            done = subprocess.run(
                [*COMMAND, *words],
                env=variables,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        else:
            done = _forked(words, variables)
        assert done.returncode == code, f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def within(self, *words: str, code: int = 0, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """The same in this process, which spares loading Python and the client once more."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.environ, **environ}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                ended = main(words)
        assert ended == code, f"{words} ended with {ended}: {out.getvalue()}{err.getvalue()}"
        return subprocess.CompletedProcess(words, ended, out.getvalue(), err.getvalue())

    def data_of(self, *words: str, code: int = 0) -> Any:
        """What a command says with --json."""
        return json.loads(self.within(*words, "--json", code=code).stdout)

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = None) -> tuple[int, Any]:
        """Status and JSON of a plain HTTP request, as anybody's script would make it."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
        try:
            headers = {"X-API-Key": key or self.key, "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)


def _forked(words: Sequence[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        code = Forked(words, environ=variables, stdout=out.fileno(), stderr=err.fileno()).wait(60)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Hooks:
    """Receives webhooks and takes them all."""

    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                hooks.calls.append(Call(self.path, headers, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the test's own output is enough."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"webhook+http://127.0.0.1:{self._server.server_address[1]}/hooks/t0ken-in-the-path"

    def events(self) -> list[str]:
        return [call.json["event"] for call in self.calls]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
