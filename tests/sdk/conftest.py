from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.sdk.receiver import Receiver
from trackdesk.sdk import locate
from trackdesk.sdk.http import Http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trackdesk.sdk.locate import Target


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def client() -> Iterator[Callable[[Target], Http]]:
    """Makes connections that are closed when the test is over."""
    with ExitStack() as stack:
        yield lambda target: stack.enter_context(Http(target))


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which nothing of this machine's user is found; also in force in this process."""
    for name in [name for name in os.environ if name.startswith("TRACKDESK_")]:
        monkeypatch.delenv(name)
    mine = {
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "TRACKDESK_DATA_DIR": str(tmp_path / "data"),
    }
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(locate, "_chosen", {})
    return {**os.environ, **mine}


@pytest.fixture
def cli() -> list[str]:
    """The command line that runs trackdesk in a process of its own."""
    return [sys.executable, "-m", "trackdesk.cli.main"]
