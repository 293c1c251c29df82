"""Times and durations as they travel: integer microseconds inside, RFC 3339 UTC outside."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.errors import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

EARLIEST = 0
LATEST = 253_402_300_799 * SECOND
"""9999-12-31T23:59:59Z, the last second that RFC 3339 can write."""
LONGEST_DURATION = 3660 * DAY

_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_SHORT = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?(?:(\d{1,9})ms)?", re.ASCII)
_ISO = re.compile(
    r"P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.(\d{1,6}))?S)?)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

INSTANT_HINT = "an RFC 3339 time with an offset (2026-01-02T03:04:05Z) or epoch seconds"
DURATION_HINT = 'a duration such as "30m", "1h30m", "45s" or "PT30M"'


def parse_rfc3339(text: str) -> int:
    """µs since the epoch. Raises ValueError, also when the offset is missing."""
    if len(text) == 27 and text[19] == "." and text[26] == "Z" and text.isascii():
        # As we write it ourselves; and what is told together mostly happened within few seconds.
        whole, fraction = _at_second(text[:19]), text[20:26]
        if whole is not None and fraction.isdigit() and whole < LATEST:
            return whole + int(fraction)
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {INSTANT_HINT}, not {shorten(text)}")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"expected {INSTANT_HINT}, not {shorten(text)} ({error})") from None
    if int(second) > 60:
        raise ValueError(f"expected {INSTANT_HINT}, not {shorten(text)}")
    micros = (moment - _EPOCH) // timedelta(microseconds=1) + int((fraction or "").ljust(6, "0")[:6] or 0)
    if int(second) == 60:  # a leap second counts as the start of the next one
        micros += SECOND
    if zone not in "Zz":
        offset = int(zone[1:3]) * HOUR + int(zone[4:6]) * MINUTE
        if int(zone[1:3]) > 23 or int(zone[4:6]) > 59:
            raise ValueError(f"expected {INSTANT_HINT}, not {shorten(text)}")
        micros += -offset if zone[0] == "+" else offset
    return within(micros, text)


def parse_rfc3339_all(texts: Sequence[str]) -> list[int]:
    """The same for many, quicker where all are written as we write them. Raises ValueError; TypeError for no text."""
    together = "".join(texts)
    if set(map(len, texts)) == {27} and set(together[19::27]) == {"."} and set(together[26::27]) == {"Z"}:
        seconds, fractions = [text[:19] for text in texts], [text[20:26] for text in texts]
        whole = {second: _at_second(second) for second in set(seconds)}
        known = {second: at for second, at in whole.items() if at is not None and at < LATEST}
        if together.isascii() and "".join(fractions).isdigit() and len(known) == len(whole):
            return [known[second] + int(fraction) for second, fraction in zip(seconds, fractions, strict=True)]
    return list(map(parse_rfc3339, texts))


@lru_cache(maxsize=1024)
def _at_second(text: str) -> int | None:
    """Without its zone, which is UTC."""
    try:
        return parse_rfc3339(text + "Z")
    except ValueError:
        return None


def within(micros: int, given: object) -> int:
    """The same number, or ValueError when it can't be written as RFC 3339."""
    if not EARLIEST <= micros <= LATEST:
        raise ValueError(f"expected a time between 1970 and 9999, not {shorten(given)}")
    return micros


def parse_instant(value: object) -> int:
    """Accepts RFC 3339 text and epoch seconds (int or float); gives µs. Raises ValueError."""
    if isinstance(value, str):
        return parse_rfc3339(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected {INSTANT_HINT}, not {shorten(value)}")
    if isinstance(value, float):
        if not math.isfinite(value * SECOND):
            raise ValueError(f"expected {INSTANT_HINT}, not {shorten(value)}")
        return within(round(value * SECOND), value)
    return within(value * SECOND, value)


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def format_instant(micros: int) -> str:
    """RFC 3339 UTC with six digits: `2026-01-02T03:04:05.678901Z`."""
    second, fraction = divmod(micros, SECOND)
    return f"{_second(second)}.{fraction:06d}Z"


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> int:
    """`30m`, `1h30m`, `90s`, `250ms` or ISO 8601 without months and years; gives µs ≥ 0. Raises ValueError."""
    micros: int | None = None
    if (match := _SHORT.fullmatch(text)) and text:
        parts = [int(part or 0) for part in match.groups()]
        micros = parts[0] * DAY + parts[1] * HOUR + parts[2] * MINUTE + parts[3] * SECOND + parts[4] * 1000
    elif (match := _ISO.fullmatch(text)) and text[-1] not in "PT":
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:5])
        micros = (weeks * 7 + days) * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND
        micros += int((match.group(6) or "").ljust(6, "0") or 0)
    if micros is None:
        raise ValueError(f"expected {DURATION_HINT}, not {shorten(text)}")
    if micros > LONGEST_DURATION:
        raise ValueError(f"expected a duration of at most ten years, not {shorten(text)}")
    return micros


def format_duration(micros: int) -> str:
    """The shortest text that `parse_duration` reads back: `1h30m`, `45s`, `0s`; below a millisecond `PT0.000001S`."""
    if micros % 1000:
        days, rest = divmod(micros, DAY)
        return f"P{days}DT{rest // SECOND}.{rest % SECOND:06d}S"
    rest, text = micros, ""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1000, "ms")):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _read_instant(value: object) -> int:
    return parse_instant(value)


def _read_duration(value: object) -> int:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"expected {DURATION_HINT} or seconds, not {shorten(value)}")
    if value * SECOND > LONGEST_DURATION:
        raise ValueError(f"expected a duration of at most ten years, not {shorten(value)}")
    return round(value * SECOND)


_INSTANT_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0, "maximum": 253402300799}]
}
_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": r"^(P.*|([0-9]+(d|h|m|s|ms))+)$", "examples": ["30m", "PT30M"]},
        {"type": "number", "minimum": 0},
    ]
}

Instant = Annotated[
    int,
    BeforeValidator(_read_instant),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema(_INSTANT_SCHEMA, mode="validation"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""µs since the epoch; on the wire RFC 3339 UTC, in input also epoch seconds."""

Duration = Annotated[
    int,
    BeforeValidator(_read_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema(_DURATION_SCHEMA, mode="validation"),
    WithJsonSchema({"type": "string"}, mode="serialization"),
]
"""µs; on the wire text such as `30m`, in input also seconds."""

Seconds = Annotated[
    int,
    BeforeValidator(_read_duration),
    PlainSerializer(lambda micros: micros / SECOND, return_type=float, when_used="json"),
    WithJsonSchema(_DURATION_SCHEMA, mode="validation"),
    WithJsonSchema({"type": "number"}, mode="serialization"),
]
"""µs; on the wire seconds as a number."""
