"""Incidents: filters, orders, comments, timeline."""

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.domain.clock import SECOND
from trackdesk.domain.errors import Invalid, NotFound
from trackdesk.domain.filters import IncidentFilter, Listing
from trackdesk.store import incident_lists
from trackdesk.store.incident_plans import ALLOWED, plan_incidents, wanted_incidents
from trackdesk.store.keyset import page_sql
from trackdesk.store.readers import Readers


async def ids(readers: Readers, *, now: int = NOW, **given) -> list[int]:
    page = await incident_lists.page(readers, DEFAULT, IncidentFilter(**given), now)
    return [incident.id for incident in page.data]


async def walk(readers: Readers, limit: int, **given) -> list[int]:
    found: list[int] = []
    cursor = None
    while True:
        page = await incident_lists.page(readers, DEFAULT, IncidentFilter(limit=limit, cursor=cursor, **given), NOW)
        found += [incident.id for incident in page.data]
        cursor = page.meta.next
        if cursor is None:
            return found


@pytest.fixture
def desk(house: House) -> House:
    """1 to 5, opened in this order; 6 is another namespace's."""
    house.incident("backup missed its deadline", process="backup", severity="LOW", status="CLOSED")
    house.incident("disk nearly full", origin="report", service="db", severity="CRITICAL", reported_by="bob")
    house.incident(
        "deploy failed", origin="failed", process="deploy", status="TRIAGED", assignee="alice", service="web"
    )
    house.incident("report failed", origin="failed", description="the disk", department="ops", status="IN_PROGRESS")
    house.incident("backup went silent", origin="stalled", process="backup", severity="MEDIUM", updated_at=NOW)
    house.incident("disk elsewhere", namespace_id=house.namespace("other"))
    return house


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"sort": "opened_at"}, [1, 2, 3, 4, 5]),
        ({"sort": "-updated_at"}, [4, 3, 2, 1, 5]),
        ({"sort": "-severity"}, [2, 4, 3, 5, 1]),
        ({"sort": "severity"}, [1, 5, 3, 4, 2]),
        ({"sort": "-severity", "status": ["OPEN", "TRIAGED"]}, [2, 3, 5]),
        ({"sort": "-updated_at", "process": ["backup"]}, [1, 5]),
        ({"status": ["open"]}, [5, 2]),
        ({"status": ["OPEN", "CLOSED"]}, [5, 2, 1]),
        ({"severity": ["LOW", "critical"]}, [2, 1]),
        ({"origin": ["FAILED"]}, [4, 3]),
        ({"process": ["backup", "deploy"]}, [5, 3, 1]),
        ({"process": ["backup"], "status": ["OPEN"]}, [5]),
        ({"service": ["web"]}, [3]),
        ({"department": ["ops"]}, [4]),
        ({"assignee": ["alice"]}, [3]),
        ({"reported_by": ["bob"]}, [2]),
        ({"rule": ["r"]}, []),
        ({"process": ["unknown"]}, []),
        ({"opened_after": NOW // SECOND + 4}, [5, 4]),
        ({"opened_before": NOW // SECOND + 2}, [1]),
        ({"search": "disk"}, [4, 2]),
        ({"search": "dis nearly"}, [2]),
        ({"search": "backup"}, [5, 1]),
        ({"search": "INC-3"}, [3]),
        ({"search": "2"}, [2]),
        ({"search": "disk", "sort": "-severity"}, [2, 4]),
        ({"search": "disk", "department": ["ops"]}, [4]),
        ({"search": "nothing"}, []),
        ({"q": "disk -full"}, [4]),
        ({"q": "title:disk"}, [2]),
        ({"q": "-title:failed"}, [5, 2, 1]),
        ({"q": "severity:>=high"}, [4, 3, 2]),
        ({"q": "severity:>low severity:<critical"}, [5, 4, 3]),
        ({"q": "-severity:high"}, [5, 2, 1]),
        ({"q": "-status:closed"}, [5, 4, 3, 2]),
        ({"q": "id:2 id:INC-3"}, [3, 2]),
        ({"q": "reporter:b*"}, [2]),
        ({"q": "-assignee:*"}, [5, 4, 2, 1]),
        ({"q": "process:back* status:open"}, [5]),
        ({"q": "opened:<2s", "now": NOW + 6 * SECOND}, [5]),
        ({"q": "updated:>4s", "now": NOW + 6 * SECOND}, [5, 1]),
        ({"q": "status:open", "status": ["CLOSED"]}, []),
    ],
)
async def test_a_filter_lets_through_what_it_names(desk: House, readers: Readers, given, expected: list[int]) -> None:
    assert await ids(readers, **given) == expected


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("sort", ["opened_at", "-opened_at", "updated_at", "-updated_at", "severity", "-severity"])
async def test_pages_lead_through_every_incident_once(
    house: House, readers: Readers, monkeypatch: pytest.MonkeyPatch, sort: str, few: bool
) -> None:
    if not few:
        monkeypatch.setattr("trackdesk.store.incident_plans.FEW", 0)
    for number in range(12):
        severity = "HIGH" if number % 3 else "LOW"
        house.incident(severity=severity, process="backup" if number % 2 else None, opened_at=NOW + number % 4)
    assert sorted(await walk(readers, 5, sort=sort)) == list(range(1, 13))
    found = await walk(readers, 1, sort=sort, process=["backup"])
    assert sorted(found) == [2, 4, 6, 8, 10, 12]
    assert found == await ids(readers, sort=sort, process=["backup"])


FILTERS = {
    "": {},
    "open": {"status": ["OPEN"]},
    "process": {"process": ["a", "b"]},
    "service": {"service": ["a"]},
    "assignee": {"assignee": ["a"]},
    "status": {"status": ["OPEN", "CLOSED"]},
    "department": {"department": ["a"]},
    "rule": {"rule": ["a", "b"]},
    "reported_by": {"reported_by": ["a"]},
    "origin": {"origin": ["missed", "report"]},
    "severity_rank": {"severity": ["LOW", "CRITICAL"]},
}


@pytest.mark.parametrize("down", ["", "-"])
@pytest.mark.parametrize(("name", "column"), ALLOWED)
async def test_a_pair_walks_the_index_that_the_table_names(
    house: House, readers: Readers, name: str, column: str, down: str
) -> None:
    given = IncidentFilter(**FILTERS[name], sort=down + column)
    listed = await plan_incidents(readers, await wanted_incidents(readers, DEFAULT, given, NOW), given.sort)
    for position in (None, [1] * len(listed.walks[0].order)):
        query = page_sql(listed, position, 51)
        steps = house.plan(query.sql, query.params)
        assert any(ALLOWED[name, column] in step for step in steps), steps
        assert not [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step], steps


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"origin": ["report"]}, [2]),
        ({"q": "origin:missed"}, [1]),
        ({"q": "-origin:missed"}, [2]),
        ({"q": "rule:cpu reporter:alice"}, [2]),
        ({"rule": ["cpu"], "q": "-reporter:alice"}, []),
        ({"q": "rule:c*"}, [2]),
        ({"q": "severity:>=HIGH", "origin": ["missed", "report"]}, [1]),
    ],
)
async def test_incidents_are_found_by_where_they_come_from(
    house: House, readers: Readers, given: dict[str, object], found: list[int]
) -> None:
    house.incident(severity="HIGH")
    house.incident(severity="LOW", origin="report", rule="cpu", reported_by="alice")
    assert await ids(readers, **given) == found


