"""`trackdesk incidents`: files, changes, figures and the story, over a real server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.server.process import OWNER_KEY, serving
from trackdesk.cli import exits
from trackdesk.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("verbs")) as address:
        yield address


@pytest.fixture
def say(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Exit code, stdout and stderr of `trackdesk incidents …` in an empty folder."""
    monkeypatch.setenv("TRACKDESK_API_KEY", OWNER_KEY)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["incidents", *words, "--url", url, "--data-dir", str(tmp_path)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def ref(say: Say) -> str:
    code, out, _ = say("report", "Down", "--service", "crm")
    assert code == exits.OK
    return out.strip()


def test_a_file_is_attached_listed_saved_and_deleted(say: Say, ref: str, tmp_path: Path) -> None:
    (tmp_path / "trace.log").write_bytes(b"\x00one")
    assert say("attach", ref, "trace.log")[0] == exits.OK
    (attached,) = json.loads(say("files", ref, "--json")[1])
    assert (attached["name"], attached["size"]) == ("trace.log", 4)
    number = str(attached["id"])
    assert say("save", ref, number)[0] == exits.FAILED, "it is there already"
    assert say("save", ref, number, "-o", "copy.log")[0] == exits.OK
    assert (tmp_path / "copy.log").read_bytes() == b"\x00one"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["copy.log", "trace.log"]
    assert say("detach", ref, number)[0] == exits.OK
    assert say("save", ref, number)[0] == exits.NOT_FOUND
    assert say("attach", ref, "nothing.log")[0] == exits.USAGE


def test_severity_assignee_and_texts_are_changed(say: Say, ref: str) -> None:
    assert say("change", ref, "--severity", "high", "--assignee", "ada", "--title", "Up")[0] == exits.OK
    (changed,) = json.loads(say("list", "--assignee", "ada", "--json")[1])
    assert (changed["severity"], changed["title"], changed["status"]) == ("HIGH", "Up", "OPEN")
    assert say("change", ref, "--nobody")[0] == exits.OK
    assert ref in say("list", "--nobody")[1]
    assert say("change", ref)[0] == exits.USAGE
    assert say("change", "INC-999", "--nobody")[0] == exits.NOT_FOUND
    assert say("change", ref, "--department", "none-such")[0] == exits.FAILED


def test_figures_changes_and_the_story_are_told(say: Say, ref: str, tmp_path: Path) -> None:
    assert " open, " in say("stats")[1]
    assert json.loads(say("stats", "--json", "--since", "7d")[1])["times"]["close"]["count"] == 0
    assert "nothing changed about crm" in say("changes", ref)[2]
    assert say("changes", ref, "--window", "soon")[0] == exits.USAGE
    assert say("postmortem", ref)[1].startswith(f"# {ref}: Down\n")
    assert say("postmortem", ref, "-o", "story.md")[0] == exits.OK
    assert (tmp_path / "story.md").read_text("utf-8").startswith(f"# {ref}: Down\n")
    assert say("postmortem", "INC-999")[0] == exits.NOT_FOUND


def test_of_several_each_is_tried_and_the_exit_code_says_whether_all_went_wrong_alike(say: Say, ref: str) -> None:
    code, out, errors = say("change", "INC-998", ref, "--severity", "high")
    assert (code, "INC-998: " in errors, f"{ref} changed" in out + errors) == (exits.FAILED, True, True)
    assert say("change", "INC-998", "INC-999", "--severity", "high")[0] == exits.NOT_FOUND
