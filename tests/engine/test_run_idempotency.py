"""An Idempotency-Key does a thing once and answers it the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.house import ALICE, gathered
from trackdesk.domain.clock import DAY
from trackdesk.domain.errors import Conflict
from trackdesk.domain.identity import Caller, Role
from trackdesk.domain.incident import NewComment, NewIncident
from trackdesk.domain.once import Once
from trackdesk.engine import incidents, ingest
from trackdesk.store.once import forget_old

if TYPE_CHECKING:
    from tests.engine.house import House

KEY = Once("1:8", "abc", "f" * 64)


async def test_the_same_request_starts_one_run_and_gets_the_same_answer(still: House) -> None:
    body = {
        "id": "n1",
        "deadline": "30m",
        "tags": {"env": "prod"},
        "context": {"deep": {"list": [1, 2.5, None]}},
        "heartbeat_timeout": 30,
        "total": 9,
    }
    first = await still.start(once=KEY, **body)
    still.clock.leap(1_234_567)
    second = await still.start(once=KEY, **body)

    assert second.model_dump_json() == first.model_dump_json()
    assert still.values("SELECT total FROM processes") == [1]


async def test_the_same_key_for_another_body_is_refused(still: House) -> None:
    await still.start(once=KEY)

    with pytest.raises(Conflict) as caught:
        await still.start(once=KEY._replace(fingerprint="e" * 64))

    assert caught.value.code == "idempotency_key_reused"


async def test_the_same_key_of_another_caller_is_another_key(still: House) -> None:
    await still.start(once=KEY)
    await still.start(once=KEY._replace(caller="1:9"))

    assert still.values("SELECT total FROM processes") == [2]


async def test_the_same_key_in_one_batch_starts_one_run(still: House) -> None:
    answers = await gathered(*(still.start(id="n1", once=KEY) for _ in range(20)), still.start(id="n2"))

    assert len({run.uid for run in answers}) == 2
    assert still.values("SELECT total FROM processes") == [2]


async def test_different_keys_in_one_batch_for_one_id_start_one_run(still: House) -> None:
    answers = await gathered(*(still.start(id="n1", once=KEY._replace(key=str(number))) for number in range(5)))

    assert sum(isinstance(answer, Conflict) for answer in answers) == 4
    assert still.values("SELECT count(*) FROM idempotency") == [1]


async def test_a_refusal_is_not_kept(still: House) -> None:
    run = await still.start(id="n1")
    with pytest.raises(Conflict):
        await still.start(id="n1", once=KEY)
    await still.complete(run)

    assert (await still.start(id="n1", once=KEY)).attempt == 2


async def test_after_a_day_the_key_is_free_again(still: House) -> None:
    first = await still.start(once=KEY)
    still.clock.leap(DAY - 1)
    assert (await still.start(once=KEY)).uid == first.uid
    still.clock.leap(1)
    assert (await still.start(once=KEY)).uid != first.uid


async def test_old_answers_are_forgotten_in_small_steps(still: House) -> None:
    for number in range(5):
        await still.start(once=KEY._replace(key=str(number)))
    still.clock.leap(DAY)

    assert await still.engine.writer.run(lambda tx: forget_old(tx, 3)) == 3
    assert await still.engine.writer.run(lambda tx: forget_old(tx, 3)) == 2


async def test_incidents_and_comments_are_made_once_too(still: House) -> None:
    async def report() -> str:
        made = await incidents.report(still.engine, ALICE, NewIncident(title="fire"), KEY)
        return made.model_dump_json()

    async def comment() -> str:
        once = KEY._replace(key="comment")
        return (await incidents.comment(still.engine, ALICE, 1, NewComment(content="seen"), once)).model_dump_json()

    assert len(set(await gathered(*(report() for _ in range(5))))) == 1
    assert len(set(await gathered(*(comment() for _ in range(5))))) == 1
    assert still.values("SELECT count(*) FROM incidents") == still.values("SELECT count(*) FROM comments") == [1]


RANDOM = "5f" * 16
BOB = Caller(1, "default", Role.INGEST, 31, "bob")


async def line_starts(house: House, uid: str, caller: Caller = BOB) -> int:
    """How many of the lines that start a run and carry `uid` were known: 0 or 1."""
    line = ingest.KINDS["run.start"].model.model_validate({"kind": "run.start", "process": "backup", "uid": uid})
    return (await ingest.take(house.engine, caller, [ingest.Item(1, line)])).duplicates


async def test_a_kept_report_of_a_run_that_was_started_by_a_call_is_known_whoever_sends_it(still: House) -> None:
    await still.start(once=KEY._replace(key=RANDOM))
    for caller in ("1:20", "1:9", "2:8"):
        await still.start("other", once=KEY._replace(caller=caller, key="another"))

    assert await line_starts(still, RANDOM) == 1
    assert still.values("SELECT total FROM processes WHERE name = 'backup'") == [1]


async def test_a_name_that_two_may_choose_is_the_senders_own(still: House) -> None:
    await still.start(once=KEY._replace(key="nightly"))

    assert await line_starts(still, "nightly") == 0


async def test_what_another_namespace_started_is_not_known_here(still: House) -> None:
    await still.start(once=KEY._replace(caller="2:8", key=RANDOM))

    assert await line_starts(still, RANDOM) == 0
