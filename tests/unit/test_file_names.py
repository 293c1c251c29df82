"""Names of attached files: whatever is sent, what is shown and saved is harmless."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.attachment import LONGEST_NAME, LONGEST_NAME_BYTES, disposition, file_name


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\trace.log", "trace.log"),
        ("/", "file"),
        ("..", "file"),
        (" . ", "file"),
        ("", "file"),
        (".bashrc", "bashrc"),
        ("a\x00b\x1b[31m.txt", "ab[31m.txt"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("zero\u200bwidth\ufeff.txt", "zerowidth.txt"),
        ('a<b>:"c|d?*.txt', "a_b___c_d__.txt"),
        ("nul.txt", "_nul.txt"),
        ("COM1", "_COM1"),
        ("two\n lines.txt", "two lines.txt"),
        ("u\u0308ber.txt", "über.txt"),
        ("\ud800lone.txt", "lone.txt"),
        ("日本.txt", "日本.txt"),
    ],
)
def test_a_name_is_made_harmless(given_name: str, name: str) -> None:
    assert file_name(given_name) == name


def test_a_long_name_keeps_its_ending() -> None:
    assert file_name("x" * 400 + ".tar.gz") == "x" * (LONGEST_NAME - 3) + ".gz"
    assert file_name("é" * 400 + ".log").endswith("é.log")


@given(st.text(max_size=300))
def test_every_name_can_be_shown_and_saved(text: str) -> None:
    name = file_name(text)
    assert 1 <= len(name) <= LONGEST_NAME + 1
    assert len(name.encode()) <= LONGEST_NAME_BYTES + 1
    assert not set(name) & set('/\\<>:"|?*')
    assert not {unicodedata.category(char) for char in name} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert file_name(name) == name
    assert disposition(name).isascii()
    assert disposition(name).isprintable()
