"""The checks of the other tests here find what they are there to find."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.faults.harness import open_site
from tests.faults.invariants import BROKEN, broken

if TYPE_CHECKING:
    from pathlib import Path

DAMAGE = {
    "a row lacks its parent": "DELETE FROM channels",
    "a run has no process": "DELETE FROM processes",
    "a run has a tag that is gone": "DELETE FROM tags",
    "the journal has a gap": "DELETE FROM journal WHERE seq = 5",
    "a process counts other runs than it has": "UPDATE processes SET late = late + 1",
    "a request was carried out twice": "UPDATE runs SET correlation_id = 'the same'",
    "a report was filed twice": "UPDATE incidents SET title = 'the same'",
    "a comment stands twice": "UPDATE comments SET content = 'the same'",
    "a run did not start once": "UPDATE journal SET kind = 'sped' WHERE kind = 'started'",
    "a run did not end once": "UPDATE runs SET status = 'ACTIVE'",
    "a run was found late twice": "UPDATE journal SET ref = 'the same' WHERE kind = 'missed'",
    "a finished run waits for something": "UPDATE runs SET next_due_at = 1",
    "nobody will look at a deadline": "UPDATE runs SET deadline_status = 'ON_TRACK', status = 'ACTIVE', deadline = 1",
    "tags are not those of their runs": "DELETE FROM run_tags",
    "trouble without an incident": "DELETE FROM incidents",
    "incidents count other troubles than there were": "UPDATE incidents SET occurrences = occurrences + 1",
    "two incidents are open for one cause": "UPDATE incidents SET status = 'OPEN', cause = 'the same'",
    "an incident was not opened once": "UPDATE journal SET kind = 'closed' WHERE kind = 'opened'",
    "an incident was not told once": "UPDATE notifications SET incident_id = NULL",
    "an incident was closed without a word": "UPDATE incidents SET status = 'CLOSED', cause = NULL",
    "a closed incident was not told": "DELETE FROM notifications WHERE kind = 'closed'",
    "a warning was not told once": "UPDATE notifications SET kind = 'warning' WHERE kind = 'missed'",
    "a notification is not in the journal": "DELETE FROM journal WHERE kind = 'told'",
    "a chosen channel has no delivery": "DELETE FROM deliveries",
    "a delivery is not marked as it went": "UPDATE deliveries SET status = 'PENDING'",
    "a delivery miscounts its attempts": "UPDATE deliveries SET attempts = 2",
    "a sent delivery is not in the journal": "DELETE FROM journal WHERE kind = 'sent'",
    "something was gathered into nothing": "UPDATE deliveries SET status = 'GROUPED' WHERE id = 1",
    "an incident waits for the end of what is over": "INSERT INTO mutes (incident_id, kind, by_id, muted_at) "
    "SELECT id, 'silence', 1, 0 FROM incidents LIMIT 1",
    "a delivery is forgotten": "UPDATE deliveries SET status = 'PENDING', next_due_at = NULL",
    "a series is wrong without an incident": "INSERT INTO rule_states (namespace_id, rule_id, series_id, service, "
    "state, since, breaches) VALUES (1, 'slow', 1, 'crm', 'FIRING', 0, 1)",
    "an incident of a rule holds, and no series is wrong": "UPDATE incidents SET origin = 'rule', holds = 1",
    "a line has lost its run": "UPDATE logs SET run_seq = -id",
    "a run is gone and is there": "INSERT OR IGNORE INTO gone_runs SELECT seq FROM runs",
    "a tag has no run": "INSERT INTO tags (namespace_id, key, value) VALUES (1, 'no', 'run')",
    "a line stands twice": "UPDATE logs SET seq = 1",
}
UNBREAKABLE = {"a page of the file is damaged"}
"""What no statement can bring about."""


async def test_every_invariant_notices_its_breach(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.start()
        await site.prepare()
        async with site.load(clients=12):
            await site.acknowledge(300)
        await site.check()
        await site.stop()
    unnoticed = []
    for name, statement in DAMAGE.items():
        copy = shutil.copy(site.database, tmp_path / "copy.sqlite3")
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            for (index,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%UNIQUE%'"
            ).fetchall():
                connection.execute(f"DROP INDEX {index}")
            connection.execute(statement)
        if name not in broken(tmp_path / "copy.sqlite3"):
            unnoticed.append(name)
    assert unnoticed == []
    assert set(DAMAGE) | UNBREAKABLE == set(BROKEN)
