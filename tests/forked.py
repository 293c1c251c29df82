"""Processes of `trackdesk` that begin loaded: forks of one that has loaded Python, the models and the server already.

What runs is the real `main`, in a process of its own that may be killed and ends as every Python does.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
_LOADED = ("runtime", "server.app", "server.handlers", "client.client", "contract.endpoints", "cli.config_source")
_NUMBER = struct.Struct("!i")
CONSTANTS = "TESTS_CONSTANTS"
"""The variable with waits (as JSON: module and name → value) that are shorter in a process than people have them."""


class Forked:
    """What a test needs of `subprocess.Popen`."""

    def __init__(self, words: Sequence[str], *, environ: Mapping[str, str], stdout: int, stderr: int) -> None:
        """`trackdesk WORDS…` begins; its output goes to these files."""
        self._told, theirs = socket.socketpair()
        self.returncode: int | None = None
        with theirs:
            body = json.dumps([list(words), dict(environ), str(Path.cwd())]).encode()
            files = array.array("i", [stdout, stderr, theirs.fileno()])
            home = _home()
            home.sendmsg([_NUMBER.pack(len(body))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
            home.sendall(body)
        self.pid = self._hear()

    def _hear(self) -> int:
        said = self._told.recv(_NUMBER.size, socket.MSG_WAITALL)
        assert len(said) == _NUMBER.size, "the process that forks has ended"
        return int(_NUMBER.unpack(said)[0])

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative for a signal. Raises TimeoutError."""
        if self.returncode is None:
            self._told.settimeout(timeout)
            self.returncode = self._hear()
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except (BlockingIOError, TimeoutError):
            return None

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended, and nobody asked yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


@cache
def _home() -> socket.socket:
    """The way to the process that forks. It ends with this one."""
    ours, theirs = socket.socketpair()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRACKDESK_")}
    environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'src'}"
    words = [sys.executable, "-m", __name__, str(theirs.fileno())]
    nothing = subprocess.DEVNULL
    with theirs:
        process = subprocess.Popen(
            words, cwd=ROOT, env=environ, pass_fds=[theirs.fileno()], stdin=nothing, stdout=nothing, stderr=nothing
        )

    def end() -> None:
        ours.close()
        process.wait(10)

    atexit.register(end)
    return ours


def _load() -> None:
    for name in _LOADED:
        importlib.import_module(f"trackdesk.{name}")
    from trackdesk.cli.verbs import VERBS

    for verb in VERBS:
        verb.load()
    gc.collect()
    gc.freeze()


def _become_somebody(home: socket.socket) -> list[str]:
    """Forks for every call; returns in those forks only, with their words."""
    while True:
        head, control, _, _ = home.recvmsg(_NUMBER.size, socket.CMSG_SPACE(3 * struct.calcsize("i")))
        if not head:
            sys.exit(0)
        stdout, stderr, told = array.array("i", control[0][2])
        body = home.recv(_NUMBER.unpack(head)[0], socket.MSG_WAITALL)
        if os.fork() == 0:
            home.close()
            if (pid := os.fork()) == 0:
                os.close(told)
                return _turn_into(*json.loads(body), stdout, stderr)
            os.write(told, _NUMBER.pack(pid))
            _, status = os.waitpid(pid, 0)
            os.write(told, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
            os._exit(0)
        for number in (stdout, stderr, told):
            os.close(number)
        _bury()


def _bury() -> None:
    """Those who waited for a fork and told how it ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _turn_into(words: list[str], environ: dict[str, str], place: str, stdout: int, stderr: int) -> list[str]:
    from trackdesk.store import faultpoint

    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environ)
    importlib.reload(faultpoint)  # it reads its name when it is loaded
    for name, value in json.loads(os.environ.pop(CONSTANTS, "{}")).items():
        module, _, constant = name.rpartition(".")
        assert hasattr(sys.modules[module], constant), name
        setattr(sys.modules[module], constant, value)
    return words


if __name__ == "__main__":
    _load()
    sys.argv[1:] = _become_somebody(socket.socket(fileno=int(sys.argv[1])))
    from trackdesk.cli.main import main

    sys.exit(main())
