"""What the exit codes mean; every verb keeps to them."""

from __future__ import annotations

import sys

OK = 0
FAILED = 1
USAGE = 2
UNREACHABLE = 3
NOT_FOUND = 4
NOT_ALLOWED = 5
CHANGES = 6
INTERRUPTED = 130
PIPE_CLOSED = 141

MEANINGS = (
    (OK, "done"),
    (FAILED, "the thing itself failed, or the server refused it"),
    (USAGE, "wrong usage: nothing was done"),
    (UNREACHABLE, "the server can't be reached"),
    (NOT_FOUND, "no such thing"),
    (NOT_ALLOWED, "the key may not do that"),
    (CHANGES, "`apply --dry-run` found something to change"),
)


def for_status(status: int) -> int:
    """The exit code for an HTTP status that is no success."""
    if status >= 502:
        return UNREACHABLE
    return {401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_FOUND}.get(status, FAILED)


def explain(error: BaseException) -> tuple[int, str] | None:
    """Exit code and sentence for errors that are no bug of ours; None for all others."""
    # Looked up among what is loaded: an error can only come from a module that is, and the quick verbs load little.
    if isinstance(error, _of("trackdesk.settings", "SettingsError")):
        return USAGE, str(error)
    if isinstance(error, _of("trackdesk.sdk.http", "ServerAway")):
        return UNREACHABLE, str(error)
    if isinstance(error, (*_of("trackdesk.sdk.http", "Refused"), *_of("trackdesk.domain.errors", "TrackdeskError"))):
        return for_status(int(getattr(error, "status", 500))), str(error)
    if isinstance(error, _of("trackdesk.store.errors", "StoreError")):
        return FAILED, str(error)
    if isinstance(error, OSError):
        return FAILED, f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return None


def _of(module: str, name: str) -> tuple[type[BaseException], ...]:
    loaded = sys.modules.get(module)
    return () if loaded is None else (getattr(loaded, name),)
