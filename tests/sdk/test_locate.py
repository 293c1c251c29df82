from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from trackdesk.sdk import locate
from trackdesk.sdk.filelock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = "http://127.0.0.1:9999"


@pytest.fixture
def left_behind(tmp_path: Path) -> Path:
    """What lies there once a server has run, the pid being that of some process."""
    (tmp_path / locate.LOCK_NAME).write_text(json.dumps({"pid": os.getpid(), "url": HERE + "/"}))
    (tmp_path / locate.OWNER_KEY_NAME).write_text("the-owner-key-of-here\n")
    return tmp_path


@pytest.fixture
def data(left_behind: Path) -> Iterator[Path]:
    """The same while it runs."""
    with try_lock(left_behind / locate.LOCK_NAME):
        yield left_behind


def test_the_local_server_and_its_owner_key_are_found(data: Path) -> None:
    assert locate.find({"TRACKDESK_DATA_DIR": str(data)}) == locate.Target(HERE, "the-owner-key-of-here", None, True)


def test_the_owner_key_never_goes_to_another_server(data: Path) -> None:
    found = locate.find({"TRACKDESK_DATA_DIR": str(data), "TRACKDESK_URL": "https://other.example"})
    assert found == locate.Target("https://other.example", None, None, False)


def test_the_local_server_named_by_its_address_is_still_the_local_one(data: Path) -> None:
    found = locate.find({"TRACKDESK_DATA_DIR": str(data), "TRACKDESK_URL": HERE, "TRACKDESK_NAMESPACE": "n"})
    assert found == locate.Target(HERE, "the-owner-key-of-here", "n", True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no shared locks")
def test_what_a_server_that_died_left_is_not_believed(left_behind: Path) -> None:
    assert locate.find({"TRACKDESK_DATA_DIR": str(left_behind)}) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"pid": 1, "url": 2}', '{"pid": 1, "url": null}', '{"pid": 1}', "\x00"]
)
def test_a_broken_lock_file_means_no_server(data: Path, content: str) -> None:
    (data / locate.LOCK_NAME).write_text(content)
    assert locate.find({"TRACKDESK_DATA_DIR": str(data)}) is None


def test_a_target_does_not_show_its_key() -> None:
    assert "secret" not in repr(locate.Target(HERE, "secret"))


def test_the_address_is_read_though_the_tail_of_a_longer_one_follows_it(data: Path) -> None:
    (data / locate.LOCK_NAME).write_text(json.dumps({"pid": 1, "url": HERE}) + '9999/"}')
    assert locate.find({"TRACKDESK_DATA_DIR": str(data)}) == locate.Target(HERE, "the-owner-key-of-here", None, True)


def test_configure_lies_over_the_environment(environ: dict[str, str]) -> None:
    locate.configure(url="http://set:1/", api_key="k")
    assert locate.find() == locate.Target("http://set:1", "k", None, False)
