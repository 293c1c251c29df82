from __future__ import annotations

import pytest

from trackdesk.domain.errors import Invalid
from trackdesk.domain.ping import BODY_LIMIT, Signal, body_text, log_lines, parse_path, parse_rid
from trackdesk.domain.run import LogLevel

UUID = "11111111-2222-4333-8444-55555555abcd"


@pytest.mark.parametrize(
    ("rest", "process", "signal", "exit_code"),
    [
        ("key/backup", "backup", Signal.SUCCESS, None),
        ("key/backup/", "backup", Signal.SUCCESS, None),
        ("key/start", "start", Signal.SUCCESS, None),
        ("key/a:b.c-d/start", "a:b.c-d", Signal.START, None),
        ("key/backup/0", "backup", Signal.SUCCESS, None),
        ("key/backup/255", "backup", Signal.FAIL, 255),
        (UUID, None, Signal.SUCCESS, None),
        (f"{UUID}/", None, Signal.SUCCESS, None),
        (f"{UUID.upper()}/log", None, Signal.LOG, None),
        (f"{UUID}/007", None, Signal.FAIL, 7),
    ],
)
def test_a_path_says_who_and_what(rest: str, process: str | None, signal: Signal, exit_code: int | None) -> None:
    said = parse_path(rest)
    assert said[1:] == (process, signal, exit_code)
    assert said.secret == ("key" if process else UUID)


@pytest.mark.parametrize(
    "rest",
    [
        *[
            "",
            "/",
            "key",
            "key/",
            "key//",
            "/backup",
            "key/b/c",
            "key/b/256",
            "key/b/-1",
            "key/b/٣",
            "key/b/start/",
            "k\n/b",
            "key/b\n",
        ],
        f"{UUID}/backup",
        f"{UUID}/256",
        f"{UUID}/start/1",
        "key/" + "b" * 101,
    ],
)
def test_a_path_that_says_nothing_is_refused_without_repeating_it(rest: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_path(rest)
    assert raised.value.field == "url"
    assert "not" not in raised.value.detail


def test_a_rid_is_a_uuid_however_it_is_written() -> None:
    assert parse_rid(UUID.upper().replace("-", "")) == UUID
    with pytest.raises(Invalid, match="expected a UUID"):
        parse_rid("7")


def test_a_body_is_cut_between_characters_and_loses_what_cannot_be_kept() -> None:
    assert body_text(b"a\x00\xff\n\n") == "a\ufffd"
    cut = body_text(b"x" * (BODY_LIMIT - 1) + "ä".encode())
    assert cut == "x" * (BODY_LIMIT - 1)


def test_a_long_text_is_cut_where_its_lines_end() -> None:
    text = "\n".join(["y" * 9_000, "z" * 9_000, "w" * 20_000])
    assert [len(line.message) for line in log_lines(text, LogLevel.INFO)] == [9_000, 9_000, 16_384, 3_616]
    assert [line.message for line in log_lines("a\nb", LogLevel.ERROR)] == ["a\nb"]
    assert log_lines("", LogLevel.INFO) == []
