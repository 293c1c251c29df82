"""`trackdesk log RUN MESSAGE`, or `-` for the lines of stdin as they come."""

from __future__ import annotations

import queue
import sys
import threading
from typing import TYPE_CHECKING, Any

from trackdesk.cli.common import checked, complain, connect, print_json, send_kept, settings_of
from trackdesk.cli.complete import keep, run_name
from trackdesk.cli.exits import OK, UNREACHABLE
from trackdesk.sdk import values, wire
from trackdesk.sdk.http import Http, ServerAway

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from trackdesk.settings import Settings

_LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
_MOST = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", type=checked(run_name), help="its uid, or NAME/ID")
    parser.add_argument("message", metavar="MESSAGE", help="the line, or - to read lines from stdin")
    parser.add_argument("--level", type=str.upper, choices=_LEVELS, default="INFO", help="INFO when absent")


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    sender = _Sender(settings, args.run)
    if args.message == "-":
        for batch in _batches():
            sender.send([_line(text, args.level, number) for number, text in batch])
    elif args.message:
        sender.send([_line(args.message, args.level, values.now_micros())])
    return sender.end(args.json)


def _line(text: str, level: str, at: int) -> dict[str, Any]:
    # Numbered by the time, so that lines of other commands on the same run keep theirs.
    return {
        "message": values.text(text, values.MAX_MESSAGE),
        "level": level,
        "logged_at": values.rfc3339(at),
        "seq": at,
    }


def _batches() -> Iterator[list[tuple[int, str]]]:
    """Lines of stdin with their times (µs, each its own): what came while the last batch was on its way."""
    lines: queue.Queue[tuple[int, str] | None] = queue.Queue(maxsize=10 * _MOST)

    def read() -> None:
        last = 0
        for raw in sys.stdin.buffer:
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            if text.strip():
                last = max(last + 1, values.now_micros())
                lines.put((last, text))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (first := lines.get()) is not None:
        batch = [first]
        while len(batch) < _MOST:
            try:
                following = lines.get_nowait()
            except queue.Empty:
                break
            if following is None:
                yield batch
                return
            batch.append(following)
        yield batch


class _Sender:
    """Sends batches; what finds no server is kept."""

    def __init__(self, settings: Settings, run: str) -> None:
        self._settings = settings
        self._run = run
        self._http: Http | None = None
        self._sent = self._kept = 0

    def send(self, lines: list[dict[str, Any]]) -> None:
        rest = lines
        try:
            self._http = self._http or connect(self._settings)
            while rest:
                rest = rest[wire.send_logs(self._http, self._run, rest) :]
        except ServerAway as away:
            self._http = None
            if not self._kept:
                complain(str(away))
            keep(self._settings, self._run, logs=rest)
            self._kept += len(rest)
        self._sent += len(lines) - len(rest)

    def end(self, as_json: bool) -> int:
        if as_json:
            print_json({"accepted": self._sent, "kept": self._kept})
        if self._http is not None:
            send_kept(self._http, self._settings)
            self._http.close()
        return UNREACHABLE if self._kept else OK
