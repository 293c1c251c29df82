"""Silences: everything is recorded, nobody is told, and what stands at the end is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE, open_house
from tests.engine.test_telling_routes import channel
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.filters import NotificationFilter
from trackdesk.domain.identity import Caller, Role
from trackdesk.domain.incident import ChangeIncident, Incident, IncidentStatus, NewIncident, Severity
from trackdesk.domain.instant import format_instant
from trackdesk.domain.silence import ChangeSilence, Matchers, NewSilence, Silence, SilenceFilter
from trackdesk.engine import incidents, silences
from trackdesk.store import inbox, incident_lists, noise_lists

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.house import House

OPS = Caller(1, "default", Role.MAINTAINER, 9, "desk", departments=("ops",))


async def silence(
    house: House, *, begin: str | None = None, until: Any = "2h", caller: Caller = ALICE, **members: Any
) -> Silence:
    body = {"match": {"service": "crm"}, "until": until, "reason": "deploy of crm", **members}
    if begin is not None:
        body["from"] = begin
    return await silences.add(house.engine, caller, NewSilence.model_validate_json(orjson.dumps(body)))


async def report(house: House, title: str = "slow", *, service: str = "crm", **members: Any) -> Incident:
    return await incidents.report(house.engine, ALICE, NewIncident(title=title, service=service, **members))


async def change(house: House, incident: int, **members: Any) -> Incident:
    return await incidents.patch(house.engine, ALICE, incident, ChangeIncident(**members))


async def inbox_titles(house: House) -> list[str]:
    page = await inbox.page(house.engine.readers, ALICE, NotificationFilter())
    return [each.title for each in page.data]


async def steps(house: House, incident: int, kind: str) -> list[str]:
    found = await incident_lists.routing(house.engine.readers, 1, incident)
    return [step.detail for step in found.steps if step.kind == kind]


async def test_what_is_silenced_is_recorded_and_told_to_nobody(still: House) -> None:
    await channel(still)
    made = await silence(still)
    await report(still)
    await report(still, service="web")

    assert await inbox_titles(still) == ["INC-2 slow"]
    assert still.values("SELECT notification_id FROM deliveries") == [2]
    assert still.journal("incidents") == ["opened", "muted", "opened"]
    assert still.journal("notifications") == ["muted", "told"]
    until = still.at(2 * 3600)
    assert await steps(still, 1, "silence") == [
        f"opened: muted by silence {made.id} until {until}: deploy of crm; not told: the inbox of default, hook"
    ]
    assert await steps(still, 1, "inbox") == []
    found = await noise_lists.silence(still.engine.readers, 1, made.id, still.now)
    assert (found.state, found.muted, found.held) == ("active", 1, 1)


async def test_a_failed_run_is_silenced_by_its_tags(still: House) -> None:
    await silence(still, match={"tag": {"env": ["test", "sta*"]}})
    await still.fail(await still.start("a", tags={"env": "staging"}))
    await still.fail(await still.start("b", tags={"env": "prod"}))
    assert [row["muted"] is not None for row in still.rows("SELECT muted FROM notifications ORDER BY id")] == [
        True,
        False,
    ]
    assert (await incident_lists.get(still.engine.readers, 1, 1)).tags == {"env": "staging"}


async def test_when_its_time_is_over_what_still_stands_is_told_once(house: House) -> None:
    hook = await channel(house)
    await silence(house, until="1m")
    await report(house, "still open")
    await report(house, "closed meanwhile")
    await change(house, 2, status=IncidentStatus.CLOSED)
    await house.pass_time(59)
    assert await inbox_titles(house) == []
    await house.pass_time(2)

    assert await inbox_titles(house) == [
        "Silence 1 is over: 2 incidents were muted, 1 told now",
        "INC-1 still open",
    ]
    assert house.values("SELECT channel_id FROM deliveries") == [hook]
    (body,) = house.values("SELECT body FROM notifications WHERE kind = 'opened' AND muted IS NULL")
    opened = format_instant(house.incidents()[0]["opened_at"])
    assert body == f"Held back until now by silence 1 (deploy of crm); it was opened at {opened}."
    assert (await steps(house, 1, "silence"))[1:] == ["ended: silence 1 is over; it is told now"]
    assert (await steps(house, 2, "silence"))[2:] == [
        "ended: silence 1 is over; it was opened and closed meanwhile, and is told to nobody"
    ]
    assert house.journal("silences") == ["made", "ended"]
    assert house.changed("silences")[1] == {"muted": 2, "told": 1, "reason": "deploy of crm"}
    await house.pass_time(20)
    assert len(await inbox_titles(house)) == 2


async def test_ended_by_hand_it_stays_in_the_list_as_ended(house: House) -> None:
    made = await silence(house)
    await report(house)
    await house.pass_time(60)
    await silences.end(house.engine, ALICE, made.id)
    await house.settled()

    assert len(await inbox_titles(house)) == 2
    page = await noise_lists.silence_page(house.engine.readers, 1, SilenceFilter(state=["ended"]), house.now)
    (found,) = page.data
    assert (found.until, found.ended_by, found.held) == (house.now, "alice@host (via desk)", 0)
    await silences.end(house.engine, ALICE, made.id)
    assert len(await inbox_titles(house)) == 2


async def test_a_closing_of_what_was_told_is_told_at_the_end(house: House) -> None:
    await report(house)
    await silence(house, until="1m")
    await change(house, 1, status=IncidentStatus.CLOSED)
    assert await inbox_titles(house) == ["INC-1 slow"]
    await house.pass_time(61)
    assert (await inbox_titles(house))[1:] == ["INC-1 closed: slow", "INC-1 slow"]


async def test_what_was_told_and_stands_as_it_did_is_not_told_again(house: House) -> None:
    await report(house)
    await silence(house, until="1m")
    await change(house, 1, status=IncidentStatus.CLOSED)
    await change(house, 1, status=IncidentStatus.OPEN)
    await house.pass_time(61)
    assert await inbox_titles(house) == ["Silence 1 is over: 1 incident was muted, none is left to tell", "INC-1 slow"]


async def test_a_severity_above_what_is_silenced_is_told_at_once(still: House) -> None:
    await silence(still, match={"severity": ["LOW", "MEDIUM"]})
    await report(still)
    await change(still, 1, severity=Severity.CRITICAL)
    assert await inbox_titles(still) == ["INC-1 raised: slow"]


async def test_what_another_still_silences_waits_for_that_one(house: House) -> None:
    await silence(house, until="1m")
    await report(house)
    await silence(house, until="2m", reason="and its database")
    await house.pass_time(61)
    assert await inbox_titles(house) == ["Silence 1 is over: 1 incident was muted, none is left to tell"]
    await house.pass_time(60)
    assert (await inbox_titles(house))[:2] == [
        "Silence 2 is over: 1 incident was muted, 1 told now",
        "INC-1 slow",
    ]


async def test_one_that_has_not_begun_silences_nothing_until_it_has(house: House) -> None:
    made = await silence(house, begin=house.at(10), until="1m")
    assert (made.state, made.until - made.from_) == ("pending", 60_000_000)
    await report(house)
    await house.pass_time(11)
    await report(house, "later")
    assert await inbox_titles(house) == ["INC-1 slow"]
    assert house.journal("silences") == ["made", "began"]


async def test_many_are_told_in_steps_and_every_department_gets_one_line(house: House) -> None:
    await silence(house, until="1m", caller=OPS)
    for index in range(30):
        await report(house, f"slow {index}")
    await house.pass_time(61)
    titles = await inbox_titles(house)
    assert titles[0] == "Silence 1 is over: 30 incidents were muted, 30 told now"
    assert sorted(titles[1:]) == sorted(f"INC-{index + 1} slow {index}" for index in range(30))


async def test_one_that_ended_while_nobody_was_there_is_ended_at_the_start(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await silence(house, until="1m")
        await report(house)
        clock = house.clock
    clock.leap(7_200_000_000)
    async with open_house(tmp_path, clock=clock) as house:
        await house.pass_time(61)
        assert (await inbox_titles(house))[1:] == ["INC-1 slow"]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"until": "0s"}, "until"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "400d"}, "until"),
        ({"begin": "2030-01-01T00:00:00Z", "until": "2029-01-01T00:00:00Z"}, "until"),
    ],
)
async def test_an_end_that_can_not_be_is_refused(still: House, members: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        await silence(still, **members)
    assert caught.value.errors[0].field == field


async def patched(house: House, silence_id: int, **members: Any) -> Silence:
    body = ChangeSilence.model_validate_json(orjson.dumps(members))
    return await silences.patch(house.engine, ALICE, silence_id, body)


async def test_of_one_that_has_begun_only_end_and_reason_change(still: House) -> None:
    made = await silence(still)
    longer = await patched(still, made.id, until="5h", reason="it takes longer")
    assert longer.until == still.now + 5 * 3_600_000_000
    assert still.changed("silences")[1]["reason"] == ["deploy of crm", "it takes longer"]
    with pytest.raises(Conflict) as caught:
        await patched(still, made.id, match={"service": "web"})
    assert caught.value.code == "begun"
    later = await silence(still, begin=still.at(60))
    assert (await patched(still, later.id, match={"service": "web"})).match == {"service": ["web"]}


async def test_one_that_has_ended_stays_as_it_is_and_one_to_come_is_gone(still: House) -> None:
    made = await silence(still)
    await silences.end(still.engine, ALICE, made.id)
    with pytest.raises(Conflict) as caught:
        await patched(still, made.id, until="1m")
    assert caught.value.code == "ended"
    later = await silence(still, begin=still.at(60))
    await silences.end(still.engine, ALICE, later.id)
    with pytest.raises(NotFound):
        await silences.end(still.engine, ALICE, later.id)


async def test_a_preview_says_what_it_would_have_muted_and_agrees_with_the_matcher(still: House) -> None:
    await report(still, "one", severity=Severity.HIGH)
    await report(still, "two", service="pay-in")
    await report(still, "three", service="pay-out")
    await still.fail(await still.start("backup", tags={"env": "test"}, service="pay-in"))
    await change(still, 3, status=IncidentStatus.CLOSED)

    async def preview(**match: Any) -> tuple[int, int, list[int]]:
        found = await noise_lists.preview(still.engine.readers, 1, Matchers.model_validate_json(orjson.dumps(match)), 0)
        assert found.opened == 4
        return found.muted, found.open, sorted(each.id for each in found.incidents)

    assert await preview(service="pay*") == (3, 2, [2, 3, 4])
    assert await preview(service=["crm", "pay-in"], severity="HIGH") == (2, 2, [1, 4])
    assert await preview(tag={"env": "*"}) == (1, 1, [4])
    assert await preview(process="nothing") == (0, 0, [])
    later = await noise_lists.preview(still.engine.readers, 1, Matchers(service=["crm"]), still.now + 1)
    assert (later.opened, later.muted) == (0, 0)


async def test_a_list_is_narrowed_by_state_and_by_what_is_matched(still: House) -> None:
    await silence(still, match={"service": ["crm", "web"]})
    await silence(still, match={"process": "backup"}, reason="tapes are changed")
    await silence(still, begin=still.at(60))

    async def found(**given: Any) -> list[int]:
        page = await noise_lists.silence_page(still.engine.readers, 1, SilenceFilter(**given), still.now)
        return [each.id for each in page.data]

    assert await found() == [3, 2, 1]
    assert await found(state=["active"]) == [2, 1]
    assert await found(q="state:pending") == [3]
    assert await found(q="service:web") == [1]
    assert await found(q="tapes") == [2]
    assert await found(q="ends:<90m") == []
    assert await found(state=["ended"], q="state:active") == []
