"""Channels, deliveries, keys, departments, the journal and the summary."""

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.domain.clock import DAY, HOUR
from trackdesk.domain.errors import NotFound
from trackdesk.domain.filters import DeliveryFilter, JournalFilter, KeyFilter, Listing
from trackdesk.domain.identity import Caller, Role
from trackdesk.store import admin_lists, channel_lists, journal_lists
from trackdesk.store.readers import Readers
from trackdesk.store.summary import summary


async def test_channels_come_by_name_with_what_waits_for_them(house: House, readers: Readers) -> None:
    mail, hook = house.channel("mail", secret_sealed="x", kinds='["opened"]'), house.channel("hook")
    house.channel("elsewhere", namespace_id=house.namespace("other"))
    for number in range(3):
        note = house.notification()
        house.delivery(note, mail, "PENDING" if number else "SENT", next_due_at=NOW if number else None)
    first = await channel_lists.page(readers, DEFAULT, Listing(limit=1))
    second = await channel_lists.page(readers, DEFAULT, Listing(limit=1, cursor=first.meta.next))
    assert [(each.name, each.pending, each.has_secret) for each in (*first.data, *second.data)] == [
        ("hook", 0, False),
        ("mail", 2, True),
    ]
    assert (second.meta.next, second.meta.total) == (None, 2)
    assert (await channel_lists.get(readers, DEFAULT, hook)).name == "hook"
    with pytest.raises(NotFound):
        await channel_lists.get(readers, DEFAULT, 3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"status": ["SENT"]}, [3]),
        ({"status": ["dead", "retrying"]}, [4, 2]),
        ({"status": ["SENT", "DEAD"]}, [4, 3]),
        ({"channel": [1]}, [3, 1]),
        ({"channel": [1, 1]}, [3, 1]),
        ({"status": ["DEAD", "dead"]}, [4]),
        ({"channel": [1, 2], "status": ["DEAD"]}, [4]),
        ({"notification": 1}, [2, 1]),
        ({"notification": 1, "channel": [2], "status": ["RETRYING"]}, [2]),
        ({"limit": 2}, [4, 3]),
    ],
)
async def test_deliveries_come_newest_first(house: House, readers: Readers, given, expected: list[int]) -> None:
    channels, notes = [house.channel("a"), house.channel("b")], [house.notification(), house.notification()]
    statuses = iter(["PENDING", "RETRYING", "SENT", "DEAD"])
    for note in notes:
        for channel in channels:
            house.attempt(house.delivery(note, channel, next(statuses)))
    page = await channel_lists.deliveries(readers, DEFAULT, DeliveryFilter(**given))
    assert [each.id for each in page.data] == expected
    assert all(len(each.attempts) == 1 for each in page.data)


async def test_a_delivery_is_read_with_its_attempts(house: House, readers: Readers) -> None:
    number = house.delivery(house.notification(), house.channel("a"), "DEAD")
    for outcome in ("failed", "refused"):
        house.attempt(number, outcome)
    delivery = await channel_lists.delivery(readers, DEFAULT, number)
    assert [each.outcome for each in delivery.attempts] == ["failed", "refused"]
    assert delivery.title == "backup missed its deadline"
    with pytest.raises(NotFound):
        await channel_lists.delivery(readers, DEFAULT, 99)


async def test_keys_come_by_name_and_by_role(house: House, readers: Readers) -> None:
    for name, role in (("b", "ADMIN"), ("a", "INGEST"), ("c", "ADMIN")):
        house.insert("keys", namespace_id=DEFAULT, name=name, role=role, digest=name, created_at=NOW)
    page = await admin_lists.keys(readers, DEFAULT, KeyFilter())
    assert [key.name for key in page.data] == ["a", "b", "c"]
    page = await admin_lists.keys(readers, DEFAULT, KeyFilter(role=["admin"], limit=1))
    page = await admin_lists.keys(readers, DEFAULT, KeyFilter(role=["admin"], limit=1, cursor=page.meta.next))
    assert ([key.name for key in page.data], page.meta.next, page.meta.total) == (["c"], None, 2)


async def test_departments_come_by_id(house: House, readers: Readers) -> None:
    house.insert("departments", namespace_id=DEFAULT, id="ops", name="Operations", created_at=NOW)
    page = await admin_lists.departments(readers, DEFAULT, Listing(limit=1))
    assert [each.id for each in page.data] == ["default"]
    page = await admin_lists.departments(readers, DEFAULT, Listing(limit=1, cursor=page.meta.next))
    assert [each.id for each in page.data] == ["ops"]
    assert (await admin_lists.department(readers, DEFAULT, "ops")).name == "Operations"
    with pytest.raises(NotFound):
        await admin_lists.department(readers, DEFAULT, "sales")


