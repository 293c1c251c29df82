"""Connections of our own webhooks: names resolved in the channel's thread, every address checked where it is used."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from trackdesk.engine.channels.guard import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.engine.channels.lane import Lane

    AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class GuardedResolver(AbstractResolver):
    """Resolves in the channel's lane, not in the event loop's shared threads, which hanging look-ups would use up.

    A name is refused when any of its addresses is, so that it doesn't depend on which of them is tried first.
    """

    def __init__(self, lane: Lane, *, trusted: bool, timeout: float) -> None:
        self._lane = lane
        self._trusted = trusted
        self._timeout = timeout

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._lane.run(
            lambda: socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM), self._timeout
        )
        results: list[ResolveResult] = []
        for kind, _, protocol, _, target in found:
            address = str(target[0])
            check(address, trusted=self._trusted)
            results.append(
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=int(target[1]),
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    async def close(self) -> None:
        """Nothing is held open."""


def _guarded_socket(*, trusted: bool) -> Callable[[AddressInfo], socket.socket]:
    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, target = info
        check(str(target[0]), trusted=trusted)
        return socket.socket(family, kind, protocol)

    return make


def guarded_connector(lane: Lane, *, trusted: bool, timeout: float) -> aiohttp.TCPConnector:
    """Checks when a socket is made, which sees literal addresses too; keeps none, so none outlives its check."""
    return aiohttp.TCPConnector(
        resolver=GuardedResolver(lane, trusted=trusted, timeout=timeout),
        socket_factory=_guarded_socket(trusted=trusted),
        use_dns_cache=False,
        force_close=True,
    )
