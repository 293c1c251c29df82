"""Recording samples: series, order, what was told twice, and who is handed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.house import CALLER, gathered
from trackdesk.domain import metric
from trackdesk.domain.clock import DAY, SECOND
from trackdesk.domain.errors import Conflict
from trackdesk.domain.ingest import MetricLine
from trackdesk.domain.metric import Recorded, read_draft
from trackdesk.engine import ingest, metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import pytest

    from tests.engine.house import House


def record(house: House, *samples: dict[str, Any]) -> Awaitable[list[Recorded]]:
    drafts = [read_draft({"service": "api", "metric_type": "LATENCY_MS", "value": 1.0, **each}) for each in samples]
    return metrics.record(house.engine, CALLER, drafts)


async def test_a_first_sample_makes_its_service_and_its_series(still: House) -> None:
    (made,) = await record(still, {"value": 12.5, "tags": {"b": "2", "a": "1"}})

    assert (made.recorded_at, made.value) == (still.now, 12.5)
    assert still.values("SELECT name FROM services") == ["api"]
    assert still.values("SELECT tags FROM series") == ['{"a":"1","b":"2"}']
    assert still.journal("services") == ["made"]


async def test_the_order_of_tags_makes_no_series_of_its_own(still: House) -> None:
    await gathered(record(still, {"tags": {"a": "1", "b": "2"}}), record(still, {"tags": {"b": "2", "a": "1"}}))

    assert still.values("SELECT count(*) FROM series") == [1]


async def test_samples_are_handed_over_once_in_the_order_of_their_ids(still: House) -> None:
    handed: list[Recorded] = []
    still.engine.recorded.append(handed.extend)

    answers = await gathered(*(record(still, {"value": float(n)}, {"value": n + 0.5}) for n in range(50)))

    ids = [each.sample_id for each in handed]
    assert ids == sorted(set(ids)) == still.values("SELECT id FROM samples ORDER BY id")
    assert [each.sample_id for made in answers for each in made] == ids


async def test_a_uid_is_taken_once_within_a_day(still: House) -> None:
    (first,) = await record(still, {"uid": "s-1", "value": 1.0})
    (again,) = await record(still, {"uid": "s-1", "value": 2.0})
    both = await gathered(record(still, {"uid": "s-2"}), record(still, {"uid": "s-2"}))
    still.clock.leap(DAY + SECOND)
    (later,) = await record(still, {"uid": "s-1", "value": 3.0})

    assert again == first
    assert both[0] == both[1]
    assert later.sample_id != first.sample_id
    assert still.values("SELECT count(*) FROM samples") == [3]


async def test_more_series_than_a_namespace_may_have_are_refused_by_name(
    still: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackdesk.store.series.MAX_SERIES", 2)
    await record(still, {"tags": {"id": "1"}}, {"tags": {"id": "2"}})

    good, bad = await gathered(record(still, {"tags": {"id": "1"}}), record(still, {}, {"tags": {"id": "3"}}))

    assert isinstance(bad, Conflict)
    assert bad.code == "too_many"
    assert "service 'api', metric_type LATENCY_MS, tags {" in bad.detail
    assert len(good) == 1
    assert still.values("SELECT count(*) FROM samples") == [3]


async def test_ten_thousand_services_may_come_at_once(still: House) -> None:
    made = await record(still, *({"service": f"s-{n}"} for n in range(metric.MAX_SAMPLES)))

    assert len({each.series_id for each in made}) == metric.MAX_SAMPLES
    assert still.values("SELECT count(*) FROM services") == [metric.MAX_SAMPLES]


async def test_lines_of_an_ingest_become_samples_each_for_itself(still: House) -> None:
    lines = [
        MetricLine.model_validate({"kind": "metric", "service": "api", "metric_type": "X", "value": n, "uid": uid})
        for n, uid in ((1, "a"), (2, "b"), (3, "a"))
    ]
    late = lines[0].model_copy(update={"uid": None, "recorded_at": still.now + DAY + SECOND})
    handed: list[Recorded] = []
    still.engine.recorded.append(handed.extend)

    items = [ingest.Item(number, line) for number, line in enumerate([*lines, late], 1)]
    taken = await ingest.take(still.engine, CALLER, items)
    (again,) = await record(still, {"uid": "b", "value": 9.0})

    assert (taken.accepted, taken.duplicates) == (3, 1)
    assert [(number, error.code) for number, error in taken.refused] == [(4, "invalid")]
    assert [each.value for each in handed] == [1.0, 2.0]
    assert again.value == 2.0


async def test_those_who_watch_learn_which_services_have_new_samples(still: House) -> None:
    watching = still.engine.hub.subscribe(1, frozenset({"metrics"}))
    await record(still, {"service": "api"}, {"service": "web"}, {"service": "api"})

    told = await watching.next()

    assert [(each.topic, each.kind) for each in told] == [("metrics", "tick")] * 2
    assert {each.ref for each in told} == {"api", "web"}
    watching.close()
