from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.outbox import ADMIN, Outbox, open_outbox
from trackdesk.domain.errors import NotFound
from trackdesk.engine import inbox as operations
from trackdesk.store import inbox

ALICE = replace(ADMIN, declared="alice")
STRANGER = replace(ADMIN, departments=("elsewhere",))


async def unread(outbox: Outbox) -> int:
    return await inbox.unread_count(outbox.engine.readers, ALICE)


async def test_reading_and_unreading_answer_the_notification(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await outbox.tell(count=2)
        read = await operations.read(outbox.engine, ALICE, 1)
        assert (read.id, read.read_at) == (1, outbox.clock.now())
        assert await unread(outbox) == 1
        assert (await operations.unread(outbox.engine, ALICE, 1)).read_at is None
        assert await unread(outbox) == 2


async def test_read_all_empties_the_callers_inbox_and_nobody_elses(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await outbox.tell(count=3)
        await operations.read_all(outbox.engine, ALICE)
        assert await unread(outbox) == 0
        assert await inbox.unread_count(outbox.engine.readers, ADMIN) == 3
        await outbox.tell()
        assert await unread(outbox) == 1


async def test_what_is_in_no_inbox_of_the_caller_is_not_found(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await outbox.tell()
        for call in (operations.read, operations.unread):
            with pytest.raises(NotFound):
                await call(outbox.engine, STRANGER, 1)
            with pytest.raises(NotFound):
                await call(outbox.engine, ALICE, 2)


async def test_read_marks_are_in_no_journal(tmp_path: Path) -> None:
    async with open_outbox(tmp_path) as outbox:
        await outbox.tell()
        await operations.read(outbox.engine, ALICE, 1)
        assert await outbox.rows("SELECT kind FROM journal") == [("told",)]
