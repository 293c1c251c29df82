"""The completion scripts, asked by the shells themselves where they are installed."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from trackdesk.cli import completion

if TYPE_CHECKING:
    from pathlib import Path


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert completion.run(argparse.Namespace(shell=shell)) == 0
    return capsys.readouterr().out


def said(*command: str, folder: Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, timeout=30).stdout


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_shell_takes_its_script(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "script").write_text(script(shell, capsys), encoding="utf-8")
    said(shell, "-n", "script", folder=tmp_path)


def test_zsh_asks_for_values_when_they_are_wanted_and_not_as_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    text = script("zsh", capsys)
    assert r":(\$(trackdesk processes --names" in text
    assert ":($(trackdesk" not in text
    assert '"(*):' not in text


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
@pytest.mark.parametrize(
    ("line", "first"),
    [("trackdesk proc", "process"), ("trackdesk process pa", "pause"), ("trackdesk apply jo", "jobs.yaml")],
)
def test_fish_completes_verbs_and_files(
    line: str, first: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "script").write_text(script("fish", capsys), encoding="utf-8")
    (tmp_path / "jobs.yaml").touch()
    found = said("fish", "--no-config", "-c", f"source script; complete -C '{line}'", folder=tmp_path)
    assert found.splitlines()[0].partition("\t")[0] == first
