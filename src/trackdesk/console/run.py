"""Opens the console: the first frame at once, then the client and, where it is inside, the server."""

from __future__ import annotations

import asyncio
import os
import shlex
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from textual import events

from trackdesk.console import themes
from trackdesk.console.app import Console
from trackdesk.console.counters import Counters
from trackdesk.console.litter import Litter
from trackdesk.console.memory import Memory
from trackdesk.console.places import SECTIONS
from trackdesk.lag import LagMonitor
from trackdesk.screens.desk import Desk, Left
from trackdesk.settings import SettingsError
from trackdesk.widgets.background import begin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from rich.console import RenderableType

    from trackdesk.client import Client, LiveStatus
    from trackdesk.contract.live import LiveEvent
    from trackdesk.domain.identity import Whoami
    from trackdesk.settings import Settings
    from trackdesk.widgets.view import Changed

_TAIL = 64_000
"""Bytes of the log file that `:logs` shows."""
_SETTLED = 1.0
"""Seconds after which a section that was just built has loaded what it shows."""
_KNOCK = 1.0
"""Seconds between two attempts to reach a server that has not answered yet."""


class Starting(Protocol):
    """A server that is started beside the console, after the first frame. `start` returns at once; `wait` raises what
    keeps it from serving."""

    def start(self) -> None: ...

    def wait(self, timeout: float = ...) -> str: ...


def run_console(
    url: str | None,
    api_key: str | None,
    *,
    namespace: str | None = None,
    actor: str,
    settings: Settings,
    server: Starting | None = None,
) -> int:
    """Shows the console until it is left; gives the exit code, 1 when a fault of its own ended it.

    With `server`, address and key are those it leaves behind once it serves, and whoever made it stops it. Raises
    SettingsError for an unknown theme, and what kept the server from serving.
    """
    app = Workplace(url, api_key, namespace=namespace, actor=actor, settings=settings, server=server)
    app.run()
    if app.error is not None:
        raise app.error
    return app.return_code or 0


class Workplace(Console):
    """The console over a real server."""

    def __init__(
        self,
        url: str | None,
        api_key: str | None,
        *,
        namespace: str | None,
        actor: str,
        settings: Settings,
        server: Starting | None = None,
    ) -> None:
        desk = Desk(actor=actor, read_only=settings.read_only)
        super().__init__(
            desk,
            SECTIONS,
            connect=self._live,
            namespace=namespace or "default",
            server=_place(url),
            theme=theme_of(settings),
            ascii_only=settings.ascii,
            log_tail=lambda: tail(settings.log_file),
        )
        self.desk = desk
        self.error: BaseException | None = None
        """What kept the server inside from serving."""
        self._url, self._api_key, self._actor = url, api_key, actor
        self._namespace = namespace
        self._settings = settings
        self._server = server
        self._memory = Memory(settings.data_dir)
        self._counters = Counters(desk, self.set_counters)
        self._lag = LagMonitor("console")
        self._litter = Litter()

    def on_mount(self) -> None:
        super().on_mount()
        self._lag.start()
        self._litter.start()
        self.set_interval(1.0, self._litter.tick)
        if self._server is not None:
            self.feed.starting()
        # The first frame is painted before anything heavy is imported.
        self.call_after_refresh(begin, self, self._begin, group="begin")
        begin(self, self._counters.run, group="counters")

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        # To give the terminal back holds up the loop, which is nobody's fault.
        self._lag.stop()
        super().exit(result, return_code, message)

    async def on_unmount(self) -> None:
        self._lag.stop()
        self._litter.stop()
        if self.desk.summary is not None:
            runs = self.desk.summary.runs
            left = Left(self.now(), runs.completed, runs.failed, runs.skipped)
            self._memory.leave(self._remembered, left)
        if self.desk.is_ready:
            await self.desk.client.close()

    def _deliver(self, change: Changed) -> None:
        super()._deliver(change)
        self._counters.wake()

    def built(self) -> None:
        self.set_timer(_SETTLED, self._litter.keep)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self._litter.touched()
        await super().on_event(event)

    @property
    def _remembered(self) -> str:
        """Under which name this place is remembered; the server inside may listen elsewhere each time."""
        return f"{'local' if self._server is not None else self._url} {self.standing.namespace}"

    # -- beginning -------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        if self._server is not None:
            self._server.start()
        make = await asyncio.to_thread(_load_client)
        if self._server is not None:
            try:
                self._url = await asyncio.to_thread(self._server.wait)
            except Exception as error:  # whatever it is: the terminal is given back first
                self.error = error
                self.exit()
                return
            target = self._settings.target()
            self._api_key = target.api_key if target is not None else None
        self.standing.server = _place(self._url)
        if self._settings.url is None:
            self.desk.key_words = f'export TRACKDESK_API_KEY="$(cat {shlex.quote(str(self._settings.owner_key_file))})"'
        client = make(self._url or "", self._api_key, namespace=self._namespace, actor=self._actor)
        self.desk.left = self._memory.left(self._remembered)
        self.desk.open(client)
        self._redraw()
        self.built()
        await self._introduce(client)

    async def _introduce(self, client: Client) -> None:
        """Learn whose key this is. A server that is away is asked again until it answers."""
        from trackdesk.client import ServerAway
        from trackdesk.domain.errors import TrackdeskError

        while True:
            try:
                whoami = await client.keys.whoami()
            except ServerAway:
                await asyncio.sleep(_KNOCK)
            except TrackdeskError as error:
                if self.frame is not None:
                    self.frame.say(f"{error.detail} (at {self._url})", "fail")
                return
            else:
                self._welcome(client, whoami)
                return

    def _welcome(self, client: Client, whoami: Whoami) -> None:
        self.desk.open(client, whoami)
        if whoami.namespace != self.standing.namespace:
            self.standing.namespace = whoami.namespace
            self.desk.left = self._memory.left(self._remembered)
        self._redraw()

    async def _live(self, tell: Callable[[LiveStatus], object]) -> AsyncIterator[LiveEvent]:
        client = await self.desk.ready()
        async for event in client.live(on_status=tell):
            yield event


def _load_client() -> type[Client]:
    """In a thread: everything that takes long to import or to build, so that no key waits for it."""
    import aiohttp  # noqa: F401 - the client imports it at its first call

    from trackdesk.client import Client
    from trackdesk.contract.endpoints import ENDPOINTS

    for endpoint in ENDPOINTS:
        if not endpoint.writes and endpoint.reply is not None:
            endpoint.reply_adapter()
    return Client


def _place(url: str | None) -> str:
    """The address as the header shows it."""
    return "" if url is None else urlsplit(url).netloc or url


def theme_of(settings: Settings) -> str:
    """The theme's full name: `dark`, `light` and `deuteranopia` are ours. By the terminal's own colours when unset."""
    if settings.theme is None:
        # Terminals that say so give `foreground;background` as numbers of the 16 colours; 7 and 15 are light grounds.
        ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
        return themes.LIGHT if ground in ("7", "15") else themes.DARK
    short = {theme.name.removeprefix("trackdesk-"): theme.name for theme in themes.THEMES}
    name = settings.theme.lower()
    if name not in short:
        raise SettingsError("theme", settings.theme, " or ".join(short), settings.source("theme"))
    return short[name]


def tail(path: Path) -> str:
    """The end of the log, whole lines only."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError as error:
        return f"{path} can't be read: {error.strerror or error}"
    return text if size <= _TAIL else text.partition("\n")[2]
