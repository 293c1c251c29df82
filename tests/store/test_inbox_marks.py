from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.template import new_database
from trackdesk.domain.errors import NotFound
from trackdesk.store import inbox_marks
from trackdesk.store.database import open_database
from trackdesk.store.transaction import Tx

READER, OTHER = "7:alice", "7:bob"
SEEN = """
SELECT n.id FROM notifications n
LEFT JOIN inbox_marks m ON m.reader = :reader AND m.namespace_id = n.namespace_id
WHERE (n.id <= coalesce(m.up_to, 0)
       AND NOT EXISTS (SELECT 1 FROM notification_unreads u WHERE u.reader = :reader AND u.notification_id = n.id))
   OR EXISTS (SELECT 1 FROM notification_reads r WHERE r.reader = :reader AND r.notification_id = n.id)
ORDER BY n.id
"""


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    """With notifications 1 to 4 of the default namespace (4 in no inbox), 5 of another namespace."""
    with closing(open_database(new_database(tmp_path / "t.db"))) as connection:
        made = Tx(connection)
        made.begin(1000)
        made.execute("INSERT INTO namespaces (id, name, created_at) VALUES (2, 'other', 0)")
        for namespace, department, in_inbox in (
            (1, "ops", 1),
            (1, "web", 1),
            (1, "ops", 1),
            (1, "ops", 0),
            (2, "ops", 1),
        ):
            made.execute(
                "INSERT INTO notifications (namespace_id, kind, title, body, department, in_inbox, created_at) "
                "VALUES (?, 'opened', 't', 'b', ?, ?, 0)",
                (namespace, department, in_inbox),
            )
        yield made


def seen(tx: Tx, reader: str = READER) -> list[int]:
    return [row[0] for row in tx.execute(SEEN, {"reader": reader})]


def test_reading_one_marks_that_one_for_that_reader(tx: Tx) -> None:
    inbox_marks.read(tx, READER, 1, 2)
    assert seen(tx) == [2]
    assert seen(tx, OTHER) == []


def test_reading_twice_keeps_the_first_time(tx: Tx) -> None:
    inbox_marks.read(tx, READER, 1, 2)
    tx.begin(2000)
    inbox_marks.read(tx, READER, 1, 2)
    assert tx.all("SELECT read_at FROM notification_reads") == [(1000,)]


def test_unread_takes_a_single_mark_back(tx: Tx) -> None:
    inbox_marks.read(tx, READER, 1, 2)
    inbox_marks.unread(tx, READER, 1, 2)
    assert seen(tx) == []


def test_reading_all_is_one_row_and_stays_in_its_namespace(tx: Tx) -> None:
    inbox_marks.read(tx, READER, 1, 2)
    inbox_marks.read(tx, READER, 2, 5)
    inbox_marks.read_all(tx, READER, 1)
    assert seen(tx) == [1, 2, 3, 5]
    assert tx.all("SELECT notification_id FROM notification_reads") == [(5,)]
    assert tx.all("SELECT up_to FROM inbox_marks") == [(3,)]


def test_after_reading_all_one_can_be_unread_and_read_again(tx: Tx) -> None:
    inbox_marks.read_all(tx, READER, 1)
    inbox_marks.unread(tx, READER, 1, 2)
    assert seen(tx) == [1, 3]
    inbox_marks.read(tx, READER, 1, 2)
    assert seen(tx) == [1, 2, 3]
    inbox_marks.unread(tx, READER, 1, 2)
    inbox_marks.read_all(tx, READER, 1)
    assert seen(tx) == [1, 2, 3]


def test_reading_all_of_an_empty_inbox_is_fine(tx: Tx) -> None:
    tx.execute("DELETE FROM notifications")
    inbox_marks.read_all(tx, READER, 1)
    assert tx.all("SELECT * FROM inbox_marks") == []


@pytest.mark.parametrize(("departments", "visible"), [((), {1, 2, 3}), (("ops",), {1, 3}), (("web", "ops"), {1, 2, 3})])
def test_only_the_inbox_of_the_callers_departments_can_be_marked(
    tx: Tx, departments: tuple[str, ...], visible: set[int]
) -> None:
    for notification_id in range(1, 7):
        if notification_id in visible:
            inbox_marks.check_visible(tx, 1, departments, notification_id)
        else:
            with pytest.raises(NotFound):
                inbox_marks.check_visible(tx, 1, departments, notification_id)


def test_a_forgotten_key_takes_its_marks_along_and_no_others(tx: Tx) -> None:
    for reader in ("7:alice", "7:", "77:carol", "owner:"):
        inbox_marks.read(tx, reader, 1, 1)
        inbox_marks.read_all(tx, reader, 2)
    inbox_marks.forget_key(tx, 7)
    assert [row[0] for row in tx.all("SELECT reader FROM notification_reads ORDER BY reader")] == ["77:carol", "owner:"]
    assert [row[0] for row in tx.all("SELECT reader FROM inbox_marks ORDER BY reader")] == ["77:carol", "owner:"]
