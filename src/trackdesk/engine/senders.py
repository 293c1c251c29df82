"""The open senders, one a channel.

A sender is kept as long as its channel stays as it is: it knows whether a thread still hangs in an earlier send, and a
new one for every message would give a hanging channel one thread after the other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

from trackdesk.engine.channels.sender import DEFAULT_TIMEOUT, Sender, open_sender

if TYPE_CHECKING:
    from trackdesk.engine.seal import Seal
    from trackdesk.store.deliveries import ToSend

KEPT = 1000
"""Senders kept at most; the one that was used longest ago goes first."""


class OpenSender(Protocol):
    def __call__(self, url: str, *, secret: str | None, trusted: bool, timeout: float) -> Sender: ...


class _Kept(NamedTuple):
    made_of: tuple[str, str | None, int]
    sender: Sender


def url_identity(channel_id: int) -> str:
    """What a channel's URL is sealed for."""
    return f"channels/{channel_id}/url"


def secret_identity(channel_id: int) -> str:
    """What a channel's signing secret is sealed for."""
    return f"channels/{channel_id}/secret"


class Senders:
    """Belongs to one event loop. `timeout` in seconds, of one send."""

    def __init__(self, seal: Seal, *, timeout: float = DEFAULT_TIMEOUT, opened: OpenSender = open_sender) -> None:
        self._seal = seal
        self._timeout = timeout
        self._open = opened
        self._kept: dict[int, _Kept] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, item: ToSend) -> Sender:
        """The sender of the delivery's channel. Raises SealError, and what `open_sender` raises."""
        made_of = (item.url_sealed, item.secret_sealed, item.trusted)
        kept = self._kept.pop(item.channel_id, None)
        if kept is None or kept.made_of != made_of:
            self._retire(kept)
            url = self._seal.open(item.url_sealed, url_identity(item.channel_id))
            secret = (
                None
                if item.secret_sealed is None
                else self._seal.open(item.secret_sealed, secret_identity(item.channel_id))
            )
            sender = self._open(url, secret=secret, trusted=bool(item.trusted), timeout=self._timeout)
            kept = _Kept(made_of, sender)
        self._kept[item.channel_id] = kept  # at the end: used last
        if len(self._kept) > KEPT:
            self._retire(self._kept.pop(next(iter(self._kept))))
        return kept.sender

    async def close(self) -> None:
        for kept in self._kept.values():
            self._retire(kept)
        self._kept.clear()
        await asyncio.gather(*self._closing)

    def _retire(self, kept: _Kept | None) -> None:
        if kept is None:
            return
        task = asyncio.ensure_future(kept.sender.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
