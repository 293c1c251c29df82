"""What doctor looks at besides the database file itself."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from trackdesk.domain.errors import TrackdeskError
from trackdesk.sdk.spool import Report
from trackdesk.store.check import Finding, check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trackdesk.domain.identity import Readiness, Whoami
    from trackdesk.sdk.locate import Target
    from trackdesk.settings import Settings

_CLOCK_TOLERANCE = 5.0
_PARTS = ("aiohttp", "aiosqlite", "apprise", "cryptography", "pydantic", "textual", "uvloop")


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, in the order in which things build on one another."""
    yield _versions()
    yield _paths(settings)
    if settings.data_dir.is_dir():
        yield from _private(settings)
        yield _clock(settings)
    yield from check(settings.database)
    if settings.database.is_file():
        yield _seal(settings)
    yield _spool(settings)
    target = settings.target()
    if target is not None:
        yield from _server(target)


def _versions() -> Finding:
    from importlib.metadata import PackageNotFoundError

    shown = [f"trackdesk {version('trackdesk')}", f"Python {platform.python_version()}"]
    missing = []
    for name in _PARTS:
        try:
            shown.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name != "uvloop":  # not everywhere, and not needed
                missing.append(name)
    if missing:
        return Finding("versions", "ERROR", f"missing: {', '.join(missing)}", "install trackdesk again with pip")
    return Finding("versions", "OK", ", ".join(shown))


def _paths(settings: Settings) -> Finding:
    folder, source = settings.data_dir, settings.source("data_dir")
    if folder.is_dir():
        if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return Finding("data directory", "OK", f"{folder} (from {source})")
        return Finding("data directory", "ERROR", f"{folder} can't be written by this user", "run as its owner")
    if folder.exists():
        return Finding("data directory", "ERROR", f"{folder} is no directory", "name another with --data-dir")
    return Finding("data directory", "WARN", f"{folder} does not exist yet", "`trackdesk serve` makes it")


def _private(settings: Settings) -> Iterator[Finding]:
    """Files that hold secrets must be for their owner's eyes only."""
    if os.name == "nt":
        return
    open_ones = []
    for path in (settings.owner_key_file, settings.seal_key_file, settings.log_file):
        mode = _mode(path)
        if mode is not None and mode & 0o077:
            open_ones.append(path)
    if open_ones:
        names = " ".join(str(path) for path in open_ones)
        yield Finding("secrets", "ERROR", f"others may read {names}", f"chmod 600 {names}")
    else:
        made = settings.owner_key_file.exists()
        yield Finding("secrets", "OK", f"the owner key is in {settings.owner_key_file}" if made else "none made yet")


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return None


def _clock(settings: Settings) -> Finding:
    """Files written by the server can't be newer than now, unless the clock was set back."""
    now, ahead = time.time(), 0.0
    for path in settings.data_dir.glob(settings.database.name + "*"):
        try:
            ahead = max(ahead, path.stat().st_mtime - now)
        except FileNotFoundError:  # the log comes and goes with the server
            continue
    if ahead > _CLOCK_TOLERANCE:
        detail = f"the database was written {ahead:.0f} s in the future: the machine's clock was set back"
        return Finding("clock", "WARN", detail, "set the clock right; deadlines are judged by it")
    shown = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now))
    return Finding("clock", "OK", shown)


def _seal(settings: Settings) -> Finding:
    from trackdesk.engine import seal

    state = seal.examine(settings.seal_key_file, settings.database)
    return Finding("seal key", state.level, state.detail, state.remedy)


def _spool(settings: Settings) -> Finding:
    folder = settings.spool
    files = sorted(folder.glob("*.json"))
    waiting = len(files)
    refused = sorted((folder / "refused").glob("*.json"))
    if refused:
        remedy = f"{refused[0].with_suffix('.reason')} says why; delete what is of no use"
        return Finding("spool", "WARN", f"{len(refused)} refused for good, {waiting} still to be sent", remedy)
    if waiting:
        url = _meant_for(files[0])
        server, flag = (url, f" --url {url}") if url else ("the server", "")
        remedy = f"the next command that reaches it sends them: trackdesk runs -n 1{flag}"
        return Finding("spool", "WARN", f"{waiting} still to be sent, the oldest to {server}", remedy)
    return Finding("spool", "OK", "empty")


def _meant_for(report: Path) -> str | None:
    """The server that a kept report names; None for the local one, and where the report can't be read any more."""
    try:
        return Report.read(report).url
    except (OSError, ValueError):
        return None


def _server(target: Target) -> Iterator[Finding]:
    try:
        ready, caller, skew = asyncio.run(_ask(target))
    except TrackdeskError as error:
        remedy = "start it with `trackdesk serve`" if error.status == 503 else "see `trackdesk config`: url and key"
        yield Finding("answers", "ERROR", f"{target.url}: {error.detail}", remedy)
        return
    sick = [f"{each.name}: {each.detail}" for each in ready.workers if not each.ok]
    if sick:
        yield Finding("workers", "ERROR", "; ".join(sick), "the server's log says more; restart it if this stays")
    else:
        yield Finding("workers", "OK", f"{', '.join(each.name for each in ready.workers)} at {target.url}")
    mine = version("trackdesk")
    if caller.version != mine:
        yield Finding("server version", "WARN", f"{caller.version}, this program is {mine}", "restart the server")
    who = "the owner key" if caller.owner else f"key {caller.name!r}"
    yield Finding("key", "OK", f"{who}, {caller.role} in namespace {caller.namespace}")
    if abs(skew) > _CLOCK_TOLERANCE:
        way = "ahead of" if skew > 0 else "behind"
        yield Finding("server clock", "WARN", f"{abs(skew):.0f} s {way} this machine's", "set the wrong clock right")


async def _ask(target: Target) -> tuple[Readiness, Whoami, float]:
    """How ready it is, who we are there, and by how many seconds its clock is ahead of ours."""
    from trackdesk.client import Client
    from trackdesk.domain.identity import Permission

    async with Client(target.url, target.api_key, namespace=target.namespace, timeout=10) as client:
        ready = await client.operations.readyz()
        caller = await client.keys.whoami()
        skew = 0.0
        if Permission.READ in caller.permissions:
            skew = (await client.stats.summary()).at / 1_000_000 - time.time()
        return ready, caller, skew
