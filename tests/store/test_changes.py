"""What changed on a service before an incident."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.store.house import DEFAULT, NOW
from trackdesk.domain.changes import USUAL_WINDOW
from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.store import changes, incident_lists

if TYPE_CHECKING:
    from tests.store.house import House
    from trackdesk.domain.changes import Changes


async def before(house: House, incident: int, window: int = USUAL_WINDOW) -> Changes:
    async with house.readers() as readers:
        found = await incident_lists.get(readers, DEFAULT, incident)
        return await changes.changes(readers, DEFAULT, found, window)


def rule(house: House, rule_id: str, service: str | None) -> None:
    known: dict[str, Any] = {"metric_type": "CPU", "severity": "HIGH", "enabled": 1, "aggregate": "last"}
    times = {"created_at": NOW, "updated_at": NOW, "auto_close": 1, "priority": 1, "namespace_id": DEFAULT}
    house.insert("rules", id=rule_id, name=rule_id, service=service, **known, **times)


async def test_runs_of_the_service_that_began_or_ended_in_the_hour_before_are_told(house: House) -> None:
    house.process("deploy", service="crm")
    done: dict[str, Any] = {"status": "COMPLETED", "duration": 9 * SECOND}
    house.run("deploy", id="early", started_at=NOW - 2 * HOUR, completed_at=NOW - 2 * HOUR + 9, **done)
    failed: dict[str, Any] = {"status": "FAILED", "error": "no\nway", "completed_at": NOW - MINUTE}
    house.run("deploy", id="long", started_at=NOW - 2 * HOUR, **failed)
    house.run("other", id="own", service="crm", started_at=NOW - 5 * MINUTE, triggered_by="ada")
    house.run("other", id="foreign", service="web", started_at=NOW - 5 * MINUTE)
    house.run("deploy", id="later", started_at=NOW)
    found = await before(house, house.incident("crm is down", service="crm", opened_at=NOW))
    assert [(each.kind, each.text, each.who) for each in found.data] == [
        ("run_started", "other/own started", "ada"),
        ("run_failed", "deploy/long failed: no way", None),
    ]
    assert (found.from_, found.to, found.cut) == (NOW - HOUR, NOW, False)
    assert len((await before(house, 1, 3 * HOUR)).data) == 5


async def test_many_runs_alike_are_told_as_one(house: House) -> None:
    house.process("sync", service="crm")
    for number in range(8):
        house.run("sync", started_at=NOW - (8 - number) * MINUTE, status="COMPLETED", duration=SECOND)
    found = await before(house, house.incident(service="crm", opened_at=NOW))
    assert [(each.text, each.count) for each in found.data] == [
        ("8 runs of sync started", 8),
        ("8 runs of sync completed", 8),
    ]


async def test_edits_of_process_service_and_rules_are_told_with_who_made_them(house: House) -> None:
    house.process("backup", service="crm")
    for rule_id, service in (("cpu", "crm"), ("all", None), ("web", "web")):
        rule(house, rule_id, service)
        changed = json.dumps({"threshold": [90, 80]})
        house.journal("rules", "changed", rule_id, at=NOW - MINUTE, actor="bob", changed=changed)
    house.journal("processes", "changed", "backup", at=NOW - 2, changed='{"grace": [null, "5m"]}')
    house.journal("processes", "missing", "backup", at=NOW - 2)
    house.journal("processes", "changed", "other", at=NOW - 2)
    house.journal("services", "changed", "crm", at=NOW - 1, changed='{"department": ["default", "ops"]}')
    house.journal("services", "changed", "crm", at=NOW - 2 * HOUR)
    found = await before(house, house.incident(service="crm", opened_at=NOW))
    assert sorted((each.kind, each.text, each.who) for each in found.data) == [
        ("process", "process backup changed: grace none → 5m", "alice"),
        ("rule", "rule all changed: threshold 90 → 80", "bob"),
        ("rule", "rule cpu changed: threshold 90 → 80", "bob"),
        ("service", "service crm changed: department default → ops", "alice"),
    ]


async def test_an_incident_of_a_process_without_a_service_has_that_process(house: House) -> None:
    house.run("backup", id="n1", started_at=NOW - MINUTE)
    house.run("other", started_at=NOW - MINUTE)
    found = await before(house, house.incident(process="backup", opened_at=NOW))
    assert [each.text for each in found.data] == ["backup/n1 started"]


async def test_a_report_about_nothing_in_particular_has_no_changes(house: House) -> None:
    house.run("backup", started_at=NOW - MINUTE)
    assert (await before(house, house.incident(process=None, opened_at=NOW))).data == []
