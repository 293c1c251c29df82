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
    add_settings(parser, "host", "port", "log_level")


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
        complain(str(error))
    except OSError as error:
        complain(f"can't listen on {settings.host} port {settings.port}: {error.strerror or error}")
    return FAILED


async def _serve(settings: Settings, args: argparse.Namespace) -> int:
    from trackdesk.runtime import Server

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with Server(settings) as server:
        say(args, f"trackdesk listens on {server.url}")
        if settings.owner_key is None:
            say(args, f"the owner key is in {settings.owner_key_file}")
        await stopping.wait()
        say(args, "stopping")
    return OK
