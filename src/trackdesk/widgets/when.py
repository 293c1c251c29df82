"""Times as people read them. Instants are integer microseconds UTC, durations microseconds."""

import time
from datetime import UTC, datetime, tzinfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
YEAR = 365 * DAY
_COARSE = ((SECOND, "s", 60), (MINUTE, "m", 60), (HOUR, "h", 48), (DAY, "d", 28), (WEEK, "w", 100))
"""Units, and how many of each are said before the next one is."""
_SHOWN = ((1000, SECOND), (SECOND, 10 * MINUTE), (MINUTE, DAY))
"""The least that `span` shows of durations up to a limit."""


def span(duration: int) -> str:
    """A duration in at most six cells, two units at most: `41s`, `2m11s`, `3h08`, `2d04h`, `6w`, `3y`."""
    duration = abs(duration)
    if duration < SECOND:
        return f"{duration // 1000}ms"
    if duration < MINUTE:
        return f"{duration // SECOND}s"
    if duration < 10 * MINUTE:
        return f"{duration // MINUTE}m{duration % MINUTE // SECOND:02}s"
    if duration < HOUR:
        return f"{duration // MINUTE}m"
    if duration < DAY:
        return f"{duration // HOUR}h{duration % HOUR // MINUTE:02}"
    if duration < 2 * WEEK:
        return f"{duration // DAY}d{duration % DAY // HOUR:02}h"
    return coarse(duration)


def rounded(duration: int) -> str:
    """A figure that stands for many runs: `10s` for 9.9 s, where `span`, which counts, has begun the ninth."""
    unit = next((unit for unit, limit in _SHOWN if duration < limit), HOUR)
    return span((duration + unit // 2) // unit * unit)


def coarse(duration: int) -> str:
    """A duration in one unit and at most three cells: `41s`, `12m`, `3h`, `13d`, `9w`, `3y`."""
    duration = abs(duration)
    for unit, letter, limit in _COARSE:
        if duration < limit * unit:
            return f"{duration // unit}{letter}"
    return f"{min(duration // YEAR, 99)}y"


def nearest(duration: int) -> str:
    """Like `coarse`, which counts whole units, but to the nearest: `2h` for 1 h 59 min."""
    unit = next((unit for unit, _, limit in _COARSE if duration < limit * unit), YEAR)
    return coarse((duration + unit // 2) // unit * unit)


def coarse_span(duration: int) -> str:
    """Like `coarse`, also under a second: `250ms`, `41s`, `12m`."""
    return f"{duration // 1000}ms" if duration < SECOND else coarse(duration)


def ago(at: int | None, now: int) -> str:
    """`3m ago`; `now` for the last second and for a clock that runs ahead of ours; `never` without an instant."""
    if at is None:
        return "never"
    return "now" if now - at < SECOND else f"{coarse(now - at)} ago"


def until(at: int | None, now: int) -> str:
    """`in 12m` before the instant, `late 4m` after it, `now` within a second of it; empty without one."""
    if at is None:
        return ""
    if abs(at - now) < SECOND:
        return "now"
    return f"in {coarse(at - now)}" if at > now else f"late {coarse(now - at)}"


def ahead(at: int, now: int) -> str:
    """`in 2h`, `in 1h30`, to the nearest, for what ends or goes on by itself; `now` from a second before it on. What is
    due is said by `until`, which rounds down and so never promises time that isn't there."""
    minutes = (at - now + MINUTE // 2) // MINUTE
    if 60 < minutes < 600 and minutes % 60:
        return f"in {span(minutes * MINUTE)}"  # whole hours are half of it off here
    return "now" if at - now < SECOND else f"in {nearest(at - now)}"


def absolute(at: int | None, zone: tzinfo | None = None) -> str:
    """`2026-11-21 22:47:09 CET` in the given zone, else in the machine's own; `-` without an instant."""
    if at is None:
        return "-"
    local = _local(at, zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {zone_name(local)}"


def clock(at: int, zone: tzinfo | None = None) -> str:
    """`22:47:09`, local."""
    return f"{_local(at, zone):%H:%M:%S}"


def day(at: int, zone: tzinfo | None = None) -> str:
    """`21 Nov`, local."""
    return f"{_local(at, zone):%d %b}"


def weekday_clock(at: int, zone: tzinfo | None = None) -> str:
    """`Sat 21 Nov 22:47 CET`: an instant to come, which people know by its weekday; with seconds where it has some."""
    local = _local(at, zone)
    clock_words = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{local:%a %d %b} {clock_words} {zone_name(local)}"


def day_clock(at: int, now: int, zone: tzinfo | None = None) -> str:
    """The clock alone for today, with the day before it for any other: `22:47:09`, `21 Nov 22:47`; 12 cells at most."""
    local = _local(at, zone)
    same = local.date() == _local(now, zone).date()
    return f"{local:%H:%M:%S}" if same else f"{local:%d %b %H:%M}"


def zone_name(local: datetime) -> str:
    name = local.tzname() or ""
    # Zones without an abbreviation call themselves "+03" or the like: say what that counts from.
    return f"UTC{name}" if name[:1] in "+-" else name


def _local(at: int, zone: tzinfo | None) -> datetime:
    whole, micros = divmod(at, SECOND)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=micros).astimezone(zone)


def wall_clock() -> int:
    """The machine's clock: microseconds UTC."""
    return time.time_ns() // 1000
