"""A server in a process of its own, for tests without an event loop."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.clocks import PATIENCE
from tests.forked import Forked
from trackdesk.store.lock import read_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER_KEY = "owner-key-of-the-tests"
DATABASE = "trackdesk.sqlite3"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The URL of a server with its data in `folder`; fails when it logs an error of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKDESK_")}
    environment |= {"TRACKDESK_OWNER_KEY": OWNER_KEY, "XDG_CONFIG_HOME": str(folder / "config")}
    words = ["serve", "--port", "0", "--data-dir", str(folder)]
    log = folder / "server.log"
    with log.open("wb") as file:
        process = Forked(words, environ=environment, stdout=file.fileno(), stderr=file.fileno())
    try:
        yield _url(folder / DATABASE, process, log)
    finally:
        process.terminate()
        process.wait(PATIENCE)
    errors = [line for line in log.read_text("utf-8").splitlines() if '"level": "ERROR"' in line]
    assert errors == []


def _url(database: Path, process: Forked, log: Path) -> str:
    end = time.monotonic() + PATIENCE
    while True:
        holder = read_lock(database)
        if holder is not None and holder.url is not None:
            return holder.url
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < end, "the server does not come up"
        time.sleep(0.01)
