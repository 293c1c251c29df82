"""Files of incidents: there as long as some attachment needs them, and within bounds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.engine.house import ALICE, gathered, kinds
from trackdesk.domain.attachment import MAX_FILES, MAX_STORED
from trackdesk.domain.errors import Conflict
from trackdesk.domain.incident import ChangeIncident, IncidentStatus, NewIncident
from trackdesk.engine import attachments, incidents
from trackdesk.store import removal

if TYPE_CHECKING:
    from tests.engine.house import House
    from trackdesk.domain.attachment import Attachment


async def attach(house: House, content: bytes, incident: int = 1) -> Attachment:
    incoming = house.engine.depot.begin()
    incoming.write(content)
    incoming.end()
    try:
        return await attachments.add(house.engine, ALICE, incident, "a.txt", incoming)
    finally:
        incoming.discard()


async def report(house: House) -> None:
    await incidents.report(house.engine, ALICE, NewIncident(title="Invoices arrive twice"))


def stored(house: House) -> list[bytes]:
    return sorted(path.read_bytes() for path in house.engine.depot.folder.rglob("*") if path.is_file())


async def test_files_of_old_incidents_go_with_them(still: House) -> None:
    await report(still)
    await attach(still, b"one")
    await incidents.patch(still.engine, ALICE, 1, ChangeIncident(status=IncidentStatus.CLOSED))
    await still.engine.writer.run(lambda tx: removal.remove_incidents(tx, [1], tx.now + 1))
    assert stored(still) == [b"one"], "until they are swept"
    assert await attachments.sweep(still.engine.writer, still.engine.depot) == 1
    assert stored(still) == []
    assert still.values("SELECT count(*) FROM loose_files") == [0]


async def test_what_is_attached_and_deleted_at_once_is_there_or_gone_as_a_whole(still: House) -> None:
    await report(still)
    for _ in range(10):
        made = await attach(still, b"same")
        new, _ = await asyncio.gather(attach(still, b"same"), attachments.delete(still.engine, ALICE, 1, made.id))
        assert stored(still) == [b"same"]
        await attachments.delete(still.engine, ALICE, 1, new.id)
        assert stored(still) == []


async def test_a_deletion_stands_though_its_file_can_not_be_removed_yet(
    still: House, caplog: pytest.LogCaptureFixture
) -> None:
    await report(still)
    made = await attach(still, b"one")
    path = still.engine.depot.path(made.sha256)
    path.unlink()
    path.mkdir()
    await attachments.delete(still.engine, ALICE, 1, made.id)
    assert "files that no attachment needs any more are still there" in caplog.text
    assert still.values("SELECT sha256 FROM loose_files") == [made.sha256]


async def test_files_that_nobody_knows_are_left_alone(still: House) -> None:
    depot = still.engine.depot
    incoming = depot.begin()
    incoming.write(b"of a database that may be put back")
    incoming.end()
    depot.place(incoming)
    (depot.folder / "7-1.part").write_bytes(b"half")
    assert await attachments.sweep_at_start(still.engine.writer, depot) == 1
    assert stored(still) == [b"of a database that may be put back"]


@pytest.mark.parametrize(
    ("rows", "size"), [(MAX_FILES, 1), (1, MAX_STORED)], ids=["of one incident", "of all incidents together"]
)
async def test_there_is_a_limit(still: House, rows: int, size: int) -> None:
    await report(still)
    known = [(1, "a", size, f"{number:064x}", "ada", 0) for number in range(rows)]
    into = "INSERT INTO attachments (incident_id, name, size, sha256, author, created_at)"
    await still.engine.writer.run(lambda tx: tx.insert(into, known))
    with pytest.raises(Conflict) as refusal:
        await attach(still, b"one more")
    assert refusal.value.code == "attachments_full"
    assert stored(still) == []


async def test_the_same_content_at_the_same_time_is_one_file(still: House) -> None:
    await report(still)
    answers = await gathered(*(attach(still, b"same") for _ in range(8)))
    assert kinds(answers) == ["Attachment"] * 8
    assert stored(still) == [b"same"]
