"""Sending through one of Apprise's plugins, in a thread of the channel's own and with a deadline of ours around it."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import Invalid
from trackdesk.engine.channels.guard import BlockedAddressError, check
from trackdesk.engine.channels.lane import Lane, LaneBusyError
from trackdesk.engine.channels.message import Verdict
from trackdesk.engine.channels.redaction import HOST_NAMED, redact, scheme_of, scrubber
from trackdesk.engine.channels.watch import watched

if TYPE_CHECKING:
    from trackdesk.engine.channels.message import Message, Outcome

_GOOD_KINDS = frozenset({"closed", "completed", "recovered"})
_BAD_KINDS = frozenset({"failed", "missed", "missing", "stalled", "channel_dead"})


def notify_type(message: Message) -> str:
    """Apprise's word for how bad it is, which services show as a colour or an icon."""
    if message.kind in _GOOD_KINDS:
        return "success"
    if message.severity in {"HIGH", "CRITICAL"} or (message.severity is None and message.kind in _BAD_KINDS):
        return "failure"
    return "warning" if message.severity == "MEDIUM" or message.kind == "warning" else "info"


class AppriseSender:
    """Sends to one Apprise URL. `timeout` in seconds; a plugin that overstays keeps its thread."""

    def __init__(self, url: str, *, trusted: bool, timeout: float) -> None:
        self._url = url
        self._trusted = trusted
        self._timeout = timeout
        self._clean = scrubber(url)
        self._lane = Lane(f"channel {redact(url)}")
        self._plugin: Any = None
        self._closed = False

    async def send(self, message: Message) -> Outcome:
        started = time.monotonic_ns()
        verdict = await self._attempt(message)
        return verdict.outcome(self._clean(verdict.detail), (time.monotonic_ns() - started) // 1000)

    async def close(self) -> None:
        """Sending afterwards fails as `closed`; what is in hand ends by itself."""
        self._closed = True

    async def _attempt(self, message: Message) -> Verdict:
        if self._closed:
            return Verdict(False, "closed", "the channel was closed")
        try:
            return await self._lane.run(lambda: self._deliver(message), self._timeout)
        except TimeoutError:
            return Verdict(False, "timeout", f"not done within {self._timeout:g} s")
        except LaneBusyError as error:
            return Verdict(False, "busy", str(error))
        except Invalid as error:
            return Verdict(False, "failed", str(error), permanent=True)
        except Exception as error:  # plugins raise whatever they like
            return Verdict(False, "failed", f"{type(error).__name__}: {error}")

    def plugin(self) -> Any:
        """Apprise's object for the URL, made at first use. Blocks; raises Invalid when there is none for it."""
        if self._plugin is None:
            from trackdesk.engine.channels.plugin import build_plugin  # noqa: PLC0415 - loads Apprise

            self._plugin = build_plugin(self._url, timeout=self._timeout)
        return self._plugin

    def _deliver(self, message: Message) -> Verdict:
        """Runs in the lane's thread."""
        from trackdesk.engine.channels.verdict import collector, judge  # noqa: PLC0415 - beside the plugin

        plugin = self.plugin()
        with collector.listening() as heard, watched(trusted=self._trusted) as watch:
            try:
                self._check_host(plugin)
                sent = bool(
                    plugin.notify(
                        title=message.title,
                        body=message.body or message.title,
                        notify_type=notify_type(message),
                        body_format="text",
                    )
                )
            except BlockedAddressError as error:
                return Verdict(False, "blocked", error.reason, permanent=True)
        if not sent and watch.blocked is not None:
            return Verdict(False, "blocked", watch.blocked, permanent=True)
        return judge(sent=sent, heard=heard)

    def _check_host(self, plugin: Any) -> None:
        """Before anything is opened, and even where a proxy would connect. Only for URLs whose host is surely no token:
        looking a token up would tell it to the name servers."""
        if scheme_of(self._url) not in HOST_NAMED:
            return
        host = getattr(plugin, "smtp_host", None) or plugin.host
        with contextlib.suppress(socket.gaierror):  # reported by the connect that follows
            for _, _, _, _, target in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
                check(str(target[0]), trusted=self._trusted)
