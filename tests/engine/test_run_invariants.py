"""Whatever happens in whatever order, certain things stay true."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.house import ALICE, gathered, open_house
from trackdesk.domain.deadline import HOLD_LATE_REPORT, next_due
from trackdesk.domain.errors import TrackdeskError
from trackdesk.domain.incident import ChangeIncident, IncidentStatus
from trackdesk.engine import incidents
from trackdesk.store import runs

if TYPE_CHECKING:
    from tests.engine.house import House
    from trackdesk.domain.run import Run

PICK = st.integers(0, 5)
STARTS = st.fixed_dictionaries(
    {
        "process": st.sampled_from(["backup", "restore"]),
        "deadline": st.sampled_from([None, "4s", "30s"]),
        "heartbeat_timeout": st.sampled_from([None, 9]),
        "on_active": st.sampled_from(["refuse", "supersede"]),
    },
    optional={"id": st.sampled_from(["1", "2"]), "ago": st.sampled_from([10, 25])},
)
STEPS = st.one_of(
    st.tuples(st.just("start"), st.lists(STARTS, min_size=1, max_size=3)),
    st.tuples(st.just("finish"), st.tuples(PICK, st.sampled_from(["COMPLETED", "FAILED", "SKIPPED"]), st.booleans())),
    st.tuples(st.just("deadline"), st.tuples(PICK, st.sampled_from([None, "1s", "20s", "2m"]))),
    st.tuples(st.just("beat"), PICK),
    st.tuples(st.just("log"), PICK),
    st.tuples(st.just("delete"), PICK),
    st.tuples(st.just("pass"), st.sampled_from([1, 7, 20])),
    st.tuples(st.just("triage"), st.tuples(PICK, st.sampled_from(list(IncidentStatus)))),
    st.tuples(
        st.just("expect"),
        st.sampled_from([{"incident_per": "run"}, {"incident_per": "process"}, {"auto_close": 0}, {"auto_close": 1}]),
    ),
)


class Story:
    """The runs that were started, and what is done to them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.runs: list[Run] = []

    async def do(self, what: str, how: Any) -> None:
        house = self.house
        if what == "start":
            started = await gathered(*(self._start(dict(body)) for body in how))
            self.runs += [run for run in started if not isinstance(run, BaseException)]
            assert all(isinstance(run, TrackdeskError) for run in started if isinstance(run, BaseException))
        elif what == "pass":
            await house.pass_time(how)
        elif what == "expect":
            await house.expect("backup", **how)
        elif what == "triage":
            await self._triage(*how)
        elif self.runs:
            await self._change(what, how)
        await house.settled()

    async def _start(self, body: dict[str, Any]) -> Run:
        if (ago := body.pop("ago", None)) is not None:
            body["started_at"] = self.house.at(-ago)
        return await self.house.start(**body)

    async def _triage(self, pick: int, status: IncidentStatus) -> None:
        known = self.house.incidents()
        if known:
            change = ChangeIncident(status=status)
            await gathered(incidents.patch(self.house.engine, ALICE, known[pick % len(known)]["id"], change))

    async def _change(self, what: str, how: Any) -> None:
        pick = how[0] if isinstance(how, tuple) else how
        run = self.runs[-1 - pick % len(self.runs)]
        house = self.house
        if what == "finish":
            body = {"completed_at": house.at(-5)} if how[2] else {}
            await gathered(house.complete(run, how[1], **body))
        elif what == "deadline":
            await gathered(house.patch(run, deadline=how[1]))
        elif what == "beat":
            await gathered(house.patch(run))
        elif what == "log":
            await gathered(house.log(run, {"message": "still here"}))
        else:
            await gathered(house.delete(run))


def check_counts(house: House) -> None:
    counted = """
        SELECT p.name, count(r.seq) AS total, coalesce(sum(r.status = 'ACTIVE'), 0) AS active,
            coalesce(sum(r.status = 'COMPLETED'), 0) AS completed, coalesce(sum(r.status = 'FAILED'), 0) AS failed,
            coalesce(sum(r.status = 'SKIPPED'), 0) AS skipped,
            coalesce(sum(coalesce(r.deadline_status IN ('MISSED', 'COMPLETED_LATE'), 0) OR r.overdue_at_finish), 0)
                AS late
        FROM processes p LEFT JOIN runs r ON r.process_id = p.id GROUP BY p.id ORDER BY p.id"""
    kept = "SELECT name, total, active, completed, failed, skipped, late FROM processes ORDER BY id"
    assert house.rows(kept) == house.rows(counted)


async def check_due(house: House) -> None:
    """Every run that time can change is due when it changes, and nothing that is due was left."""
    uids = house.values("SELECT uid FROM runs")

    def read(tx: Any) -> list[runs.RunRow]:
        return [row for uid in uids if (row := runs.find_uid(tx, 1, uid)) is not None]

    for row in await house.engine.writer.run(read):
        due_at = house.run(row.run)["next_due_at"]
        if row.run.status != "ACTIVE":
            assert due_at is None
            continue
        assert due_at is None or due_at > house.now
        if (due := next_due(runs.watched(row))) is not None and due <= house.now:
            assert due_at <= house.now + HOLD_LATE_REPORT  # told afterwards: its end may be on the way
            assert row.run.deadline_status == "ON_TRACK"
            continue
        assert due_at == due
        assert row.run.deadline is None or (row.run.deadline_status == "MISSED") == (house.now >= row.run.deadline)


def check_incidents(house: House) -> None:
    assert (
        house.values("SELECT count(*) FROM incidents WHERE status <> 'CLOSED' GROUP BY cause HAVING count(*) > 1") == []
    )
    ids = house.values("SELECT id FROM incidents ORDER BY id")
    opened = "SELECT CAST(ref AS INTEGER) FROM journal WHERE topic = 'incidents' AND kind = 'opened' ORDER BY seq"
    assert house.values(opened) == ids
    assert house.values("SELECT incident_id FROM notifications WHERE kind = 'opened' ORDER BY id") == ids
    troubled = """
        SELECT p.name, r.id FROM runs r JOIN processes p ON p.id = r.process_id
        WHERE r.status = 'ACTIVE' AND (r.deadline_status = 'MISSED' OR r.stalled)"""
    held = set(house.values("SELECT cause FROM incidents WHERE holds = 1"))
    for run in house.rows(troubled):
        assert {f"process:{run['name']}", f"run:{run['name']}/{run['id']}"} & held


def check_journal(house: House) -> None:
    sequence = house.values("SELECT seq FROM journal ORDER BY seq")
    assert sequence == list(range(1, len(sequence) + 1))
    told = house.values(
        "SELECT CAST(ref AS INTEGER) FROM journal WHERE topic = 'notifications' AND kind <> 'taken_back' ORDER BY seq"
    )
    assert told == house.values("SELECT id FROM notifications ORDER BY id")


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=3, max_size=25))
async def test_counts_due_times_incidents_and_journal_always_agree(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_house(Path(folder)) as house:
            story = Story(house)
            for what, how in steps:
                await story.do(what, how)
                check_counts(house)
                await check_due(house)
                check_incidents(house)
                check_journal(house)
