from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from trackdesk.cli import exits
from trackdesk.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sdk.receiver import Receiver

pytestmark = pytest.mark.usefixtures("environ")


def start(number: int) -> str:
    return json.dumps({"kind": "run.start", "uid": f"u{number}", "process": "backup"}) + "\n"


def test_a_file_is_sent_in_its_order_and_counted(
    receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lines.ndjson"
    file.write_text("".join(start(number) for number in range(2_500)).rstrip("\n"))
    assert main(["ingest", str(file), "--url", receiver.url]) == exits.OK
    assert [len(seen.body) for seen in receiver.seen] == [1_000, 1_000, 499, 1]
    assert [line["uid"] for line in receiver.told("run.start")] == [f"u{number}" for number in range(2_500)]
    assert capsys.readouterr().err == "trackdesk: 2500 lines taken, 0 refused\n"


def test_refused_lines_are_named_by_their_number_in_the_file(
    receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lines.ndjson"
    file.write_text("".join(start(number) for number in range(1_200)))
    receiver.refuse = lambda line: ("invalid", "uid: no") if line["uid"] in {"u3", "u1100"} else None
    assert main(["ingest", str(file), "--url", receiver.url, "--json"]) == exits.FAILED
    said = capsys.readouterr()
    told: dict[str, Any] = json.loads(said.out)
    assert (told["accepted"], [each["line"] for each in told["refused"]]) == (1_198, [4, 1_101])
    assert f"{file}:1101: invalid: uid: no" in said.err


def test_lines_of_stdin_are_sent(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((start(1) + "\n" + start(2)).encode())))
    receiver.answer = lambda seen: (
        (200, {"accepted": 2, "duplicates": 0, "refused": []}) if len(seen.body) == 3 else None
    )
    assert main(["ingest", "-", "--url", receiver.url]) == exits.OK


def test_a_server_that_is_away_and_a_file_that_is_not_there_say_so(free_port: int, tmp_path: Path) -> None:
    file = tmp_path / "lines.ndjson"
    file.write_text(start(1))
    assert main(["ingest", str(file), "--url", f"http://127.0.0.1:{free_port}"]) == exits.UNREACHABLE
    assert main(["ingest", str(tmp_path / "none"), "--url", "http://127.0.0.1:9"]) == exits.FAILED
