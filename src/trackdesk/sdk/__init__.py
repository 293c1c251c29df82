"""What runs inside other people's jobs: the standard library only, and nothing else of trackdesk."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackdesk.sdk.locate import configure
    from trackdesk.sdk.run import track

__all__ = ["configure", "track"]

_HOMES = {"configure": "trackdesk.sdk.locate", "track": "trackdesk.sdk.run"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'trackdesk.sdk' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
