"""Pings, as other watchers of jobs take them: the secret stands in the path, answers are plain words."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain.identity import Permission
from trackdesk.domain.ping import PingFilter

_PROCESS = "/ping/{ping_key}/{process}"
_OWN = "/ping/{ping_uuid}"


def _routes(path: str) -> tuple[tuple[str, str], ...]:
    return tuple((method, path + tail) for tail in ("", "/{signal}") for method in ("GET", "POST"))


PING_PROCESS: Final = Endpoint[None](
    "pings.process",
    _routes(_PROCESS),
    Permission.PING,
    "A ping by key and process; 201 `Created` when it made the process, else `OK`",
    query=PingFilter,
    media="text/plain",
)
PING_OWN: Final = Endpoint[None](
    "pings.own",
    _routes(_OWN),
    Permission.PING,
    "A ping by the process's own address, its `ping_uuid`",
    query=PingFilter,
    media="text/plain",
)
