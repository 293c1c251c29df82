"""The whole database as lines of JSON and back: nothing lost, nothing taken that is wrong."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.store.house import NOW
from trackdesk.domain.errors import Invalid
from trackdesk.domain.measures import pack
from trackdesk.store.database import ServerLock
from trackdesk.store.dump import dump
from trackdesk.store.errors import DatabaseLocked, SchemaTooNew, StoreError
from trackdesk.store.load import load
from trackdesk.store.migrate import house_schema, migrate, read_schema
from trackdesk.store.opening import open_database
from trackdesk.store.travelling import LEFT_OUT, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.store.house import House


def exported(path: Path, *, secrets: bool = False) -> list[bytes]:
    lines = io.BytesIO()
    dump(path, lines.write, now=NOW, secrets=secrets)
    return lines.getvalue().splitlines(keepends=True)


def imported(lines: list[bytes], path: Path) -> None:
    load(io.BytesIO(b"".join(lines)), path)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def full(house: House) -> House:
    """A house with a row in every table that travels."""
    run = house.run("backup", status="FAILED", error="disk full", tags={"env": "prod"}, context='{"host": "n1"}')
    house.run("backup", deadline=NOW + 5, progress='{"done": 1, "total": 3}')
    house.log(run, "no space left: 💾", 3, data='{"free": 0}', seq=7)
    incident = house.incident("backup failed", process="backup")
    house.comment(incident, "looking")
    file = {"name": "a.log", "size": 3, "sha256": "a" * 64, "author": "ada", "created_at": NOW}
    house.insert("attachments", incident_id=incident, **file)
    channel = house.channel("pager", url_sealed="v1.sealed", secret_sealed="v1.other", kinds='["opened"]')
    notification = house.notification(incident_id=incident, routing=[[channel, "pager", None]])
    sent = house.delivery(notification, channel, "RETRYING", next_due_at=NOW + 9)
    house.attempt(sent, "failed", error="502")
    house.insert("delivery_groups", delivery_id=sent, channel_id=channel, opened_at=NOW, closes_at=NOW + 9)
    made = {"namespace_id": 1, "reason": "a deploy", "created_by": "ada", "created_at": NOW, "updated_at": NOW}
    house.insert("silences", match='{"service": ["crm"]}', from_at=NOW, until_at=NOW + 9, **made)
    house.insert(
        "maintenance", name="patching", service="crm", schedule='{"cron": "@daily", "timezone": "UTC"}', **made
    )
    house.insert("mutes", incident_id=incident, kind="silence", by_id=1, muted_at=NOW)
    house.insert("notification_reads", reader="1:ada", notification_id=notification, read_at=NOW)
    house.insert("notification_unreads", reader="2:bob", notification_id=notification)
    house.insert("inbox_marks", reader="1:ada", namespace_id=1, up_to=3, read_at=NOW)
    house.insert("keys", namespace_id=1, name="cron", role="INGEST", digest="d" * 64, created_at=NOW)
    house.insert("gone_runs", seq=77)
    house.log(77, "of a run that is gone")
    house.insert("rollup_cursors", namespace_id=1, sealed_to=NOW, minutes_to=NOW, hours_to=NOW, days_to=NOW)
    series = house.insert("rollup_series", namespace_id=1, kind="all")
    house.insert("rollup_minutes", namespace_id=1, at=NOW, pack="{}")
    names = ("completed", "on_time", "late", "failed", "skipped", "missed", "problems", "took")
    house.insert("rollups", level=1, series_id=series, at=NOW, sketch="[]", **dict.fromkeys(names, 1))
    house.insert(
        "rollup_corrections",
        namespace_id=1,
        completed_at=NOW,
        sign=1,
        process_id=1,
        status="FAILED",
        overdue=0,
        duration=5,
        tags="{}",
    )
    service = house.insert("services", namespace_id=1, name="crm", created_at=NOW, updated_at=NOW)
    sampled = house.insert("series", namespace_id=1, service_id=service, metric_type="LATENCY_MS")
    house.insert("samples", series_id=sampled, recorded_at=NOW, value=180.5)
    watch = {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 150.0, "severity": "HIGH", "aggregate": "last"}
    flags = {"enabled": 1, "auto_close": 1, "priority": 100, "created_at": NOW, "updated_at": NOW}
    house.insert("rules", namespace_id=1, id="slow", name="slow", **watch, **flags)
    stands = {"service": "crm", "state": "FIRING", "since": NOW, "breaches": 3}
    house.insert("rule_states", namespace_id=1, rule_id="slow", series_id=sampled, **stands)
    house.insert("rule_uncounted", namespace_id=1, rule_id="slow", service="crm", times=4)
    house.insert("metric_counted", id=1, samples_to=1, minutes_to=NOW, days_to=NOW)
    house.insert("metric_kept", namespace_id=1, minutes_from=5)
    measures = {"count": 1, "total": 1.5, "low": 2.5, "high": 2.5, "last_at": NOW, "last": 2.5, "sketch": b""}
    house.insert("metric_cells", level=1, series_id=1, at=NOW, **measures)
    house.insert("metric_packs", level=0, series_id=1, at=NOW, pack=pack(NOW, [(5, (1, 1.5, 2.5, 2.5, NOW, 2.5, b""))]))
    house.insert("blind_times", from_at=NOW, until_at=NOW + 5, reason="down")
    house.insert("facts", name="seal_check", value="c0ffee")
    house.insert("facts", name="other", value="kept")
    house.namespace("second")
    house.connection.execute("DELETE FROM runs WHERE seq = ?", (house.run("backup"),))
    house.journal("runs", "failed", "uid1", changed='{"status": ["ACTIVE", "FAILED"]}')
    house.insert("idempotency", caller="1:1", key="k", fingerprint="f", status=201, answer=b"{}", created_at=NOW)
    return house


def test_every_table_travels_or_is_left_out_with_a_reason(house: House) -> None:
    words = tuple(name for name in LEFT_OUT if name.endswith("_words"))
    found = {
        name
        for (name,) in house.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith(tuple(f"{each}_" for each in words)) and not name.startswith("sqlite_stat")
    }
    assert found - set(LEFT_OUT) == set(TABLES)
    assert not set(TABLES) & set(LEFT_OUT)
    assert all(LEFT_OUT.values())


@pytest.mark.parametrize("secrets", [False, True])
def test_an_export_of_what_was_imported_is_the_same(full: House, tmp_path: Path, secrets: bool) -> None:
    lines = exported(full.path, secrets=secrets)
    imported(lines, tmp_path / "new" / "it.db")
    assert exported(tmp_path / "new" / "it.db", secrets=secrets) == lines
    present = {json.loads(line)["table"] for line in lines[1:]}
    assert present == set(TABLES) - (set() if secrets else {"keys"})
    assert rows(tmp_path / "new" / "it.db", "SELECT title FROM incident_words WHERE incident_words MATCH 'failed'")
    assert rows(tmp_path / "new" / "it.db", "SELECT rowid FROM run_words WHERE run_words MATCH 'disk'") == [(1,)]


def test_ids_of_what_was_deleted_are_not_given_again(full: House, tmp_path: Path) -> None:
    ((before,),) = rows(full.path, "SELECT seq FROM sqlite_sequence WHERE name = 'runs'")
    imported(exported(full.path), tmp_path / "it.db")
    assert rows(tmp_path / "it.db", "SELECT seq FROM sqlite_sequence WHERE name = 'runs'") == [(before,)]
    assert rows(tmp_path / "it.db", "SELECT max(seq) FROM runs")[0][0] < before


def test_secrets_stay_behind_unless_they_are_asked_for(full: House, tmp_path: Path) -> None:
    text = b"".join(exported(full.path))
    for secret in (b"v1.sealed", b"v1.other", b"d" * 64, b"c0ffee"):
        assert secret not in text
        assert secret in b"".join(exported(full.path, secrets=True))
    imported(exported(full.path), tmp_path / "it.db")
    assert rows(tmp_path / "it.db", "SELECT enabled, url_sealed FROM channels") == [(0, "")]
    assert rows(tmp_path / "it.db", "SELECT status, next_due_at FROM deliveries") == [("DEAD", None)]


def test_an_export_is_one_state_while_others_write(full: House) -> None:
    written: list[bytes] = []

    def write(lines: bytes) -> None:
        written.extend(lines.splitlines())
        full.run("meanwhile")

    counts = dump(full.path, write, now=NOW)
    assert b"meanwhile" not in b"".join(written)
    assert json.loads(written[0])["counts"] == counts
    assert len(written) == 1 + sum(counts.values())


def change(table: str, **members: Any) -> Callable[[dict[str, Any]], None]:
    """What to do to the first row of a table; a member that is `...` is taken out."""

    def edit(line: dict[str, Any]) -> None:
        for name, value in members.items():
            if value is ...:
                del line["row"][name]
            else:
                line["row"][name] = value

    edit.__name__ = table
    return edit


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (change("runs", status="DONE"), "runs.status: expected one of ACTIVE, COMPLETED, FAILED, SKIPPED, not 'DONE'"),
        (change("runs", started_at="yesterday"), "runs.started_at: expected µs since 1970"),
        (change("runs", started_at=True), "runs.started_at: expected µs since 1970, up to the year 9999, not true"),
        (change("runs", started_at=-1), "runs.started_at: expected µs since 1970"),
        (change("runs", attempt=1.5), "runs.attempt: expected a whole number of 64 bits, not 1.5"),
        (change("runs", attempt=2**64 - 1), "runs.attempt: expected a whole number of 64 bits"),
        (change("runs", tags="{"), "runs.tags: invalid JSON"),
        (change("runs", tags='{"a": 1}'), "runs.tags: a: input should be a valid string"),
        (change("runs", error="{}"), "runs.error: message: field required"),
        (change("runs", id="../../etc"), "runs.id: string should match pattern"),
        (change("runs", process_id=99), "runs.process_id 99: refers to a row that does not stand before it"),
        (change("runs", uid=None), "runs.uid: expected a value, not null"),
        (change("runs", uid=...), "runs.uid: is required"),
        (change("runs", stattus="x"), "runs.'stattus': unknown column; known are seq, uid"),
        (change("runs", **{"uid) VALUES (1); --": 1}), "unknown column"),
        (change("departments", id="a/b"), "departments.id: string should match pattern"),
        (change("processes", name="nul\x00"), "processes.name: string should match pattern"),
        (change("logs", message="nul\x00"), "logs.message: expected text without NUL"),
        (change("attachments", sha256="../../etc/passwd"), "attachments.sha256: string should match pattern"),
        (change("attachments", name="../a"), "attachments.name: expected the name of a file that can be shown"),
        (change("rules", operator="=>"), "rules.operator: expected one of >, >=, <, <=, ==, !=, not '=>'"),
        (change("rules", window_size=-1), "rules.window_size: expected a whole number above 0, not -1"),
        (change("logs", level=9), "logs.level: expected 0 (DEBUG) to 3 (ERROR), not 9"),
        (change("logs", run_seq=99), "logs.run_seq 99: refers to a row that does not stand before it"),
        (change("samples", series_id=99), "samples.series_id 99: refers to a row that does not stand before it"),
        (
            change("processes", schedule='{"every": "5m"}'),
            'processes.schedule: expected {"cron", "timezone"} or {"every"}',
        ),
        (change("processes", schedule='{"cron": "x", "timezone": "UTC"}'), "processes.schedule: expected"),
        (change("processes", paused_until=2**62), "processes.paused_until: expected µs since 1970"),
        (change("processes", warn_at="high"), "processes.warn_at: expected a finite number, not 'high'"),
        (change("channels", kinds='["loud"]'), "channels.kinds: 0: input should be"),
        (change("sqlite_sequence", name=None), "sqlite_sequence.name: expected a value, not null"),
    ],
)
def test_one_bad_row_is_named_and_nothing_is_imported(
    full: House, tmp_path: Path, edit: Callable[[dict[str, Any]], None], said: str
) -> None:
    lines = exported(full.path)
    number = next(n for n, line in enumerate(lines) if n and json.loads(line)["table"] == edit.__name__)
    document = json.loads(lines[number])
    edit(document)
    lines[number] = json.dumps(document).encode() + b"\n"
    with pytest.raises(Invalid) as caught:
        imported(lines, tmp_path / "it.db")
    assert caught.value.detail.startswith(f"line {number + 1}: ")
    assert said in caught.value.detail
    assert list(tmp_path.glob("*it.db*")) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{\n", "line 3: expected JSON"),
        (b"\n", "line 3: expected JSON"),
        (b"\xff\xfe\n", "line 3: expected JSON"),
        (b"[1]\n", "line 3: expected an object"),
        (b"[" * 3000 + b"\n", "line 3: expected JSON"),
        (b'{"table": "schema_migrations", "row": {"version": 1}}\n', "line 3: table: expected one of namespaces"),
        (b'{"table": "runs", "row": {}}\n', "line 3: expected {"),
        (b'{"table": "runs", "row": [], "more": 1}\n', "line 3: expected {"),
        (b'{"table": ["runs"], "row": {"a": 1}}\n', "line 3: table: expected one of"),
    ],
)
def test_a_line_that_is_no_row_is_named(full: House, tmp_path: Path, line: bytes, said: str) -> None:
    lines = exported(full.path)
    lines.insert(2, line)
    with pytest.raises(Invalid) as caught:
        imported(lines, tmp_path / "it.db")
    assert caught.value.detail.startswith(said)


def test_a_row_that_stands_twice_is_named(full: House, tmp_path: Path) -> None:
    lines = exported(full.path)
    with pytest.raises(Invalid, match=r"line 3: namespaces\.\w+: stands twice"):
        imported([*lines[:2], *lines[1:]], tmp_path / "it.db")


def test_a_file_that_was_cut_off_is_refused(full: House, tmp_path: Path) -> None:
    lines = exported(full.path)
    with pytest.raises(Invalid, match=r"the file ends with 0 of 2 rows of namespaces"):
        imported(lines[:1], tmp_path / "it.db")
    with pytest.raises(Invalid, match=r"line \d+: expected JSON"):
        imported([*lines[:-1], lines[-1][:20]], tmp_path / "it.db")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"format": "other"}, "line 1: expected the header of an export"),
        ({"version": 2}, "line 1: version: expected 1"),
        ({"schema": "1"}, "line 1: schema: expected the number"),
        ({"counts": {"runs": -1}}, "line 1: counts: expected"),
        ({"counts": {"no_such": 1}}, "line 1: counts: expected"),
    ],
)
def test_a_header_that_will_not_do_is_refused(full: House, tmp_path: Path, header: dict[str, Any], said: str) -> None:
    first, *rest = exported(full.path)
    with pytest.raises(Invalid) as caught:
        imported([json.dumps(json.loads(first) | header).encode() + b"\n", *rest], tmp_path / "it.db")
    assert caught.value.detail.startswith(said)


def test_a_database_in_the_place_of_an_export_is_told_what_takes_it(full: House, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"line 1: .* this is a database, which `trackdesk restore` takes$"):
        imported([full.path.read_bytes()], tmp_path / "it.db")


def test_a_newer_schema_is_refused(full: House, tmp_path: Path) -> None:
    first, *rest = exported(full.path)
    newer = json.dumps(json.loads(first) | {"schema": 9999}).encode() + b"\n"
    with pytest.raises(SchemaTooNew, match="schema 9999"):
        imported([newer, *rest], tmp_path / "it.db")


def test_an_export_of_an_older_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "old.db")) as connection:
        migrate(connection, up_to=1)
        connection.execute(
            "INSERT INTO processes (namespace_id, name, created_at, updated_at) VALUES (1, 'backup', ?, ?)", (NOW, NOW)
        )
    imported(exported(tmp_path / "old.db"), tmp_path / "new.db")
    assert rows(tmp_path / "new.db", "SELECT count(*) FROM schema_migrations") == [(len(read_schema(house_schema())),)]
    ((uuid,),) = rows(tmp_path / "new.db", "SELECT ping_uuid FROM processes")
    assert uuid


def test_only_an_empty_place_is_imported_into(full: House, tmp_path: Path) -> None:
    lines = exported(full.path)
    with pytest.raises(StoreError, match=r"has processes, runs, incidents, keys, channels, notifications in it"):
        imported(lines, full.path)
    fresh = tmp_path / "fresh.db"
    with closing(open_database(fresh)) as connection:
        migrate(connection)
    with ServerLock(fresh), pytest.raises(DatabaseLocked):
        imported(lines, fresh)
    imported(lines, fresh)
    assert exported(fresh) == lines


def test_a_file_is_looked_through_without_changing_anything(full: House, tmp_path: Path) -> None:
    lines = io.BytesIO(b"".join(exported(full.path)))
    loaded = load(lines, tmp_path / "it.db", only_check=True)
    assert loaded.counts["runs"] == 2
    assert list(tmp_path.glob("*it.db*")) == []


def test_a_database_of_a_newer_trackdesk_is_not_exported_in_part(house: House) -> None:
    house.insert("schema_migrations", version=9999, name="x", checksum="x", applied_at=NOW)
    with pytest.raises(SchemaTooNew, match="schema 9999"):
        exported(house.path)


def test_an_export_of_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database at"):
        exported(tmp_path / "none.db")
