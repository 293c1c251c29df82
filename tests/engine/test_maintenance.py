"""Maintenance windows: once or by a schedule, of a service or a department."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE
from tests.engine.test_silences import change as change_incident
from tests.engine.test_silences import inbox_titles, report, silence, steps
from trackdesk.domain.configuration import ApplyConfiguration
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.incident import IncidentStatus
from trackdesk.domain.instant import format_instant, parse_rfc3339
from trackdesk.domain.maintenance import ChangeMaintenance, Maintenance, MaintenanceFilter, NewMaintenance
from trackdesk.domain.notification import NewDepartment
from trackdesk.engine import configuration, departments, maintenance
from trackdesk.store import noise_lists

if TYPE_CHECKING:
    from tests.engine.house import House

DAILY = {"cron": "14 14 * * *", "timezone": "UTC"}
"""The clock of the tests stands at 14:13:20 at first."""


async def add(house: House, name: str = "patching", **members: Any) -> Maintenance:
    body = {"name": name, "reason": "machines are patched", **members}
    if "department" not in body:
        body.setdefault("service", "crm")
    return await maintenance.add(house.engine, ALICE, NewMaintenance.model_validate_json(orjson.dumps(body)))


async def patched(house: House, maintenance_id: int, **members: Any) -> Maintenance:
    body = ChangeMaintenance.model_validate_json(orjson.dumps(members))
    return await maintenance.patch(house.engine, ALICE, maintenance_id, body)


async def one(house: House, maintenance_id: int = 1) -> Maintenance:
    return await noise_lists.one_maintenance(house.engine.readers, 1, maintenance_id, house.now)


async def test_a_recurring_window_mutes_while_it_is_on_and_comes_again(house: House) -> None:
    made = await add(house, schedule=DAILY, duration="1m")
    assert (made.state, made.windows[0].from_) == ("pending", parse_rfc3339("2026-09-21T14:14:00Z"))
    assert len(made.windows) == 5
    await report(house, "before")
    await house.pass_time(50)
    assert (await one(house)).state == "active"
    await report(house, "within")
    assert await inbox_titles(house) == ["INC-1 before"]
    (step,) = await steps(house, 2, "silence")
    assert step.startswith("opened: muted by maintenance patching until 2026-09-21T14:15:00.000000Z: machines are")
    await house.pass_time(60)
    assert (await inbox_titles(house))[:2] == [
        "Maintenance patching is over: 1 incident was muted, 1 told now",
        "INC-2 within",
    ]
    after = await one(house)
    assert (after.state, after.muted, after.held) == ("pending", 1, 0)
    assert after.windows[0].from_ == parse_rfc3339("2026-09-22T14:14:00Z")
    assert house.journal("maintenance") == ["made", "began", "ended"]


async def test_a_window_in_which_nothing_happened_is_not_worth_a_line(house: House) -> None:
    await add(house, schedule=DAILY, duration="1m")
    await house.pass_time(120)
    assert await inbox_titles(house) == []
    assert house.journal("maintenance") == ["made", "began", "ended"]


async def test_a_department_is_under_maintenance_once(house: House) -> None:
    await departments.add(house.engine, ALICE, NewDepartment(id="ops", name="Operations"))
    await add(house, department="ops", until="1m")
    await report(house, "of ops", department="ops")
    await report(house, "of nobody")
    assert await inbox_titles(house) == ["INC-2 of nobody"]
    with pytest.raises(Conflict) as caught:
        await departments.delete(house.engine, ALICE, "ops")
    assert "maintenance patching" in caught.value.detail
    await change_incident(house, 1, status=IncidentStatus.CLOSED)
    await house.pass_time(61)
    assert (await inbox_titles(house))[0] == "Maintenance patching is over: 1 incident was muted, none is left to tell"
    assert (await one(house)).state == "ended"


async def test_a_process_of_the_service_is_under_maintenance_too(still: House) -> None:
    await still.expect("backup", service="crm")
    await add(still, until="1m")
    await still.fail(await still.start("backup"))
    assert await inbox_titles(still) == []


async def test_windows_keep_to_their_zone_when_the_clocks_change(still: House) -> None:
    made = await add(still, schedule={"cron": "0 2 * * *", "timezone": "Europe/Berlin"}, duration="1h")
    # CEST until 2026-10-25, CET after it.
    assert format_instant(made.windows[0].from_) == "2026-09-22T00:00:00.000000Z"
    plan_after = parse_rfc3339("2026-10-25T12:00:00Z")
    later = await noise_lists.one_maintenance(still.engine.readers, 1, made.id, plan_after)
    assert format_instant(later.windows[0].from_) == "2026-10-26T01:00:00.000000Z"


async def test_deleted_while_its_window_is_on_it_tells_what_it_held_back(house: House) -> None:
    await add(house, until="1m")
    for index in range(30):
        await report(house, f"slow {index}")
    await maintenance.delete(house.engine, ALICE, 1)
    assert len(await inbox_titles(house)) == 31
    with pytest.raises(NotFound):
        await one(house)
    assert house.journal("maintenance") == ["made", "ended", "deleted"]


async def test_a_window_that_is_on_grows_and_mutes_on(house: House) -> None:
    await add(house, until="1m")
    await report(house)
    grown = await patched(house, 1, until=house.at(120))
    assert (grown.state, grown.held) == ("active", 1)
    await house.pass_time(70)
    assert await inbox_titles(house) == []
    await house.pass_time(60)
    assert len(await inbox_titles(house)) == 2


async def test_a_schedule_that_is_moved_away_ends_the_window_that_is_on(house: House) -> None:
    await add(house, schedule={"cron": "0 14 * * *"}, duration="1h")
    await house.settled()
    await report(house)
    await patched(house, 1, schedule={"cron": "0 20 * * *"})
    await house.settled()
    assert (await inbox_titles(house))[1] == "INC-1 slow"
    after = await one(house)
    assert (after.state, after.windows[0].from_) == ("pending", parse_rfc3339("2026-09-21T20:00:00Z"))


async def test_what_is_held_by_a_silence_beyond_the_window_waits_for_its_end(house: House) -> None:
    await add(house, until="1m")
    await report(house)
    await silence(house, until="2m")
    await house.pass_time(61)
    assert await inbox_titles(house) == ["Maintenance patching is over: 1 incident was muted, none is left to tell"]


async def test_a_list_is_narrowed_by_state_and_service(still: House) -> None:
    await add(still, until="1m")
    await add(still, "nightly", service="web", schedule=DAILY, duration="1h")

    async def found(**given: Any) -> list[str]:
        filters = MaintenanceFilter(**given)
        page = await noise_lists.maintenance_page(still.engine.readers, 1, filters, still.now)
        return [each.name for each in page.data]

    assert await found() == ["patching", "nightly"]
    assert await found(state=["active"]) == ["patching"]
    assert await found(q="state:pending service:w*") == ["nightly"]
    assert await found(state=["ended"]) == []
    assert await found(service=["crm"]) == ["patching"]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"service": None, "until": "1h"}, "service"),
        ({"service": "crm", "department": "default", "until": "1h"}, "service"),
        ({"department": "nobody", "until": "1h"}, "department"),
        ({}, "until"),
        ({"until": "400d"}, "until"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"schedule": DAILY}, "duration"),
        ({"schedule": DAILY, "duration": "24h"}, "duration"),
        ({"schedule": DAILY, "duration": "1h", "until": "2h"}, "until"),
        ({"duration": "1h", "until": "2h"}, "duration"),
    ],
)
async def test_what_can_not_be_a_window_is_refused_by_name(still: House, members: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        await add(still, **members)
    assert caught.value.errors[0].field == field


async def test_a_name_is_given_once(still: House) -> None:
    await add(still, until="1m")
    with pytest.raises(Conflict) as caught:
        await add(still, until="1m")
    assert caught.value.code == "exists"


async def test_it_is_part_of_what_is_applied(still: House) -> None:
    await add(still, "old", until="1m")
    document: dict[str, Any] = {
        "patching": {"service": "crm", "schedule": DAILY, "duration": "1h", "reason": "patches"},
        "move": {"department": "default", "until": "2026-09-21T20:00:00Z", "reason": "a new rack"},
    }

    async def applied(prune: bool = False) -> list[tuple[str, str, list[str]]]:
        body = ApplyConfiguration.model_validate_json(orjson.dumps({"maintenance": document, "prune": prune}))
        found = await configuration.apply(still.engine, ALICE, body)
        return [(each.name, each.action, sorted(each.members)) for each in found.changes]

    assert [each[:2] for each in await applied()] == [("patching", "made"), ("move", "made")]
    assert await applied() == []
    document["patching"]["duration"] = "2h"
    assert await applied() == [("patching", "changed", ["duration"])]
    del document["move"]
    assert [each[:2] for each in await applied(prune=True)] == [("old", "removed"), ("move", "removed")]
    document["patching"]["duration"] = "48h"
    with pytest.raises(Invalid) as caught:
        await applied()
    assert caught.value.errors[0].field == "maintenance.patching.duration"
