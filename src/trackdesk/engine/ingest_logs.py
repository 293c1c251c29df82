"""Chunks of nothing but log lines, as whoever pours out a log sends them: taken member by member, not line by line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.engine.run_change import hear
from trackdesk.store import ingest_uids, logs, runs
from trackdesk.store.faultpoint import reach
from trackdesk.store.ingest_uids import TakenUid

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from trackdesk.domain.ingest import Named
    from trackdesk.domain.plain_log import PlainLogs
    from trackdesk.store.writer import Tx


class Logged(NamedTuple):
    """What became of them."""

    lines: int
    known: int
    """Lines whose `seq` their run had already."""
    runs: set[str]
    """Their uids."""


def take_plain(tx: Tx, namespace_id: int, told: Sequence[PlainLogs]) -> Logged | None:
    """None before anything is written when a run isn't there or a line was taken before: each line has its own fate
    then."""
    uids = [uid for lines in told for uid in lines.uids or ()]
    if uids and (len(set(uids)) < len(uids) or ingest_uids.find(tx, namespace_id, uids)):
        return None
    found = _runs(tx, namespace_id, {name: named for lines in told for name, named in lines.named.items()})
    if found is None:
        return None
    seqs = {name: run.seq for name, run in found.items()}
    new = sum(logs.append_plain(tx, list(map(seqs.__getitem__, lines.names)), lines) for lines in told)
    hear(tx, namespace_id, [runs.by_seq(tx, run.seq) for run in found.values() if run.beats])
    reach("ingest.in_chunk")
    ingest_uids.take(tx, [TakenUid(namespace_id, uid, None, tx.now, None) for uid in uids])
    tx.after_commit(partial(reach, "ingest.on_disk"))
    count = sum(len(lines.messages) for lines in told)
    return Logged(count, count - new, {run.uid for run in found.values()})


def _runs(tx: Tx, namespace_id: int, given: dict[Hashable, Named]) -> dict[Hashable, runs.Found] | None:
    """None when one of them isn't there."""
    found = {}
    for name, named in given.items():
        address = named.address()
        run = None if address is None else runs.find(tx, namespace_id, address)
        if run is None:
            return None
        found[name] = run
    return found
