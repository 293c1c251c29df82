"""`trackdesk serve`: the server without the console, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from trackdesk.cli.common import add_settings, complain, say, settings_of
from trackdesk.cli.exits import FAILED, OK

if TYPE_CHECKING:
    import argparse

    from trackdesk.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "host", "port", "log_level", "retention")


def run(args: argparse.Namespace) -> int:
    from trackdesk.cli.logs import log_to_stderr
    from trackdesk.runtime import run_loop, tune
    from trackdesk.store.errors import StoreError

    settings = settings_of(args)
    log_to_stderr(settings.log_level)
    tune()
    try:
        return run_loop(_serve(settings, args))
    except StoreError as error:
        complain(refusal(settings, error))
    except OSError as error:
        complain(f"can't listen on {settings.host} port {settings.port}: {error.strerror or error}")
    return FAILED


async def _serve(settings: Settings, args: argparse.Namespace) -> int:
    from trackdesk.runtime import Server

    stopping = stop_signal()
    async with Server(settings) as server:
        say(args, f"listening on {server.url}")
        if settings.owner_key is None:
            say(args, f"the owner key is in {settings.owner_key_file}")
        await stopping.wait()
        say(args, "stopping")
    return OK


def stop_signal() -> asyncio.Event:
    """Set when the process is asked to end; asked twice it ends as it is."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, ask, number)
        except NotImplementedError:  # Windows has none for its loops; there the old way does
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
    return stopping


def refusal(settings: Settings, error: Exception) -> str:
    """One line; of a server that holds the database already, also where it listens."""
    from trackdesk.store.errors import DatabaseLocked
    from trackdesk.store.lock import read_lock

    if isinstance(error, DatabaseLocked) and (holder := read_lock(settings.database)) and holder.url:
        return f"{settings.database} is already served by process {holder.pid} at {holder.url}"
    return str(error)
