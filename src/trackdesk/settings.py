"""What can be set, where each value comes from, and the paths that follow. Flags over environment over `trackdesk.toml`
over defaults; the standard library only, because the quick verbs read their settings too."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from trackdesk.sdk import locate

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "trackdesk.toml"
_YES = frozenset({"true", "1", "yes", "on"})
_NO = frozenset({"false", "0", "no", "off"})

Kind = Literal["path", "text", "host", "port", "url", "yes_no", "choice", "owner_key", "api_key", "name", "span"]


class Setting(NamedTuple):
    """One row of the table. A flag that ends in `-file` names a file that holds the value: secrets don't belong in
    argument lists, which every user of the machine can read. Without a default the value may be absent."""

    name: str
    kind: Kind
    help: str
    flag: str | None = None
    default: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def env(self) -> str:
        return f"TRACKDESK_{self.name.upper()}"

    @property
    def secret(self) -> bool:
        return self.kind in {"owner_key", "api_key"}

    @property
    def accepted(self) -> str:
        return f"one of {', '.join(self.choices)}" if self.choices else _ACCEPTED[self.kind]


_ACCEPTED: dict[Kind, str] = {
    "path": "a directory",
    "text": "1 to 200 printable characters",
    "host": "an address or host name without a port",
    "port": "a number from 0 to 65535 (0 takes any free one)",
    "url": "http://HOST:PORT or https://HOST, without user and password",
    "yes_no": "true or false",
    "owner_key": "16 to 200 of A-Z a-z 0-9 _ . -",
    "api_key": "1 to 500 printable ASCII characters without spaces",
    "name": "1 to 100 of A-Z a-z 0-9 _ . : -",
    "choice": "one of the choices",
    "span": "90d, 12h and the like, at most ten years; 0 or off: for ever",
}

SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", "path", "where database, attachments, keys and logs live", "--data-dir"),
    Setting("host", "host", "the address to listen on", "--host", "127.0.0.1"),
    Setting("port", "port", "the port to listen on", "--port", "8787"),
    Setting("owner_key", "owner_key", "the owner key; made and kept in a file when absent"),
    Setting("url", "url", "the server to talk to; the local one when absent", "--url"),
    Setting("api_key", "api_key", "the key to talk with; the local owner key when absent", "--api-key-file"),
    Setting("namespace", "name", "the namespace to work in", "--namespace"),
    Setting("enabled", "yes_no", "false turns tracking off in jobs", None, "true"),
    Setting(
        "log_level", "choice", "the least that is logged", "--log-level", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")
    ),
    Setting("retention", "span", "how long finished runs are kept, unless their process says", "--retention", "90d"),
    Setting("retention_samples", "span", "how long samples of metrics are kept", None, "14d"),
    Setting("retention_minutes", "span", "how long they are kept counted by minute", None, "90d"),
    Setting("retention_hours", "span", "how long they are kept counted by hour; days are kept for ever", None, "730d"),
    Setting("read_only", "yes_no", "the console changes nothing", "--read-only", "false"),
    Setting("theme", "text", "the console's theme; by the terminal when absent", "--theme"),
    Setting("ascii", "yes_no", "the console draws with ASCII only", "--ascii", "false"),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}


class SettingsError(ValueError):
    """A value that can't be used. A secret's value is not repeated."""

    def __init__(self, setting: str, value: str | None, accepted: str, source: str) -> None:
        """`value` None: it is all of the source that can't be used."""
        kind = BY_NAME.get(setting)
        given = ""
        if value is not None:
            secret = kind is not None and kind.secret
            given = ", not " + (f"a value of {len(value)} characters" if secret else repr(value))
        super().__init__(f"{setting}: expected {accepted}{given} (from {source})")
        self.setting = setting
        self.accepted = accepted
        self.source = source


class Settings:
    """The values in force. Read-only by convention; `source` says where each comes from."""

    data_dir: Path
    host: str
    port: int
    owner_key: str | None
    url: str | None
    api_key: str | None
    namespace: str | None
    enabled: bool
    log_level: str
    retention: int
    """µs; 0: for ever."""
    retention_samples: int
    retention_minutes: int
    retention_hours: int
    read_only: bool
    theme: str | None
    ascii: bool

    def __init__(self, values: Mapping[str, Any], sources: Mapping[str, str]) -> None:
        self.__dict__.update(values)
        self._sources = dict(sources)

    def __repr__(self) -> str:
        return f"Settings(data_dir={str(self.data_dir)!r}, url={self.url!r})"

    def source(self, name: str) -> str:
        """`default`, or the flag, variable or file that gave the value. Raises KeyError for an unknown name."""
        return self._sources[name]

    @property
    def database(self) -> Path:
        return self.data_dir / locate.DATABASE_NAME

    @property
    def owner_key_file(self) -> Path:
        return self.data_dir / locate.OWNER_KEY_NAME

    @property
    def seal_key_file(self) -> Path:
        """The key that channel secrets are sealed with: beside the database, never in it."""
        return self.data_dir / "seal.key"

    @property
    def spool(self) -> Path:
        return self.data_dir / locate.SPOOL_NAME

    @property
    def log_file(self) -> Path:
        return self.data_dir / "trackdesk.log"

    def target(self) -> locate.Target | None:
        """The server to talk to; None when none is named and none runs on this data directory."""
        return locate.resolve(
            self.data_dir,
            url=self.url,
            api_key=self.api_key,
            namespace=self.namespace,
            owner_key=self.owner_key,
        )


