"""A small real server that speaks the wire of jobs and remembers what it was told."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.clocks import PATIENCE


class Seen(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    connection: int


class Receiver:
    """`answer` may be set to `(status, body)` or to a function of a `Seen` that gives one, or None for the usual;
    `refuse` to a function of an ingested line that gives `(code, detail)`, or None."""

    def __init__(self, port: int = 0) -> None:
        self.seen: list[Seen] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.answer: Any = None
        self.refuse: Any = None
        self.released = threading.Event()
        self.released.set()
        self.changed = threading.Condition()
        self._by_key: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, condition: Any, timeout: float = PATIENCE) -> None:
        """Looks after every request, and now and then besides: what follows an answer happens on the other side."""
        until = time.monotonic() + timeout
        with self.changed:
            while not condition():
                assert time.monotonic() < until, f"never came true; seen: {self.said()}"
                self.changed.wait(0.02)

    def said(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.seen]

    def bodies(self, ending: str) -> list[Any]:
        return [seen.body for seen in self.seen if seen.path.endswith(ending)]

    def lines(self) -> list[dict[str, Any]]:
        """Log lines, whichever way they came."""
        return [line for batch in self.bodies("/logs") for line in batch] + self.told("log")

    def take(self, seen: Seen) -> tuple[int, Any]:
        with self.changed:
            self.seen.append(seen)
            self.changed.notify_all()
        self.released.wait(30)
        with self.changed:
            special = self.answer(seen) if callable(self.answer) else self.answer
            return special or self._usual(seen)

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The lines of a kind that came by `/v1/ingest`."""
        return [line for batch in self.bodies("/v1/ingest") for line in batch if line["kind"] == kind]

    def _ingest(self, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        refused = []
        for number, line in enumerate(lines, 1):
            why = self.refuse(line) if self.refuse else self._line(line)
            if why is not None:
                refused.append({"line": number, "code": why[0], "detail": why[1]})
        return 200, {"accepted": len(lines) - len(refused), "duplicates": 0, "refused": refused}

    def _line(self, line: dict[str, Any]) -> tuple[str, str] | None:
        """Code and detail of a refusal."""
        if line["kind"] == "run.start":
            uid = self._by_key.setdefault(line["uid"], f"uid{len(self._by_key) + 1}")
            self.runs.setdefault(uid, {**line, "uid": uid, "status": "ACTIVE"})
            return None
        if line["kind"] == "metric":
            return None
        uid = line.get("run") or self._by_key[line["start"]]
        run = self.runs.setdefault(uid, {"uid": uid, "process": "p", "id": "i", "status": "ACTIVE"})
        if line["kind"] == "run.complete":
            end = {name: line[name] for name in ("status", "completed_at")}
            if run["status"] != "ACTIVE" and end.items() - run.items():
                return "run_finished", "the run is finished"
            run.update(end)
        return None

    def _usual(self, seen: Seen) -> tuple[int, Any]:
        if seen.path == "/v1/ingest":
            return self._ingest(seen.body)
        if seen.path == "/v1/metrics":
            return 201, {"id": 1, **seen.body}
        parts = seen.path.strip("/").split("/")
        if seen.method == "POST" and parts[:2] == ["v1", "processes"] and len(parts) == 3:
            key = seen.headers.get("idempotency-key", str(len(self.seen)))
            uid = self._by_key.setdefault(key, f"uid{len(self._by_key) + 1}")
            given = {"uid": uid, "process": parts[2], "id": seen.body.get("id", f"id-{uid}"), "status": "ACTIVE"}
            return 201, self.runs.setdefault(uid, given)
        run = self.runs.setdefault(parts[2], {"uid": parts[2], "process": "p", "id": "i", "status": "ACTIVE"})
        if parts[-1] == "complete":
            if run["status"] != "ACTIVE":
                return 409, {"code": "run_finished", "detail": "the run is finished", "status": 409}
            run.update(seen.body)
        return (201 if parts[-1] == "logs" else 200), run

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                lines = headers.get("content-type") == "application/x-ndjson"
                body = None
                if data:
                    body = [json.loads(line or "null") for line in data.splitlines()] if lines else json.loads(data)
                status, value = receiver.take(Seen(self.command, self.path, headers, body, self.client_address[1]))
                content = value if isinstance(value, bytes) else json.dumps(value).encode()
                kind = "application/json" if status < 400 else "application/problem+json"
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if isinstance(value, bytes) else kind)
                self.send_header("Content-Length", str(len(content)))
                if status == 503:
                    self.send_header("Retry-After", "7")
                if 300 <= status < 400:
                    self.send_header("Location", receiver.url + "/elsewhere")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815 - the names http.server looks for

            def log_message(self, *_args: object) -> None:
                """The tests say what they need to know."""

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:
                    self.close_connection = True

        return Handler
