"""How a journal entry's changes read."""

from __future__ import annotations

import re
from typing import Any

from trackdesk.widgets import when

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


def change(name: str, value: Any) -> str:
    """One member of `changed`: from what to what, or a plain fact."""
    word = name.replace("_", " ")
    if name == "reason":
        return str(value)
    if isinstance(value, list) and len(value) == 2:
        return f"{word} {shown(value[0])} → {shown(value[1])}"
    return f"{word} {shown(value)}"


def shown(value: Any) -> str:
    """A value in words; times as this terminal's clock has them."""
    if value is None or value in ("", {}):
        return "nothing"
    if isinstance(value, dict):
        return " ".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, str) and value[4:5] == "-" and value.endswith("Z"):
        from trackdesk.domain.instant import parse_rfc3339  # noqa: PLC0415 - loaded by now

        try:
            return when.absolute(parse_rfc3339(value))
        except ValueError:
            return value
    return str(value)


def by_this_clock(text: str) -> str:
    """A text of trackdesk's own with its times as this terminal's clock has them."""
    return _TIME.sub(lambda match: shown(match.group()), text)
