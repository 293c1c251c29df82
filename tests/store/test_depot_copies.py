"""Files of attachments travel with backups, and doctor knows them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.store.house import NOW
from trackdesk.store.backup import backup
from trackdesk.store.check import check
from trackdesk.store.depot import depot_of
from trackdesk.store.depot_copies import backup_files, beside, restore_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.house import House
    from trackdesk.store.check import Finding


def attach(house: House, content: bytes) -> Path:
    """A row and its file."""
    depot = depot_of(house.path)
    incoming = depot.begin()
    incoming.write(content)
    incoming.end()
    depot.place(incoming)
    facts = {"sha256": incoming.sha256, "size": len(content), "name": "a", "author": "ada", "created_at": NOW}
    house.insert("attachments", incident_id=house.incident(), **facts)
    return depot.path(incoming.sha256)


def finding(house: House) -> Finding | None:
    return next((each for each in check(house.path) if each.name == "attachments"), None)


def test_a_backup_brings_what_is_new_and_takes_away_what_is_not_needed(house: House, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "today.db"
    target.parent.mkdir()
    attach(house, b"one")
    backup(house.path, target)
    assert backup_files(house.path, target) == (1, 1, [])
    attach(house, b"two")
    house.connection.execute("DELETE FROM attachments WHERE id = 1")
    backup(house.path, target)
    assert backup_files(house.path, target) == (1, 1, [])
    assert [path.read_bytes() for path in beside(target).files()] == [b"two"]
    assert backup_files(house.path, target) == (1, 0, [])


def test_a_restore_brings_back_what_is_missing(house: House, tmp_path: Path) -> None:
    file, target = attach(house, b"one"), tmp_path / "today.sqlite3"
    backup(house.path, target)
    backup_files(house.path, target)
    file.unlink()
    assert restore_files(target, house.path) == (1, 1, [])
    assert file.read_bytes() == b"one"


def test_a_damaged_file_is_not_brought_and_named(house: House, tmp_path: Path) -> None:
    file, target = attach(house, b"one"), tmp_path / "today.sqlite3"
    backup(house.path, target)
    file.write_bytes(b"eno")
    assert backup_files(house.path, target) == (0, 0, [sha256(b"one").hexdigest()])
    assert list(beside(target).files()) == []


@pytest.mark.parametrize(
    ("harm", "level", "words"),
    [
        ("", "OK", "1 files, 3 bytes, all there"),
        ("remove", "ERROR", "1 of 1 files are not in"),
        ("cut", "ERROR", "1 of 1 files are not in"),
        ("forget", "WARN", "1 files (3 bytes) in"),
    ],
)
def test_doctor_says_how_the_files_are(house: House, harm: str, level: str, words: str) -> None:
    file = attach(house, b"one")
    if harm == "remove":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(b"")
    elif harm == "forget":
        house.connection.execute("DELETE FROM attachments")
    found = finding(house)
    assert found is not None
    assert (found.level, found.detail[: len(words)]) == (level, words)


def test_doctor_says_nothing_where_nothing_is_attached(house: House) -> None:
    assert finding(house) is None


def test_a_name_that_leads_out_of_the_folder_is_no_file(house: House, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"key")
    facts = {"sha256": "../../secret", "size": 3, "name": "a", "author": "ada", "created_at": NOW}
    house.insert("attachments", incident_id=house.incident(), **facts)
    target = tmp_path / "today.sqlite3"
    backup(house.path, target)
    assert backup_files(house.path, target) == (0, 0, ["../../secret"])
    with pytest.raises(ValueError, match="SHA-256"):
        depot_of(house.path).path("../../secret")