@pytest.fixture
def history(house: House) -> House:
    """1 to 5; 6 is another namespace's."""
    house.journal("runs", "started", "u1", at=NOW)
    house.journal("runs", "failed", "u1", at=NOW + HOUR, actor="ci")
    house.journal("incidents", "opened", "1", at=NOW + HOUR)
    house.journal("incidents", "triaged", "1", at=NOW + 2 * HOUR, changed='{"status": ["OPEN", "TRIAGED"]}')
    house.journal("channels", "changed", "1", at=NOW + 3 * HOUR)
    house.journal("runs", "started", "u1", namespace_id=house.namespace("other"))
    return house


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"limit": 2}, [5, 4]),
        ({"topic": ["incidents"]}, [4, 3]),
        ({"topic": ["incidents", "runs"], "ref": ["1", "u1"]}, [4, 3, 2, 1]),
        ({"ref": ["1"]}, [5, 4, 3]),
        ({"ref": ["1"], "kind": ["opened"]}, [3]),
        ({"ref": ["1", "1"], "topic": ["incidents", "incidents"]}, [4, 3]),
        ({"ref": ["1"], "topic": ["no such topic"]}, []),
        ({"ref": ["1", *map(str, range(100, 149))], "topic": ["incidents", *map(str, range(49))]}, [4, 3]),
        ({"kind": ["opened", "failed"]}, [3, 2]),
        ({"actor": ["ci"]}, [2]),
        ({"after": (NOW + 2 * HOUR) // 1_000_000}, [5, 4]),
        ({"before": (NOW + HOUR) // 1_000_000}, [1]),
    ],
)
async def test_the_journal_is_told_newest_first(history: House, readers: Readers, given, expected: list[int]) -> None:
    page = await journal_lists.page(readers, DEFAULT, JournalFilter(**given))
    assert [entry.seq for entry in page.data] == expected


@pytest.mark.parametrize("given", [{}, {"actor": ["alice", "ci"]}, {"ref": ["1", "u1"]}])
async def test_pages_lead_through_the_whole_journal_though_each_looks_at_few_rows(
    history: House, readers: Readers, monkeypatch: pytest.MonkeyPatch, given
) -> None:
    monkeypatch.setattr("trackdesk.store.journal_lists.WINDOW", 2)
    found: list[int] = []
    cursor = None
    while True:
        page = await journal_lists.page(readers, DEFAULT, JournalFilter(limit=1, cursor=cursor, **given))
        found += [entry.seq for entry in page.data]
        cursor = page.meta.next
        if cursor is None:
            break
    assert found == [5, 4, 3, 2, 1]


async def test_the_stream_resumes_behind_what_it_has_seen(history: House, readers: Readers) -> None:
    assert [entry.seq for entry in await journal_lists.since(readers, DEFAULT, 2, 2)] == [3, 4]
    assert [entry.seq for entry in await journal_lists.since(readers, DEFAULT, 4, 9)] == [5]
    assert await journal_lists.bounds(readers) == (1, 6)


async def test_an_empty_journal_has_no_bounds(readers: Readers) -> None:
    assert await journal_lists.bounds(readers) == (0, 0)
    assert (await journal_lists.page(readers, DEFAULT, JournalFilter())).data == []


async def test_the_summary_counts_what_the_overview_shows(house: House, readers: Readers) -> None:
    house.process("backup", total=8, active=4, completed=3, failed=1)
    house.run(deadline_status="ON_TRACK", deadline=NOW)
    house.run(deadline_status="WARNING", deadline=NOW)
    house.run(deadline_status="MISSED", deadline=NOW, stalled=1)
    house.run()
    house.run(status="COMPLETED", deadline_status="COMPLETED_ON_TIME", completed_at=NOW)
    house.run(status="COMPLETED", deadline_status="COMPLETED_LATE", completed_at=NOW)
    house.run(status="COMPLETED", completed_at=NOW - 2 * DAY, duration=1)
    house.run(status="FAILED", deadline_status="MISSED", completed_at=NOW)
    house.incident(severity="HIGH")
    house.incident(severity="LOW", status="TRIAGED")
    house.incident(status="CLOSED")
    house.delivery(house.notification(), house.channel("a"), "DEAD")
    caller = Caller(DEFAULT, "default", Role.ADMIN, None, "owner")
    counts = await summary(readers, caller, NOW)
    runs = counts.runs
    assert (runs.total, runs.active, runs.completed, runs.failed, runs.skipped) == (8, 4, 3, 1, 0)
    assert (runs.on_track, runs.warning, runs.missed, runs.stalled, runs.without_deadline) == (1, 1, 1, 1, 1)
    assert (runs.completed_24h, runs.completed_on_time_24h, runs.completed_late_24h, runs.failed_24h) == (2, 1, 1, 1)
    assert counts.incidents.open == 2
    assert counts.incidents.by_status == {"OPEN": 1, "TRIAGED": 1, "IN_PROGRESS": 0}
    assert counts.incidents.by_severity == {"LOW": 1, "MEDIUM": 0, "HIGH": 1, "CRITICAL": 0}
    assert counts.unread == 1
    assert counts.processes == {"OK": 0, "RUNNING": 0, "LATE": 1, "FAILING": 0, "MISSING": 0, "PAUSED": 0}
    assert counts.deliveries == {"PENDING": 0, "RETRYING": 0, "DEAD": 1}