def load(flags: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Flags by their names without dashes (`data_dir`, `api_key_file`); empty values count as absent.

    Raises SettingsError, also for unknown names in `trackdesk.toml`."""
    sources = _Sources(flags or {}, os.environ if environ is None else environ)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        text, origin = sources.find(setting)
        values[setting.name] = None if text is None else _read(setting, text, origin)
        origins[setting.name] = origin
        if setting.name == "data_dir":
            values["data_dir"] = values["data_dir"] or locate.data_dir(sources.environ)
            sources.read_file(values["data_dir"] / FILE_NAME, above=True)
    return Settings(values, origins)


class _Sources:
    """Looks a setting up in all places, the strongest first."""

    def __init__(self, flags: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self.flags = flags
        self.environ = environ
        self.files: list[tuple[Path, dict[str, str]]] = []
        self.read_file(locate.user_dir("config", environ) / FILE_NAME, above=False)

    def find(self, setting: Setting) -> tuple[str | None, str]:
        if setting.flag is not None and (given := self.flags.get(setting.flag[2:].replace("-", "_"))):
            if setting.flag.endswith("-file"):
                return _content(setting, Path(given).expanduser()), f"{setting.flag} {given}"
            return given, setting.flag
        if given := self.environ.get(setting.env, "").strip():
            return given, setting.env
        for path, values in self.files:
            if setting.name in values:
                return values[setting.name], str(path)
        return setting.default, "default"

    def read_file(self, path: Path, *, above: bool) -> None:
        if any(path == known for known, _ in self.files):
            return
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise SettingsError(FILE_NAME, None, f"a readable file ({error.strerror})", str(path)) from None
        values = _parse(content, path)
        if above and "data_dir" in values:
            raise SettingsError(
                "data_dir", values["data_dir"], "no data_dir in the data directory's own file", str(path)
            )
        self.files.insert(0 if above else len(self.files), (path, values))


def _parse(content: bytes, path: Path) -> dict[str, str]:
    import tomllib  # noqa: PLC0415 - 25 ms that only those pay who have the file

    try:
        table = tomllib.loads(content.decode("utf-8"))
    except ValueError as error:
        raise SettingsError(FILE_NAME, None, f"TOML ({error})", str(path)) from None
    values: dict[str, str] = {}
    for name, value in table.items():
        setting = BY_NAME.get(name)
        if setting is None:
            raise SettingsError(FILE_NAME, name, f"only {', '.join(BY_NAME)}", str(path))
        if isinstance(value, bool):
            values[name] = "true" if value else "false"
        elif isinstance(value, str | int):
            values[name] = str(value)
        else:
            raise SettingsError(name, str(value), setting.accepted, str(path))
    return values


_MOST_CONTENT: Final = 65_536
"""Bytes of a file that holds one value; a device such as /dev/zero has no end."""


def _content(setting: Setting, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_CONTENT + 1)
        if len(content) > _MOST_CONTENT:
            raise SettingsError(f"{setting.name} file", str(path), "a file of at most 64 KiB", setting.flag or "")
        return content.decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise SettingsError(
            f"{setting.name} file", str(path), f"a readable file ({reason})", setting.flag or ""
        ) from None


def _read(setting: Setting, text: str, origin: str) -> Any:
    """The value in its type. Raises SettingsError."""
    value = _READERS[setting.kind](text)
    if value is None or (setting.choices and value.upper() not in setting.choices):
        raise SettingsError(setting.name, text, setting.accepted, origin)
    return value.upper() if setting.choices else value


def _path(text: str) -> Path | None:
    return None if "\0" in text else Path(text).expanduser().absolute()


def _port(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= 65535 else None


def _host(text: str) -> str | None:
    return text if re.fullmatch(r"[A-Za-z0-9._-]{1,253}|\[?[0-9A-Fa-f:.%a-z]{2,60}\]?", text) else None


def _url(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        ready = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        return None
    plain = "@" not in parts.netloc and not parts.query and not parts.fragment and text.isprintable()
    return text.rstrip("/") if ready and plain and " " not in text else None


def _yes_no(text: str) -> bool | None:
    word = text.lower()
    return True if word in _YES else False if word in _NO else None


def _matching(pattern: str) -> Any:
    compiled = re.compile(pattern)
    return lambda text: text if compiled.fullmatch(text) else None


def _text(text: str) -> str | None:
    return text if text.isprintable() and len(text) <= 200 else None


_SPAN = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?", re.ASCII)


def _span(text: str) -> int | None:
    """µs; 0 for none."""
    if text.lower() in {"0", "off"}:
        return 0
    match = _SPAN.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return total * 1_000_000 if total <= 3660 * 86_400 else None


_READERS: dict[Kind, Any] = {
    "path": _path,
    "text": _text,
    "choice": _text,
    "host": _host,
    "port": _port,
    "url": _url,
    "yes_no": _yes_no,
    "span": _span,
    "owner_key": _matching(r"[A-Za-z0-9_.-]{16,200}"),
    "api_key": _matching(r"[!-~]{1,500}"),
    "name": _matching(r"[A-Za-z0-9_.:-]{1,100}"),
}
