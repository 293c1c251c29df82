"""What the verbs share: the flags every verb has, settings, and where data and talk go."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackdesk import settings as table
from trackdesk.sdk.values import plain_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.sdk.http import Http
    from trackdesk.sdk.locate import Target


def add_common(parser: argparse.ArgumentParser) -> None:
    """The flags that every verb takes."""
    group = parser.add_argument_group("everywhere")
    add_settings(group, "url", "api_key", "data_dir", "namespace")
    group.add_argument("--json", action="store_true", help="data as JSON")
    group.add_argument("--quiet", "-q", action="store_true", help="no talk on stderr, only errors")


def add_settings(parser: argparse.ArgumentParser | argparse._ArgumentGroup, *names: str) -> None:
    """Flags for settings of the table, in its words."""
    for name in names:
        setting = table.BY_NAME[name]
        if setting.flag is None:
            raise ValueError(f"{name} has no flag")
        if setting.kind == "yes_no":
            parser.add_argument(setting.flag, action="store_const", const="true", help=setting.help)
        else:
            shown = {"path": "DIR", "api_key": "FILE", "url": "URL", "span": "DURATION"}.get(setting.kind, name.upper())
            suffix = f" ({setting.default})" if setting.default else ""
            parser.add_argument(setting.flag, metavar=shown, help=setting.help + suffix)


def terminal_width() -> int:
    """Columns for help texts. argparse would load shutil and four compressors to learn it, for every verb."""
    try:
        return min(100, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (AttributeError, OSError, ValueError):  # closed, no terminal
        return 80


def settings_of(args: argparse.Namespace) -> table.Settings:
    """The settings with this command line's flags on top. Raises SettingsError."""
    flags = {
        dest: str(value)
        for setting in table.SETTINGS
        if setting.flag is not None
        and (value := getattr(args, dest := setting.flag[2:].replace("-", "_"), None)) is not None
    }
    return table.load(flags)


def connect(settings: table.Settings) -> Http:
    """A connection to the server. Raises ServerAway when none is named and none runs here."""
    from trackdesk.sdk.http import Http

    return Http(target_of(settings))


def target_of(settings: table.Settings) -> Target:
    """The server to talk to. Raises ServerAway when none is named and none runs here."""
    from trackdesk.sdk.http import ServerAway

    target = settings.target()
    if target is None:
        raise ServerAway(
            f"no server runs on {settings.data_dir}: start one with `trackdesk serve`, or name another with --url"
        )
    return target


def send_kept(http: Http, settings: table.Settings) -> None:
    """What earlier commands couldn't send goes out with whoever gets through."""
    from trackdesk.sdk.spool import Spool

    Spool(settings.spool).flush(http)


def checked(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """For argparse's `type=`: keeps the sentence of a ValueError, which argparse otherwise replaces by its own."""

    def parse(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def whole(name: str, least: int = 1, most: int = 2**53 - 1) -> Callable[[str], int]:
    """For argparse's `type=`: a whole number of the named flag, `least` to `most`, both included."""
    accepted = f"from {least} on" if most == 2**53 - 1 else f"from {least} to {most}"

    def read(text: str) -> int:
        digits = text.isascii() and text.isdecimal() and len(text) <= 16
        if not digits or not least <= int(text) <= most:
            raise ValueError(f"{name}: expected a whole number {accepted}, not {text!r}")
        return int(text)

    return checked(read)


def add_limit(parser: argparse.ArgumentParser | argparse._ArgumentGroup, absent: str, most: int = 100_000) -> None:
    """`--limit`, of which `absent` says what it is when it isn't given."""
    read = whole("limit", 1, most)
    parser.add_argument("--limit", "-n", metavar="N", type=read, help=f"how many at most ({absent})")


def tag(text: str) -> tuple[str, str]:
    """`k=v`. Raises ValueError."""
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise ValueError(f"tag: expected KEY=VALUE, not {text!r}")
    return key, value


def finite(name: str, text: str) -> float:
    """A number that JSON has. Raises ValueError, naming it."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, not {text!r}")
    return number


def json_object(text: str) -> dict[str, Any]:
    """JSON text, or `@FILE` with such text in it. Raises ValueError."""
    try:
        value = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except OSError as error:
        raise ValueError(f"context: {text[1:]} can't be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"context: expected a JSON object or @FILE ({error})") from None
    if not isinstance(value, dict):
        raise ValueError(f"context: expected a JSON object, not {text[:80]!r}")
    if plain_object(value) != value:
        raise ValueError("context: expected at most 64 KiB of plain JSON")
    return value


def print_json(value: object) -> None:
    """What a terminal would obey is escaped, as JSON escapes it."""
    from trackdesk.domain.safe import as_json

    # Spelt out where the locale can't show it: JSON stays whole then.
    shows_all = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    print(as_json(json.dumps(value, ensure_ascii=not shows_all, indent=2)))


def say(args: argparse.Namespace, text: str) -> None:
    """Talk, for people: to stderr, unless they asked for quiet."""
    if not args.quiet:
        complain(text)


def complain(text: str) -> None:
    """One line on stderr; what it repeats of names and answers may hold what a terminal would obey."""
    from trackdesk.domain.safe import safe_text

    print(f"trackdesk: {safe_text(text)}", file=sys.stderr)
