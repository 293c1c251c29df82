"""Who is told: the inbox, and the channels whose filters let it pass, in the transaction of what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.identity import Caller, Role
from trackdesk.domain.incident import Severity
from trackdesk.domain.notification import Kind, Match, NewChannel
from trackdesk.engine import channel_admin

if TYPE_CHECKING:
    from tests.engine.house import House

ADMIN = Caller(1, "default", Role.ADMIN, 7, "ada")


async def channel(house: House, name: str = "hook", **members: Any) -> int:
    body = NewChannel(name=name, url="webhook+https://receiver.example/hook", **members)
    return (await channel_admin.add(house.engine, ADMIN, body)).id


def routing(house: House) -> list[list[Any]]:
    """Of the newest notification."""
    (text,) = house.values("SELECT routing FROM notifications ORDER BY id DESC LIMIT 1")
    return orjson.loads(text)


async def test_an_incident_reaches_inbox_and_channel_in_one_commit(still: House) -> None:
    hook = await channel(still)
    run = await still.start(id="n1", tags={"env": "prod"}, context={"host": "db1"})
    before = still.engine.writer.stats.commits
    await still.fail(run)

    assert still.engine.writer.stats.commits == before + 1
    assert still.rows("SELECT kind, in_inbox, incident_id, run_uid FROM notifications") == [
        {"kind": "opened", "in_inbox": 1, "incident_id": 1, "run_uid": run.uid}
    ]
    assert still.rows("SELECT channel_id, status, next_due_at FROM deliveries") == [
        {"channel_id": hook, "status": "PENDING", "next_due_at": still.now}
    ]
    assert routing(still) == [[hook, "hook", None]]


async def test_the_payload_is_that_of_totrackit_with_our_members_beside_it(still: House) -> None:
    run = await still.start("nightly", id="n1", tags={"env": "prod"}, context={"a": 1}, deadline="1m")
    still.clock.leap(90_000_000)
    await still.fail(run)
    payload = orjson.loads(still.values("SELECT payload FROM notifications ORDER BY id LIMIT 1")[0])

    assert payload["event"] == "process.deadline_missed"
    assert (payload["name"], payload["id"]) == ("nightly", "n1")
    assert payload["started_at"] == run.started_at // 1_000_000
    assert payload["deadline"] == run.started_at // 1_000_000 + 60
    assert payload["seconds_remaining"] == -30
    assert payload["tags"] == [{"key": "env", "value": "prod"}]
    assert payload["context"] == {"a": 1}
    assert payload["incident"]["ref"] == "INC-1"


async def test_why_a_channel_was_not_told_is_kept_with_the_notification(still: House) -> None:
    severe = await channel(still, "severe", min_severity=Severity.CRITICAL)
    other = await channel(still, "other", match=Match(process="restore"))
    prod = await channel(still, "prod", match=Match(tag={"env": "prod"}))
    await still.fail(await still.start(tags={"env": "prod"}))

    assert routing(still) == [
        [severe, "severe", "HIGH is below its CRITICAL"],
        [other, "other", "it only matches process restore"],
        [prod, "prod", None],
    ]
    assert still.values("SELECT channel_id FROM deliveries") == [prod]


async def test_what_happens_to_runs_is_told_only_to_those_who_ask(still: House) -> None:
    await still.complete(await still.start())
    assert still.told() == []
    hook = await channel(still, kinds=[Kind.STARTED, Kind.COMPLETED, Kind.FAILED])
    await still.complete(await still.start())
    await still.fail(await still.start())

    assert still.rows("SELECT kind, in_inbox FROM notifications ORDER BY id") == [
        {"kind": "started", "in_inbox": 0},
        {"kind": "completed", "in_inbox": 0},
        {"kind": "started", "in_inbox": 0},
        {"kind": "opened", "in_inbox": 1},
        {"kind": "failed", "in_inbox": 0},
    ]
    assert still.values("SELECT DISTINCT channel_id FROM deliveries") == [hook]
    assert still.values("SELECT count(*) FROM deliveries") == [4]


async def test_missed_and_stalled_are_told_to_those_who_ask(house: House) -> None:
    await channel(house, kinds=[Kind.MISSED, Kind.STALLED])
    await house.start(deadline="10s", heartbeat_timeout=20)
    await house.pass_time(30)

    delivered = "SELECT n.kind FROM deliveries d JOIN notifications n ON n.id = d.notification_id ORDER BY d.id"
    assert house.values(delivered) == ["missed", "stalled"]


async def test_a_channel_that_is_switched_off_is_not_told(still: House) -> None:
    hook = await channel(still, kinds=[Kind.STARTED])
    await still.engine.writer.run(
        lambda tx: (tx.execute("UPDATE channels SET enabled = 0"), tx.cache.clear(), None)[-1]
    )
    await still.start()
    await still.fail(await still.start())

    assert routing(still) == [[hook, "hook", "the channel is switched off"]]
    assert still.told() == ["opened"]


async def test_a_failed_operation_tells_nobody(still: House) -> None:
    await channel(still)
    run = await still.start()

    async def broken() -> None:
        from trackdesk.domain.run import CompleteRun
        from trackdesk.engine.run_finish import finish
        from trackdesk.store import processes, runs

        def operation(tx: Any) -> None:
            row = runs.find_uid(tx, 1, run.uid)
            assert row is not None
            finish(tx, processes.get(tx, 1, "backup"), row, CompleteRun(status="FAILED"), "test")
            raise KeyError("afterwards")

        await still.engine.writer.run(operation)

    try:
        await broken()
    except KeyError:
        pass
    else:
        raise AssertionError("it was to fail")

    assert still.told() == []
    assert still.values("SELECT count(*) FROM deliveries") == [0]
    assert still.run(run)["status"] == "ACTIVE"
    assert still.journal("runs") == ["started"]
