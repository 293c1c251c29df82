"""The life of an incident: which step may follow which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.errors import Conflict
from trackdesk.domain.incident import IncidentStatus, Severity, check_step, incident_ref, process_cause, run_cause

STATUS = st.sampled_from(list(IncidentStatus))


@given(STATUS, STATUS)
def test_only_work_on_what_is_closed_is_refused(now: IncidentStatus, wanted: IncidentStatus) -> None:
    refused = now == IncidentStatus.CLOSED and wanted in {IncidentStatus.TRIAGED, IncidentStatus.IN_PROGRESS}
    if refused:
        with pytest.raises(Conflict) as caught:
            check_step(now, wanted)
        assert caught.value.code == "closed"
        assert wanted in caught.value.detail
    else:
        check_step(now, wanted)


@given(st.lists(STATUS))
def test_every_status_can_be_reached_from_every_other_by_allowed_steps(path: list[IncidentStatus]) -> None:
    now = IncidentStatus.OPEN
    for wanted in path:
        if now == IncidentStatus.CLOSED:
            check_step(now, IncidentStatus.OPEN)
            now = IncidentStatus.OPEN
        check_step(now, wanted)
        now = wanted


def test_causes_of_processes_and_runs_never_meet() -> None:
    assert process_cause("a") != process_cause("b")
    assert len({process_cause("a:b"), run_cause("a", "b"), run_cause("a:b", "b"), run_cause("a", "b:b")}) == 4


def test_an_incident_is_called_by_its_number() -> None:
    assert incident_ref(42) == "INC-42"


def test_severities_stand_in_order() -> None:
    assert list(Severity) == ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
