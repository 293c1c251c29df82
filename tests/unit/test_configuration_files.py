"""Files of what is to be set up: every mistake has its line."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest

from trackdesk.cli import yaml_lines
from trackdesk.cli.config_source import load
from trackdesk.cli.yaml_lines import ProblemsError

if TYPE_CHECKING:
    from pathlib import Path


def value_of(text: str, **environ: str) -> Any:
    documents, problems = yaml_lines.read(text, "f", environ)
    assert not problems
    return documents[0].value


def said(text: str, folder: Path, **environ: str) -> list[str]:
    """What is wrong, as `LINE:COLUMN message`."""
    file = folder / "f.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ProblemsError) as caught:
        load([str(file)], environ)
    return [f"{problem.place.line}:{problem.place.column} {problem.message}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", "no"),
        ("a: 12:30", "12:30"),
        ("a: 2026-01-02", "2026-01-02"),
        ("a: 0x1f", "0x1f"),
        ("a: 007", "007"),
        ("a: 1e3", "1e3"),
        ("a: 42", 42),
        ("a: -0.75", -0.75),
        ("a: 1.0e-05", 0.00001),
        ("a: 1.5e3", "1.5e3"),
        ("a: 9.9e+999", "9.9e+999"),
        ("a: true", True),
        ("a: ~", None),
        ("a:", None),
        ("a: '42'", "42"),
        ("a: |\n  two\n  lines\n", "two\nlines\n"),
        ("a: [1, x]", [1, "x"]),
    ],
)
def test_values_are_what_they_look_like(text: str, value: object) -> None:
    assert value_of(text) == {"a": value}


def test_variables_are_filled_in_and_can_be_escaped() -> None:
    assert value_of("a: x${ONE}$${TWO}$", ONE="1") == {"a": "x1${TWO}$"}


def test_what_a_variable_holds_is_text_and_never_yaml() -> None:
    assert value_of("a: ${X}", X="{b: [1]}") == {"a": "{b: [1]}"}


def test_what_is_said_once_can_be_used_again() -> None:
    assert value_of("a: &x {p: 1, q: 1}\nb:\n  <<: *x\n  q: 2\n") == {"a": {"p": 1, "q": 1}, "b": {"q": 2, "p": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2", "2:2 is no YAML: did not find expected ',' or ']'"),
        ("a: \x07", "1:1 is no YAML: unacceptable character"),
        ("a: &x [*x]", "1:8 there is no &x before this *x"),
        ("a: !!python/object/apply:os.system [ls]", "1:4 tags such as tag:yaml.org,2002:python/object/apply:os.system"),
        ("[" * 1000, "1:33 expected at most 32 levels"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
            "expected at most 200,000 values, aliases counted",
        ),
        ("processes: {a: {}, a: {}}", "1:20 a stands twice, first in line 1"),
        ("? [x]\n: 1", "1:3 expected a name"),
        ('processes: {a: {description: "\\0"}}', "1:30 must not contain NUL"),
        ("- a\n- b", "1:1 expected departments, processes, rules, maintenance or channels, not ['a', 'b']"),
    ],
)
def test_what_is_no_document_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (found,) = said(text, tmp_path)
    assert message in found


def test_every_mistake_is_named_with_its_line_and_the_nearest_word(tmp_path: Path) -> None:
    text = """\
processes:
  nightly-backup:
    departement: payments
    warn_at: high
    xyz: 1
  nightly backup: {}
  report:
    schedule: {cron: "61 2 * * *", timezone: Europe/Belin}
channel: {}
channels:
  pager: {url: "${PAGER_URL}", min_severity: HIHG, match: {proces: x}}
"""
    found = said(text, tmp_path)
    assert [each.partition(":")[0] for each in found] == ["3", "4", "5", "6", "8", "8", "9", "11", "11", "11"]
    assert found[0] == "3:5 processes.nightly-backup.departement: unknown member: did you mean department?"
    assert found[1] == "4:14 processes.nightly-backup.warn_at: expected a number, not 'high'"
    assert found[2].startswith("5:5 processes.nightly-backup.xyz: unknown member; known are schedule, ")
    assert found[3].startswith("6:3 processes.nightly backup: expected 1 to 100 of A-Z")
    assert "expected an IANA time zone such as Europe/Berlin, not 'Europe/Belin'" in found[5]
    assert found[6] == "9:1 channel: unknown member: did you mean channels?"
    assert found[7] == "11:16 the environment variable PAGER_URL is not set"
    assert found[8].startswith("11:46 channels.pager.min_severity: expected one of LOW, MEDIUM, HIGH or CRITICAL")
    assert found[9] == "11:60 channels.pager.match.proces: unknown member: did you mean process?"


def test_mistakes_of_rules_are_named_as_they_are_written(tmp_path: Path) -> None:
    found = said('rules:\n  slow:\n    fore: 2m\n    for: 25h\n    operator: ">>"\n', tmp_path)
    assert found[0] == "3:5 rules.slow.fore: unknown member: did you mean for?"
    assert found[1] == "4:10 rules.slow.for: expected at most 24h, not 1d1h"
    assert found[2].startswith("5:15 rules.slow.operator: expected one of >, >=, <, <=, == or !=")


def test_what_a_variable_holds_is_not_repeated(tmp_path: Path) -> None:
    (found,) = said("channels: {pager: {min_severity: '${WORD}'}}", tmp_path, WORD="s3cret")
    assert found.endswith("expected one of LOW, MEDIUM, HIGH or CRITICAL (its value is that of WORD)")


def test_files_and_directories_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("processes: {b: }\n---\nprocesses: {c: }\n")
    (tmp_path / "a.yaml").write_text("departments: {ops: {}}\nprocesses:\n  a: {department: ops}\n")
    (tmp_path / "notes.txt").write_text("not this")
    source = load([str(tmp_path)], {})
    assert source.value == {
        "departments": {"ops": {}},
        "processes": {"a": {"department": "ops"}, "b": {}, "c": {}},
    }
    assert source.files == 2
    with pytest.raises(ProblemsError, match=r"departments\.ops: stands twice, first in .*a\.yaml:1"):
        load([str(tmp_path), str(tmp_path / "a.yaml")], {})


def test_stdin_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfprocesses: {a: }")))
    assert load(["-"], {}).value == {"processes": {"a": {}}}


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ProblemsError) as caught:
        load([str(tmp_path / "f.yaml")], {})
    assert caught.value.problems[0].place.line == 2


def test_a_directory_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match=r"expected a \*\.yaml"):
        load([str(tmp_path)], {})
