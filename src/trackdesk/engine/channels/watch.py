"""The address policy at connect time for code that opens its own sockets: requests, smtplib, whatever a plugin uses.

Python reports every connect to its audit hooks, in the thread that connects, with the address just before its use.
One hook is installed for the process when the first such channel sends; outside of `watched` it returns at once.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackdesk.engine.channels.guard import BlockedAddressError, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_PROGRAMS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile"})
_WATCHED = _CONNECTS | _PROGRAMS


@dataclass(slots=True)
class Watch:
    """What one watched piece of work may do; `blocked` is why the last refused connect was refused."""

    trusted: bool
    blocked: str | None = None


class _Local(threading.local):
    watch: Watch | None = None


_local = _Local()
_installing = threading.Lock()
_installed = False


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _WATCHED:
        return
    watch = _local.watch
    if watch is None:
        return
    if event in _PROGRAMS:
        reason: str | None = "a channel may not start programs on this machine"
    else:
        reason = _refused_target(arguments[1], watch)
    if reason is not None:
        watch.blocked = reason
        raise BlockedAddressError(reason)


def _refused_target(target: object, watch: Watch) -> str | None:
    if target is None:  # sendmsg on a socket whose connect was checked
        return None
    if not isinstance(target, tuple):
        return "a channel may not use sockets of this machine"
    return refusal(str(target[0]), trusted=watch.trusted)


@contextlib.contextmanager
def watched(*, trusted: bool) -> Iterator[Watch]:
    """Inside, this thread connects only where the policy lets it; else connecting raises BlockedAddressError."""
    global _installed  # noqa: PLW0603 - audit hooks belong to the process and can't be taken out again
    with _installing:
        if not _installed:
            sys.addaudithook(_hook)
            _installed = True
    outer = _local.watch
    _local.watch = watch = Watch(trusted)
    try:
        yield watch
    finally:
        _local.watch = outer
