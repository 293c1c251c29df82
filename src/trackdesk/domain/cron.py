"""Cron lines in time zones, as cron runs them when the clocks change.

cronsim reads the lines and walks the wall clock; what the wall clock is worth in a zone is worked out here. A line
whose minute and hour are both fixed (`30 2 * * *`) fires once: just after the jump when its time is skipped, the first
time when its time comes twice. Any other (`*/15 * * * *`) runs by real time: what is skipped does not fire, and what
comes twice fires twice. This is what cron does.
"""

from __future__ import annotations

import re
from copy import copy
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.errors import shorten
from trackdesk.domain.instant import LATEST

ANCHOR = 1_704_067_200 * SECOND
"""2024-01-01, a Monday in a leap year: where a line is tried from."""
_CALENDAR_REPEATS = 28 * 366 * 86_400 * SECOND
"""Every date falls on every day of the week within 28 years; what does not fire in them never does."""

_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)
_NONE = timedelta()
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,3}", re.ASCII)
_NO_ZONES = frozenset({"localtime", "posix", "posixrules", "right"})
LINE_HINT = "five fields (minute hour day-of-month month day-of-week) such as 0 2 * * 1-5, or @daily"
ZONE_HINT = "an IANA time zone such as Europe/Berlin"


class _Line(NamedTuple):
    walker: CronSim
    fixed: bool
    """Whether it names its minute and hour, and so fires once also when the clocks change."""


def check_line(line: str) -> str:
    """The line with single spaces. Raises ValueError when cron could not read it, or when it never fires."""
    line = " ".join(line.split())
    if len(_ALIASES.get(line.lower(), line).split()) != 5:
        raise ValueError(f"expected {LINE_HINT}, not {shorten(line)}")
    try:
        fires = next_after(line, "UTC", ANCHOR)
    except CronSimError as error:
        if _impossible_date(line):
            raise ValueError(f"{shorten(line)} never fires: no month of it has that day") from None
        raise ValueError(f"expected {LINE_HINT}, not {shorten(line)}: {str(error).lower()}") from None
    if fires > ANCHOR + _CALENDAR_REPEATS:
        raise ValueError(f"{shorten(line)} never fires: no month of it has that day")
    return line


def _impossible_date(line: str) -> bool:
    """Whether the line is refused only for its days: with another month it can be read."""
    fields = line.split()
    try:
        _parse(" ".join((*fields[:3], "*", fields[4])))
        _parse(" ".join((*fields[:2], "1", *fields[3:])))
    except CronSimError:
        return False
    return True


def check_zone(name: str) -> str:
    """The name. Raises ValueError for a zone that the system's data does not have, or has only beside the zones: this
    machine's own, and copies of all zones that count leap seconds."""
    if _ZONE.fullmatch(name) is not None and name.partition("/")[0] not in _NO_ZONES:
        try:
            _zone(name)
        except (KeyError, ValueError, OSError):  # a folder of zones is no zone: OSError
            pass
        else:
            return name
    raise ValueError(f"expected {ZONE_HINT}, not {shorten(name)}")


def wall_time(at: int, zone: str) -> datetime:
    """What the clock shows there at `at` (µs)."""
    return (_EPOCH + timedelta(seconds=at // SECOND)).astimezone(_zone(zone))


def next_after(line: str, zone: str, at: int) -> int:
    """The first instant (µs) after `at` (µs); LATEST when none comes before the end of time."""
    return _next_after(line, zone, at // MINUTE)


@lru_cache(maxsize=16_384)
def _next_after(line: str, zone: str, minute: int) -> int:
    """It fires at whole minutes, so all of a minute has one answer; processes that are expected together share it."""
    walker, fixed = _parse(line)
    at = minute * MINUTE
    walker = copy(walker)
    try:
        if zone == "UTC":
            walker.dt = _WALL_EPOCH + timedelta(seconds=at // SECOND)
            return (next(walker) - _WALL_EPOCH) // _MICROSECOND
        return _next_in_zone(walker, fixed, _zone(zone), at)
    except (StopIteration, OverflowError, ValueError):
        return LATEST


def _next_in_zone(walker: CronSim, fixed: bool, zone: tzinfo, at: int) -> int:
    here = (_EPOCH + timedelta(seconds=at // SECOND)).astimezone(zone)
    wall = here.replace(tzinfo=None, fold=0)
    if fixed:
        walker.dt, best = wall, LATEST
    else:  # before the clock is set back, a time that has been on the wall may come once more
        walker.dt, best = wall - _still_to_repeat(here), LATEST
    while True:
        candidate = next(walker)
        for fire in (_once(candidate, zone),) if fixed else _each_time(candidate, zone):
            if at < fire < best:
                best = fire
        if candidate > wall and best < LATEST:
            return best


def _still_to_repeat(here: datetime) -> timedelta:
    return max(_offset(here) - _offset(here.replace(fold=1)), _NONE)


def _offset(here: datetime) -> timedelta:
    offset = here.utcoffset()
    assert offset is not None, "it has a zone"
    return offset


def _once(wall: datetime, zone: tzinfo) -> int:
    """The first instant at which the clock shows this time, or the first after it when it is skipped."""
    while not (fires := _each_time(wall, zone)):
        wall += _MINUTE
    return fires[0]


def _each_time(wall: datetime, zone: tzinfo) -> tuple[int, ...]:
    """The instants at which the clock shows this time: one; none where it is skipped; two where it is repeated."""
    local, since_epoch = wall.replace(tzinfo=zone), wall - _WALL_EPOCH
    before, after = _offset(local), _offset(local.replace(fold=1))
    if before < after:
        return ()
    first = (since_epoch - before) // _MICROSECOND
    return (first,) if before == after else (first, (since_epoch - after) // _MICROSECOND)


@lru_cache(maxsize=4096)
def _parse(line: str) -> _Line:
    """Raises CronSimError."""
    fields = _ALIASES.get(line.lower(), line).split()
    fixed = not fields[0].startswith("*") and not fields[1].startswith("*")
    return _Line(CronSim(" ".join(fields), _WALL_EPOCH), fixed)


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)
