"""`trackdesk run`: a command runs as if nobody watched, and its run is reported."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from trackdesk.sdk.http import actor
from trackdesk.sdk.reporter import Plan, Reporter
from trackdesk.sdk.tail import Tail
from trackdesk.sdk.values import MAX_BACKTRACE, plain_object, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOT_FOUND = 127
NOT_STARTED = 126
_FORWARDED = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_FROM_KEYBOARD = frozenset({"SIGINT", "SIGQUIT"})
_FINISH_WAIT = 3.0
_DRAIN = 2.0
_SIGNAL_DELAY = 0.5
"""Seconds for which a signal may wait to be passed on."""
_LONGEST_COMMAND = 8_000
_PIECE = 64 * 1024


class _Forwarder:
    """Passes signals on to the child; those that come before there is one wait for it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in _FORWARDED:
            number = getattr(signal, name, None)
            # What is ignored (as nohup does) the command must inherit ignored.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._forward)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def adopt(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        while self._early:
            self._send(child, self._early.pop(0))

    def _forward(self, number: int, _frame: object) -> None:
        if self._child is None:
            self._early.append(number)
        elif signal.Signals(number).name not in _FROM_KEYBOARD or not _holds_terminal():
            self._send(self._child, number)

    @staticmethod
    def _send(child: subprocess.Popen[bytes], number: int) -> None:
        with suppress(ProcessLookupError):
            child.send_signal(number)


def _holds_terminal() -> bool:
    """True in the foreground of a terminal, whose keys reach the child without our help."""
    if sys.platform == "win32":
        return True
    try:
        descriptor = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(descriptor)


def run_child(command: Sequence[str], plan: Plan | None, process: str, body: dict[str, Any], tail_lines: int) -> int:
    """The command's exit code, 128+N when signal N ended it, 127 or 126 when it can't be started.

    `plan` None: tracking is off. `tail_lines` 0 leaves the command's output entirely alone. To be called in the main
    thread, which alone gets signals."""
    with _Forwarder() as forwarder:
        tail = Tail(tail_lines)
        if plan is None:
            return _execute(command, forwarder, tail if tail_lines else None, {})[0]
        context = {"command": text(shlex.join(command), _LONGEST_COMMAND), **_here(), **body.get("context", {})}
        reporter = Reporter(plan, process, {**body, "context": plain_object(context)})
        reporter.begin()
        known = {} if reporter.run is None else {"TRACKDESK_RUN": str(reporter.run["uid"])}
        code, problem = _execute(command, forwarder, tail if tail_lines else None, known)
        _report_end(reporter, tail, problem)
        return code


def _here() -> dict[str, Any]:
    here: dict[str, Any] = {"by": actor(), "pid": os.getpid()}
    with suppress(FileNotFoundError):  # the directory may have been removed under us
        here["directory"] = str(Path.cwd())
    return here


def _execute(
    command: Sequence[str], forwarder: _Forwarder, tail: Tail | None, known: dict[str, str]
) -> tuple[int, str | None]:
    """Exit code and what went wrong, None when nothing did."""
    pipe = subprocess.PIPE if tail is not None else None
    try:
        child = subprocess.Popen(command, stdout=pipe, stderr=pipe, bufsize=0, env={**os.environ, **known})  # noqa: S603
    except OSError as error:
        reason = f"{command[0]}: {error.strerror or error}"
        print(f"trackdesk: {reason}", file=sys.stderr)  # noqa: T201 - where a shell says it too
        return (NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_STARTED), reason
    forwarder.adopt(child)
    pumps = _start_pumps(child, tail) if tail is not None else []
    code = _ended(child)
    until = time.monotonic() + _DRAIN
    for pump in pumps:
        # A daemon that the command left behind may hold the pipe open for ever.
        pump.join(max(0.0, until - time.monotonic()))
    if code < 0:
        return 128 - code, f"ended by {_signal_name(-code)}"
    return code, (f"exit code {code}" if code else None)


def _ended(child: subprocess.Popen[bytes]) -> int:
    """Its exit code, once it has ended. Signals are handled between two steps of the interpreter: one that comes right
    before a wait without end would wait with it, so the wait here ends now and then."""
    ended = threading.Event()

    def wait() -> None:
        child.wait()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    while not ended.wait(_SIGNAL_DELAY):
        pass
    return int(child.returncode)


def _signal_name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} (signal {number})"
    except ValueError:
        return f"signal {number}"


def _start_pumps(child: subprocess.Popen[bytes], tail: Tail) -> list[threading.Thread]:
    pumps = []
    for source, sink, level in ((child.stdout, 1, "INFO"), (child.stderr, 2, "WARN")):
        if source is None:
            raise RuntimeError("the command was started without pipes")
        pump = threading.Thread(
            target=_pump, args=(source, sink, lambda data, at=level: tail.feed(at, data)), daemon=True
        )
        pump.start()
        pumps.append(pump)
    return pumps


def _pump(source: Any, sink: int, seen: Callable[[bytes], None]) -> None:
    """Bytes as they come, from the command to our own descriptor `sink`."""
    with source:
        while data := os.read(source.fileno(), _PIECE):
            seen(data)
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[os.write(sink, rest) :]
            except OSError:
                # Nobody reads us any more: closing the pipe lets the command know in the usual way.
                return


def _report_end(reporter: Reporter, tail: Tail, problem: str | None) -> None:
    lines = list(tail.lines())
    for line in lines:
        reporter.log(line.text, line.level, at=line.at)
    if problem is None:
        reporter.finish("COMPLETED", wait=_FINISH_WAIT)
        return
    error = {"message": text(problem, 2_000)}
    if lines:
        error["backtrace"] = text("\n".join(line.text for line in lines)[-MAX_BACKTRACE:], MAX_BACKTRACE)
    reporter.finish("FAILED", error, wait=_FINISH_WAIT)
