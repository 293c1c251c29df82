"""`trackdesk`: the console, over the local server that already runs, else with the server inside."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from trackdesk.cli.common import add_settings, complain, say, settings_of
from trackdesk.cli.exits import FAILED, USAGE

if TYPE_CHECKING:
    import argparse

    from trackdesk.sdk.locate import Target
    from trackdesk.settings import Settings

_PATIENCE = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "host", "port", "log_level", "retention", "read_only", "theme", "ascii")


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    if not on_terminal("`trackdesk serve` runs the server without one"):
        return USAGE
    if settings.url is not None:
        target = settings.target()
        assert target is not None, "an address was given"
        return show(settings, target)
    if (running := _running(settings)) is not None:
        say(args, f"a server runs here already: attached to {running.url}")
        return show(settings, running)
    return _with_server(settings)


def on_terminal(advice: str) -> bool:
    """Whether a console can be shown; says so if not, and what else to do."""
    if sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty():  # it reads the first, draws on the last
        return True
    complain(f"the console needs a terminal on stdin, stdout and stderr; {advice}")
    return False


def show(settings: Settings, target: Target) -> int:
    """The console over a server that runs."""
    from trackdesk.cli.logs import log_to_file
    from trackdesk.console.run import run_console
    from trackdesk.sdk.http import actor

    log_to_file(settings.log_file, settings.log_level)
    return run_console(
        target.url, target.api_key, namespace=target.namespace, actor=actor(), settings=settings, server=None
    )


def _running(settings: Settings) -> Target | None:
    """The local server, also one that has just been started and hasn't said yet where it listens."""
    from trackdesk.store.lock import read_lock

    until = time.monotonic() + _PATIENCE
    while (holder := read_lock(settings.database)) is not None:
        if holder.url is not None:
            return settings.target()
        if time.monotonic() > until:
            raise OSError(f"process {holder.pid} holds {settings.database}, but does not say where it listens")
        time.sleep(0.05)
    return None


def _with_server(settings: Settings) -> int:
    from trackdesk.cli.embedded import Embedded
    from trackdesk.cli.logs import log_to_file
    from trackdesk.console.run import run_console
    from trackdesk.sdk.http import actor

    log_to_file(settings.log_file, settings.log_level)
    server = Embedded(settings)
    try:
        code = run_console(None, None, namespace=settings.namespace, actor=actor(), settings=settings, server=server)
    finally:
        ended = server.stop()
    if not ended:
        complain("the server inside did not end in time; what it had acknowledged is on disk")
        return FAILED
    return code
