"""What keeps notifications from being told: the silences and maintenance windows that stand, from the writer's memory,
and which incidents they hold back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.instant import format_instant
from trackdesk.domain.notification import NEVER_MUTED
from trackdesk.domain.silence import Mute, Mutes, describe, exactly, unpack

if TYPE_CHECKING:
    from trackdesk.domain.notification import Subject
    from trackdesk.store.writer import Tx


class Counted(NamedTuple):
    """Incidents that a silence or a window has muted, by what became of them."""

    told: int = 0
    """Told at its end, because they were still open or their closing had been kept back."""
    closed: int = 0
    """Opened and closed meanwhile."""
    still_muted: int = 0
    """By another."""
    known: int = 0
    """As they were when they were last told."""

    @property
    def total(self) -> int:
        return sum(self)

    @property
    def shown(self) -> dict[str, int]:
        return self._asdict()


def _cache_name(namespace_id: int) -> str:
    return f"mutes:{namespace_id}"


def standing(tx: Tx, namespace_id: int) -> Mutes:
    """Those that are on or to come, read again only after one was changed."""
    known: Mutes | None = tx.cache.get(_cache_name(namespace_id))
    if known is None:
        silences = tx.all(
            "SELECT id, reason, from_at, until_at, match FROM silences INDEXED BY silences_standing "
            "WHERE namespace_id = ? AND next_due_at IS NOT NULL ORDER BY id",
            (namespace_id,),
        )
        windows = tx.all(
            "SELECT id, name, reason, from_at, until_at, service, department FROM maintenance "
            "WHERE namespace_id = ? AND next_due_at IS NOT NULL ORDER BY id",
            (namespace_id,),
        )
        found = [Mute("silence", row[0], None, row[1], row[2], row[3], unpack(row[4])) for row in silences]
        found += [
            Mute("maintenance", row[0], row[1], row[2], row[3], row[4], exactly(service=row[5], department=row[6]))
            for row in windows
        ]
        known = tx.cache[_cache_name(namespace_id)] = Mutes(found)
    return known


def forget(tx: Tx, namespace_id: int) -> None:
    """What is remembered no longer holds."""
    tx.cache.pop(_cache_name(namespace_id), None)


def muted_by(tx: Tx, namespace_id: int, subject: Subject) -> Mute | None:
    """What keeps it from being told now."""
    mutes = standing(tx, namespace_id)
    if not mutes.count or subject.kind in NEVER_MUTED:
        return None
    return mutes.find(subject, tx.now)


def hold(tx: Tx, namespace_id: int, incident_id: int, mute: Mute) -> None:
    """The incident waits for the end of it. Its timeline says so the first time."""
    held = tx.one(
        "SELECT released_at IS NULL FROM mutes WHERE incident_id = ? AND kind = ? AND by_id = ?",
        (incident_id, mute.kind, mute.id),
    )
    if held is not None and held[0]:
        return
    tx.execute(
        "INSERT OR REPLACE INTO mutes (incident_id, kind, by_id, muted_at) VALUES (?, ?, ?, ?)",
        (incident_id, mute.kind, mute.id, tx.now),
    )
    what = describe(mute.kind, mute.id, mute.name)
    facts = {"by": what, "until": format_instant(mute.until_at), "reason": mute.reason}
    tx.journal(namespace_id, "incidents", "muted", str(incident_id), "trackdesk", facts)


def held_back(tx: Tx, kind: str, by_id: int, limit: int) -> list[int]:
    """Incidents that wait for the end of it."""
    rows = tx.all(
        "SELECT incident_id FROM mutes WHERE kind = ? AND by_id = ? AND released_at IS NULL "
        "ORDER BY incident_id LIMIT ?",
        (kind, by_id, limit),
    )
    return [row[0] for row in rows]


def release(tx: Tx, incident_id: int, kind: str, by_id: int, outcome: str) -> None:
    """It waits no longer; `outcome` is a field of `Counted`."""
    tx.execute(
        "UPDATE mutes SET released_at = ?, outcome = ? WHERE incident_id = ? AND kind = ? AND by_id = ?",
        (tx.now, outcome, incident_id, kind, by_id),
    )


def counts_by_department(tx: Tx, kind: str, by_id: int, since: int) -> dict[str, Counted]:
    """What it muted since an instant (µs), by the department that the incidents are of now."""
    rows = tx.all(
        "SELECT i.department, sum(m.outcome = 'told'), sum(m.outcome = 'closed'), sum(m.outcome = 'still_muted'), "
        "sum(m.outcome = 'known') FROM mutes m JOIN incidents i ON i.id = m.incident_id "
        "WHERE m.kind = ? AND m.by_id = ? AND m.muted_at >= ? AND m.released_at IS NOT NULL GROUP BY 1",
        (kind, by_id, since),
    )
    return {row[0]: Counted(*row[1:]) for row in rows}


def last_told(tx: Tx, incident_id: int) -> tuple[str, str | None] | None:
    """(kind, severity) of the last that anybody was told of the incident; None: nobody was told anything. What was
    taken back is in no inbox."""
    row = tx.one(
        "SELECT kind, severity FROM notifications WHERE incident_id = ? AND muted IS NULL AND in_inbox = 1 "
        "ORDER BY id DESC LIMIT 1",
        (incident_id,),
    )
    return None if row is None else (row[0], row[1])
