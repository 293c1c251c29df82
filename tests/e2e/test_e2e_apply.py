"""Configuration as code, with the real command at a real server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trackdesk.cli import exits

if TYPE_CHECKING:
    from tests.e2e.premises import Premises

EXAMPLE = str(Path(__file__).parents[2] / "docs" / "trackdesk.yaml")
SECRETS = {"PAGER_URL": "webhook+https://pager.example.org/s3cret", "PAGER_SECRET": "another s3cret"}


def test_the_example_of_the_docs_is_shown_then_applied_then_nothing_is_left_to_do(served: Premises) -> None:
    dry = served.within("apply", EXAMPLE, "--dry-run", code=exits.CHANGES, **SECRETS)
    assert dry.stdout.splitlines()[:2] == ["+ department payments", "    name: Payments"]
    assert "6 to be made" in dry.stderr
    assert served.data_of("department") == [each for each in served.data_of("department") if each["id"] == "default"]
    applied = served.cli("apply", EXAMPLE, **SECRETS)
    assert (applied.stdout, applied.stderr) == (dry.stdout, "trackdesk: 6 made, 0 as they should be\n")
    again = served.within("apply", EXAMPLE, "--dry-run", **SECRETS)
    assert (again.stdout, again.stderr) == ("", "trackdesk: 6 as they should be\n")
    assert "s3cret" not in dry.stdout + dry.stderr + str(served.ask("GET", "/v1/journal?limit=1000"))
    assert served.ask("GET", "/v1/processes/payout-import")[1]["default_deadline"] == "5m"


def test_what_is_there_is_written_as_a_file_that_changes_nothing(served: Premises) -> None:
    served.within("apply", EXAMPLE, **SECRETS)
    file = served.folder / "there.yaml"
    served.within("export", "--config", str(file))
    assert "s3cret" not in file.read_text("utf-8")
    assert "expected one that is not there yet" in served.within("export", "--config", str(file), code=1).stderr
    names = {"PAYMENTS_PAGER_URL": SECRETS["PAGER_URL"], "PAYMENTS_PAGER_SECRET": SECRETS["PAGER_SECRET"]}
    same = served.within("apply", str(file), "--prune", "--yes", **names)
    assert (same.stdout, same.stderr) == ("", "trackdesk: 7 as they should be\n")


def test_a_mistake_is_named_with_its_line_and_nothing_is_applied(served: Premises) -> None:
    file = served.folder / "wrong.yaml"
    file.write_text("processes:\n  good: {}\n  bad:\n    departement: ops\n")
    refused = served.within("apply", str(file), code=exits.USAGE)
    message = f"{file}:4:5: processes.bad.departement: unknown member: did you mean department?"
    assert refused.stderr == f"{message}\ntrackdesk: nothing was applied\n"
    file.write_text("processes:\n  good: {}\n  bad:\n    department: nobody\n")
    refused = served.within("apply", str(file), code=exits.USAGE)
    assert f"{file}:4:17: processes.bad.department: expected a department that exists" in refused.stderr
    assert served.ask("GET", "/v1/processes/good")[0] == 404


def test_pruning_asks_first(served: Premises) -> None:
    served.within("department", "add", "old")
    file = served.folder / "teams.yaml"
    file.write_text("departments: {payments: {}}\n")
    assert "--yes" in served.within("apply", str(file), "--prune", code=exits.USAGE).stderr
    pruned = served.within("apply", str(file), "--prune", "--yes")
    assert "- department old" in pruned.stdout.splitlines()
    assert [each["id"] for each in served.data_of("department")] == ["default", "payments"]


def test_the_schema_for_editors_knows_every_member(served: Premises) -> None:
    schema = served.data_of("apply", "--schema")
    assert set(schema["properties"]) == {"departments", "processes", "rules", "maintenance", "channels"}
    assert {"default_deadline", "paused"} <= set(schema["$defs"]["ProcessSettings"]["properties"])
