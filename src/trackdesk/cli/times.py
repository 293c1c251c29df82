"""Times on the command line: what people type, and what they are shown."""

from __future__ import annotations

import re

from trackdesk.cli.table import Cell
from trackdesk.domain.instant import parse_duration, parse_instant
from trackdesk.widgets import when

now = when.wall_clock
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)


def since(text: str) -> int:
    """µs: `2h` before now, or a time. Raises ValueError."""
    length = _span(text)
    return _instant_or_span(text) if length is None else now() - length


def ahead(text: str) -> int:
    """µs: `90d` from now, or a time. Raises ValueError."""
    length = _span(text)
    return _instant_or_span(text) if length is None else now() + length


def instant(text: str) -> int:
    """µs: RFC 3339 or epoch seconds. Raises ValueError."""
    return parse_instant(int(text)) if text.isdecimal() else parse_instant(text)


def _instant_or_span(text: str) -> int:
    try:
        return instant(text)
    except ValueError:
        accepted = "a duration (30m, 7d) or an RFC 3339 time with an offset (2026-01-02T03:04:05Z)"
        raise ValueError(f"expected {accepted}, not {text!r}") from None


def _span(text: str) -> int | None:
    """None of what is no duration. Raises ValueError of one that is too long."""
    try:
        return parse_duration(text)
    except ValueError:
        if text[:-1].isdecimal() and text[-1:] in "smhd":
            raise
        return None


def ago(at: int | None) -> str:
    return "-" if at is None else when.ago(at, now())


def span(duration: int | None) -> str:
    return "-" if duration is None else when.span(duration)


def rounded(duration: int | None) -> str:
    return "-" if duration is None else when.rounded(duration)


def full(at: int | None) -> str | None:
    """The instant and how long ago that is, None for none."""
    if at is None:
        return None
    distance = when.ahead(at, now()) if at > now() else when.ago(at, now())
    return f"{when.absolute(at)} ({distance})"


def due(at: int | None) -> str | None:
    """Like `full`, of a deadline or a next start: never with more time left than there is."""
    if at is None:
        return None
    return f"{when.absolute(at)} ({when.until(at, now())})" if at > now() else full(at)


def said(text: str) -> str:
    """A sentence of the server's with its times as all others are said here."""
    return _TIME.sub(lambda found: full(parse_instant(found[0])) or "", text)


def left(deadline: int | None) -> Cell:
    """How long until a deadline, or since when it has passed."""
    text = when.until(deadline, now())
    return Cell(text or "-", "bad" if text.startswith("late") else "")


def clock(at: int) -> str:
    return when.clock(at)
