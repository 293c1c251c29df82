"""Ranges of time cut into buckets: minutes and hours alike everywhere, days as a zone has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

MOST_BUCKETS: Final = 1000


def usual_size(length: int) -> int:
    """The bucket (µs) for a range of `length` µs when none is asked for."""
    if length <= 3 * HOUR:
        return MINUTE
    return HOUR if length <= 7 * DAY else DAY


def edges(start: int, end: int, size: int, zone: tzinfo) -> list[int]:
    """Where buckets of `size` µs begin, and where the last one ends, so that [start, end) lies inside.

    Whole days go from midnight to midnight of `zone`, counted from the day of `start`, and may have 23 or 25 hours.
    Others are multiples of their size since 1970 in UTC. Raises ValueError for more than `MOST_BUCKETS`.
    """
    if (end - start) // size > MOST_BUCKETS:
        raise ValueError(f"expected at most {MOST_BUCKETS} buckets; take longer ones or a shorter range")
    found = _days(start, end, size // DAY, zone) if size % DAY == 0 else _multiples(start, end, size)
    if len(found) > MOST_BUCKETS + 1:
        raise ValueError(f"expected at most {MOST_BUCKETS} buckets; take longer ones or a shorter range")
    return found


def _multiples(start: int, end: int, size: int) -> list[int]:
    first = start // size * size
    last = -(-max(end, first + 1) // size) * size
    return list(range(first, last + 1, size))


def _days(start: int, end: int, days: int, zone: tzinfo) -> list[int]:
    day = datetime.fromtimestamp(start // SECOND, UTC).astimezone(zone).replace(tzinfo=None)
    day = day.replace(hour=0, minute=0, second=0)
    found = [_midnight(day, zone)]
    while found[-1] < end or len(found) == 1:
        day += timedelta(days=days)
        found.append(_midnight(day, zone))
    return found


def _midnight(day: datetime, zone: tzinfo) -> int:
    """Where the clock skips midnight, the day begins at the moment it does."""
    return int(day.replace(tzinfo=zone).timestamp()) * SECOND


class Piece(NamedTuple):
    """A part of a range, and what it is read from: `day`, `hour` or `minute` rows, `pack` (minutes of an hour that is
    not over), or `open`: the runs themselves."""

    kind: Literal["day", "hour", "minute", "pack", "open"]
    start: int
    end: int


class Share(NamedTuple):
    """Rows of hours or days from `start` to `end`, to be added (`sign` 1) or taken out (-1)."""

    kind: Literal["day", "hour"]
    start: int
    end: int
    sign: int


class Counted(NamedTuple):
    """Up to where minutes, hours and days are counted (µs; 0: nothing is)."""

    minutes_to: int = 0
    hours_to: int = 0
    days_to: int = 0


def cover(bounds: Sequence[int], counted: Counted) -> list[Piece]:
    """The coarsest pieces that together are all buckets, none of them across the edge of a bucket."""
    pieces: list[Piece] = []
    for start, end in pairwise(bounds):
        if pieces and pieces[-1].kind == "hour" and pieces[-1].end == start and _is_hours(start, end, counted):
            pieces[-1] = Piece("hour", pieces[-1].start, end)  # what most buckets are, the quickest way
            continue
        for piece in _cover_one(start, end, counted):
            if piece.start >= piece.end:
                continue
            if pieces and pieces[-1].kind == piece.kind and pieces[-1].end == piece.start:
                pieces[-1] = pieces[-1]._replace(end=piece.end)
            else:
                pieces.append(piece)
    return pieces


def _cover_one(start: int, end: int, counted: Counted) -> Iterator[Piece]:
    minutes, hours = min(end, max(start, counted.minutes_to)), min(end, max(start, counted.hours_to))
    first, last = -(-start // HOUR) * HOUR, hours // HOUR * HOUR
    if first >= last:
        yield from _minutes("minute", start, hours)
    else:
        yield from _minutes("minute", start, first)
        yield from _hours(first, last, counted.days_to)
        yield from _minutes("minute", last, hours)
    yield from _minutes("pack", hours, minutes)
    yield Piece("open", minutes, end)


def _minutes(kind: Literal["minute", "pack"], start: int, end: int) -> Iterator[Piece]:
    """Of the minutes at the ends that are not whole the runs are read."""
    first, last = -(-start // MINUTE) * MINUTE, end // MINUTE * MINUTE
    if first >= last:
        yield Piece("open", start, end)
    else:
        yield Piece("open", start, first)
        yield Piece(kind, first, last)
        yield Piece("open", last, end)


def _hours(start: int, end: int, days_to: int) -> Iterator[Piece]:
    first, last = -(-start // DAY) * DAY, min(end, days_to) // DAY * DAY
    if first >= last:
        yield Piece("hour", start, end)
    else:
        yield Piece("hour", start, first)
        yield Piece("day", first, last)
        yield Piece("hour", last, end)


def shares(start: int, end: int, days_to: int, hours_from: int) -> list[Share]:
    """The fewest rows that together are [start, end), whole hours that are all counted.

    A day that the range has most of is added, and the hours of it that are outside are taken out again; not soon after
    `hours_from`, before which hours are not kept.
    """
    if end - start <= DAY // 2:
        return [Share("hour", start, end, 1)]
    half = DAY // 2 if start >= hours_from + DAY else 0
    first, last = -(-(start - half) // DAY) * DAY, min((end + half) // DAY, days_to // DAY) * DAY
    rows = (abs(first - start) + abs(last - end)) // HOUR + (last - first) // DAY
    if first >= last or rows >= (end - start) // HOUR:
        return [Share("hour", start, end, 1)]
    found = [Share("day", first, last, 1)]
    for low, high in ((start, first), (last, end)):
        if low != high:
            found.append(Share("hour", min(low, high), max(low, high), 1 if low < high else -1))
    return found


def _is_hours(start: int, end: int, counted: Counted) -> bool:
    """Whether no rows but those of hours can have it."""
    return end <= counted.hours_to and end - start < DAY and start % HOUR == end % HOUR == 0
