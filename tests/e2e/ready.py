"""A `trackdesk` that is loaded already: each command is a fork of one process, which spares loading Python and models.

The tool on the path hands over its words, environment and files, and ends with the command's exit code. What runs is
the real `main`, in a process of its own.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOOL = """\
#!{python} -ISB
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX) as home:
    home.connect({address!r})
    body = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
    files = array.array("i", [0, 1, 2])
    home.sendmsg([len(body).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    home.sendall(body)
    os._exit(home.recv(1)[0])
"""


@contextmanager
def ready_trackdesk(folder: Path) -> Iterator[Path]:
    """A tool that does what `trackdesk` does, as long as the block lasts."""
    address, tool = folder / "s", folder / "trackdesk"
    tool.write_text(_TOOL.format(python=sys.executable, address=str(address)))
    tool.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(address))
        door.listen(64)
        words = [sys.executable, "-m", __name__, str(door.fileno())]
        with subprocess.Popen(words, cwd=Path(__file__).parents[2], pass_fds=[door.fileno()]) as process:
            try:
                yield tool
            finally:
                process.terminate()


def _load() -> None:
    """What the verbs load when they are used."""
    from importlib import import_module

    from trackdesk.cli.verbs import VERBS

    for name in ("client.client", "contract.endpoints", "cli.config_source", "runtime", "server.app"):
        import_module(f"trackdesk.{name}")
    for verb in VERBS:
        verb.load()


def _serve(door: socket.socket) -> None:
    """What has ended stays a zombie until this process ends, soon."""
    while True:
        caller, _ = door.accept()
        if os.fork() == 0:
            door.close()
            _answer(caller)
        caller.close()


def _answer(caller: socket.socket) -> None:
    """Forks once more: the one is the command, the other waits for it and says how it ended."""
    head, control, _, _ = caller.recvmsg(4, socket.CMSG_SPACE(3 * struct.calcsize("i")))
    files = array.array("i", control[0][2])
    body = caller.makefile("rb").read(int.from_bytes(head, "big"))
    child = os.fork()
    if child == 0:
        caller.close()
        _become(*json.loads(body), list(files))
    _, status = os.waitpid(child, 0)
    caller.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))
    os._exit(0)


def _become(words: list[str], environ: dict[str, str], place: str, files: list[int]) -> None:
    from trackdesk.cli.main import main

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["trackdesk", *words]
    code = 1
    try:
        code = main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
