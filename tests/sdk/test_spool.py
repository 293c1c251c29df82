from __future__ import annotations

import json
import multiprocessing
from typing import TYPE_CHECKING, Any

import pytest

from trackdesk.sdk.http import Http
from trackdesk.sdk.locate import Target
from trackdesk.sdk.spool import Report, Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sdk.receiver import Receiver

    Connect = Callable[[Target], Http]


def whole(name: str, url: str, **more: Any) -> Report:
    line = {"message": "hello", "level": "INFO", "seq": 1, "logged_at": "2026-01-02T03:04:06Z"}
    return Report(
        name,
        url,
        key=f"key-{name}",
        start={"started_at": "2026-01-02T03:04:05.000000Z"},
        logs=[line],
        complete={"status": "COMPLETED", "completed_at": "2026-01-02T03:04:07.000000Z"},
        **more,
    )


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "data" / "spool")


def test_reports_are_sent_together_oldest_first_each_in_its_order_with_its_true_times(
    receiver: Receiver, spool: Spool, client: Connect
) -> None:
    for name in ("b", "a"):
        assert spool.save(whole(name, receiver.url))
    assert spool.flush(client(Target(receiver.url))) == (2, 0, 0)
    assert receiver.said() == ["POST /v1/ingest"]
    lines = receiver.seen[0].body
    of_one = ["run.start", "log", "run.complete"]
    assert [(line["kind"], line.get("start", line.get("uid"))) for line in lines] == [
        *[(kind, "key-b") for kind in of_one],
        *[(kind, "key-a") for kind in of_one],
    ]
    start = {"kind": "run.start", "uid": "key-b", "process": "b", "started_at": "2026-01-02T03:04:05.000000Z"}
    assert lines[0] == start
    assert (lines[1]["seq"], lines[1]["logged_at"]) == (1, "2026-01-02T03:04:06Z")
    assert (lines[2]["status"], lines[2]["completed_at"]) == ("COMPLETED", "2026-01-02T03:04:07.000000Z")
    assert spool.is_empty()


def test_a_report_of_a_run_that_the_server_knows_names_it(receiver: Receiver, spool: Spool, client: Connect) -> None:
    end = {"status": "COMPLETED", "completed_at": "2026-01-02T03:04:07.000000Z"}
    spool.save(Report("backup", receiver.url, uid="uid7", complete=end))
    assert spool.flush(client(Target(receiver.url))) == (1, 0, 0)
    assert receiver.seen[0].body == [{"kind": "run.complete", "run": "uid7", **end}]


def test_what_is_too_much_for_one_request_goes_in_several(receiver: Receiver, spool: Spool, client: Connect) -> None:
    line = {"message": "x", "level": "INFO", "logged_at": "2026-01-02T03:04:06Z"}
    for name, count in (("a", 300), ("b", 2_500), ("c", 900)):
        report = whole(name, receiver.url)
        spool.save(report._replace(logs=[{**line, "seq": number} for number in range(count)]))
    assert spool.flush(client(Target(receiver.url)), budget=20) == (3, 0, 0)
    assert [len(seen.body) for seen in receiver.seen] == [302, 1_000, 1_000, 502, 902]
    assert len(receiver.told("log")) == 3_700


def test_only_its_owner_can_read_the_spool(spool: Spool) -> None:
    spool.save(whole("a", "http://x"))
    assert spool.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in spool.directory.glob("*.json")} == {0o600}


def test_what_the_server_refuses_is_set_aside_with_the_reason(
    receiver: Receiver, spool: Spool, capsys: pytest.CaptureFixture[str], client: Connect
) -> None:
    spool.save(whole("bad", receiver.url))
    spool.save(whole("good", receiver.url))
    receiver.refuse = lambda line: ("invalid", "id: no") if "key-bad" in line.values() else None
    assert spool.flush(client(Target(receiver.url))) == (1, 1, 0)
    (reason,) = (spool.directory / "refused").glob("*.reason")
    assert reason.read_text() == "start: invalid: id: no\nlog line 1: invalid: id: no\nend: invalid: id: no\n"
    assert Report.read(reason.with_suffix(".json")).process == "bad"
    assert "start: invalid: id: no" in capsys.readouterr().err


def test_a_refusal_that_may_pass_leaves_the_report(receiver: Receiver, spool: Spool, client: Connect) -> None:
    spool.save(whole("bad", receiver.url))
    spool.save(whole("good", receiver.url))
    receiver.refuse = lambda line: ("internal", "oops") if "key-bad" in line.values() else None
    assert spool.flush(client(Target(receiver.url))) == (1, 0, 1)


def test_an_answer_that_does_not_account_for_every_line_leaves_all(
    receiver: Receiver, spool: Spool, client: Connect
) -> None:
    spool.save(whole("a", receiver.url))
    for answer in ((200, {}), (200, {"accepted": 2, "refused": []}), (200, b"<html>")):
        receiver.answer = answer
        assert spool.flush(client(Target(receiver.url))) == (0, 0, 1)


