"""What a demo that was killed leaves behind, and what is no such thing."""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING

import pytest

from trackdesk.cli.leftovers import remove_leftovers, temporary_folder
from trackdesk.store.lock import ServerLock

if TYPE_CHECKING:
    from pathlib import Path


def database_in(folder: Path) -> Path:
    return folder / "db"


def left(place: Path, *, hours: float = 2.0) -> Path:
    folder = temporary_folder()
    assert folder.parent == place
    (folder / "db").touch()
    return aged(folder, hours)


def aged(folder: Path, hours: float = 2.0) -> Path:
    at = time.time() - hours * 3600
    os.utime(folder, (at, at))
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_demo_left_is_removed_after_an_hour(place: Path) -> None:
    old, new = left(place), left(place, hours=0.9)
    assert remove_leftovers(database_in) == [old]
    assert (old.exists(), new.exists()) == (False, True)


def test_a_demo_that_still_runs_keeps_its_folder(place: Path) -> None:
    folder = left(place)
    with ServerLock(folder / "db"):
        aged(folder)
        assert remove_leftovers(database_in) == []
    aged(folder)
    assert remove_leftovers(database_in) == [folder]


def test_a_folder_that_somebody_keeps_under_such_a_name_stays(place: Path) -> None:
    kept = place / "trackdesk-demo-saturday"
    kept.mkdir()
    aged(kept)
    assert remove_leftovers(database_in) == []


def test_a_link_of_such_a_name_is_not_followed(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / ".temporary").touch()
    link = place / "trackdesk-demo-aaaaaaaa"
    link.symlink_to(aged(elsewhere), target_is_directory=True)
    at = time.time() - 7200
    os.utime(link, (at, at), follow_symlinks=False)
    assert remove_leftovers(database_in) == []
    assert (elsewhere / ".temporary").exists()
