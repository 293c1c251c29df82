"""Which time zone this machine is in."""

import os
from functools import cache
from pathlib import Path

_UTC = ("Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu")


@cache
def local_zone() -> str:
    """The IANA name of this machine's time zone, UTC where it has none to tell."""
    named = os.environ.get("TZ", "").lstrip(":")
    if not named:
        try:
            named = str(Path("/etc/localtime").resolve())
        except OSError:
            named = ""
    name = named.rpartition("zoneinfo/")[2].removeprefix("posix/")
    if name in _UTC:
        return "UTC"
    return name if name and not name.startswith("/") and _known(name) else "UTC"


def _known(name: str) -> bool:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - asked once

    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True