async def test_the_words_of_an_incident_follow_its_changes(desk: House, readers: Readers) -> None:
    desk.connection.execute("UPDATE incidents SET title = 'network down' WHERE id = 2")
    assert await ids(readers, search="network") == [2]
    assert await ids(readers, search="disk") == [4]
    desk.connection.execute("DELETE FROM incidents WHERE id = 2")
    assert await ids(readers, search="network") == []


async def test_bulk_finds_the_ids_that_q_lets_through(desk: House, readers: Readers) -> None:
    assert await incident_lists.ids_matching(readers, DEFAULT, "-status:closed", NOW, 10) == [5, 4, 3, 2]
    assert await incident_lists.ids_matching(readers, DEFAULT, "-status:closed", NOW, 2) == [5, 4]
    assert await incident_lists.ids_matching(readers, DEFAULT, "process:unknown", NOW, 2) == []
    with pytest.raises(Invalid, match="no field 'color'"):
        await incident_lists.ids_matching(readers, DEFAULT, "color:red", NOW, 2)


async def test_an_incident_is_read_whole(desk: House, readers: Readers) -> None:
    incident = await incident_lists.get(readers, DEFAULT, 3)
    assert (incident.ref, incident.assignee, incident.status) == ("INC-3", "alice", "TRIAGED")
    for unknown in (6, 99):
        with pytest.raises(NotFound):
            await incident_lists.get(readers, DEFAULT, unknown)


