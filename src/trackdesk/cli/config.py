"""`trackdesk config`: every setting, its value, and where that comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.cli.common import add_settings, print_json, settings_of
from trackdesk.cli.exits import OK
from trackdesk.settings import SETTINGS, Setting, Settings

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "host", "port", "log_level", "retention", "read_only", "theme", "ascii")


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    rows = [
        (setting.name, _shown(settings, setting), settings.source(setting.name), setting.env) for setting in SETTINGS
    ]
    if args.json:
        print_json({name: {"value": value, "source": source, "env": env} for name, value, source, env in rows})
        return OK
    texts = [
        (name, "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value), source)
        for name, value, source, _ in rows
    ]
    from trackdesk.domain.safe import safe_text

    widths = [max(len(row[column]) for row in texts) for column in (0, 1)]
    for name, value, source in texts:
        print(safe_text(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}"))
    return OK


def _shown(settings: Settings, setting: Setting) -> str | int | bool | None:
    value = getattr(settings, setting.name)
    if setting.secret:
        return "not set" if value is None else "set"
    if setting.kind == "span":
        return _span(value) if value else "off"
    return value if value is None or isinstance(value, bool | int) else str(value)


def _span(micros: int) -> str:
    """As the setting reads it; `domain` has the same for the server, but takes longer to load than all of this verb."""
    rest, text = micros // 1_000_000, ""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text
