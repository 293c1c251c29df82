"""Counts samples up by minute, hour and day: what has arrived when a minute closes, and sooner when that is much.

Samples are taken in the order of arrival, each once: what is counted and up to which sample are written together, so
that a late one is counted like all others, into the minute, hour and day of its own time. Reading and adding up happen
beside the writer, which gets whole rows and packs in small operations.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.measures import Measures
from trackdesk.engine.workers import Supervised
from trackdesk.store import metric_cells as stored
from trackdesk.store.metric_cells import PACKS, SPANS, Change, Counted, Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from trackdesk.domain.clock import Clock
    from trackdesk.domain.metric import Recorded
    from trackdesk.store.metric_cells import Packed
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Writer

DELAY: Final = 2 * SECOND
"""µs behind the end of a minute at which it is counted."""
OPEN: Final = 2 * MINUTE
"""µs that a minute stays a row at least: what comes later than that has to be put into packs, which is dear."""
PACKED: Final = 10 * MINUTE
"""Minutes are packed so many µs at a time."""
MANY: Final = 20_000
"""Samples that have arrived are counted before their minute closes: charts read them one by one until then."""
CHUNK: Final = 1000
"""Samples read at once."""
CELLS: Final = 1000
"""Minutes that one operation writes."""
LATE: Final = 60
"""Of them in packs, which are dear."""
SERIES: Final = 10
"""Whose minutes or hours are packed in one operation."""
_NEVER: Final = 2**62
"""Days are never rows."""


class MetricRollups(Supervised):
    """The worker; see the module."""

    name = "metric_rollups"

    def __init__(self, clock: Clock, writer: Writer, readers: Readers) -> None:
        super().__init__(clock)
        self._writer = writer
        self._readers = readers
        self._arrived = 0
        self._read: list[tuple[int, int, int, float]] = []
        """What comes next, the last first."""
        self._families: dict[int, int] = {}
        self._wake = asyncio.Event()

    def take(self, recorded: Sequence[Recorded]) -> None:
        """Samples were committed."""
        self._arrived += len(recorded)
        if self._arrived >= MANY:
            self._wake.set()

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            self._arrived = 0
            await self.catch_up()
            self._well()
            await self._clock.wait(self._wake, MINUTE - (self._clock.now() - DELAY) % MINUTE)

    async def catch_up(self) -> None:
        """Count all samples that are stored, pack what is over."""
        self._read = []
        until = (self._clock.now() - OPEN) // PACKED * PACKED
        counted = await self._counted(until)
        while (counting := await self._next(counted)) is not None:
            minutes, last = counting
            counted = counted._replace(samples_to=last)
            await self._write(await self._changed(minutes, counted), counted)
        if until > counted.minutes_to:
            counted = await self._fold(0, counted, counted._replace(minutes_to=until))
        if (days_to := counted.minutes_to // DAY * DAY) > counted.days_to:
            await self._fold(1, counted, counted._replace(days_to=days_to))

    async def _counted(self, until: int) -> Counted:
        while True:
            async with self._readers.connection() as connection:
                if (counted := await stored.counted(connection)) is not None:
                    return counted
            await self._writer.run(lambda tx: stored.start(tx, until))

    async def _next(self, counted: Counted) -> tuple[dict[Place, Measures], int] | None:
        """The minutes of the next samples, and the last of these; None when all are counted."""
        found: dict[tuple[int, int], list[tuple[int, float]]] = {}
        last, late = counted.samples_to, 0
        while len(found) < CELLS and late < LATE:
            if not self._read:
                self._read = await stored.samples_after(self._readers, last, CHUNK)
                if not self._read:
                    break
            while self._read and late < LATE:
                last, series_id, at, value = self._read.pop()
                key = (series_id, at // MINUTE)
                samples = found.get(key)
                if samples is None:
                    samples = found[key] = []
                    late += key[1] * MINUTE < counted.minutes_to
                samples.append((at, value))
            await asyncio.sleep(0)
        minutes = {Place(0, key[0], key[1] * MINUTE): _measured(samples) for key, samples in found.items()}
        return (minutes, last) if minutes else None

    async def _changed(self, minutes: dict[Place, Measures], counted: Counted) -> Change:
        """What is stored of these minutes, and of the hours and days that are counted already, with them."""
        added = dict(minutes)
        late = [place for place in minutes if place.at < counted.minutes_to]
        await self._learn_families(late)
        for place in late:
            for series_id in self._with_family(place):
                _add(added, Place(1, series_id, place.at // HOUR * HOUR), minutes[place])
                if place.at < counted.days_to:
                    _add(added, Place(2, series_id, place.at // DAY * DAY), minutes[place])
        return await self._merged(added, counted)

    async def _learn_families(self, places: Iterable[Place]) -> None:
        unknown = {place.series_id for place in places if place.series_id > 0} - self._families.keys()
        if unknown:
            self._families |= await stored.families(self._readers, unknown)

    def _with_family(self, place: Place) -> Iterator[int]:
        yield place.series_id
        family = self._families.get(place.series_id)
        if family is not None and place.level == 0:
            yield family

    async def _merged(self, added: dict[Place, Measures], counted: Counted, folded: Sequence[Place] = ()) -> Change:
        """Cells together with what is stored of them, in rows or packs as is right for their time."""
        packed_to = (counted.minutes_to, counted.days_to, _NEVER)
        rows = [place for place in added if place.at >= packed_to[place.level]]
        known = await stored.cells(self._readers, rows)
        cells = []
        async for place in _unhurried(rows):
            _add(known, place, added[place])
            cells.append(stored.cell_row(place, known[place]))
        wanted: dict[Place, list[Place]] = {}
        for place in added.keys() - set(rows):
            pack = place._replace(at=place.at // PACKS[place.level] * PACKS[place.level])
            wanted.setdefault(pack, []).append(place)
        contents = await stored.packs(self._readers, list(wanted))
        packs = []
        async for pack in _unhurried(list(wanted), 5):
            content = contents.get(pack, {})
            for place in wanted[pack]:
                _put(content, place, added[place])
            packs.append(stored.pack_row(pack, content))
        return Change(cells, packs, folded)

    async def _write(self, change: Change, counted: Counted) -> None:
        await self._writer.run(partial(stored.write, change=change, counted=counted))

    async def _fold(self, level: int, counted: Counted, then: Counted) -> Counted:
        """Put minutes (level 0) or hours (1) that are before `then` into packs, and count hours or days of them."""
        before = then.days_to if level else then.minutes_to
        every = await stored.series_with_rows(self._readers, level)
        for begin in range(0, len(every), SERIES):
            some = await stored.rows_before(self._readers, level, every[begin : begin + SERIES], before)
            if some:
                await self._write(await self._folded(level, some, then), counted)
        await self._writer.run(lambda tx: stored.move(tx, then))
        return then

    async def _folded(self, level: int, some: Sequence[tuple[Place, Measures]], then: Counted) -> Change:
        added, span = dict(some), SPANS[level + 1]
        await self._learn_families(added)
        for place, measures in some:
            for series_id in self._with_family(place):
                _add(added, Place(level + 1, series_id, place.at // span * span), measures)
        return await self._merged(added, then, [place for place, _ in some])


async def _unhurried(places: Sequence[Place], size: int = 100) -> AsyncIterator[Place]:
    """So many at a time, then everybody else gets a turn."""
    for index, place in enumerate(places, 1):
        yield place
        if index % size == 0:
            await asyncio.sleep(0)


def _measured(samples: Sequence[tuple[int, float]]) -> Measures:
    measures = Measures()
    measures.add_all(samples)
    return measures


def _add(found: dict[Place, Measures], place: Place, measures: Measures) -> None:
    known = found.get(place)
    if known is None:
        known = found[place] = Measures()
    known.take(*measures.row())


def _put(content: Packed, place: Place, measures: Measures) -> None:
    index = stored.number(place.level, place.at)
    known = content.get(index)
    if known is not None:
        both = Measures()
        both.take(*known)
        both.take(*measures.row())
        measures = both
    content[index] = measures.row()
