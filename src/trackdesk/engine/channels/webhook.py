"""Our own webhooks: one signed POST of JSON, the answer's status decides."""

from __future__ import annotations

import email.utils
import http
import socket
import time
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

import aiohttp
import orjson

from trackdesk.engine.channels.connector import guarded_connector
from trackdesk.engine.channels.guard import BlockedAddressError
from trackdesk.engine.channels.lane import Lane, LaneBusyError
from trackdesk.engine.channels.message import Verdict
from trackdesk.engine.channels.redaction import redact, scrubber
from trackdesk.engine.channels.signature import MICROSECONDS, SIGNATURE_HEADER, sign, verify_signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.engine.channels.message import Message, Outcome

__all__ = ["WebhookSender", "retry_after", "verify_signature"]

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read at most."""

EXCERPT_LENGTH = 200
"""Characters of a refusing answer that the outcome quotes."""

LONGEST_RETRY_AFTER = 24 * 3600 * MICROSECONDS
"""A receiver that asks for more is asked again after this."""

_PASSING_4XX = frozenset({408, 425, 429})
_RETRY_AFTER_HEEDED = frozenset({429, 503})


@cache
def _user_agent() -> str:
    return f"trackdesk/{metadata.version('trackdesk')}"


def wall_clock() -> int:
    """µs since the epoch."""
    return time.time_ns() // 1000


def retry_after(value: str | None, now: int) -> int | None:
    """A Retry-After header as µs from `now` (µs): seconds or an HTTP date; None when absent or unreadable."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:12]) * MICROSECONDS, LONGEST_RETRY_AFTER)
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(0, int(at * MICROSECONDS) - now), LONGEST_RETRY_AFTER)


class WebhookSender:
    """Sends to one `webhook+http(s)://` URL. `timeout` in seconds, over everything from the look-up to the answer."""

    def __init__(
        self,
        url: str,
        *,
        secret: str | None,
        trusted: bool,
        timeout: float,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        self._target = url.strip().partition("+")[2]
        self._secret = secret
        self._trusted = trusted
        self._timeout = timeout
        self._clock = clock
        self._clean = scrubber(url, secret)
        self._lane = Lane(f"channel {redact(url)}")
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, message: Message) -> Outcome:
        started = time.monotonic_ns()
        verdict = await self._attempt(message)
        return verdict.outcome(self._clean(verdict.detail), (time.monotonic_ns() - started) // 1000)

    async def close(self) -> None:
        """Ends what is in hand; sending afterwards fails as `closed`."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _attempt(self, message: Message) -> Verdict:
        if self._closed:
            return Verdict(False, "closed", "the channel was closed")
        try:
            body = orjson.dumps(message.payload)
            return await self._post(message, body)
        except TimeoutError:
            return Verdict(False, "timeout", f"no answer within {self._timeout:g} s")
        except aiohttp.ClientError as error:
            return _connection_failure(error)
        except orjson.JSONEncodeError as error:
            return Verdict(False, "failed", f"payload can't be written as JSON: {error}", permanent=True)
        except Exception as error:  # a sender reports, whatever happens inside
            return Verdict(False, "failed", f"{type(error).__name__}: {error}")

    async def _post(self, message: Message, body: bytes) -> Verdict:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": _user_agent(),
            "Idempotency-Key": message.delivery_id,
            "X-Trackdesk-Event": message.kind,
        }
        if self._secret is not None:
            headers[SIGNATURE_HEADER] = sign(self._secret, body, self._clock())
        async with self._opened().post(self._target, data=body, headers=headers, allow_redirects=False) as response:
            return _judge(response, await _excerpt(response), self._clock())

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=guarded_connector(self._lane, trusted=self._trusted, timeout=self._timeout),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


async def _excerpt(response: aiohttp.ClientResponse) -> str:
    """The beginning of the answer. The status has decided, so an answer that breaks off or drips is no failure."""
    read = bytearray()
    try:
        while len(read) < ANSWER_LIMIT:
            chunk = await response.content.read(ANSWER_LIMIT - len(read))
            if not chunk:
                break
            read += chunk
    except (aiohttp.ClientError, TimeoutError):
        pass
    words = "".join(c if c.isprintable() else " " for c in read[: 4 * EXCERPT_LENGTH].decode("utf-8", "replace"))
    return " ".join(words.split())[:EXCERPT_LENGTH]


def _judge(response: aiohttp.ClientResponse, excerpt: str, now: int) -> Verdict:
    status = response.status
    if 200 <= status < 300:
        return Verdict(True, str(status))
    if 300 <= status < 400:
        return Verdict(False, str(status), f"answers with a redirect ({status}); none is followed", permanent=True)
    try:
        phrase = f" {http.HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    wait = retry_after(response.headers.get("Retry-After"), now) if status in _RETRY_AFTER_HEEDED else None
    permanent = 400 <= status < 500 and status not in _PASSING_4XX
    return Verdict(False, str(status), f"HTTP {status}{phrase}" + (f": {excerpt}" if excerpt else ""), permanent, wait)


def _connection_failure(error: aiohttp.ClientError) -> Verdict:
    """Only our own words and the system's: what aiohttp says about itself may hold the URL."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    match cause:
        case BlockedAddressError():
            return Verdict(False, "blocked", cause.reason, permanent=True)
        case LaneBusyError():
            return Verdict(False, "busy", str(cause))
        case ConnectionRefusedError():
            return Verdict(False, "refused", "the receiver refuses connections")
        case socket.gaierror():
            return Verdict(False, "dns", f"the host name can't be resolved: {cause.strerror}")
        case TimeoutError():
            return Verdict(False, "timeout", "no connection in time")
    if isinstance(error, aiohttp.ClientSSLError):
        return Verdict(False, "tls", f"no secure connection: {type(error).__name__}")
    if isinstance(error, aiohttp.InvalidURL):
        return Verdict(False, "failed", "the URL can't be used", permanent=True)
    return Verdict(False, "broken", f"the connection broke: {type(error).__name__}")
