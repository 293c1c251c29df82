"""The pings of one batch, collected until they are written together or until something must see them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.deadline import finished_status, initial_status, warning_instant
from trackdesk.domain.identity import new_uids
from trackdesk.domain.ping import ID_PREFIX
from trackdesk.domain.plain_start import PlainStart
from trackdesk.domain.run import DeadlineStatus, RunStatus
from trackdesk.engine.ping_ends import Ends, append
from trackdesk.engine.run_start import Start, start_uids
from trackdesk.store import pings, processes, runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackdesk.domain.ping import Pinged
    from trackdesk.domain.run import RunError
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx


class Ping(NamedTuple):
    """One ping. With a `namespace_id` of None, `said.secret` is the uuid of the process."""

    namespace_id: int | None
    actor: str
    said: Pinged
    rid: str | None
    text: str
    context: str
    """Where it came from, a JSON object as text: one sender's pings all have the same."""


class PingBatch:
    """Belongs to one call of the bulk function."""

    def __init__(self, tx: Tx, size: int) -> None:
        self.tx = tx
        self._uids = iter(new_uids(tx.now, size))
        """At most one for each ping."""
        self.counts = processes.Counts()
        self._ends = Ends(tx, self.counts)
        self._starts: list[tuple[Ping, ProcessRow, Start]] = []
        self._changing: set[int] = set()
        """Processes of which what was said without a `rid` is not written yet."""
        self._saying: set[runs.Key] = set()
        """Of which `rid` something is not written yet."""
        self._active: dict[int, pings.Meant | None] = {}
        self._newest: dict[runs.Key, pings.Meant | None] = {}

    def look_up(self, meant: Iterable[tuple[ProcessRow, Ping]]) -> None:
        """Find the runs that the pings mean, for all of them at once."""
        without, keys = set(), set()
        for process, item in meant:
            if item.rid is None:
                without.add(process.id)
            else:
                keys.add((process.namespace_id, item.rid, process.id))
        if without:
            self._active = pings.active(self.tx, without)
        if keys:
            self._newest = pings.newest_of(self.tx, list(keys))

    def active(self, process: ProcessRow) -> pings.Meant | None:
        """What a ping without a `rid` means: the ACTIVE run that was started without."""
        if process.id in self._changing:
            self.write()
        if process.id not in self._active:
            self._active |= pings.active(self.tx, (process.id,))
        return self._active[process.id]

    def newest(self, process: ProcessRow, rid: str) -> pings.Meant | None:
        """The newest run of a `rid`."""
        key = (process.namespace_id, rid, process.id)
        if key in self._saying:
            self.write()
        if key not in self._newest:
            self._newest |= pings.newest_of(self.tx, (key,))
        return self._newest[key]

    def start(self, item: Ping, process: ProcessRow, *, is_first: bool) -> None:
        """A new run, `is_first` of its id. Callers have ended, or want superseded, what stands in its way."""
        run_id = item.rid or _made_id(next(self._uids))
        body = PlainStart(None, "", run_id, None, {}, _context(item.context), None, None, on_active="supersede")
        if not is_first:
            self.write()  # it may supersede a run that is in trouble
        seq = runs.next_seq(self.tx)  # now, for of what starts at one time the order of numbers says what came last
        start = Start(process.namespace_id, item.actor, process.name, body, is_first=is_first, seq=seq)
        self._starts.append((item, process, start))
        self._say(item, process)
        if not is_first:
            self.write()

    def end(
        self, item: Ping, process: ProcessRow, status: RunStatus, error: RunError | None = None, attempt: int = 1
    ) -> str:
        """A run of zero length: it is written when it is over already. Gives its uid."""
        row = _row(self.tx, next(self._uids), item, process, status, error, attempt)
        self._ends.add(item, process, row, status, error)
        if item.rid is not None:
            self._say(item, process)
        self._heed(process, status)
        return row.uid

    def finish(
        self,
        item: Ping,
        process: ProcessRow,
        run: pings.Meant,
        status: RunStatus,
        error: RunError | None,
        *,
        superseded: bool = False,
    ) -> None:
        """The end of a run that is ACTIVE, or that it has to make way for a new one."""
        if by_itself := _is_in_trouble(run, self.tx.now):
            self.write()  # it may hold up an incident, which no end before this one closes
        self._ends.finish(item, process, run, status, error, superseded=superseded)
        self._say(item, process)
        if by_itself:
            self.write()
        self._heed(process, status)

    def _heed(self, process: ProcessRow, status: RunStatus) -> None:
        """Where it counts how many failed in a row, no later end may be seen before this one is judged."""
        if status == RunStatus.FAILED and process.alert_after_failures > 1:
            self.write()

    def _say(self, item: Ping, process: ProcessRow) -> None:
        """What was looked up for pings with this `rid`, or without one, is about to change."""
        if item.rid is None:
            self._active.pop(process.id, None)
            self._changing.add(process.id)
        else:
            key = (process.namespace_id, item.rid, process.id)
            self._newest.pop(key, None)
            self._saying.add(key)

    def write(self) -> None:
        """What was collected, ends before starts."""
        self._changing.clear()
        self._saying.clear()
        self._ends.write()
        starts, self._starts = self._starts, []
        if not starts:
            return
        for (item, process, _), uid in zip(starts, start_uids(self.tx, [each[2] for each in starts]), strict=True):
            if isinstance(uid, BaseException):
                raise uid  # then each ping is tried by itself
            row = runs.find_uid(self.tx, process.namespace_id, uid) if item.text else None
            if row is not None:
                append(self.tx, row.seq, item)


def _is_in_trouble(run: pings.Meant, now: int) -> bool:
    """Late, or silent; or begun later than now, for the clock was set back."""
    late = run.deadline is not None and (now > run.deadline or run.deadline_status == DeadlineStatus.MISSED)
    return late or run.stalled or run.started_at > now


@lru_cache(maxsize=1024)
def _context(text: str) -> dict[str, Any]:
    """Of pings, which is never changed: one sender's all have the same."""
    found: dict[str, Any] = orjson.loads(text)
    return found


def _made_id(uid: str) -> str:
    """Forty random bits beside the time: many are made in the same millisecond. They are in the order of the uids."""
    return ID_PREFIX + uid[:18]


def _row(
    tx: Tx, uid: str, item: Ping, process: ProcessRow, status: RunStatus, error: RunError | None, attempt: int
) -> pings.EndedRun:
    now = tx.now
    deadline = warning_at = deadline_status = None
    if process.default_deadline is not None:
        deadline = now + process.default_deadline
        warning_at = warning_instant(now, deadline, process.warn_at)
        deadline_status = finished_status(status, deadline, initial_status(deadline, warning_at, now), now)
    return pings.EndedRun(
        runs.next_seq(tx),
        uid,
        process.namespace_id,
        process.id,
        item.rid or _made_id(uid),
        attempt,
        status.value,
        None if deadline_status is None else deadline_status.value,
        now,
        now,
        deadline,
        warning_at,
        0,
        now,
        item.context,
        process.category,
        process.service,
        None if error is None else orjson.dumps(error.model_dump()).decode(),
    )
