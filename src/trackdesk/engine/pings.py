"""Pings: the little that a job says of itself by calling an address, made into runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.errors import NotFound
from trackdesk.domain.ping import REPEAT, Signal, failure
from trackdesk.domain.run import SUPERSEDED, RunError, RunStatus
from trackdesk.engine.ping_batch import PingBatch
from trackdesk.engine.ping_ends import append
from trackdesk.store import pings, processes

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from trackdesk.engine.core import Engine
    from trackdesk.engine.ping_batch import Ping
    from trackdesk.store.pings import Meant
    from trackdesk.store.processes import ProcessRow
    from trackdesk.store.writer import Tx

_SUPERSEDED = RunError(message=SUPERSEDED)


class Told(NamedTuple):
    """What a ping did: made its process, said something to the log of the run `logged`."""

    namespace_id: int
    made_process: bool
    logged: str | None


def begin(engine: Engine, item: Ping) -> asyncio.Future[Told]:
    """What becomes of a ping. Of its text nobody who follows the log is told; that is for `send`. Raises what
    `Writer.run_each` raises."""
    return engine.writer.run_each(ping_runs, item)


async def send(engine: Engine, item: Ping) -> bool:
    """True when the ping made its process. Raises NotFound for a uuid that no process has."""
    told = await begin(engine, item)
    if told.logged is not None:
        engine.hub.tick(told.namespace_id, "logs", told.logged)
    return told.made_process


def ping_runs(tx: Tx, items: Sequence[Ping]) -> list[Told | BaseException]:
    """What each ping did, or why nothing."""
    batch = PingBatch(tx, len(items))
    found = [_process(tx, item) for item in items]
    batch.look_up((each[0], item) for each, item in zip(found, items, strict=True) if each is not None)
    answers: list[Told | BaseException] = []
    for item, each in zip(items, found, strict=True):
        if each is None:
            answers.append(NotFound("No process has this address."))
        else:
            process, made = each
            answers.append(Told(process.namespace_id, made, _DO[item.said.signal](batch, item, process)))
    batch.write()
    return answers


def _process(tx: Tx, item: Ping) -> tuple[ProcessRow, bool] | None:
    """The process, and whether it was made just now; None for a uuid that none has."""
    if item.namespace_id is None or item.said.process is None:
        process = pings.process_of(tx, item.said.secret)
        return None if process is None else (process, False)
    process = processes.find(tx, item.namespace_id, item.said.process)
    if process is not None:
        return process, False
    return processes.find_or_make(tx, item.namespace_id, item.said.process, item.actor), True


def _start(batch: PingBatch, item: Ping, process: ProcessRow) -> str | None:
    """Without a `rid` the new run takes the place of the one that was started without; its end will never be told
    apart. With one, what is said of it again within a minute is a repeat, or comes behind its end."""
    tx, newest = batch.tx, None
    if item.rid is None:
        if (active := batch.active(process)) is not None:
            batch.finish(item, process, active, RunStatus.FAILED, _SUPERSEDED, superseded=True)
    elif (newest := batch.newest(process, item.rid)) is not None and _is_recent(tx, newest):
        return None if newest.status == RunStatus.ACTIVE else _log_to(tx, newest, item)
    batch.start(item, process, is_first=newest is None)
    return None


def _end(batch: PingBatch, item: Ping, process: ProcessRow) -> str | None:
    """Ends the run that the ping means; one that was never started has no length."""
    failed = item.said.signal == Signal.FAIL
    status = RunStatus.FAILED if failed else RunStatus.COMPLETED
    error = RunError(message=failure(item.said.exit_code, item.text)) if failed else None
    attempt = 1
    if item.rid is None:
        run = batch.active(process)
    elif (run := batch.newest(process, item.rid)) is not None:
        if run.status == status and _is_recent(batch.tx, run):
            return None
        attempt = run.attempt + 1
    if run is None or run.status != RunStatus.ACTIVE:
        return _logged(item, batch.end(item, process, status, error, attempt))
    batch.finish(item, process, run, status, error)
    return _logged(item, run.uid)


def _log(batch: PingBatch, item: Ping, process: ProcessRow) -> str | None:
    """To the run that the ping means, else to the newest. Where there is none yet, a skipped one holds the lines."""
    tx = batch.tx
    batch.write()
    run = None if item.rid is None else batch.newest(process, item.rid)
    run = run or batch.active(process) or pings.newest(tx, process.id)
    if run is None:
        return _logged(item, batch.end(item, process, RunStatus.SKIPPED)) if item.text else None
    return _log_to(tx, run, item)


_DO = {Signal.START: _start, Signal.SUCCESS: _end, Signal.FAIL: _end, Signal.LOG: _log}


def _is_recent(tx: Tx, run: Meant) -> bool:
    """Whether the run began, or ended, so shortly ago that it is said again what was said of it."""
    return (run.started_at if run.completed_at is None else run.completed_at) > tx.now - REPEAT


def _log_to(tx: Tx, run: Meant, item: Ping) -> str | None:
    if item.text:
        append(tx, run.seq, item)
    return _logged(item, run.uid)


def _logged(item: Ping, uid: str) -> str | None:
    return uid if item.text else None
