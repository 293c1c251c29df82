"""The server inside the console: loads and starts in threads of its own, after the first frame."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from trackdesk.sdk.http import ServerAway

if TYPE_CHECKING:
    from trackdesk.runtime import EmbeddedServer
    from trackdesk.settings import Settings


class Embedded:
    """Has `start`, `wait` and `stop` of `runtime.EmbeddedServer`, but costs nothing to make: loading the server takes
    longer than the first frame may. Once `wait` has returned, `settings.target()` has the address and the key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: EmbeddedServer | None = None
        self._error: BaseException | None = None
        self._loader = threading.Thread(target=self._load, name="trackdesk-load", daemon=True)

    def start(self) -> None:
        """Returns at once."""
        self._loader.start()

    def wait(self, timeout: float = 30.0) -> str:
        """The server's URL once it serves; raises what kept it from serving, ServerAway after `timeout` seconds."""
        self._loader.join(timeout)
        if self._error is not None:
            raise self._error
        if self._server is None:
            raise ServerAway(f"the server inside did not start within {timeout:g} s")
        return self._server.wait(timeout)

    def stop(self, timeout: float = 5.0) -> bool:
        """Ask it to stop and wait; false when it is still at it after `timeout` seconds."""
        if self._loader.ident is not None:
            self._loader.join(timeout)
        return self._server is None or self._server.stop(timeout)

    def _load(self) -> None:
        try:
            import sys

            from trackdesk.runtime import SWITCH_INTERVAL, EmbeddedServer

            sys.setswitchinterval(SWITCH_INTERVAL)
            server = EmbeddedServer(self._settings)
            server.start()
            self._server = server
        except BaseException as error:
            self._error = error
