from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from trackdesk.sdk import locate

if TYPE_CHECKING:
    from pathlib import Path

HERE = "http://127.0.0.1:9999"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / locate.LOCK_NAME).write_text(json.dumps({"pid": os.getpid(), "url": HERE + "/"}))
    (tmp_path / locate.OWNER_KEY_NAME).write_text("the-owner-key-of-here\n")
    return tmp_path


def test_the_local_server_and_its_owner_key_are_found(data: Path) -> None:
    assert locate.find({"TRACKDESK_DATA_DIR": str(data)}) == locate.Target(HERE, "the-owner-key-of-here", None, True)


def test_the_owner_key_never_goes_to_another_server(data: Path) -> None:
    found = locate.find({"TRACKDESK_DATA_DIR": str(data), "TRACKDESK_URL": "https://other.example"})
    assert found == locate.Target("https://other.example", None, None, False)


def test_the_local_server_named_by_its_address_is_still_the_local_one(data: Path) -> None:
    found = locate.find({"TRACKDESK_DATA_DIR": str(data), "TRACKDESK_URL": HERE, "TRACKDESK_NAMESPACE": "n"})
    assert found == locate.Target(HERE, "the-owner-key-of-here", "n", True)


def test_the_lock_of_a_server_that_died_is_not_believed(data: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (data / locate.LOCK_NAME).write_text(json.dumps({"pid": gone.pid, "url": HERE}))
    assert locate.find({"TRACKDESK_DATA_DIR": str(data)}) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "url": "y"}', '{"pid": 1}', "\x00"])
def test_a_broken_lock_file_means_no_server(data: Path, content: str) -> None:
    (data / locate.LOCK_NAME).write_text(content)
    assert locate.find({"TRACKDESK_DATA_DIR": str(data)}) is None


def test_a_target_does_not_show_its_key() -> None:
    assert "secret" not in repr(locate.Target(HERE, "secret"))


def test_configure_lies_over_the_environment(environ: dict[str, str]) -> None:
    locate.configure(url="http://set:1/", api_key="k")
    assert locate.find() == locate.Target("http://set:1", "k", None, False)
