"""Where the server is and which key opens it: the environment, else what the local server left behind."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.sdk.filelock import is_held

if TYPE_CHECKING:
    from collections.abc import Mapping

APP = "trackdesk"
DATABASE_NAME = "trackdesk.sqlite3"
LOCK_NAME = DATABASE_NAME + ".lock"
OWNER_KEY_NAME = "owner.key"
SPOOL_NAME = "spool"

_FALSE = frozenset({"false", "0", "no", "off"})
_chosen: dict[str, str] = {}


class Target(NamedTuple):
    """A server to talk to. `url` has no slash at its end; `local` means that this data directory is that server's."""

    url: str
    api_key: str | None = None
    namespace: str | None = None
    local: bool = False

    def __repr__(self) -> str:
        return f"Target({self.url!r}, namespace={self.namespace!r}, local={self.local})"


def configure(
    *,
    url: str | None = None,
    api_key: str | None = None,
    namespace: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    enabled: bool | None = None,
) -> None:
    """Says from code what the environment says otherwise, for runs that start later; None leaves a value as it is."""
    given = {
        "TRACKDESK_URL": url,
        "TRACKDESK_API_KEY": api_key,
        "TRACKDESK_NAMESPACE": namespace,
        "TRACKDESK_DATA_DIR": None if data_dir is None else os.fspath(data_dir),
        "TRACKDESK_ENABLED": None if enabled is None else str(enabled).lower(),
    }
    _chosen.update({name: value for name, value in given.items() if value is not None})


def environment() -> dict[str, str]:
    """The environment with what `configure` was told laid over it."""
    return {**os.environ, **_chosen}


def is_enabled(environ: Mapping[str, str]) -> bool:
    """Anything but a clear no counts as yes: a typo must not switch the watching off."""
    return environ.get("TRACKDESK_ENABLED", "").strip().lower() not in _FALSE


def user_dir(kind: str, environ: Mapping[str, str]) -> Path:
    """The platform's directory of this user for `kind` "data" or "config", as platformdirs has it."""
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / APP
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / APP
    variable, usual = {"data": ("XDG_DATA_HOME", ".local/share"), "config": ("XDG_CONFIG_HOME", ".config")}[kind]
    chosen = environ.get(variable, "").strip()
    return (Path(chosen) if chosen else home / usual) / APP


def data_dir(environ: Mapping[str, str]) -> Path:
    given = environ.get("TRACKDESK_DATA_DIR", "").strip()
    return Path(given).expanduser().absolute() if given else user_dir("data", environ)


def running_url(directory: Path) -> str | None:
    """The address of the server that holds the database in `directory`, or None when none runs there."""
    try:
        with (directory / LOCK_NAME).open("rb") as file:
            # The file outlives its server, and the port may be another program's by now, which must not see the owner
            # key. Its pid may be another's, too.
            if sys.platform != "win32" and not is_held(file.fileno()):
                return None
            found, _ = json.JSONDecoder().raw_decode(file.read(4096).decode())
        url = found["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url.rstrip("/") if isinstance(url, str) else None


def resolve(
    directory: Path,
    *,
    url: str | None = None,
    api_key: str | None = None,
    namespace: str | None = None,
    owner_key: str | None = None,
) -> Target | None:
    """None when no address is given and no local server runs. The owner key goes to the local server only."""
    here = running_url(directory)
    address = url.rstrip("/") if url else here
    if address is None:
        return None
    local = address == here
    if not api_key and local:
        api_key = owner_key or _owner_key(directory)
    return Target(address, api_key or None, namespace or None, local)


def _owner_key(directory: Path) -> str | None:
    try:
        return (directory / OWNER_KEY_NAME).read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def find(environ: Mapping[str, str] | None = None) -> Target | None:
    """The server that the environment (and `configure`) points to."""
    known = environment() if environ is None else environ
    return resolve(
        data_dir(known),
        url=known.get("TRACKDESK_URL", "").strip(),
        api_key=known.get("TRACKDESK_API_KEY", "").strip(),
        namespace=known.get("TRACKDESK_NAMESPACE", "").strip(),
        owner_key=known.get("TRACKDESK_OWNER_KEY", "").strip(),
    )
