"""Which channel is told what, and the sentence when it is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.backoff import FIRST_WAIT, LONGEST_WAIT, MAX_ATTEMPTS, MAX_RETRY_AFTER, next_wait
from trackdesk.domain.clock import HOUR, SECOND
from trackdesk.domain.incident import Severity
from trackdesk.domain.notification import DEFAULT_KINDS, Channel, Kind, Match, Subject, why_not


def channel(**members: Any) -> Channel:
    return Channel(id=1, name="hook", url="https://…", created_at=0, updated_at=0, version=1, **members)


def subject(kind: Kind = Kind.OPENED, **members: Any) -> Subject:
    return Subject(kind, **{"severity": Severity.HIGH, "department": "ops", **members})


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.TEST}))
def test_without_kinds_a_channel_is_told_the_usual_ones(kind: Kind) -> None:
    assert (why_not(channel(), subject(kind)) is None) == (kind in DEFAULT_KINDS)


@pytest.mark.parametrize(
    ("members", "about", "reason"),
    [
        ({"enabled": False}, {}, "the channel is switched off"),
        ({"department": "dev"}, {}, "it only serves department dev"),
        ({"kinds": [Kind.CLOSED]}, {}, "it does not ask for opened"),
        ({"min_severity": Severity.CRITICAL}, {}, "HIGH is below its CRITICAL"),
        ({"match": Match(process="backup")}, {"process": "restore"}, "it only matches process backup"),
        ({"match": Match(process="backup")}, {}, "it only matches process backup"),
        ({"match": Match(service="db")}, {"service": "web"}, "it only matches service db"),
        ({"match": Match(tag={"env": "prod"})}, {"tags": (("env", "test"),)}, "it only matches tag env:prod"),
    ],
)
def test_each_filter_says_why_it_keeps_something_back(
    members: dict[str, Any], about: dict[str, Any], reason: str
) -> None:
    assert why_not(channel(**members), subject(**about)) == reason


def test_what_meets_every_filter_is_told() -> None:
    match = Match(process="backup", service="db", tag={"env": "prod", "team": "a"})
    strict = channel(department="ops", kinds=[Kind.OPENED], min_severity=Severity.HIGH, match=match)
    about = subject(process="backup", service="db", tags=(("team", "a"), ("env", "prod"), ("more", "x")))

    assert why_not(strict, about) is None


def test_what_has_no_severity_is_not_kept_back_by_one() -> None:
    assert (
        why_not(channel(min_severity=Severity.CRITICAL, kinds=[Kind.STARTED]), subject(Kind.STARTED, severity=None))
        is None
    )


@given(st.integers(1, MAX_ATTEMPTS - 1), st.floats(0, 1), st.none() | st.integers(0, 10**13))
def test_a_wait_grows_within_bounds_and_never_undercuts_the_receiver(
    attempts: int, chance: float, retry_after: int | None
) -> None:
    wait = next_wait(attempts, chance, retry_after)

    assert wait is not None
    assert FIRST_WAIT // 2 <= wait <= max(LONGEST_WAIT, MAX_RETRY_AFTER)
    assert wait >= min(retry_after or 0, MAX_RETRY_AFTER)


def test_waits_double_from_five_seconds_to_an_hour() -> None:
    waits = [next_wait(attempts, 1.0) for attempts in range(1, MAX_ATTEMPTS)]

    assert waits[:3] == [5 * SECOND, 10 * SECOND, 20 * SECOND]
    assert waits[-1] == HOUR


def test_after_the_last_attempt_it_is_given_up() -> None:
    assert next_wait(MAX_ATTEMPTS, 0.5) is None
    assert next_wait(MAX_ATTEMPTS, 0.5, retry_after=SECOND) is None
