"""What people do with incidents: steps, edits, comments, many at once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE, CALLER, gathered
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.identity import Caller, Role
from trackdesk.domain.incident import (
    BulkIncidents,
    ChangeIncident,
    Incident,
    IncidentStatus,
    NewComment,
    NewIncident,
    Severity,
)
from trackdesk.domain.notification import TAKEN_BACK_WITHIN, NewDepartment
from trackdesk.engine import departments, incidents

if TYPE_CHECKING:
    from tests.engine.house import House

FORBIDDEN = {("CLOSED", "TRIAGED"), ("CLOSED", "IN_PROGRESS")}


async def report(house: House, title: str = "printer on fire", **members: Any) -> Incident:
    return await incidents.report(house.engine, ALICE, NewIncident(title=title, **members))


async def patch(house: House, incident: Incident, if_match: int | None = None, **members: Any) -> Incident:
    change = ChangeIncident.model_validate(members, strict=False)
    return await incidents.patch(house.engine, ALICE, incident.id, change, if_match)


async def test_a_reported_incident_names_who_reported_it(still: House) -> None:
    incident = await report(still, severity=Severity.LOW, service="print", description="smoke")

    assert (incident.ref, incident.origin, incident.status, incident.severity) == ("INC-1", "report", "OPEN", "LOW")
    assert (incident.reported_by, incident.department, incident.version) == ("alice@host", "default", 1)
    assert still.told() == ["opened"]
    assert still.values("SELECT actor FROM journal WHERE topic = 'incidents'") == ["alice@host (via desk)"]


async def test_each_report_is_a_cause_of_its_own(still: House) -> None:
    await report(still)
    await report(still)

    assert still.values("SELECT count(*) FROM incidents WHERE status = 'OPEN'") == [2]


async def test_a_report_may_only_name_a_process_and_department_that_exist(still: House) -> None:
    with pytest.raises(Invalid, match="process"):
        await report(still, process="nothing")
    with pytest.raises(Invalid, match=r"department.*default"):
        await report(still, department="nobody")
    assert still.incidents() == []


async def test_a_report_takes_department_and_service_of_its_process(still: House) -> None:
    await still.engine.writer.run(
        lambda tx: tx.execute("INSERT INTO departments VALUES (1, 'ops', 'Operations', NULL, 0)")
    )
    await still.expect(department="ops", service="db")
    incident = await report(still, process="backup")

    assert (incident.department, incident.service) == ("ops", "db")


@pytest.mark.parametrize(("before", "wanted"), list(itertools.product(IncidentStatus, IncidentStatus)))
async def test_every_step_is_allowed_or_refused_as_agreed(
    still: House, before: IncidentStatus, wanted: IncidentStatus
) -> None:
    incident = await report(still)
    if before != "OPEN":
        incident = await patch(still, incident, status=before)
    if (before, wanted) in FORBIDDEN:
        with pytest.raises(Conflict) as caught:
            await patch(still, incident, status=wanted)
        assert caught.value.code == "closed"
        assert still.values("SELECT status FROM incidents") == [before]
        return
    after = await patch(still, incident, status=wanted)

    assert after.status == wanted
    assert after.version == incident.version + (before != wanted)
    assert (after.closed_at is not None) == (wanted == "CLOSED")
    assert (after.close_reason is not None) == (wanted == "CLOSED")


async def test_the_times_of_triage_and_start_are_those_of_the_first_time(still: House) -> None:
    incident = await report(still)
    still.clock.leap(10)
    started = await patch(still, incident, status="IN_PROGRESS")
    still.clock.leap(10)
    await patch(still, incident, status="TRIAGED")
    again = await patch(still, incident, status="IN_PROGRESS")

    assert started.triaged_at == started.started_at == again.triaged_at == again.started_at
    assert started.started_at == incident.opened_at + 10


async def test_each_step_has_its_word_in_the_journal(still: House) -> None:
    incident = await report(still)
    for status in ("TRIAGED", "IN_PROGRESS", "TRIAGED", "OPEN", "CLOSED", "OPEN"):
        still.clock.leap(TAKEN_BACK_WITHIN)
        await patch(still, incident, status=status)
    await patch(still, incident, severity="CRITICAL")
    await patch(still, incident, assignee="bob")
    await patch(still, incident, title="two printers on fire")

    assert still.journal("incidents") == [
        *("opened", "triaged", "started", "triaged", "handed_back", "closed", "reopened"),
        *("severity", "assigned", "changed"),
    ]
    assert still.changed("incidents")[-1] == {"title": ["printer on fire", "two printers on fire"]}
    assert still.told() == ["opened", "closed", "reopened", "severity_raised"]


async def test_lowering_the_severity_or_raising_it_on_a_closed_one_tells_nobody(still: House) -> None:
    incident = await report(still, severity=Severity.HIGH)
    await patch(still, incident, severity="LOW")
    await patch(still, incident, status="CLOSED")
    await patch(still, incident, severity="CRITICAL")

    assert still.told() == ["opened", "closed"]
    assert still.values("SELECT severity_rank FROM incidents") == [3]


async def test_what_it_has_already_changes_nothing(still: House) -> None:
    incident = await report(still)
    same = await patch(still, incident, status="OPEN", title=incident.title, assignee=None)

    assert same == incident
    assert still.journal("incidents") == ["opened"]


async def test_null_clears_what_may_be_empty_and_is_refused_for_the_rest(still: House) -> None:
    incident = await report(still, assignee="bob", description="smoke")
    cleared = await patch(still, incident, assignee=None, description=None)

    assert (cleared.assignee, cleared.description) == (None, None)
    for name in ("status", "severity", "department", "title"):
        with pytest.raises(Invalid, match=name):
            await patch(still, incident, **{name: None})


async def test_a_department_that_does_not_exist_is_refused_by_name(still: House) -> None:
    incident = await report(still)

    with pytest.raises(Invalid, match=r"department: expected a department that exists \(default\), not 'nobody'"):
        await patch(still, incident, department="nobody")


async def test_what_is_reopened_after_its_department_went_belongs_to_default(still: House) -> None:
    await departments.add(still.engine, ALICE, NewDepartment(id="ops", name="Operations"))
    incident = await report(still, department="ops")
    await patch(still, incident, status="CLOSED")
    await departments.delete(still.engine, ALICE, "ops")

    assert (await patch(still, incident, title="fire")).department == "ops"
    reopened = await patch(still, incident, status="OPEN")
    assert (reopened.status, reopened.department) == ("OPEN", "default")
    changed = orjson.loads(still.values("SELECT changed FROM journal WHERE kind = 'reopened'")[0])
    assert changed["department"] == ["ops", "default"]


async def test_two_editors_are_told_who_changed_what(still: House) -> None:
    incident = await report(still)
    await incidents.patch(still.engine, CALLER, incident.id, ChangeIncident(severity=Severity.LOW, assignee="bob"))
    await incidents.comment(still.engine, ALICE, incident.id, NewComment(content="looking"))

    with pytest.raises(Conflict, match="nightly changed severity, assignee at 2026-") as caught:
        await patch(still, incident, if_match=1, title="mine")

    assert caught.value.code == "changed"
    assert (await patch(still, incident, if_match=2, title="mine")).version == 3


async def test_a_repeat_is_no_edit_that_another_editor_trips_over(still: House) -> None:
    await still.fail(await still.start())
    await still.fail(await still.start())

    after = await incidents.patch(still.engine, ALICE, 1, ChangeIncident(assignee="bob"), 1)

    assert (after.version, after.occurrences) == (2, 2)


async def test_reopening_while_another_is_open_for_the_cause_is_refused(still: House) -> None:
    await still.fail(await still.start())
    await still.complete(await still.start())
    await still.fail(await still.start())

    with pytest.raises(Conflict) as caught:
        await incidents.patch(still.engine, ALICE, 1, ChangeIncident(status=IncidentStatus.OPEN))

    assert caught.value.code == "cause_open"


@pytest.mark.parametrize("status", list(IncidentStatus))
async def test_comments_are_taken_in_every_status(still: House, status: IncidentStatus) -> None:
    incident = await report(still)
    await patch(still, incident, status=status)
    comment = await incidents.comment(still.engine, ALICE, incident.id, NewComment(content="seen"))

    assert (comment.author, comment.content, comment.incident) == ("alice@host (via desk)", "seen", incident.id)
    assert still.journal("incidents")[-1] == "commented"


async def test_a_comment_is_deleted_from_its_own_incident_only(still: House) -> None:
    first, second = await report(still), await report(still)
    comment = await incidents.comment(still.engine, ALICE, first.id, NewComment(content="seen"))

    with pytest.raises(NotFound):
        await incidents.delete_comment(still.engine, ALICE, second.id, comment.id)
    await incidents.delete_comment(still.engine, ALICE, first.id, comment.id)

    assert still.values("SELECT count(*) FROM comments") == [0]
    assert still.journal("incidents")[-1] == "comment_deleted"


async def test_a_deleted_incident_takes_its_comments_with_it(still: House) -> None:
    incident = await report(still)
    await incidents.comment(still.engine, ALICE, incident.id, NewComment(content="seen"))
    await incidents.delete(still.engine, ALICE, incident.id)

    assert still.values("SELECT count(*) FROM comments") == [0]
    with pytest.raises(NotFound):
        await incidents.delete(still.engine, ALICE, incident.id)


async def test_incidents_of_another_namespace_are_not_found(still: House) -> None:
    incident = await report(still)
    stranger = Caller(2, "other", Role.ADMIN, None, "owner")

    with pytest.raises(NotFound):
        await incidents.patch(still.engine, stranger, incident.id, ChangeIncident(assignee="me"))
    with pytest.raises(NotFound):
        await incidents.comment(still.engine, stranger, incident.id, NewComment(content="hi"))


async def test_many_by_id_each_succeed_or_fail_alone(still: House) -> None:
    first, second = await report(still), await report(still)
    await patch(still, second, status="CLOSED")
    body = BulkIncidents(ids=[1, 2, 99], status=IncidentStatus.TRIAGED, assignee="bob", comment="mine")

    results = (await incidents.bulk(still.engine, ALICE, body)).results

    assert [(result.id, result.ok, result.code) for result in results] == [
        (1, True, None),
        (2, False, "closed"),
        (99, False, "not_found"),
    ]
    assert still.values("SELECT assignee FROM incidents ORDER BY id") == ["bob", None]
    assert still.values("SELECT incident_id FROM comments") == [first.id]


async def test_many_by_filter_need_the_number_that_was_seen(still: House) -> None:
    await gathered(*(report(still, title=f"fire {number}") for number in range(5)))

    with pytest.raises(Conflict) as caught:
        await incidents.bulk(
            still.engine, ALICE, BulkIncidents(q="status:open", expect=4, status=IncidentStatus.CLOSED)
        )
    assert caught.value.code == "changed"
    assert still.values("SELECT count(*) FROM incidents WHERE status = 'CLOSED'") == [0]

    body = BulkIncidents(q="status:open", expect=5, status=IncidentStatus.CLOSED)
    assert all(result.ok for result in (await incidents.bulk(still.engine, ALICE, body)).results)
    assert still.values("SELECT count(*) FROM incidents WHERE status = 'CLOSED'") == [5]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"status": "CLOSED"}, "ids"),
        ({"ids": [1], "q": "status:open", "expect": 1, "status": "CLOSED"}, "ids"),
        ({"q": "status:open", "status": "CLOSED"}, "expect"),
        ({"ids": [1]}, "status"),
    ],
)
async def test_a_bulk_change_that_says_too_little_or_too_much_is_refused(
    still: House, members: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await incidents.bulk(still.engine, ALICE, BulkIncidents.model_validate(members, strict=False))

    assert caught.value.field == field
