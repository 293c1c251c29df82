"""Chunks of nothing but log lines, as whoever pours out a log sends them: taken member by member, not line by line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.errors import NotFound
from trackdesk.engine.run_change import hear
from trackdesk.store import ingest_uids, logs, runs
from trackdesk.store.faultpoint import reach
from trackdesk.store.ingest_uids import TakenUid

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from trackdesk.domain.ingest import Named
    from trackdesk.domain.plain_log import PlainLogs
    from trackdesk.store.runs import RunRow
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
    try:
        rows = _rows(tx, namespace_id, {name: named for lines in told for name, named in lines.named.items()})
    except NotFound:
        return None
    seqs = {name: row.seq for name, row in rows.items()}
    new = sum(logs.append_plain(tx, list(map(seqs.__getitem__, lines.names)), lines) for lines in told)
    hear(tx, namespace_id, list(rows.values()))
    reach("ingest.in_chunk")
    ingest_uids.take(tx, [TakenUid(namespace_id, uid, None, tx.now, None) for uid in uids])
    tx.after_commit(partial(reach, "ingest.on_disk"))
    count = sum(len(lines.messages) for lines in told)
    return Logged(count, count - new, {row.run.uid for row in rows.values()})


def _rows(tx: Tx, namespace_id: int, given: dict[Hashable, Named]) -> dict[Hashable, RunRow]:
    """Raises NotFound."""
    addresses = {name: named.address() for name, named in given.items()}
    return {name: runs.get(tx, namespace_id, address) for name, address in addresses.items() if address is not None}
