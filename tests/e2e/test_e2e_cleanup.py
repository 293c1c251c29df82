"""Deleting what is old from the command line, and the file that gets smaller."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.e2e.premises import until

if TYPE_CHECKING:
    from tests.e2e.premises import Premises


def test_old_runs_are_counted_and_deleted_when_that_is_meant(premises: Premises) -> None:
    server = premises.serve()
    uid = premises.cli("start", "old").stdout.strip()
    premises.cli("complete", uid)
    young = premises.cli("start", "new").stdout.strip()
    premises.end(server)
    with closing(sqlite3.connect(premises.database)) as connection, connection:
        connection.execute("UPDATE runs SET started_at = 5, completed_at = 6 WHERE uid = ?", (uid,))
    server = premises.serve()
    dry = ("cleanup", "--older-than", "90d", "--dry-run")
    until(lambda: premises.data_of(*dry)["runs"] == 1, "the run is counted by the roll-ups")

    refused = premises.cli("cleanup", "--older-than", "90d", "--what", "runs", code=2)
    assert refused.stderr == "trackdesk: this deletes 1 run, 2 journal entries; say --yes if that is what you want\n"
    assert premises.cli("cleanup", "--older-than", "90d", "--what", "runs,events", code=2).stdout == ""
    done = premises.cli("cleanup", "--older-than", "90d", "--what", "runs", "--yes")
    assert done.stdout == "1 run, 2 journal entries deleted\n"
    assert [run["uid"] for run in premises.data_of("runs")] == [young]
    assert premises.cli("cleanup", "--older-than", "90d", "--yes").stdout == "nothing deleted\n"

    refused = premises.cli("cleanup", "--compact", code=1)
    assert refused.stderr == f"trackdesk: process {server.pid} serves {premises.database}; stop it first\n"
    premises.end(server)
    premises.cli("cleanup", "--compact", "--dry-run", code=2)
    sizes = premises.data_of("cleanup", "--compact")
    assert sizes["after"] <= sizes["before"]
    premises.serve()
    assert [run["uid"] for run in premises.data_of("runs")] == [young]
