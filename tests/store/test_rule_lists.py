"""Lists of rules."""

from typing import Any

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.domain.errors import Invalid, NotFound
from trackdesk.domain.filters import RuleFilter
from trackdesk.store import rule_lists
from trackdesk.store.readers import Readers


def rule(house: House, rule_id: str, namespace_id: int = DEFAULT, **columns: Any) -> None:
    usual = {
        "name": rule_id,
        "metric_type": "LATENCY_MS",
        "operator": ">",
        "threshold": 150.0,
        "severity": "MEDIUM",
        "enabled": 1,
        "aggregate": "last",
        "auto_close": 1,
        "priority": 100,
        "created_at": NOW,
        "updated_at": NOW,
    }
    house.insert("rules", namespace_id=namespace_id, id=rule_id, **{**usual, **columns})


def triggered(house: House, rule_id: str, opened_at: int, status: str = "CLOSED") -> None:
    house.insert(
        "incidents",
        namespace_id=DEFAULT,
        origin="report",
        status=status,
        severity="HIGH",
        severity_rank=2,
        title="slow",
        department="default",
        rule=rule_id,
        opened_at=opened_at,
        last_seen_at=opened_at,
        updated_at=opened_at,
    )


@pytest.fixture
def book(house: House) -> House:
    rule(house, "slow", priority=10, service="web", severity="HIGH", department="net", description="answers late")
    rule(house, "lossy", metric_type="PACKET_LOSS", updated_at=NOW + 5)
    rule(house, "off", enabled=0, name="Another", priority=1000)
    rule(house, "elsewhere", namespace_id=house.namespace("other"))
    for each in range(3):
        triggered(house, "lossy", NOW + each)
    triggered(house, "slow", NOW + 7, "OPEN")
    triggered(house, "gone", NOW + 9, "OPEN")
    return house


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["slow", "lossy", "off"]),
        ({"sort": "-priority"}, ["off", "lossy", "slow"]),
        ({"sort": "name"}, ["off", "lossy", "slow"]),
        ({"sort": "-updated_at", "limit": 1}, ["lossy"]),
        ({"sort": "-trigger_count"}, ["lossy", "slow", "off"]),
        ({"metric_type": ["PACKET_LOSS", "OTHER"]}, ["lossy"]),
        ({"service": ["web"]}, ["slow"]),
        ({"severity": ["high"]}, ["slow"]),
        ({"department": ["net"]}, ["slow"]),
        ({"enabled": "false"}, ["off"]),
        ({"state": ["FIRING"]}, []),
        ({"search": "LATE answers"}, ["slow"]),
        ({"q": "severity:>=high enabled:yes"}, ["slow"]),
        ({"q": "-metric_type:PACKET_LOSS priority:<500"}, ["slow"]),
        ({"q": "another"}, ["off"]),
        ({"q": "id:lo* state:ok"}, ["lossy"]),
    ],
)
async def test_a_filter_lets_through_what_it_names(
    book: House, readers: Readers, given: dict[str, Any], expected: list[str]
) -> None:
    page = await rule_lists.page(readers, DEFAULT, RuleFilter(**given), NOW)

    assert [each.id for each in page.data] == expected


@pytest.mark.parametrize("sort", ["priority", "-name", "updated_at", "-trigger_count"])
async def test_pages_follow_each_other(book: House, readers: Readers, sort: str) -> None:
    found, cursor = [], None
    while True:
        page = await rule_lists.page(readers, DEFAULT, RuleFilter(sort=sort, limit=1, cursor=cursor), NOW)
        found += [each.id for each in page.data]
        cursor = page.meta.next
        if cursor is None:
            break
    whole = await rule_lists.page(readers, DEFAULT, RuleFilter(sort=sort), NOW)
    assert found == [each.id for each in whole.data]
    assert whole.meta.total == 3


async def test_an_unknown_field_names_the_known(book: House, readers: Readers) -> None:
    with pytest.raises(Invalid, match="metric_type"):
        await rule_lists.page(readers, DEFAULT, RuleFilter(q="color:red"), NOW)


async def test_a_rule_says_how_often_it_opened_an_incident(book: House, readers: Readers) -> None:
    slow = await rule_lists.get(readers, DEFAULT, "slow")
    lossy = await rule_lists.get(readers, DEFAULT, "lossy")

    assert (slow.open_incidents, slow.trigger_count, slow.last_triggered_at) == (1, 1, NOW + 7)
    assert (lossy.open_incidents, lossy.trigger_count, lossy.last_triggered_at) == (0, 3, NOW + 2)
    with pytest.raises(NotFound):
        await rule_lists.get(readers, DEFAULT, "elsewhere")


async def test_what_opened_most_comes_first_also_when_it_is_deleted(book: House, readers: Readers) -> None:
    whole = await rule_lists.top_triggered(readers, DEFAULT, 0, 10)
    late = await rule_lists.top_triggered(readers, DEFAULT, NOW + 2, 2)

    assert [(each.rule, each.name, each.trigger_count) for each in whole] == [
        ("lossy", "lossy", 3),
        ("gone", None, 1),
        ("slow", "slow", 1),
    ]
    assert [(each.rule, each.trigger_count) for each in late] == [("gone", 1), ("lossy", 1)]


async def test_the_worst_of_its_series_is_the_state_of_a_rule(book: House, readers: Readers) -> None:
    service = book.insert("services", namespace_id=DEFAULT, name="web", created_at=NOW, updated_at=NOW)
    for number, state in enumerate(("PENDING", "NO_DATA", "FIRING")):
        its = book.insert(
            "series", namespace_id=DEFAULT, service_id=service, metric_type="LATENCY_MS", tags=f'{{"n":"{number}"}}'
        )
        known = {"namespace_id": DEFAULT, "rule_id": "slow", "series_id": its, "service": "web", "since": NOW}
        book.insert("rule_states", **known, state=state, breaches=0)

    firing = await rule_lists.page(readers, DEFAULT, RuleFilter(state=["FIRING"]), NOW)

    assert [(each.id, each.state, each.wrong_series) for each in firing.data] == [("slow", "FIRING", 2)]
