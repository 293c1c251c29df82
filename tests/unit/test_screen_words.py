"""What the screens decide without a screen: later deadlines, the way back from a change, words of forms."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from trackdesk.domain.incident import Incident, IncidentStatus, RoutingStep, Severity
from trackdesk.domain.instant import parse_instant
from trackdesk.domain.run import Run, RunStatus
from trackdesk.screens import admin_channels, deeds
from trackdesk.screens.changes import by_this_clock
from trackdesk.screens.deeds import History, way_back, why_none
from trackdesk.screens.extend import later
from trackdesk.screens.happened import told_entries
from trackdesk.widgets import when

MINUTE = 60_000_000
NOW = parse_instant("2026-11-21T22:47:09Z")


def _run(deadline: int | None) -> Run:
    return Run.model_construct(
        uid="u",
        process="backup",
        id="n1",
        attempt=1,
        status=RunStatus.ACTIVE,
        started_at=NOW - MINUTE,
        deadline=deadline,
    )


def _incident(**members: Any) -> Incident:
    given = {
        "id": 7,
        "ref": "INC-7",
        "origin": "report",
        "status": IncidentStatus.OPEN,
        "severity": Severity.HIGH,
        "title": "leak",
        "department": "default",
        "opened_at": NOW,
        "last_seen_at": NOW,
        "updated_at": NOW,
        "version": 1,
    }
    return Incident.model_construct(**(given | members))


def test_a_duration_counts_from_a_deadline_that_is_still_to_come() -> None:
    assert later("30m", _run(NOW + 5 * MINUTE), NOW) == NOW + 35 * MINUTE


def test_a_duration_counts_from_now_once_the_deadline_has_passed() -> None:
    assert later("30m", _run(NOW - 5 * MINUTE), NOW) == NOW + 30 * MINUTE
    assert later("30m", _run(None), NOW) == NOW + 30 * MINUTE


def test_an_hour_is_the_next_time_that_it_comes() -> None:
    assert later("23:10", _run(None), NOW, UTC) == parse_instant("2026-11-21T23:10:00Z")
    assert later("6:30", _run(None), NOW, UTC) == parse_instant("2026-11-22T06:30:00Z")


def test_a_time_as_the_api_takes_it_is_taken() -> None:
    assert later("2026-12-01T00:00:00Z", _run(None), NOW) == parse_instant("2026-12-01T00:00:00Z")


@pytest.mark.parametrize("text", ["soon", "", "24:00", "12:60", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00Z", "-5m"])
def test_what_is_no_later_time_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|passed"):
        later(text, _run(None), NOW, UTC)


def test_taking_keeps_work_that_has_begun() -> None:
    assert deeds.take("ada")(_incident()) == {"assignee": "ada", "status": "TRIAGED"}
    assert deeds.take("ada")(_incident(status=IncidentStatus.IN_PROGRESS, assignee="kim")) == {"assignee": "ada"}
    assert deeds.take("ada")(_incident(status=IncidentStatus.TRIAGED, assignee="ada")) == "is yours already"


def test_the_way_back_from_closing_leads_over_open() -> None:
    before = _incident(status=IncidentStatus.IN_PROGRESS)
    assert way_back(before, {"status": "CLOSED"}) == [{"status": "OPEN"}, {"status": IncidentStatus.IN_PROGRESS}]
    assert way_back(_incident(), {"status": "CLOSED"}) == [{"status": IncidentStatus.OPEN}]


def test_a_deed_is_for_many_as_long_as_it_is_for_one() -> None:
    closed = _incident(status=IncidentStatus.CLOSED)
    assert why_none(deeds.close, [closed, _incident()]) is None
    assert why_none(deeds.close, [closed]) == "INC-7 is closed already"
    assert why_none(deeds.close, [closed, closed]) == "none of the 2: INC-7 is closed already"


def test_what_was_taken_back_stands_for_the_version_that_it_was() -> None:
    history = History()
    history.stands_again(7, 2, as_version=5)
    history.stands_again(7, 5, as_version=8)
    assert history.version_of(7, 2) == 8
    assert history.version_of(7, 3) == 3


def test_attempts_that_failed_alike_are_one_line_with_their_number() -> None:
    steps = [
        RoutingStep.model_construct(at=NOW + at, kind="attempt", subject="hook", told=told, detail=detail)
        for at, told, detail in (
            (1, False, "opened: hook: did not arrive after 0.10 s (500) and is tried again"),
            (2, False, "opened: hook: did not arrive after 0.30 s (500) and is tried again"),
            (3, True, "opened: hook: arrived after 0.10 s (200)"),
        )
    ]
    assert [entry.text for entry in told_entries(steps)] == [
        "hook: did not arrive after 0.30 s (500) and is tried again (2 times)",
        "hook: arrived after 0.10 s (200)",
    ]


def test_the_words_of_the_channel_form_become_its_filters() -> None:
    words = dict.fromkeys(("url", "secret", "department"), "")
    words |= {"name": "ops", "min_severity": "any", "kinds": "opened, closed", "group_window": "5m"}
    assert admin_channels.body_of(words | {"match": "process=backup tag:env=prod"}) == {
        "name": "ops",
        "kinds": ["opened", "closed"],
        "group_window": "5m",
        "match": {"process": "backup", "tag": {"env": "prod"}},
    }
    assert "not 'env=prod'" in admin_channels.body_of(words | {"match": "env=prod"})


def test_times_in_a_text_of_trackdesk_are_shown_by_this_clock() -> None:
    at = parse_instant("2026-01-02T03:04:05.123456Z")
    assert by_this_clock("until 2026-01-02T03:04:05.123456Z, by ada") == f"until {when.absolute(at)}, by ada"
