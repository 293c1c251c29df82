"""`trackdesk demo`: a made-up company at work, in a database of its own, in the console or behind an address."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from trackdesk import settings as table
from trackdesk.cli.common import add_settings, checked, complain, say, whole
from trackdesk.cli.exits import FAILED, OK
from trackdesk.cli.leftovers import remove_leftovers, temporary_folder

if TYPE_CHECKING:
    import argparse

    from trackdesk.demo.show import Show
    from trackdesk.sdk.locate import Target
    from trackdesk.settings import Settings

log = logging.getLogger(__name__)

_CONSOLE_FLAGS = ("theme", "ascii", "read_only", "log_level")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="no console: say where to attach, and go on")
    parser.add_argument(
        "--seed", metavar="N", type=whole("seed", 0), default=1, help="another number, another story (1)"
    )
    parser.add_argument("--days", metavar="N", type=checked(_days), default=3.0, help="how much history to make up (3)")
    parser.add_argument("--speed", metavar="X", type=checked(_speed), default=1.0, help="how much faster jobs run (1)")
    parser.add_argument(
        "--keep", metavar="DIR", type=Path, help="where to keep the database; a temporary one when absent"
    )
    add_settings(parser, "host", "port", *_CONSOLE_FLAGS)
    parser.epilog = "Your own database is never touched. Ctrl-C ends it, Ctrl-Q in the console."


def _speed(text: str) -> float:
    return _number("speed", text, 0.1, 20)


def _days(text: str) -> float:
    return _number("days", text, 0.2, 7)


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ValueError(f"{name}: expected a number from {least} to {most}, not {text!r}")
    return value


def run(args: argparse.Namespace) -> int:
    kept = args.keep is not None
    remove_leftovers(lambda folder: _settings(args, folder).database)
    folder = _keep(args.keep) if kept else temporary_folder()
    try:
        return _play(args, _settings(args, folder))
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def _keep(place: Path) -> Path:
    """The directory of that name, made when there is none. Raises Invalid."""
    from trackdesk.domain.errors import Invalid

    folder = place.expanduser().absolute()
    accepted = "expected a directory that can be written, or the name of one that can be made"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise Invalid("--keep", f"{accepted}; there is a file", str(folder)) from None
    except OSError as error:
        raise Invalid("--keep", f"{accepted} ({error.strerror})", str(folder)) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Invalid("--keep", f"{accepted} by this user", str(folder))
    return folder


def _settings(args: argparse.Namespace, folder: Path) -> Settings:
    """Nothing of the user's own: neither files nor environment."""
    flags = {"data_dir": str(folder), "port": str(args.port or 0)}
    flags |= {name: str(value) for name in ("host", *_CONSOLE_FLAGS) if (value := getattr(args, name)) is not None}
    nowhere = str(folder / "none")
    return table.load(flags, {"HOME": nowhere, "XDG_CONFIG_HOME": nowhere, "LOCALAPPDATA": nowhere})


def _play(args: argparse.Namespace, settings: Settings) -> int:
    from trackdesk.cli.logs import log_to_file
    from trackdesk.cli.serve import refusal
    from trackdesk.demo.clock import ReplayClock
    from trackdesk.demo.show import Show
    from trackdesk.domain.clock import DAY
    from trackdesk.runtime import EmbeddedServer, run_loop, tune
    from trackdesk.store.errors import StoreError
    from trackdesk.widgets.when import wall_clock

    log_to_file(settings.log_file, settings.log_level)
    tune()
    present = wall_clock()
    fresh = not settings.database.exists()
    clock = ReplayClock(present - round(args.days * DAY) if fresh else present)
    server = EmbeddedServer(settings, clock=clock)
    server.start()
    try:
        server.wait()
        target = settings.target()
        assert target is not None, "the server has just said where it is"
        show = Show(target.url, target.api_key or "", clock, seed=args.seed, speed=args.speed, present=present)
        if args.headless or not (sys.stdout.isatty() and sys.stdin.isatty()):
            return run_loop(_headless(args, settings, target, show))
        return _with_console(args, settings, target, show)
    except StoreError as error:
        complain(refusal(settings, error))
        return FAILED
    finally:
        server.stop()


async def _headless(args: argparse.Namespace, settings: Settings, target: Target, show: Show) -> int:
    from trackdesk.cli.serve import stop_signal

    stopping = stop_signal()
    async with show:
        making = asyncio.ensure_future(show.prepare(lambda _share: None))
        asked = asyncio.ensure_future(stopping.wait())
        await asyncio.wait({making, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not making.done():
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            return OK
        told = making.result()
        print(f"a made-up company is at work at {target.url}, {told} runs so far", flush=True)
        print(f"open the console over it:  trackdesk --data-dir {settings.data_dir}", flush=True)
        print(f"its API is described at    {target.url}/docs", flush=True)
        say(args, "Ctrl-C ends it")
        await show.play(stopping)
    return OK


def _with_console(args: argparse.Namespace, settings: Settings, target: Target, show: Show) -> int:
    from trackdesk.console.run import run_console
    from trackdesk.sdk.http import actor

    stage = _Stage(show, quiet=args.quiet)
    stage.start()
    try:
        stage.wait()
        return run_console(target.url, target.api_key, namespace=None, actor=actor(), settings=settings, server=None)
    finally:
        stage.stop()


class _Stage:
    """The show in a thread of its own, so that no screen keeps the company from its work."""

    def __init__(self, show: Show, *, quiet: bool) -> None:
        self._show = show
        self._quiet = quiet
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._making: asyncio.Future[int] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="trackdesk-demo", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        """Until the past is told. Raises what kept it from being told."""
        while not self._ready.wait(0.2):  # a wait without end would not hear Ctrl-C
            pass
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            if self._making is not None:
                self._loop.call_soon_threadsafe(self._making.cancel)
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(3.0)

    def _main(self) -> None:
        from trackdesk.runtime import run_loop

        try:
            run_loop(self._run())
        except BaseException as error:
            self._error = error
            if self._ready.is_set():
                log.exception("the show is over: nothing more happens by itself")
        finally:
            self._ready.set()

    async def _run(self) -> int:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with self._show as show:
            self._making = asyncio.ensure_future(show.prepare(self._progress))
            told = await self._making
            self._progress(1.0)
            if not self._quiet:
                print(f"\r{told} runs are told{' ' * 20}", file=sys.stderr)
            self._ready.set()
            await show.play(self._stopping)
        return 0

    def _progress(self, share: float) -> None:
        if not self._quiet:
            print(f"\rtrackdesk: making up the last days of a company at work … {share:4.0%}", end="", file=sys.stderr)
            sys.stderr.flush()
