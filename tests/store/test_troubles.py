"""What is asked about the runs of one key is looked up by that key, whatever else has run since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.store import processes, troubles
from trackdesk.store.transaction import Tx

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.store.processes import ProcessRow

QUESTIONS: dict[str, Callable[[Tx, ProcessRow], bool]] = {
    "failed": lambda tx, process: troubles.failed(tx, process, "r1", 2),
    "made good": lambda tx, process: troubles.made_good(tx, process, "r1", NOW, NOW),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_runs_of_a_key_are_found_by_its_index(house: House, question: str) -> None:
    house.run(status="COMPLETED")
    tx = Tx(house.connection)
    process = processes.find(tx, DEFAULT, "backup")
    assert process is not None
    statements: list[str] = []
    house.connection.set_trace_callback(statements.append)
    QUESTIONS[question](tx, process)
    house.connection.set_trace_callback(None)
    [step] = house.plan(statements[-1], ())
    assert "runs_by_key (namespace_id=? AND id=? AND process_id=?)" in step