async def test_comments_come_oldest_first(desk: House, readers: Readers) -> None:
    for text in ("a", "b", "c"):
        desk.comment(2, text)
    desk.comment(3, "elsewhere")
    first = await incident_lists.comments(readers, DEFAULT, 2, Listing(limit=2))
    second = await incident_lists.comments(readers, DEFAULT, 2, Listing(limit=2, cursor=first.meta.next))
    assert [each.content for each in first.data + second.data] == ["a", "b", "c"]
    assert first.meta.total == 3
    with pytest.raises(NotFound):
        await incident_lists.comments(readers, DEFAULT, 6, Listing())


async def test_the_timeline_is_the_incidents_journal_and_outlives_it(desk: House, readers: Readers) -> None:
    for kind in ("opened", "triaged"):
        desk.journal("incidents", kind, "2", changed='{"status": ["OPEN", "TRIAGED"]}')
    desk.journal("runs", "started", "2")
    desk.connection.execute("DELETE FROM incidents WHERE id = 2")
    page = await incident_lists.timeline(readers, DEFAULT, 2, Listing())
    assert [entry.kind for entry in page.data] == ["opened", "triaged"]
    assert page.data[1].changed == {"status": ["OPEN", "TRIAGED"]}
    assert (await incident_lists.timeline(readers, DEFAULT, 3, Listing())).data == []
    with pytest.raises(NotFound):
        await incident_lists.timeline(readers, DEFAULT, 99, Listing())


@pytest.mark.parametrize(
    ("origin", "detail"),
    [
        ("missed", "backup missed its deadline, due since 2026-01-01T23:59:59.000000Z"),
        ("missing", "backup did not start, expected at 2026-01-01T23:59:59.000000Z"),
        ("failed", "backup failed"),
        ("stalled", "backup went silent"),
    ],
)
async def test_routing_begins_with_what_happened(house: House, readers: Readers, origin: str, detail: str) -> None:
    incident = house.incident(process="backup", origin=origin, opened_at=NOW, due_at=NOW - SECOND)
    assert [step.detail for step in (await incident_lists.routing(readers, DEFAULT, incident)).steps] == [detail]


async def test_routing_tells_why_who_was_told_or_not_in_the_order_of_time(house: House, readers: Readers) -> None:
    incident = house.incident(process="backup", opened_at=NOW, due_at=NOW - SECOND, seen_late=1, department="dev")
    page, mail = house.channel("page-dev"), house.channel("mail-ops")
    routing = [[page, "page-dev", None], [mail, "mail-ops", "it only serves department ops"]]
    told = house.notification(incident_id=incident, department="dev", routing=routing)
    closed = house.notification(incident_id=incident, kind="closed", department="dev", created_at=NOW + 9 * SECOND)
    house.notification("another incident", incident_id=99)
    sent = house.delivery(told, page)
    house.attempt(sent, "failed", at=NOW + SECOND, status="503", error="overloaded")
    house.attempt(sent, "sent", at=NOW + 2 * SECOND)
    house.delivery(closed, page, "PENDING", next_due_at=NOW + 10 * SECOND, created_at=NOW + 9 * SECOND)
    answer = await incident_lists.routing(readers, DEFAULT, incident)
    assert [(step.kind, step.told, step.detail) for step in answer.steps] == [
        (
            "cause",
            None,
            (
                "backup missed its deadline, due since 2026-01-01T23:59:59.000000Z; "
                "trackdesk was away at that time and saw it later"
            ),
        ),
        ("department", None, "opened: goes to department dev"),
        ("inbox", True, "opened: in the inbox of department dev"),
        ("channel", True, "opened: page-dev: is to be told"),
        ("channel", False, "opened: mail-ops: not told: it only serves department ops"),
        ("attempt", False, "opened: page-dev: did not arrive after 0.12 s (503) and is tried again: overloaded"),
        ("attempt", True, "opened: page-dev: arrived after 0.12 s (200 OK)"),
        ("department", None, "closed: goes to department dev"),
        ("inbox", True, "closed: in the inbox of department dev"),
        ("channel", False, "closed: there was no channel to tell"),
        ("attempt", False, "closed: page-dev: waits to be sent, next at 2026-01-02T00:00:10.000000Z"),
    ]
    with pytest.raises(NotFound):
        await incident_lists.routing(readers, DEFAULT, 99)


async def test_incidents_that_a_search_finds_elsewhere_are_not_counted_among_what_it_looks_at(
    desk: House, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackdesk.store.incident_plans.MOST_FOUND", 2)
    desk.incident("disk elsewhere again", namespace_id=2)
    assert await ids(readers, search="disk") == [4, 2]
