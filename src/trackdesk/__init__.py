"""trackdesk: watches work that runs unattended. For jobs: `from trackdesk import track`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackdesk.sdk.locate import configure
    from trackdesk.sdk.run import track

__all__ = ["configure", "track"]


def __getattr__(name: str) -> Any:
    # Every room's import passes through here, so the names are fetched when they are first used.
    if name not in __all__:
        raise AttributeError(f"module 'trackdesk' has no attribute {name!r}")
    from trackdesk import sdk  # noqa: PLC0415

    return getattr(sdk, name)
