"""What every screen works with: the client, once there is a server to talk to, and what its key may do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.widgets import when

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.client import Client
    from trackdesk.domain.identity import Whoami
    from trackdesk.domain.summary import Summary

_VERBS = {
    "ingest": "start runs and report about them",
    "report": "report and comment",
    "operate": "change things",
    "admin": "manage keys and channels",
}


class Left(NamedTuple):
    """How things stood when the console was last closed: the instant, and how many runs had ended in what way."""

    at: int
    completed: int
    failed: int
    skipped: int


class Desk:
    """Made before the server is up and before the client is imported, so that the first frame waits for neither."""

    def __init__(self, *, actor: str = "", read_only: bool = False, now: Callable[[], int] = when.wall_clock) -> None:
        self.actor = actor
        """Whom `take` gives an incident to."""
        self.read_only = read_only
        self.now = now
        self.whoami: Whoami | None = None
        self.key_words = "TRACKDESK_API_KEY is the key this console was given."
        """Where the key is that the commands shown take from the environment."""
        self.left: Left | None = None
        """None at the first time."""
        self.summary: Summary | None = None
        """The last one that was read."""
        self._client: Client | None = None
        self._ready = asyncio.Event()

    def open(self, client: Client, whoami: Whoami | None = None) -> None:
        """There is a server now. `whoami` may be told again, when it is known or has changed."""
        self._client = client
        self.whoami = whoami or self.whoami
        self._ready.set()

    async def ready(self) -> Client:
        """The client, as soon as there is one."""
        await self._ready.wait()
        return self.client

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    @property
    def client(self) -> Client:
        """Raises LookupError before `open`."""
        if self._client is None:
            raise LookupError("the server is still starting")
        return self._client

    def refusal(self, permission: str) -> str | None:
        """Why this console may not do what needs `permission`, or None when it may."""
        if self._client is None:
            return "the server is still starting"
        if self.read_only and permission != "read":
            return "this console is read-only (started with --read-only)"
        if self.whoami is not None and permission not in self.whoami.permissions:
            verb = _VERBS.get(permission, permission)
            return f"the key {self.whoami.name!r} is {self.whoami.role} and may not {verb}"
        return None
