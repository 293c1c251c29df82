"""A closing by hand that is undone at once is told to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.house import ALICE
from tests.engine.test_telling_routes import channel
from tests.faults.invariants import broken
from trackdesk.domain.clock import SECOND
from trackdesk.domain.filters import NotificationFilter
from trackdesk.domain.incident import BulkIncidents, ChangeIncident, IncidentStatus, NewIncident
from trackdesk.domain.notification import TAKEN_BACK_WITHIN, UNDER_WAY, was_never_told
from trackdesk.engine import incidents
from trackdesk.store import inbox, incident_lists, mutes

if TYPE_CHECKING:
    from tests.engine.house import House


async def closed(house: House) -> None:
    """INC-1 and INC-2, whose opening has been sent."""
    for title in ("printer on fire", "another one"):
        await incidents.report(house.engine, ALICE, NewIncident(title=title))
    await house.engine.writer.run(
        lambda tx: (
            tx.execute("UPDATE deliveries SET status = 'SENT', next_due_at = NULL WHERE status = 'PENDING'") and None
        )
    )
    await incidents.bulk(house.engine, ALICE, BulkIncidents(ids=[1, 2], status=IncidentStatus.CLOSED))


async def reopen(house: House) -> None:
    await incidents.patch(house.engine, ALICE, 1, ChangeIncident(status=IncidentStatus.OPEN))


def waiting(house: House) -> list[tuple[int, str, int]]:
    """What is yet to be sent: incident, kind, and when."""
    rows = house.rows(
        "SELECT n.incident_id, n.kind, d.next_due_at FROM deliveries d JOIN notifications n "
        "ON n.id = d.notification_id WHERE d.next_due_at IS NOT NULL ORDER BY d.id"
    )
    return [(row["incident_id"], row["kind"], row["next_due_at"]) for row in rows]


async def test_closings_by_hand_wait_and_one_that_is_undone_meanwhile_is_told_to_nobody(still: House) -> None:
    await channel(still)
    await closed(still)
    due_at = still.now + TAKEN_BACK_WITHIN
    assert waiting(still) == [(1, "closed", due_at), (2, "closed", due_at)]

    still.clock.leap(TAKEN_BACK_WITHIN - UNDER_WAY - 1)
    await reopen(still)

    assert waiting(still) == [(2, "closed", due_at)]
    page = await inbox.page(still.engine.readers, ALICE, NotificationFilter())
    assert [(each.incident, each.kind) for each in page.data] == [(2, "closed"), (2, "opened"), (1, "opened")]
    steps = (await incident_lists.routing(still.engine.readers, 1, 1)).steps
    assert steps[-1].detail == "closed: taken back by alice@host (via desk) before it was sent, and told to nobody"
    assert await still.engine.writer.run(lambda tx: mutes.last_told(tx, 1)) == ("opened", "MEDIUM")
    assert "a notification is not in the journal" not in broken(still.path)


async def test_what_has_been_told_is_followed_by_what_undoes_it(still: House) -> None:
    await channel(still)
    await closed(still)
    still.clock.leap(TAKEN_BACK_WITHIN)
    await reopen(still)

    assert waiting(still)[-1] == (1, "reopened", still.now)


async def test_a_closing_that_one_channel_has_been_told_of_is_not_taken_back(still: House) -> None:
    await channel(still)
    await channel(still, "quick")
    await closed(still)
    await still.engine.writer.run(
        lambda tx: tx.execute("UPDATE deliveries SET status = 'SENT', next_due_at = NULL WHERE channel_id = 2") and None
    )
    await reopen(still)

    assert [kind for number, kind, _ in waiting(still) if number == 1] == ["closed", "reopened", "reopened"]


async def test_the_reopening_is_not_sent_before_the_closing_that_still_waits(still: House) -> None:
    await channel(still)
    await channel(still, "gathering", group_window="3s")
    await closed(still)
    due_at = still.now + TAKEN_BACK_WITHIN
    still.clock.leap(3 * SECOND)
    await reopen(still)

    assert [(kind, at) for number, kind, at in waiting(still) if number == 1] == [
        ("closed", due_at),
        ("reopened", due_at),
    ]


async def test_it_is_taken_out_of_what_a_channel_gathers(still: House) -> None:
    await channel(still, group_window="1m")
    await closed(still)
    await reopen(still)

    gathered = "SELECT n.kind FROM deliveries d JOIN notifications n ON n.id = d.notification_id WHERE group_id NOTNULL"
    assert still.values(gathered) == ["opened", "opened", "closed"]


@pytest.mark.parametrize(
    ("now", "unsent", "never"),
    [
        (-1, True, False),
        (0, True, True),
        (0, False, False),
        (TAKEN_BACK_WITHIN - UNDER_WAY - 1, True, True),
        (TAKEN_BACK_WITHIN - UNDER_WAY, True, False),
    ],
)
def test_only_what_is_young_and_unsent_was_never_told(now: int, unsent: bool, never: bool) -> None:
    assert was_never_told(0, now, unsent=unsent) is never
