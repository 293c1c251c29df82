"""What a person has deleted: counted first, told afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.house import CALLER
from tests.engine.old_age import CLOSED, clean, count_all, ended, execute, runs_left
from trackdesk.domain.clock import DAY
from trackdesk.domain.errors import NotFound
from trackdesk.engine import retention

if TYPE_CHECKING:
    from tests.engine.house import House


async def test_a_cleanup_counts_first_and_then_deletes_exactly_that(still: House) -> None:
    for days in (200, 100, 1):
        run = await ended(still, days, status="FAILED" if days == 200 else "COMPLETED", tags={"n": str(days)})
        await still.log(run, {"message": "a"}, {"message": "b"})
    await execute(still, "UPDATE journal SET at = at - ? WHERE seq <= 6", 100 * DAY)
    await execute(still, "UPDATE notifications SET created_at = 5")
    await execute(still, CLOSED, 4)
    await count_all(still)
    what = ["runs", "notifications", "incidents", "journal"]
    would = await clean(still, dry_run=True, what=what)
    assert len(runs_left(still)) == 3
    done = await clean(still, what=what)
    assert (would.runs, would.logs, would.incidents, would.notifications) == (2, 4, 1, 2)
    assert would.model_copy(update={"dry_run": False}) == done
    assert (await clean(still, dry_run=True, what=what)).model_copy(update={"dry_run": False}).runs == 0
    assert done.done


async def test_a_cleanup_of_one_process_leaves_the_others(still: House) -> None:
    await ended(still, 100, "old")
    other = await ended(still, 100, "other")
    await count_all(still)
    done = await clean(still, process="old")
    assert (done.runs, runs_left(still)) == (1, [other.uid])
    assert done.notifications == 0


async def test_a_cleanup_stands_in_the_journal_with_who_asked_for_it(still: House) -> None:
    await ended(still, 100)
    await count_all(still)
    await clean(still, what=["runs"])
    (entry,) = still.rows("SELECT kind, ref, actor FROM journal WHERE topic = 'cleanup'")
    assert entry == {"kind": "cleaned", "ref": "everything", "actor": CALLER.actor}
    assert still.changed("cleanup") == [{"older_than": "90d", "runs": 1, "journal": 2}]


async def test_a_cleanup_says_when_its_time_was_not_enough(still: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await ended(still, 100)
    await count_all(still)
    monkeypatch.setattr(retention, "REQUEST", 0)
    done = await clean(still)
    assert (done.done, done.runs) == (False, 0)


async def test_a_cleanup_of_an_unknown_process_is_refused(still: House) -> None:
    with pytest.raises(NotFound, match="no process 'nope'"):
        await clean(still, process="nope")
