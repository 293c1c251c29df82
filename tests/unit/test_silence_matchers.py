"""What a silence matches, and what is owed at its end."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from trackdesk.domain.incident import Incident, IncidentStatus, Severity
from trackdesk.domain.notification import Kind, Subject
from trackdesk.domain.silence import Matchers, Mute, Mutes, matcher_of, owed


def subject(**members: Any) -> Subject:
    return Subject(**{"kind": Kind.OPENED, "severity": Severity.HIGH, "department": "ops", "service": "crm", **members})


def matches(match: dict[str, Any], **members: Any) -> bool:
    return matcher_of(Matchers.model_validate_json(orjson.dumps(match)).plain()).matches(subject(**members))


@pytest.mark.parametrize(
    ("match", "members"),
    [
        ({"service": "crm"}, {}),
        ({"service": ["web", "crm"]}, {}),
        ({"service": "c*"}, {}),
        ({"service": ["web", "c*"]}, {}),
        ({"service": "*"}, {}),
        ({"process": "import*"}, {"process": "import-orders"}),
        ({"rule": "latency"}, {"rule": "latency"}),
        ({"severity": "HIGH"}, {}),
        ({"severity": ["LOW", "HIGH"]}, {}),
        ({"tag": {"env": "prod"}}, {"tags": (("env", "prod"), ("host", "n1"))}),
        ({"tag": {"env": ["test", "pr*"]}}, {"tags": (("env", "prod"),)}),
        ({"service": "crm", "severity": "HIGH", "tag": {"env": "prod"}}, {"tags": (("env", "prod"),)}),
    ],
)
def test_it_matches_when_all_members_hold(match: dict[str, Any], members: dict[str, Any]) -> None:
    assert matches(match, **members)


@pytest.mark.parametrize(
    ("match", "members"),
    [
        ({"service": "crm2"}, {}),
        ({"service": "CRM"}, {}),
        ({"service": "*"}, {"service": None}),
        ({"process": "backup"}, {}),
        ({"severity": "LOW"}, {}),
        ({"severity": "HIGH"}, {"severity": None}),
        ({"tag": {"env": "prod"}}, {}),
        ({"tag": {"env": "prod", "host": "n2"}}, {"tags": (("env", "prod"), ("host", "n1"))}),
        ({"service": "crm", "process": "backup"}, {}),
    ],
)
def test_one_member_that_does_not_hold_is_enough(match: dict[str, Any], members: dict[str, Any]) -> None:
    assert not matches(match, **members)


@pytest.mark.parametrize(
    ("match", "place"),
    [
        ({}, ""),
        ({"service": None}, ""),
        ({"service": []}, "service"),
        ({"service": "*crm"}, "service"),
        ({"service": "c*m"}, "service"),
        ({"service": " crm"}, "service"),
        ({"service": 7}, "service"),
        ({"severity": "BAD"}, "severity"),
        ({"tag": {}}, "tag"),
        ({"tag": {"a b": "c"}}, "tag"),
        ({"host": "n1"}, "host"),
    ],
)
def test_what_matches_nothing_or_everything_is_refused(match: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Matchers.model_validate_json(orjson.dumps(match))
    found = caught.value.errors()[0]["loc"]
    assert ".".join(str(each) for each in found).startswith(place)


@pytest.mark.parametrize(
    ("match", "place"),
    [
        ({"service": "c*m"}, ("service",)),
        ({"service": ["crm", "c*m"]}, ("service", 1)),
        ({"severity": "BAD"}, ("severity",)),
        ({"tag": {"env": ""}}, ("tag", "env")),
    ],
)
def test_what_is_wrong_with_a_value_that_stands_alone_is_said_of_its_member(
    match: dict[str, Any], place: tuple[int | str, ...]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Matchers.model_validate_json(orjson.dumps(match))
    assert [each["loc"] for each in caught.value.errors()] == [place]


def test_a_value_and_a_list_of_it_are_the_same() -> None:
    assert Matchers.model_validate({"service": "crm"}).plain() == {"service": ["crm"]}
    assert Matchers.model_validate({"service": ["crm", "crm"]}).plain() == {"service": ["crm"]}


def mute(id_: int, from_at: int, until_at: int) -> Mute:
    return Mute("silence", id_, None, "work", from_at, until_at, matcher_of({"service": ["crm"]}))


def test_of_several_the_one_that_ends_last_counts() -> None:
    mutes = [mute(1, 0, 10), mute(2, 0, 30), mute(3, 15, 40)]
    found = [Mutes(mutes).find(subject(), now) for now in (0, 9, 15, 29, 30, 40)]
    assert [None if each is None else each.id for each in found] == [2, 2, 3, 3, 3, None]


def test_all_that_stand_are_held_against_it_however_they_are_laid_out() -> None:
    matches: list[dict[str, Any]] = [
        {"service": ["web", "crm"]},
        {"process": ["backup"]},
        {"service": ["c*"]},
        {"tag": {"env": ["prod"]}},
    ]
    about: dict[str, Any] = {"process": "backup", "tags": (("env", "prod"),)}
    for end, match in enumerate(matches, 10):
        others = [mute(8, 20, 30), Mute("silence", 9, None, "work", 0, 99, matcher_of({"service": ["other"]}))]
        found = Mutes([*others, Mute("silence", 1, None, "work", 0, end, matcher_of(match))]).find(subject(**about), 5)
        assert found is not None
        assert found.id == 1


def incident(status: IncidentStatus, severity: Severity = Severity.HIGH) -> Incident:
    times = dict.fromkeys(("opened_at", "last_seen_at", "updated_at"), 0)
    return Incident(
        id=1, ref="INC-1", origin="failed", status=status, severity=severity, title="t", department="ops", version=1,
        **times,
    )  # fmt: skip


OPEN, CLOSED = IncidentStatus.OPEN, IncidentStatus.CLOSED


@pytest.mark.parametrize(
    ("status", "last", "kind"),
    [
        (OPEN, None, Kind.OPENED),
        (CLOSED, None, None),
        (OPEN, ("opened", "HIGH"), None),
        (OPEN, ("opened", "LOW"), Kind.SEVERITY_RAISED),
        (OPEN, ("opened", "CRITICAL"), None),
        (OPEN, ("closed", "HIGH"), Kind.REOPENED),
        (CLOSED, ("opened", "HIGH"), Kind.CLOSED),
        (CLOSED, ("closed", "HIGH"), None),
    ],
)
def test_at_the_end_that_is_told_which_nobody_knows(
    status: IncidentStatus, last: tuple[str, str] | None, kind: Kind | None
) -> None:
    assert owed(incident(status), last) == kind
