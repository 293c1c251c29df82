"""Maintenance windows as the operations write them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import NotFound
from trackdesk.domain.maintenance import SHOWN, Maintenance, MaintenanceWindow, Plan, PlannedWindow
from trackdesk.domain.schedule import Cron, unpack
from trackdesk.domain.silence import SilenceState, state_of
from trackdesk.store import muting

if TYPE_CHECKING:
    from trackdesk.store.writer import Tx

COLUMNS = (
    "m.id, m.name, m.service, m.department, m.reason, m.schedule, m.duration, m.from_at, m.until_at, m.created_by, "
    "m.created_at, m.updated_at, m.version, "
    "(SELECT count(*) FROM mutes WHERE kind = 'maintenance' AND by_id = m.id), "
    "(SELECT count(*) FROM mutes WHERE kind = 'maintenance' AND by_id = m.id AND released_at IS NULL)"
)


def _schedule(text: str | None) -> Cron | None:
    schedule = None if text is None else unpack(text)
    assert schedule is None or isinstance(schedule, Cron), "maintenance has no other"
    return schedule


def maintenance_from(row: Any, now: int) -> Maintenance:
    """Of `SELECT COLUMNS FROM maintenance m`, as it stands at `now` (µs)."""
    schedule, from_at, until_at = _schedule(row[5]), row[7], row[8]
    windows = plan_of(row[5], row[6], from_at, until_at).following(now, SHOWN)
    return Maintenance.trusted(
        id=row[0],
        name=row[1],
        service=row[2],
        department=row[3],
        reason=row[4],
        schedule=None if schedule is None else schedule.model_dump(),
        duration=row[6],
        from_=None if schedule else from_at,
        until=None if schedule else until_at,
        state=state(schedule, from_at, until_at, now),
        windows=[MaintenanceWindow.trusted(from_=each.from_at, until=each.until_at) for each in windows],
        muted=row[13],
        held=row[14],
        created_by=row[9],
        created_at=row[10],
        updated_at=row[11],
        version=row[12],
    )


def state(schedule: Cron | None, from_at: int | None, until_at: int | None, now: int) -> SilenceState:
    """Between two windows of a schedule it is pending."""
    if from_at is None or until_at is None:
        return SilenceState.ENDED
    found = state_of(from_at, until_at, now)
    return SilenceState.PENDING if found == SilenceState.ENDED and schedule is not None else found


def plan_of(schedule: str | None, duration: int | None, from_at: int | None, until_at: int | None) -> Plan:
    """Of the columns."""
    cron = _schedule(schedule)
    once = None if cron is not None or from_at is None or until_at is None else PlannedWindow(from_at, until_at)
    return Plan(cron, duration, once)


def get(tx: Tx, namespace_id: int, maintenance_id: int) -> Maintenance:
    """Raises NotFound."""
    row = tx.one(
        f"SELECT {COLUMNS} FROM maintenance m WHERE m.id = ? AND m.namespace_id = ?", (maintenance_id, namespace_id)
    )
    if row is None:
        raise no_maintenance(maintenance_id)
    return maintenance_from(row, tx.now)


def no_maintenance(maintenance_id: int) -> NotFound:
    return NotFound(f"There is no maintenance {maintenance_id}.")


def plan(tx: Tx, maintenance_id: int) -> Plan:
    """When the windows of one that exists are."""
    row = tx.one("SELECT schedule, duration, from_at, until_at FROM maintenance WHERE id = ?", (maintenance_id,))
    assert row is not None, "callers have found it in this transaction"
    return plan_of(*row)


def named(tx: Tx, namespace_id: int, name: str) -> int | None:
    """The id of the one of that name."""
    row = tx.one("SELECT id FROM maintenance WHERE namespace_id = ? AND name = ?", (namespace_id, name))
    return None if row is None else int(row[0])


def names(tx: Tx, namespace_id: int) -> list[tuple[int, str]]:
    rows = tx.all("SELECT id, name FROM maintenance WHERE namespace_id = ? ORDER BY id", (namespace_id,))
    return [(row[0], row[1]) for row in rows]


insert = partial(muting.insert, "maintenance")
update = partial(muting.update, "maintenance")
delete = partial(muting.delete, "maintenance")
