"""The way from a channel's URL to something that sends over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trackdesk.engine.channels.redaction import redact
from trackdesk.engine.channels.urls import is_webhook, validate_url

if TYPE_CHECKING:
    from trackdesk.engine.channels.message import Message, Outcome

__all__ = ["DEFAULT_TIMEOUT", "Sender", "open_sender", "redact", "validate_url"]

DEFAULT_TIMEOUT = 10.0
"""Seconds that one attempt may take."""


class Sender(Protocol):
    """Sends over one channel. Belongs to the event loop it is first used on."""

    async def send(self, message: Message) -> Outcome:
        """Raises nothing but CancelledError; whatever goes wrong is in the outcome."""

    async def close(self) -> None:
        """Lets go of connections. A thread that hangs is left to end by itself."""


def open_sender(url: str, *, secret: str | None, trusted: bool, timeout: float = DEFAULT_TIMEOUT) -> Sender:
    """A sender for a URL that `validate_url` took; opens nothing and loads no plugin yet.

    `trusted`: the channel was made by an ADMIN and may reach loopback and private addresses. `timeout` in seconds.
    """
    if is_webhook(url):
        from trackdesk.engine.channels.webhook import WebhookSender  # noqa: PLC0415 - loads aiohttp

        return WebhookSender(url, secret=secret, trusted=trusted, timeout=timeout)
    from trackdesk.engine.channels.apprise import AppriseSender  # noqa: PLC0415 - only where such a channel is used

    return AppriseSender(url, trusted=trusted, timeout=timeout)
