from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.template import new_database
from trackdesk.domain.once import KEPT_FOR
from trackdesk.store import ingest_uids
from trackdesk.store.ingest_uids import TakenUid
from trackdesk.store.opening import open_database
from trackdesk.store.transaction import Tx


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    with closing(open_database(new_database(tmp_path / "t.db"))) as connection:
        made = Tx(connection)
        made.begin(KEPT_FOR)
        yield made


def test_a_forgotten_name_is_taken_again_beside_new_ones(tx: Tx) -> None:
    ingest_uids.take(tx, [TakenUid(1, "old", "run-1", 0), TakenUid(1, "kept", "run-2", 5)])
    assert ingest_uids.find(tx, 1, ["old", "kept", "new"]) == {"kept": "run-2"}
    ingest_uids.take(tx, [TakenUid(1, "new", None, tx.now), TakenUid(1, "old", "run-3", tx.now)])
    assert ingest_uids.find(tx, 1, ["old", "kept", "new"]) == {"kept": "run-2", "new": None, "old": "run-3"}
