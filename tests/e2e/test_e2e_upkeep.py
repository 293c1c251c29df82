"""Backup, restore and doctor on a machine as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.premises import Premises


def test_a_backup_of_a_running_server_brings_back_what_was(premises: Premises) -> None:
    server = premises.serve()
    premises.cli("start", "before-the-backup")
    copy = premises.folder / "copy.sqlite3"
    premises.cli("backup", str(copy))
    premises.cli("start", "after-the-backup")

    refused = premises.cli("restore", str(copy), "--yes", code=1)
    assert refused.stderr == f"trackdesk: process {server.pid} serves {premises.database}; stop it first\n"
    premises.end(server)
    assert "--yes" in premises.cli("restore", str(copy), code=2).stderr
    kept = premises.data_of("restore", str(copy), "--yes")["kept"]
    assert kept.endswith(".before-restore-1")

    premises.serve()
    assert [run["process"] for run in premises.data_of("runs")] == ["before-the-backup"]


def test_restore_takes_no_damaged_file(premises: Premises) -> None:
    server = premises.serve()
    premises.end(server)
    broken = premises.folder / "broken.sqlite3"
    broken.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    before = premises.database.read_bytes()
    premises.cli("restore", str(broken), "--yes", code=1)
    assert premises.database.read_bytes() == before


def findings(premises: Premises, code: int) -> dict[str, Any]:
    return {each["name"]: each for each in premises.data_of("doctor", code=code)}


def test_doctor_finds_nothing_wrong_with_a_healthy_server(premises: Premises) -> None:
    premises.serve()
    found = findings(premises, 0)
    assert {each["level"] for each in found.values()} == {"OK"}
    looked_at = {"versions", "data directory", "secrets", "clock", "disk space", "schema", "integrity", "seal key"}
    assert looked_at | {"spool", "workers", "key"} <= set(found)
    assert premises.key not in premises.cli("doctor").stdout


def test_doctor_says_what_is_wrong_and_how_to_mend_it(premises: Premises) -> None:
    server = premises.serve()
    uid = premises.cli("start", "nightly").stdout.strip()
    premises.end(server)
    (premises.data / "owner.key").chmod(0o644)
    premises.cli("complete", uid, code=3)
    premises.database.write_bytes(premises.database.read_bytes()[:8192] + b"\xff" * 40_000)
    found = findings(premises, 1)
    assert found["secrets"]["level"] == "ERROR"
    assert found["secrets"]["remedy"].startswith("chmod 600 ")
    assert (found["spool"]["level"], found["spool"]["detail"]) == (
        "WARN",
        "1 still to be sent, the oldest to the server",
    )
    assert any(each["level"] == "ERROR" and "restore" in each["remedy"] for each in found.values())
    told = premises.cli("doctor", code=1).stdout
    assert "ERROR  secrets" in told
    assert "→ chmod 600" in told


def test_doctor_says_for_whom_reports_wait(premises: Premises) -> None:
    away = "http://127.0.0.1:9"
    premises.cli("run", "nightly", "--", "true", TRACKDESK_URL=away, TRACKDESK_API_KEY="a-key-of-elsewhere")
    spool = findings(premises, 1)["spool"]
    assert spool["detail"].endswith(f" still to be sent, the oldest to {away}")
    assert spool["remedy"].endswith(f": trackdesk runs -n 1 --url {away}")


def test_doctor_of_an_empty_place_says_how_to_begin(premises: Premises) -> None:
    found = findings(premises, 1)
    assert found["database"]["remedy"] == "`trackdesk serve` makes one"
