"""Counts finished runs up: a minute when it is over, an hour when it is over, a day.

Reading and adding up happen beside the writer, a few hundred rows at a time; the writer gets whole packs and rows in
small operations. Whatever is interrupted is done again from the last cursor, and gives the same.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND
from trackdesk.domain.tally import Tally
from trackdesk.engine.workers import Supervised
from trackdesk.store import rollup_source as source
from trackdesk.store import rollups
from trackdesk.store.counting import HOURS_KEPT, MINUTES_KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackdesk.domain.buckets import Counted
    from trackdesk.domain.clock import Clock
    from trackdesk.domain.tally import Ended
    from trackdesk.store.readers import Readers
    from trackdesk.store.rollups import Name
    from trackdesk.store.writer import Writer

DELAY: Final = 2 * SECOND
"""µs that a minute rests before it is counted, so that those who are slow by a moment need no correction."""
UNSEEN: Final = 30 * DAY
"""µs after which a value without runs gives way, where its tag key has too many."""
REFRESH: Final = 5 * MINUTE
"""µs between two looks at the percentiles of a process."""

PACKED: Final = 2000
"""Counts of series in the minutes that one operation writes."""

Minutes = dict[int, dict["Name", Tally]]


class Space:
    """One namespace: what the worker remembers of it."""

    def __init__(self, namespace_id: int, ids: dict[Name, int]) -> None:
        self.id = namespace_id
        self.ids = ids
        self.full: set[str] = set()
        """Tag keys with as many values as are counted; others of theirs are not even added up."""
        self.refreshed: dict[int, int] = {}
        """By process, when its percentiles were looked at; µs of the steady clock."""

    def counts(self, name: Name) -> bool:
        """Whether a series gets its own count, as far as is known."""
        return name.key not in self.full or name in self.ids


class Rollups(Supervised):
    """The worker; see the module."""

    name = "rollups"

    def __init__(self, clock: Clock, writer: Writer, readers: Readers) -> None:
        super().__init__(clock)
        self._writer = writer
        self._readers = readers
        self._spaces: dict[int, Space] = {}
        self._never = asyncio.Event()

    async def _work(self) -> None:
        while True:
            await self.catch_up()
            self._well()
            await self._clock.wait(self._never, MINUTE - (self._clock.now() - DELAY) % MINUTE)

    async def catch_up(self) -> None:
        """Count everything that can be counted now."""
        until = (self._clock.now() - DELAY) // MINUTE * MINUTE
        for namespace_id in await source.namespaces(self._readers):
            await self._count(namespace_id, until)

    async def _count(self, namespace_id: int, until: int) -> None:
        counted = await source.counted(self._readers, namespace_id)
        if not counted.minutes_to:
            if not await self._writer.run(lambda tx: rollups.begin(tx, namespace_id)):
                return
            counted = await source.counted(self._readers, namespace_id)
        space = self._spaces.get(namespace_id)
        if space is None:
            space = Space(namespace_id, await source.series(self._readers, namespace_id))
            self._spaces[namespace_id] = space
        processes: set[int] = set()
        while True:
            if counted.days_to + DAY <= counted.hours_to:
                counted = await self._count_day(space, counted)
            elif counted.hours_to + HOUR <= counted.minutes_to:
                counted = await self._count_hour(space, counted)
            elif counted.minutes_to < until:
                counted = await self._count_minutes(space, counted, until, processes)
            else:
                break
        while (
            await self._writer.run(partial(rollups.work_in, namespace_id=space.id, counted=counted))
            == rollups.CORRECTIONS
        ):
            pass
        await self._refresh_percentiles(space, counted, processes)

    async def _count_minutes(self, space: Space, counted: Counted, until: int, processes: set[int]) -> Counted:
        """Up to the end of the hour, or over all the time in which nothing ended."""
        start = counted.minutes_to
        first = await source.first_end(self._readers, space.id, start)
        quiet = until if first is None else first // MINUTE * MINUTE
        end = min(until, max(start // HOUR * HOUR + HOUR, quiet))
        await self._writer.run(lambda tx: rollups.seal(tx, space.id, end))
        snapshot = source.Snapshot(self._readers, space.id, start, end)
        minutes: Minutes = {}
        async for runs in snapshot.chunks():
            _add_up(space, minutes, runs)
            await asyncio.sleep(0)
        await self._intern(space, dict.fromkeys(name for tallies in minutes.values() for name in tallies))
        for tallies in minutes.values():
            processes |= {name.process_id for name in tallies if name.kind == "process"}
        await self._write_minutes(space, minutes)
        last = snapshot.last_correction
        await self._writer.run(lambda tx: rollups.minutes_counted(tx, space.id, end, last))
        return counted._replace(minutes_to=end)

    async def _intern(self, space: Space, names: Iterable[Name]) -> None:
        """Keys before their values, because those of a key too many are not counted either."""
        unknown = sorted(name for name in names if name not in space.ids)
        for begin in range(0, len(unknown), 100):
            wanted = [name for name in unknown[begin : begin + 100] if space.counts(name)]
            found = await self._writer.run(partial(rollups.intern, namespace_id=space.id, names=wanted))
            for name, series in found.items():
                if series is None:
                    space.full.add(name.key)
                else:
                    space.ids[name] = series

    async def _write_minutes(self, space: Space, minutes: Minutes) -> None:
        """As many at a time as have some hundreds of series together."""
        some: list[rollups.Minute] = []
        series = 0
        write = partial(rollups.write_minutes, namespace_id=space.id, all_id=space.ids[rollups.ALL])
        for at, tallies in sorted(minutes.items()):
            some.append(rollups.Minute(at, self._pack(space, tallies), tallies[rollups.ALL]))
            series += len(tallies)
            if series >= PACKED:
                await self._writer.run(partial(write, minutes=some))
                some, series = [], 0
        if some:
            await self._writer.run(partial(write, minutes=some))

    @staticmethod
    def _pack(space: Space, tallies: dict[Name, Tally]) -> str:
        return rollups.packed({space.ids[name]: tally for name, tally in tallies.items() if name in space.ids})

    async def _count_hour(self, space: Space, counted: Counted) -> Counted:
        start = counted.hours_to
        first = await source.next_pack(self._readers, space.id, start)
        quiet = counted.minutes_to if first is None else first
        if quiet >= start + HOUR:
            end = min(quiet, counted.minutes_to) // HOUR * HOUR
        else:
            end = start + HOUR
            tallies = await source.of_packs(self._readers, space.id, start, end)
            await self._write_rows("hour", [(series, start, tally) for series, tally in tallies.items()])
        await self._writer.run(lambda tx: rollups.hour_counted(tx, space.id, end))
        await self._give_way(space, end)
        return counted._replace(hours_to=end)

    async def _count_day(self, space: Space, counted: Counted) -> Counted:
        start = counted.days_to
        first = await source.next_row(self._readers, space.ids[rollups.ALL], start)
        quiet = counted.hours_to if first is None else first
        if quiet >= start + DAY:
            end = min(quiet, counted.hours_to) // DAY * DAY
        else:
            end = start + DAY
            for ids in source.in_steps(space.ids.values()):
                tallies = await source.of_hours(self._readers, ids, start, end)
                await self._write_rows("day", [(series, start, tally) for series, tally in tallies.items()])
                await self._writer.run(partial(rollups.trim, kind="hour", series=ids, before=end - HOURS_KEPT))
        await self._writer.run(
            partial(rollups.trim, kind="minute", series=[space.ids[rollups.ALL]], before=end - MINUTES_KEPT)
        )
        await self._writer.run(lambda tx: rollups.move(tx, space.id, days_to=end))
        return counted._replace(days_to=end)

    async def _write_rows(self, kind: str, rows: Sequence[tuple[int, int, Tally]]) -> None:
        for begin in range(0, len(rows), rollups.STEP):
            await self._writer.run(partial(rollups.write_rows, kind=kind, rows=rows[begin : begin + rollups.STEP]))

    async def _give_way(self, space: Space, now: int) -> None:
        if not space.full:
            return
        gone = await self._writer.run(lambda tx: rollups.give_way(tx, space.id, now - UNSEEN))
        if gone:
            space.ids = await source.series(self._readers, space.id)
        space.full.clear()

    async def _refresh_percentiles(self, space: Space, counted: Counted, processes: set[int]) -> None:
        """Of those that had runs, when it is some time since the last look."""
        now = self._clock.monotonic()
        due = {
            space.ids[name]: process
            for process in processes
            if now >= space.refreshed.get(process, now) and (name := rollups.Name("process", process)) in space.ids
        }
        for ids in source.in_steps(due, 50):
            spreads = await source.spreads(self._readers, space.id, ids, counted)
            values = [(due[series], tally.sketch.quantiles((50, 90, 99))) for series, tally in spreads.items()]
            await self._writer.run(partial(rollups.set_percentiles, values=values))
            space.refreshed.update((due[series], now + REFRESH) for series in ids)


def _add_up(space: Space, minutes: Minutes, runs: Iterable[Ended]) -> None:
    for run in runs:
        tallies = minutes.setdefault(run.completed_at // MINUTE * MINUTE, {})
        for name in rollups.names_of(run):
            tally = tallies.get(name)
            if tally is None:
                if not space.counts(name):
                    continue
                tally = tallies[name] = Tally()
            tally.add(run)
