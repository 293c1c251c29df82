"""A database leaves one machine as a file and arrives on another."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from tests.e2e.premises import Premises

if TYPE_CHECKING:
    from pathlib import Path


def test_what_one_server_has_another_serves_after_export_and_import(premises: Premises, tmp_path: Path) -> None:
    premises.serve()
    premises.cli("run", "backup", "--tag", "env=prod", "--", "sh", "-c", "echo full >&2; exit 3", code=3)
    ((run,), (incident,)) = premises.data_of("runs"), premises.data_of("incidents")
    made = premises.within("key", "make", "cron", "--role", "INGEST").stdout.strip()
    everything = premises.folder / "all.ndjson"
    said = premises.cli("export", str(everything), "--with-secrets").stderr
    assert "rows, as of now" in said
    assert everything.stat().st_mode & 0o777 == 0o600
    premises.within("export", str(everything), "--with-secrets")
    assert "expected one that is not there yet" in premises.within("export", str(premises.database), code=1).stderr
    assert "is already served by process" in premises.within("import", str(everything), code=1).stderr

    other = Premises(tmp_path)
    try:
        other.cli("import", str(everything), "--dry-run")
        assert not other.database.exists()
        other.cli("import", str(everything))
        for name in ("owner.key", "seal.key"):
            if (premises.data / name).exists():
                shutil.copy(premises.data / name, other.data / name)
        other.serve()
        assert other.data_of("runs") == [run]
        assert [each["ref"] for each in other.data_of("incidents")] == [incident["ref"]]
        assert other.ask("POST", "/v1/processes/next", key=made)[0] == 201
    finally:
        other.close()


def test_an_export_goes_to_stdout_and_a_bad_line_of_an_import_is_named(premises: Premises, tmp_path: Path) -> None:
    server = premises.serve()
    premises.within("start", "backup")
    lines = premises.cli("export").stdout.splitlines()
    premises.end(server)
    assert json.loads(lines[0])["format"] == "trackdesk"
    number = next(n for n, line in enumerate(lines) if '"table":"runs"' in line)
    lines[number] = lines[number].replace("ACTIVE", "BUSY")
    other = Premises(tmp_path)
    refused = other.cli("import", "-", stdin="\n".join(lines) + "\n", code=1)
    assert f"line {number + 1}: runs.status: expected one of ACTIVE, COMPLETED, FAILED, SKIPPED" in refused.stderr
    assert list(other.data.iterdir()) == []
    assert "expected FILE or healthchecks FILE" in other.within("import", "uptime", "x.json", code=2).stderr
