import asyncio
import time
from pathlib import Path

import pytest

from tests.clocks import FakeClock, until
from tests.engine.outbox import SECRET, open_hook, open_outbox
from trackdesk.domain.backoff import FIRST_WAIT, MAX_ATTEMPTS
from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.domain.notification import Kind
from trackdesk.engine import delivery
from trackdesk.engine.channels.webhook import verify_signature


def _wall() -> int:
    return time.time_ns() // 1000


async def test_what_is_told_arrives_signed_and_is_marked_sent(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        channel = await outbox.channel("ops", hook.url, secret=SECRET)
        await outbox.tell()
        await outbox.until_statuses("SENT")
        body, headers = hook.bodies[0], hook.headers[0]
        [(uid,)] = await outbox.rows("SELECT uid FROM deliveries")
        assert body["event"] == "incident.opened"
        assert body["notification"]["title"] == "backup is late"
        assert body["delivery"] == headers["Idempotency-Key"] == uid
        assert verify_signature(SECRET, headers["X-Trackdesk-Signature"], hook.raw[0], _wall(), MINUTE)
        assert await outbox.rows("SELECT proven_at, dead_since, last_error FROM channels") == [
            (outbox.clock.now(), None, None)
        ]
        kinds = await outbox.rows("SELECT topic, kind FROM journal WHERE ref = ? ORDER BY seq", str(channel.id))
        assert ("channels", "proven") in kinds
        assert ("deliveries", "sent") in kinds


async def test_a_passing_failure_is_tried_again_with_growing_waits_and_the_same_id(tmp_path: Path) -> None:
    async with open_hook(500, 503, 429, 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        for attempt in range(1, 4):
            await outbox.until_attempts(attempt)
            [(status, due)] = await outbox.rows("SELECT status, next_due_at FROM deliveries")
            assert status == "RETRYING"
            assert due - outbox.clock.now() == FIRST_WAIT << (attempt - 1)
            await outbox.clock.advance(due - outbox.clock.now() - 1)
            assert await outbox.attempts() == attempt
            await outbox.clock.advance(1)
        await outbox.until_statuses("SENT")
        assert len({headers["Idempotency-Key"] for headers in hook.headers}) == 1
        assert await outbox.rows("SELECT outcome, status FROM delivery_attempts ORDER BY id") == [
            ("failed", "500"),
            ("failed", "503"),
            ("failed", "429"),
            ("sent", "200"),
        ]


async def test_retry_after_is_never_undercut(tmp_path: Path) -> None:
    async with open_hook((429, {"Retry-After": "1800"}), 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_statuses("RETRYING")
        [(due,)] = await outbox.rows("SELECT next_due_at FROM deliveries")
        assert due - outbox.clock.now() == 1800 * SECOND
        await outbox.clock.advance(1800 * SECOND)
        await outbox.until_statuses("SENT")
        assert len(hook.bodies) == 2


async def test_a_receiver_that_says_when_to_come_back_is_left_alone_until_then(tmp_path: Path) -> None:
    async with open_hook((429, {"Retry-After": "60"}), 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell(count=3)
        await outbox.until_statuses("RETRYING", "PENDING", "PENDING")
        await outbox.clock.advance(59 * SECOND)
        assert len(hook.bodies) == 1
        await outbox.clock.advance(SECOND)
        await outbox.until_statuses("SENT", "SENT", "SENT")


async def test_a_failing_delivery_does_not_hold_up_the_next_of_its_channel(tmp_path: Path) -> None:
    async with open_hook(500, 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell(title="first")
        await outbox.until_statuses("RETRYING")
        await outbox.tell(title="second")
        await outbox.until_statuses("RETRYING", "SENT")


async def test_after_hours_of_failures_a_delivery_is_given_up(tmp_path: Path) -> None:
    async with open_hook(500) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            await outbox.until_attempts(attempt)
            await outbox.clock.advance(HOUR)
        await outbox.until_statuses("DEAD")
        assert await outbox.attempts() == len(hook.bodies) == MAX_ATTEMPTS
        assert await outbox.rows("SELECT next_due_at FROM deliveries") == [(None,)]


async def test_a_permanent_refusal_stops_at_once(tmp_path: Path) -> None:
    async with open_hook(404) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_statuses("DEAD")
        await outbox.clock.advance(HOUR)
        assert len(hook.bodies) == 1
        assert await outbox.rows("SELECT outcome FROM delivery_attempts") == [("refused",)]


@pytest.mark.parametrize("answer", ["die", 302])
async def test_broken_and_redirecting_receivers_do_not_stop_the_worker(tmp_path: Path, answer: int | str) -> None:
    async with open_hook(answer, 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_attempts(1)
        await outbox.tell()
        await until(lambda: len(hook.bodies) == 2)
        await outbox.until_statuses("RETRYING" if answer == "die" else "DEAD", "SENT")


async def test_a_delivery_that_can_not_be_put_together_does_not_hold_up_the_next(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path, running=False) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell(count=2)
        await outbox.engine.writer.run(lambda tx: tx.execute("UPDATE notifications SET payload = '{' WHERE id = 1"))
        await outbox.worker.start()
        await outbox.until_statuses("RETRYING", "SENT")


async def test_a_receiver_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    async with open_hook() as hook:
        url = hook.url
    async with open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", url)
        await outbox.tell()
        await outbox.until_statuses("RETRYING")
        assert await outbox.rows("SELECT status FROM delivery_attempts") == [("refused",)]


async def test_the_first_dead_letter_is_told_to_the_inbox_and_the_other_channels_only(tmp_path: Path) -> None:
    async with open_hook(404) as dead, open_hook() as alive, open_outbox(tmp_path) as outbox:
        broken = await outbox.channel("broken", dead.url)
        await outbox.channel("alive", alive.url, kinds=[Kind.CHANNEL_DEAD])
        await outbox.tell()
        await alive.until_called()
        await outbox.until_statuses("DEAD", "SENT")
        await outbox.tell()
        await outbox.until_statuses("DEAD", "SENT", "DEAD")
        assert len(dead.bodies) == 2
        assert [body["event"] for body in alive.bodies] == ["channel.dead"]
        told = await outbox.rows(
            "SELECT title, severity, department, in_inbox, routing FROM notifications WHERE kind = 'channel_dead'"
        )
        assert [row[:4] for row in told] == [("Channel broken does not deliver", "HIGH", "default", 1)]
        assert "it is the channel that does not deliver" in told[0][4]
        assert await outbox.rows("SELECT count(*) FROM journal WHERE topic = 'channels' AND kind = 'dead'") == [(1,)]
        [(dead_since,)] = await outbox.rows("SELECT dead_since FROM channels WHERE id = ?", broken.id)
        assert dead_since is not None


async def test_a_channel_that_delivers_again_is_proven_and_may_be_told_dead_again(tmp_path: Path) -> None:
    async with open_hook(404, 200, 404) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        for number in range(1, 4):
            await outbox.tell()
            await outbox.until_attempts(number)
        await outbox.until_statuses("DEAD", "SENT", "DEAD")
        kinds = await outbox.rows("SELECT kind FROM journal WHERE topic = 'channels' ORDER BY seq")
        assert kinds == [("made",), ("dead",), ("proven",), ("dead",)]
        assert await outbox.rows("SELECT count(*) FROM notifications WHERE kind = 'channel_dead'") == [(2,)]


async def test_one_hanging_channel_delays_no_other(tmp_path: Path) -> None:
    async with open_hook("hang") as stuck, open_hook() as quick, open_outbox(tmp_path) as outbox:
        await outbox.channel("stuck", stuck.url)
        await outbox.channel("quick", quick.url)
        await outbox.tell(count=5)
        await quick.until_called(5)
        assert len(stuck.bodies) == 1
        stuck.let_go.set()
        stuck.answer(200)
        await stuck.until_called(5)


async def test_channels_beyond_the_number_of_lanes_get_their_turn(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path, max_lanes=2) as outbox:
        for number in range(5):
            await outbox.channel(f"ops {number}", hook.url)
        await outbox.tell(count=4)
        await outbox.until_statuses(*["SENT"] * 20)
        first = [
            row[0]
            for row in await outbox.rows(
                "SELECT channel_id FROM deliveries d JOIN delivery_attempts a "
                "ON a.delivery_id = d.id ORDER BY a.id LIMIT 10"
            )
        ]
        assert len(set(first)) == 5


async def test_a_restart_sends_what_was_due_with_its_old_id(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_hook() as hook:
        async with open_outbox(tmp_path, clock=clock, running=False) as outbox:
            await outbox.channel("ops", hook.url)
            await outbox.tell(count=2)
            uids = [row[0] for row in await outbox.rows("SELECT uid FROM deliveries ORDER BY id")]
        async with open_outbox(tmp_path, clock=clock) as outbox:
            await outbox.until_statuses("SENT", "SENT")
        assert [headers["Idempotency-Key"] for headers in hook.headers] == uids


async def test_stopping_lets_a_send_in_hand_finish(tmp_path: Path) -> None:
    async with open_hook("hang") as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await hook.until_called()
        stopping = asyncio.create_task(outbox.worker.stop())
        await asyncio.sleep(0)
        hook.let_go.set()
        await stopping
        assert await outbox.statuses() == ["SENT"]


async def test_what_does_not_finish_in_time_stays_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "STOP_LIMIT", 0.05)
    async with open_hook("hang") as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await hook.until_called()
        await outbox.worker.stop()
        assert await outbox.statuses() == ["PENDING"]
        assert not outbox.worker.health().ok


async def test_health_counts_lanes_and_tells_the_age_of_the_oldest_due(tmp_path: Path) -> None:
    async with open_hook("hang") as hook, open_outbox(tmp_path) as outbox:
        await outbox.until_asleep()
        assert outbox.worker.health().ok
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await hook.until_called()
        outbox.clock.leap(90 * SECOND)
        health = outbox.worker.health()
        assert health.ok
        assert health.detail == "sending over 1 channel, the oldest has been due for 1m30s"
        hook.let_go.set()


async def test_a_wall_clock_that_jumps_ahead_is_noticed_within_seconds(tmp_path: Path) -> None:
    async with open_hook(500, 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await outbox.until_statuses("RETRYING")
        await outbox.until_asleep()
        outbox.clock.jump(HOUR)
        await outbox.clock.advance(5 * SECOND)
        await outbox.until_statuses("SENT")


async def test_an_outcome_that_the_store_does_not_take_is_stored_later_and_sent_only_once(tmp_path: Path) -> None:
    async with open_hook("hang") as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell()
        await hook.until_called()

        def limit(pages: int) -> None:
            outbox.engine.writer.run_sync(lambda tx: tx.execute(f"PRAGMA max_page_count = {pages}").fetchone())

        await asyncio.to_thread(limit, 1)
        await asyncio.to_thread(_fill, outbox.engine)
        hook.let_go.set()
        await until(lambda: outbox.clock.waiting > 1)
        assert await outbox.statuses() == ["PENDING"]
        await asyncio.to_thread(limit, 1_000_000)
        await outbox.clock.advance(SECOND)
        await outbox.until_statuses("SENT")
        assert len(hook.bodies) == 1


def _fill(engine: object) -> None:
    """Use up the free space inside the file, until it would have to grow."""
    from trackdesk.store.errors import StorageFull

    writer = engine.writer  # type: ignore[attr-defined]
    for size in (2000, 100, 10):
        for _ in range(2000):
            try:
                writer.run_sync(
                    lambda tx, size=size: [
                        tx.execute(
                            "INSERT INTO delivery_attempts (delivery_id, at, took, outcome, status, error) "
                            "VALUES (1, 0, 0, 'failed', 'x', ?)",
                            ("x" * size,),
                        ),
                        tx.journal(1, "fill", "x", "x", "x", {"x": "x" * size}),
                    ]
                )
            except StorageFull:
                break


async def test_neither_the_url_nor_the_secret_is_in_any_row_or_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with open_hook(404, 500, "die", 200) as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url, secret=SECRET)
        await outbox.tell(count=4)
        await outbox.until_attempts(4)
        everything = await outbox.all_text() + caplog.text
        assert "t0ken-in-the-path" not in everything
        assert SECRET not in everything


async def test_hundreds_due_at_once_do_not_hold_up_other_writes(tmp_path: Path) -> None:
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.tell(count=300)
        slowest, first = 0.0, time.perf_counter()
        while len(hook.bodies) < 300:
            began = time.perf_counter()
            await outbox.engine.writer.run(lambda tx: tx.execute("UPDATE facts SET value = value"))
            slowest = max(slowest, time.perf_counter() - began)
        assert slowest < max(0.5, (time.perf_counter() - first) / 4)


async def test_a_flood_goes_out_at_a_pace_that_spares_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PACE", 0.03)
    monkeypatch.setattr(delivery, "BURST", 0)
    async with open_hook() as hook, open_outbox(tmp_path) as outbox:
        await outbox.channel("ops", hook.url)
        await outbox.channel("mail", hook.url)
        began = time.perf_counter()
        await outbox.tell(count=2)
        await hook.until_called(4)
        assert time.perf_counter() - began >= 3 * 0.03