def test_a_wrong_key_or_a_busy_server_loses_nothing(receiver: Receiver, spool: Spool, client: Connect) -> None:
    spool.save(whole("a", receiver.url))
    for status in (400, 401, 403, 404, 413, 415, 429, 503):
        receiver.answer = (status, {"code": "no", "detail": "not now"})
        assert spool.flush(client(Target(receiver.url))) == (0, 0, 1)


def test_a_server_that_is_away_stops_the_sending(free_port: int, spool: Spool, client: Connect) -> None:
    spool.save(whole("a", f"http://127.0.0.1:{free_port}"))
    assert spool.flush(client(Target(f"http://127.0.0.1:{free_port}"))) == (0, 0, 1)


def test_a_report_that_makes_the_server_stumble_does_not_hold_up_the_others(
    receiver: Receiver, spool: Spool, client: Connect
) -> None:
    spool.save(whole("bad", receiver.url))
    spool.save(whole("good", receiver.url))
    receiver.answer = lambda seen: (500, {"detail": "oops"}) if seen.body[0]["process"] == "bad" else None
    assert spool.flush(client(Target(receiver.url))) == (1, 0, 1)


@pytest.mark.parametrize(
    ("url", "namespace", "target", "sent"),
    [
        ("U", None, Target("U"), 1),
        ("U", None, Target("U", None, "team"), 0),
        ("U", "team", Target("U", None, "team"), 1),
        ("http://elsewhere", None, Target("U"), 0),
        (None, None, Target("U", None, None, True), 1),
        (None, None, Target("U"), 0),
    ],
)
def test_a_report_goes_only_to_the_server_and_namespace_it_is_meant_for(
    url: str | None, namespace: str | None, target: Target, sent: int, receiver: Receiver, spool: Spool, client: Connect
) -> None:
    spool.save(whole("a", receiver.url if url == "U" else url, namespace=namespace))  # type: ignore[arg-type]
    assert spool.flush(client(target._replace(url=receiver.url))) == (sent, 0, 1 - sent)


def test_an_end_whose_answer_was_lost_counts_as_taken(receiver: Receiver, spool: Spool, client: Connect) -> None:
    for _ in range(2):
        spool.save(whole("a", receiver.url))
    assert spool.flush(client(Target(receiver.url))) == (2, 0, 0)
    assert len(receiver.runs) == 1


def test_an_end_that_clashes_with_another_is_set_aside(receiver: Receiver, spool: Spool, client: Connect) -> None:
    spool.save(whole("a", receiver.url))
    spool.save(whole("a", receiver.url)._replace(complete={"status": "FAILED", "completed_at": "2026-01-02T04:00:00Z"}))
    assert spool.flush(client(Target(receiver.url))) == (1, 1, 0)


def test_an_unreadable_file_is_set_aside(receiver: Receiver, spool: Spool, client: Connect) -> None:
    spool.save(whole("a", receiver.url))
    for name, content in (("1.json", "{"), ("2.json", "[]"), ("3.json", '{"process": "x"}'), ("4.json", '{"a": 1}')):
        (spool.directory / name).write_text(content)
    assert spool.flush(client(Target(receiver.url))) == (1, 4, 0)


def test_a_full_spool_says_what_it_drops(tmp_path: Path) -> None:
    said: list[str] = []
    small = Spool(tmp_path / "s", max_files=1, say=said.append)
    assert small.save(whole("first", "http://x"))
    assert not small.save(whole("second", "http://x"))
    assert "second is dropped" in said[0]
    assert "full" in said[0]
    assert not Spool(tmp_path / "s", max_bytes=10, say=said.append).save(whole("third", "http://x"))


def test_a_directory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    spool = Spool(tmp_path / "file" / "spool", say=said.append)
    assert not spool.save(whole("a", "http://x"))
    assert not spool.save(whole("a", "http://x"))
    assert "can't be written" in said[0]
    assert len(said) == 1


def _save_and_flush(directory: Path, url: str, number: int) -> None:
    spool = Spool(directory)
    http = Http(Target(url))
    for turn in range(10):
        spool.save(whole(f"p{number}-{turn}", url))
        spool.flush(http)
    http.close()


def test_many_processes_at_once_send_each_report_once(receiver: Receiver, spool: Spool, client: Connect) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_save_and_flush, args=(spool.directory, receiver.url, number)) for number in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    spool.flush(client(Target(receiver.url)))
    starts = [line["process"] for line in receiver.told("run.start")]
    assert sorted(starts) == sorted(f"p{number}-{turn}" for number in range(4) for turn in range(10))
    assert len(receiver.told("run.complete")) == 40
    assert not (spool.directory / "refused").exists()
    assert spool.is_empty()


def test_a_saved_report_reads_back_the_same(spool: Spool) -> None:
    spool.save(whole("a", "http://x", namespace="n"))
    (path,) = spool.directory.glob("*.json")
    assert Report.read(path) == whole("a", "http://x", namespace="n")
    assert json.loads(path.read_text())["process"] == "a"
