"""A rule over samples of the past: one incident a service, from the first series that fires to the last that is OK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.unit.test_rule_values import rule
from trackdesk.domain.clock import MINUTE
from trackdesk.domain.rule_replay import Past, Replay

if TYPE_CHECKING:
    from trackdesk.domain.rule_trial import WouldOpen

HELD: dict[str, Any] = {"for": "5m"}
SERVICES = {1: "web", 2: "web", 3: "db"}


def replayed(*samples: tuple[int, int, float], until: int = 60, since: int = 0, **members: Any) -> list[WouldOpen]:
    """`samples`: (minute, series, value)."""
    replay = Replay(rule(**members), SERVICES)
    replay.feed(Past(at * MINUTE, number, series, value) for number, (at, series, value) in enumerate(samples))
    return replay.finish(since * MINUTE, until * MINUTE)


def spans(found: list[WouldOpen]) -> list[tuple[str, int, int | None]]:
    """(service, minute it opened, minute it recovered) of each."""
    return [
        (each.service, each.opened_at // MINUTE, None if each.recovered_at is None else each.recovered_at // MINUTE)
        for each in found
    ]


def test_one_outage_is_one_incident_however_many_samples_say_so() -> None:
    (only,) = replayed(*((minute, 1, 200 + minute) for minute in range(50)), (50, 1, 10))

    assert (only.occurrences, only.peak, only.duration) == (50, 249, 50 * MINUTE)


def test_two_series_of_a_service_share_an_incident() -> None:
    found = replayed((1, 1, 200), (2, 2, 200), (3, 1, 10), (5, 2, 10), (6, 3, 200))

    assert spans(found) == [("web", 1, 5), ("db", 6, None)]


def test_what_recovers_before_it_held_long_enough_opens_nothing() -> None:
    samples = ((1, 1, 200.0), (2, 1, 10.0), (10, 1, 200.0), (12, 1, 200.0), (15, 1, 200.0), (20, 1, 10.0))
    (only,) = replayed(*samples, **HELD)

    assert spans([only]) == [("web", 15, 20)]
    assert only.occurrences == 3


def test_it_holds_long_enough_though_nothing_more_comes() -> None:
    assert spans(replayed((1, 1, 200), **HELD)) == [("web", 6, None)]


def test_it_recovers_at_the_recovery_threshold() -> None:
    found = replayed((1, 1, 200), (2, 1, 130), (3, 1, 151), (4, 1, 120), recover_threshold=120)

    assert spans(found) == [("web", 1, 4)]


def test_silence_opens_and_the_next_sample_recovers() -> None:
    found = replayed((1, 1, 1), (5, 1, 1), (30, 1, 1), operator=None, threshold=None, no_data_after="10m", until=35)

    assert spans(found) == [("web", 15, 30)]
    assert (found[0].peak, found[0].occurrences) == (None, 1)


def test_the_least_is_the_worst_of_what_is_too_low() -> None:
    assert replayed((1, 1, 9), (2, 1, 3), (3, 1, 5), operator="<", threshold=10)[0].peak == 3


def test_what_was_over_before_the_beginning_is_not_told() -> None:
    found = replayed((1, 1, 200), (2, 1, 10), (8, 1, 200), (12, 1, 10), since=10)

    assert spans(found) == [("web", 8, 12)]
