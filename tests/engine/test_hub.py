"""What watchers are told of what was committed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.clocks import FakeClock
from trackdesk.engine.flow import TOPIC_RATE
from trackdesk.engine.hub import MERGE, SOON, Hub, HubFullError
from trackdesk.store.transaction import JournalEntry

if TYPE_CHECKING:
    from trackdesk.engine.flow import StreamEvent

SECOND = 1_000_000


def entry(
    seq: int, ref: str = "a", topic: str = "runs", kind: str = "changed", namespace: int = 1, **changed: object
) -> JournalEntry:
    return JournalEntry(seq, seq, namespace, topic, kind, ref, "ada", orjson.dumps(changed).decode())


async def drawn(clock: FakeClock, subscription: object, micros: int = MERGE) -> list[StreamEvent]:
    task = asyncio.ensure_future(subscription.next(micros + SECOND))  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    await clock.advance(micros)
    assert task.done(), "nothing was told in time"
    return task.result()


async def test_what_is_committed_reaches_those_who_asked_for_its_topic_in_their_namespace() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    all_of_it, incidents = hub.subscribe(1, None), hub.subscribe(1, frozenset({"incidents"}))
    hub.publish([entry(1), entry(2, topic="incidents"), entry(3, namespace=2)])
    assert [event.id for event in await drawn(clock, all_of_it)] == [1, 2]
    assert [event.topic for event in await drawn(clock, incidents)] == ["incidents"]


async def test_changes_of_one_entity_within_100_ms_become_one_from_first_to_last() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    hub.publish([entry(1, status=["OPEN", "TRIAGED"], kind="triaged")])
    await clock.advance(MERGE // 2)
    hub.publish([entry(2, status=["TRIAGED", "CLOSED"], assignee=[None, "ada"], kind="closed")])
    [event] = await drawn(clock, subscription, MERGE // 2)
    assert (event.kind, event.id) == ("closed", 2)
    assert orjson.loads(event.changed) == {"status": ["OPEN", "CLOSED"], "assignee": [None, "ada"]}
    assert hub.counts.merged == 1


async def test_after_a_quiet_time_a_change_is_told_soon_and_what_follows_within_100_ms_together() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    hub.publish([entry(1)])
    assert [event.id for event in await drawn(clock, subscription, SOON)] == [1]
    hub.publish([entry(2)])
    task = asyncio.ensure_future(subscription.next(SECOND))
    await asyncio.sleep(0)
    await clock.advance(MERGE // 2)
    hub.publish([entry(3)])
    await clock.advance(MERGE // 2 - 1)
    assert not task.done()
    await clock.advance(1)
    assert [event.id for event in task.result()] == [3]


async def test_resuming_from_any_event_of_a_merged_batch_misses_nothing_after_it() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    hub.publish([entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "c")])
    events = await drawn(clock, subscription)
    assert [(event.ref, event.id) for event in events] == [("a", 1), ("b", 3), ("c", 4)]


async def test_a_topic_above_200_a_second_becomes_one_resync_a_second() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    hub.publish([entry(seq, str(seq)) for seq in range(1, 1001)])
    hub.publish([entry(1001, "7", "incidents")])
    first = await drawn(clock, subscription)
    assert [(event.topic, event.resync is None) for event in first] == [("incidents", True)]
    assert first[0].id < 1
    hub.publish([entry(1002, "x")])
    second = await drawn(clock, subscription, SECOND)
    assert [(event.topic, event.resync is not None, event.id) for event in second] == [("runs", True, 1002)]


async def test_after_a_flood_single_changes_are_told_again() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    hub.publish([entry(seq, str(seq)) for seq in range(1, TOPIC_RATE + 2)])
    [event] = await drawn(clock, subscription, SECOND)
    assert event.resync
    hub.publish([entry(500, "calm")])
    [event] = await drawn(clock, subscription)
    assert (event.ref, event.resync) == ("calm", None)


async def test_200_a_second_are_told_one_by_one() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    told: list[StreamEvent] = []
    for part in range(4):
        hub.publish([entry(part * 50 + i, f"{part}-{i}") for i in range(1, 51)])
        told += await drawn(clock, subscription)
    assert len(told) == TOPIC_RATE
    assert not any(event.resync for event in told)


async def test_one_who_does_not_come_holds_a_bounded_number_of_changes() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    for seq in range(1, 20_001):
        hub.publish([entry(seq, str(seq), f"topic{seq % 5}")])
        clock.leap(100)
    assert len(subscription.flow._changes) <= 5 * TOPIC_RATE
    events = await drawn(clock, subscription, SECOND)
    assert {event.topic for event in events} == {f"topic{i}" for i in range(5)}
    assert events[-1].id == 20_000


async def test_what_the_journal_has_told_already_is_skipped() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    hub.publish([entry(1), entry(2, "b")])
    subscription.skip_to(2)
    hub.publish([entry(3, "c")])
    assert [event.id for event in await drawn(clock, subscription)] == [3]


async def test_waiting_ends_empty_after_its_time() -> None:
    clock = FakeClock()
    subscription = Hub(clock).subscribe(1, None)
    task = asyncio.ensure_future(subscription.next(15 * SECOND))
    await asyncio.sleep(0)
    await clock.advance(15 * SECOND - 1)
    assert not task.done()
    await clock.advance(1)
    assert task.result() == []
    assert not subscription.closed


async def test_closing_the_hub_ends_those_who_wait() -> None:
    clock = FakeClock()
    hub = Hub(clock)
    subscription = hub.subscribe(1, None)
    task = asyncio.ensure_future(subscription.next())
    await asyncio.sleep(0)
    hub.close()
    assert await task == []
    assert subscription.closed
    assert hub.subscribe(1, None).closed
    assert hub.counts.subscribers == 0


async def test_a_full_hub_refuses() -> None:
    hub = Hub(FakeClock(), max_subscribers=1)
    first = hub.subscribe(1, None)
    with pytest.raises(HubFullError, match="1 watch"):
        hub.subscribe(1, None)
    first.close()
    hub.subscribe(1, None)
