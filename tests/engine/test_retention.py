"""What grows old goes, what is still going on or was not counted yet stays."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from tests.clocks import until
from tests.engine.house import ALICE, open_house
from tests.engine.old_age import CLOSED, KEPT, count_all, ended, execute, runs_left, worker
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.instant import format_instant, parse_duration
from trackdesk.domain.process import ChangeProcess
from trackdesk.domain.retention import Kept
from trackdesk.engine import processes
from trackdesk.store import compact, journal, removal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.house import House
    from trackdesk.store.writer import Tx


async def test_finished_runs_go_after_the_time_they_are_kept(still: House) -> None:
    await ended(still, 91)
    young = await ended(still, 89)
    await count_all(still)
    await worker(still).look()
    assert runs_left(still) == [young.uid]


async def test_what_went_by_itself_is_told_to_those_who_watch_lists(still: House) -> None:
    await ended(still, 91)
    await count_all(still)

    await worker(still).look()
    await worker(still).look()

    assert still.journal("cleanup") == ["cleaned"]


async def test_a_process_may_keep_its_runs_longer_shorter_or_for_ever(still: House) -> None:
    await still.expect("short", retention=DAY)
    await still.expect("long", retention=400 * DAY)
    await still.expect("for-ever", retention=0)
    kept = [(await ended(still, 2000, "for-ever")).uid, (await ended(still, 300, "long")).uid]
    await ended(still, 2, "short")
    await ended(still, 100, "usual")
    await count_all(still)
    await worker(still).look()
    assert runs_left(still) == kept


@pytest.mark.parametrize("given", ["0s", "1h", "400d", None])
def test_a_process_takes_a_time_or_for_ever(given: str | None) -> None:
    change = ChangeProcess.model_validate({"retention": given})
    assert change.retention == (None if given is None else parse_duration(given))


def test_a_process_takes_no_time_that_is_shorter_than_an_hour() -> None:
    with pytest.raises(ValidationError, match="expected at least 1h, or 0s to keep its runs for ever"):
        ChangeProcess.model_validate({"retention": "59m"})


async def test_without_a_time_everything_stays(still: House) -> None:
    run = await ended(still, 3000)
    await count_all(still)
    await worker(still, Kept(runs=0)).look()
    assert runs_left(still) == [run.uid]


async def test_active_runs_and_those_that_ended_lately_stay_however_long_ago_they_began(still: House) -> None:
    active = await still.start(started_at=still.at(-200 * 86_400))
    long = await still.start(started_at=still.at(-150 * 86_400))
    await still.complete(long, completed_at=still.at(-86_400))
    await ended(still, 100)
    await count_all(still)
    await worker(still).look()
    assert runs_left(still) == [active.uid, long.uid]


async def test_what_the_roll_ups_have_not_counted_stays_until_they_have(still: House) -> None:
    run = await ended(still, 100)
    worker_ = worker(still)
    await worker_.look()
    assert runs_left(still) == [run.uid]
    await count_all(still, still.now - 100 * DAY)
    await worker_.look()
    assert runs_left(still) == [run.uid]
    await count_all(still)
    await worker_.look()
    assert runs_left(still) == []


async def test_a_run_takes_its_lines_tags_and_timeline_with_it(still: House) -> None:
    young = await ended(still, 1, tags={"env": "prod"})
    old = await ended(still, 100, tags={"env": "prod", "once": "only"})
    await still.log(old, *({"message": f"line {number}"} for number in range(1200)))
    await still.log(young, {"message": "stays"})
    await count_all(still)
    await worker(still).look()
    assert still.values("SELECT message FROM logs") == ["stays"]
    assert still.values("SELECT key FROM tags") == ["env"]
    assert still.values("SELECT count(*) FROM run_tags") == [1]
    assert still.values("SELECT count(*) FROM gone_runs") == [0]
    assert set(still.values("SELECT ref FROM journal WHERE topic = 'runs'")) == {young.uid}


async def test_a_tag_that_is_gone_can_come_again(still: House) -> None:
    await ended(still, 100, tags={"env": "prod"})
    await count_all(still)
    await worker(still).look()
    await still.start(tags={"env": "prod"})
    assert still.values("SELECT t.key FROM run_tags r JOIN tags t ON t.id = r.tag_id") == ["env"]


async def test_a_process_counts_the_runs_that_are_left_and_knows_when_it_last_ran(still: House) -> None:
    await ended(still, 100, status="FAILED")
    await ended(still, 100, deadline=format_instant(still.now - 101 * DAY))
    last = await ended(still, 99)
    await count_all(still)
    await worker(still).look()
    assert still.rows("SELECT total, active, completed, failed, skipped, late, last_run_at FROM processes") == [
        {"total": 0, "active": 0, "completed": 0, "failed": 0, "skipped": 0, "late": 0, "last_run_at": last.started_at}
    ]


async def test_an_incident_keeps_its_words_and_its_timeline_when_its_run_goes(still: House) -> None:
    run = await ended(still, 100, status="FAILED")
    before = still.incidents()
    await count_all(still)
    await worker(still).look()
    assert runs_left(still) == []
    assert still.incidents() == before
    assert before[0]["run_uid"] == run.uid
    assert still.journal("incidents") == ["opened"]


async def test_a_closed_incident_goes_after_two_years_with_comments_and_timeline(still: House) -> None:
    await ended(still, 1, status="FAILED")
    await execute(still, "INSERT INTO comments (incident_id, author, content, created_at) VALUES (1, 'a', 'b', 0)")
    worker_ = worker(still)
    await execute(still, CLOSED, still.now - 729 * DAY)
    await worker_.look()
    assert len(still.incidents()) == 1
    await execute(still, "UPDATE incidents SET closed_at = ?", still.now - 731 * DAY)
    await worker_.look()
    assert still.incidents() == still.rows("SELECT * FROM comments") == []
    assert still.journal("incidents") == []


async def test_an_open_incident_and_one_closed_while_its_cause_holds_stay(still: House) -> None:
    await ended(still, 1, status="FAILED")
    await execute(still, "UPDATE incidents SET opened_at = 1")
    worker_ = worker(still)
    await worker_.look()
    await execute(still, "UPDATE incidents SET status = 'CLOSED', closed_at = 2, holds = 1")
    await worker_.look()
    assert len(still.incidents()) == 1


async def test_notifications_go_with_their_deliveries_unless_something_is_still_to_be_sent(still: House) -> None:
    await execute(
        still,
        "INSERT INTO channels (id, namespace_id, name, url_sealed, url_shown, created_at, updated_at) "
        "VALUES (1, 1, 'a', '', '', 0, 0)",
    )
    notification = (
        "INSERT INTO notifications (id, namespace_id, kind, title, body, department, created_at) "
        "VALUES (:id, 1, 'warning', 't', '', 'default', 5)"
    )
    delivery = (
        "INSERT INTO deliveries (id, uid, namespace_id, notification_id, channel_id, status, next_due_at, created_at) "
        "VALUES (:id, :id || '', 1, :id, 1, 'SENT', :due, 5)"
    )
    attempt = "INSERT INTO delivery_attempts (delivery_id, at, took, outcome, status) VALUES (:id, 1, 1, 'sent', 'ok')"
    read = "INSERT INTO notification_reads VALUES ('7:a', :id, 5)"
    for number, due_at in ((1, None), (2, still.now)):
        for sql in (notification, delivery, attempt, read):
            await execute(still, sql, id=number, due=due_at)
    await worker(still).look()
    assert still.values("SELECT id FROM notifications") == [2]
    assert still.values("SELECT id FROM deliveries") == still.values("SELECT delivery_id FROM delivery_attempts") == [2]
    assert still.values("SELECT notification_id FROM notification_reads") == [2]


async def test_notifications_of_an_open_incident_stay_with_it(still: House) -> None:
    await ended(still, 1, status="FAILED")
    await execute(still, "UPDATE notifications SET created_at = 5")
    worker_ = worker(still)
    await worker_.look()
    assert len(still.told()) == 1
    await execute(still, "UPDATE incidents SET status = 'CLOSED', closed_at = ?", still.now)
    await worker_.look()
    assert still.told() == []


async def test_the_journal_keeps_what_it_tells_of_runs_and_incidents_that_are_there(still: House) -> None:
    await still.expect("for-ever", retention=0)
    run = await ended(still, 200, "for-ever", status="FAILED")
    await execute(still, "UPDATE journal SET at = 5")
    await still.start("new")
    await worker(still).look()
    assert set(still.values("SELECT topic FROM journal WHERE at = 5")) == {"runs", "incidents"}
    assert still.values("SELECT DISTINCT ref FROM journal WHERE topic = 'runs' AND at = 5") == [run.uid]


async def test_beyond_its_most_rows_the_journal_keeps_only_what_incidents_need(still: House) -> None:
    await ended(still, 1, status="FAILED")
    for _ in range(4):
        await ended(still, 1)
    newest = still.values("SELECT max(seq) FROM journal")[0]
    await worker(still, KEPT._replace(journal_rows=3)).look()
    assert still.values("SELECT seq FROM journal WHERE topic <> 'incidents' ORDER BY seq") == [
        newest - 2,
        newest - 1,
        newest,
    ]
    assert "opened" in still.journal("incidents")


async def test_the_journal_is_not_looked_through_twice(still: House) -> None:
    await ended(still, 1, status="FAILED")
    await execute(still, "UPDATE journal SET at = 5")
    worker_ = worker(still)
    await worker_.look()
    (mark,) = still.values("SELECT value FROM facts WHERE name = 'journal_trimmed'")
    assert int(mark) == still.values("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")[0]


async def test_the_next_look_is_when_the_next_run_grows_old(still: House) -> None:
    await ended(still, 90 - 1 / 48)
    await count_all(still)
    worker_ = worker(still)
    await worker_.look()
    assert worker_.next_look == still.now + 30 * MINUTE - MINUTE
    await execute(still, "DELETE FROM runs")
    await worker_.look()
    assert worker_.next_look == still.now + HOUR


async def test_looks_are_a_minute_apart_however_much_grows_old(still: House) -> None:
    await ended(still, 90 - 1 / 86_400)
    worker_ = worker(still)
    await worker_.look()
    assert worker_.next_look == still.now + MINUTE


async def test_the_worker_looks_by_itself(still: House) -> None:
    await ended(still, 89.999)
    await count_all(still)
    worker_ = worker(still)
    await worker_.start()
    await until(lambda: bool(worker_.next_look))
    assert len(runs_left(still)) == 1
    await count_all(still, still.now + DAY)
    still.clock.leap(HOUR)
    await until(lambda: runs_left(still) == [])
    assert worker_.health().ok
    await worker_.stop()


async def test_lines_of_a_run_that_a_person_deletes_follow_at_once(still: House) -> None:
    run = await still.start()
    await still.log(run, {"message": "line"})
    worker_ = worker(still)
    still.engine.wakers["retention"] = worker_.wake
    await worker_.start()
    await until(lambda: bool(worker_.next_look))
    await still.delete(run)
    await until(lambda: still.values("SELECT count(*) FROM logs") == [0])
    await worker_.stop()


async def test_another_time_for_the_runs_of_a_process_is_in_force_with_the_next_look_a_minute_after_the_last(
    still: House,
) -> None:
    await ended(still, 2)
    await count_all(still)
    worker_ = worker(still)
    still.engine.wakers["retention_changed"] = worker_.change
    await worker_.start()
    await until(lambda: bool(worker_.next_look))
    await processes.patch(still.engine, ALICE, "backup", ChangeProcess.model_validate({"retention": "1d"}))
    await until(lambda: worker_.next_look == still.now + MINUTE)
    assert len(runs_left(still)) == 1
    still.clock.leap(MINUTE)
    await until(lambda: runs_left(still) == [])
    await worker_.stop()


async def test_a_look_that_failed_is_due_still(still: House) -> None:
    worker_ = worker(still)
    await worker_.look()
    worker_.change(still.now)
    still.clock.leap(MINUTE)
    await execute(still, "ALTER TABLE processes RENAME TO away")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await worker_.look()
    assert worker_.next_look <= still.now


async def test_a_run_that_was_changed_meanwhile_stays(still: House) -> None:
    run = await still.start()
    seq = still.run(run)["seq"]
    removed = await still.engine.writer.run(lambda tx: removal.remove_runs(tx, [seq, 999]))
    assert removed == (0, 0)


def numbers(path: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as connection:
        return (
            connection.execute("PRAGMA freelist_count").fetchone()[0],
            connection.execute("PRAGMA page_count").fetchone()[0],
        )


async def test_the_file_shrinks_when_much_of_it_is_free(still: House) -> None:
    run = await ended(still, 100)
    for _ in range(20):
        await still.log(run, *({"message": "x" * 16_000} for _ in range(40)))
    await asyncio.to_thread(compact.checkpoint, still.path)
    full = still.path.stat().st_size
    await count_all(still)
    await worker(still).look()
    await asyncio.to_thread(compact.checkpoint, still.path)
    free, pages = numbers(still.path)
    assert free <= pages * compact.SLACK + 1
    assert still.path.stat().st_size < full / 4


async def test_the_log_is_cut_down_when_nobody_writes(still: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "IDLE_LOG", 1000)
    await still.start()
    log = still.path.with_name(still.path.name + "-wal")
    worker_ = worker(still)
    for _ in range(3):
        await worker_.look()
    assert log.stat().st_size == 0


async def test_an_old_file_is_rewritten_once_so_that_it_can_shrink(tmp_path: Path) -> None:
    async with open_house(tmp_path, agenda=False) as house:
        path = house.path
        await house.start()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    before, after = compact.rebuild(path)
    assert after <= before + 8192
    async with open_house(tmp_path, agenda=False) as house:
        assert (await compact.pages(house.engine.readers)).shrinks
        assert len(runs_left(house)) == 1


async def test_whoever_heard_less_than_what_was_deleted_must_read_again(still: House) -> None:
    await ended(still, 1)
    (newest,) = still.values("SELECT max(seq) FROM journal")

    def operation(tx: Tx) -> int:
        return journal.trim(tx, 0, 1)

    assert await still.engine.writer.run(operation) == 1
    from trackdesk.store import journal_lists

    assert await journal_lists.resumable(still.engine.readers) == (1, newest)
