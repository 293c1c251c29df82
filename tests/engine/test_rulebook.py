"""Rules are made, changed and deleted, and tried on what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE, CALLER
from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.errors import Conflict, Invalid, NotFound
from trackdesk.domain.metric import read_draft
from trackdesk.domain.once import Once
from trackdesk.domain.rule import ChangeRule, ListedRule, NewRule
from trackdesk.domain.rule_trial import RuleTrial, TryNewRule, TryRule
from trackdesk.engine import metrics, rule_trial, rulebook
from trackdesk.store import incidents

if TYPE_CHECKING:
    from tests.engine.house import House

SLOW = {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 150}


async def add(house: House, once: Once | None = None, **members: Any) -> ListedRule:
    body = NewRule.model_validate_json(orjson.dumps({**SLOW, **members}))
    return await rulebook.add(house.engine, ALICE, body, once)


async def patch(house: House, rule_id: str = "slow", if_match: int | None = None, **members: Any) -> ListedRule:
    body = ChangeRule.model_validate_json(orjson.dumps(members))
    return await rulebook.patch(house.engine, ALICE, rule_id, body, if_match)


async def opened(house: House, rule_id: str = "slow", **columns: Any) -> int:
    """An incident of a rule."""
    values = {"origin": "report", "severity": "HIGH", "title": "slow", "department": "default", "rule": rule_id}
    cause = columns.pop("cause", None)
    made = await house.engine.writer.run(lambda tx: incidents.insert(tx, 1, cause, {**values, **columns}))
    return made.id


async def send(house: House, *samples: tuple[float, float], service: str = "web", **tags: str) -> None:
    """Samples, each (seconds ago, value)."""
    drafts = [
        read_draft({"service": service, "metric_type": "LATENCY_MS", "value": value, "recorded_at": at, "tags": tags})
        for at, value in ((house.now / SECOND - ago, value) for ago, value in samples)
    ]
    await metrics.record(house.engine, CALLER, drafts)


async def preview(house: House, **members: Any) -> RuleTrial:
    body = TryNewRule.model_validate_json(orjson.dumps({**SLOW, **members}))
    return await rule_trial.preview(house.engine, CALLER, body)


async def test_a_rule_is_made_with_its_defaults(still: House) -> None:
    woken: list[int] = []
    still.engine.wakers["rules_changed"] = woken.append

    made = await add(still, id="slow")

    assert (made.name, made.severity, made.enabled, made.auto_close) == ("slow", "MEDIUM", True, True)
    assert (made.created_by, made.version, made.open_incidents) == ("alice@host (via desk)", 1, 0)
    assert still.changed("rules") == [
        {"name": "slow", "condition": "LATENCY_MS > 150", "service": None, "enabled": True}
    ]
    assert woken == [still.now]


async def test_an_id_is_made_of_the_metric(still: House) -> None:
    made = await add(still, aggregate="avg", window="5m")

    assert made.id.startswith("latency-ms-")
    assert made.name == "avg of LATENCY_MS over 5m > 150"


async def test_the_same_id_twice_is_a_conflict(still: House) -> None:
    await add(still, id="slow")

    with pytest.raises(Conflict) as caught:
        await add(still, id="slow")
    assert caught.value.code == "exists"


async def test_an_idempotency_key_makes_one_rule(still: House) -> None:
    once = Once("1:9", "k1", "f" * 64)

    first = await add(still, once)
    second = await add(still, once)

    assert first == second
    assert still.values("SELECT count(*) FROM rules") == [1]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"metric_type": None}, "metric_type"),
        ({"department": "nowhere"}, "department"),
        ({"window": "5m"}, "aggregate"),
        ({"operator": None, "threshold": None}, "operator"),
    ],
)
async def test_a_rule_that_can_not_work_is_not_made(still: House, members: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        await add(still, **members)

    assert caught.value.field == field
    assert still.values("SELECT count(*) FROM rules") == [0]


async def test_a_change_names_what_was_and_what_is(still: House) -> None:
    await add(still, id="slow")

    members: dict[str, Any] = {"threshold": 200, "for": "2m", "name": "Slow answers"}
    after = await patch(still, **members)

    assert (after.threshold, after.for_, after.name, after.version) == (200, 2 * MINUTE, "Slow answers", 2)
    assert still.changed("rules")[1] == {
        "threshold": [150, 200],
        "for": [None, "2m"],
        "name": ["slow", "Slow answers"],
    }


async def test_a_change_that_changes_nothing_writes_nothing(still: House) -> None:
    await add(still, id="slow")
    woken: list[int] = []
    still.engine.wakers["rules_changed"] = woken.append

    after = await patch(still, threshold=150, is_active=True, description=None)

    assert (after.version, still.journal("rules"), woken) == (1, ["made"], [])


async def test_a_change_is_checked_with_what_stays(still: House) -> None:
    await add(still, id="slow", recover_threshold=120)

    with pytest.raises(Invalid, match="recover_threshold"):
        await patch(still, threshold=100)
    with pytest.raises(Invalid, match="metric_type"):
        await patch(still, metric_type=None)
    with pytest.raises(NotFound):
        await patch(still, "fast", threshold=100)


async def test_an_old_version_is_told_who_changed_what(still: House) -> None:
    await add(still, id="slow")
    await patch(still, threshold=200)

    with pytest.raises(Conflict, match=r"alice@host .* changed threshold"):
        await patch(still, if_match=1, threshold=300)


async def test_a_deleted_rule_leaves_its_incidents_open_and_lets_go_of_their_causes(still: House) -> None:
    await add(still, id="slow")
    await opened(still, cause="rule:slow:web", holds=1)

    await rulebook.delete(still.engine, ALICE, "slow")

    assert [(each["status"], each["holds"]) for each in still.incidents()] == [("OPEN", 0)]
    assert still.journal("rules") == ["made", "deleted"]
    with pytest.raises(NotFound):
        await rulebook.delete(still.engine, ALICE, "slow")


async def test_a_trial_tells_what_would_have_been_opened(still: House) -> None:
    await send(still, (600, 100), (500, 160), (400, 180), (300, 140), (200, 155))

    trial = await preview(still)

    first, second = trial.would_open
    assert (trial.samples, trial.series, trial.count, trial.truncated) == (5, 1, 2, False)
    assert (first.service, first.duration, first.peak, first.occurrences) == ("web", 200 * SECOND, 180, 2)
    assert (second.recovered_at, second.duration) == (None, 200 * SECOND)
    assert still.values("SELECT count(*) FROM incidents") == [0]


async def test_a_trial_of_a_saved_rule_takes_what_is_changed(still: House) -> None:
    await add(still, id="slow", service="web", tags={"region": "eu"})
    await send(still, (300, 160), (200, 100), region="eu")
    await send(still, (300, 160), region="us")
    await send(still, (300, 160), service="db", region="eu")

    body = TryRule.model_validate_json(b'{"threshold": 90, "since": "250s"}')
    as_it_is = await rule_trial.test(still.engine, CALLER, "slow", None)
    changed = await rule_trial.test(still.engine, CALLER, "slow", body)

    assert (as_it_is.count, as_it_is.samples) == (1, 2)
    assert (changed.count, changed.samples, changed.would_open[0].peak) == (1, 1, 100)
    assert still.rows("SELECT threshold, version FROM rules") == [{"threshold": 150, "version": 1}]


async def test_a_trial_of_what_has_no_samples_says_so(still: House) -> None:
    trial = await preview(still, metric_type="NEVER_SEEN")

    assert (trial.count, trial.samples, trial.series, trial.would_open) == (0, 0, 0, [])


async def test_a_trial_leaves_out_the_oldest_when_there_is_too_much(
    still: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(still, *((ago, 160.0 if ago == 90 else 100.0) for ago in range(90, 0, -1)))
    monkeypatch.setattr(rule_trial, "MOST_SAMPLES", 50)

    trial = await preview(still)

    assert (trial.samples, trial.truncated, trial.count) == (50, True, 0)
    assert trial.since == still.now - 50 * SECOND


async def test_a_trial_does_not_begin_in_the_future(still: House) -> None:
    with pytest.raises(Invalid, match="since"):
        await preview(still, since=still.now / SECOND + 60)
