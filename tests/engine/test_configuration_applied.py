"""A document of what is set up, brought about in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.engine.house import ALICE
from trackdesk.domain.configuration import Applied, ApplyConfiguration
from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.identity import Caller, Role
from trackdesk.engine import configuration
from trackdesk.engine.seal import Seal

if TYPE_CHECKING:
    from tests.engine.house import House

ADMIN = Caller(1, "default", Role.ADMIN, None, "owner")
HOOK = "webhook+https://hooks.example.org/s3cret-path"
DOCUMENT: dict[str, Any] = {
    "departments": {"ops": {"name": "Operations"}},
    "processes": {"backup": {"default_deadline": "30m", "department": "ops"}, "report": {}},
    "rules": {"slow": {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 150, "department": "ops"}},
    "channels": {"pager": {"url": HOOK, "secret": "signed with this", "department": "ops", "kinds": ["opened"]}},
}


async def apply(house: House, document: dict[str, Any], *, caller: Caller = ALICE, **flags: bool) -> Applied:
    body = ApplyConfiguration.model_validate_json(orjson.dumps({**document, **flags}))
    return await configuration.apply(house.engine, caller, body)


def told(applied: Applied) -> list[str]:
    return [f"{each.kind} {each.name} {each.action}" for each in applied.changes]


def contents(house: House) -> list[Any]:
    return [
        house.rows(f"SELECT * FROM {table}")
        for table in ("departments", "processes", "rules", "channels", "deliveries", "journal", "facts")
    ]


async def refusal(house: House, document: dict[str, Any], **flags: bool) -> dict[str, str]:
    """What is said of each member; nothing may have changed."""
    before = contents(house)
    with pytest.raises(Invalid) as caught:
        await apply(house, document, **flags)
    assert contents(house) == before
    return {each.field: each.message for each in caught.value.errors}


async def test_everything_that_the_document_says_is_there_afterwards(still: House) -> None:
    applied = await apply(still, DOCUMENT)
    assert told(applied) == [
        "department ops made",
        "process backup made",
        "process report made",
        "rule slow made",
        "channel pager made",
    ]
    assert applied.changes[1].members == {"default_deadline": (None, "30m"), "department": (None, "ops")}
    assert still.rows("SELECT name, default_deadline, department FROM processes") == [
        {"name": "backup", "default_deadline": 1_800_000_000, "department": "ops"},
        {"name": "report", "default_deadline": None, "department": None},
    ]
    assert still.journal("channels") == ["made"]
    assert still.values("SELECT DISTINCT actor FROM journal") == ["alice@host (via desk)"]


async def test_applying_again_changes_nothing(still: House) -> None:
    await apply(still, DOCUMENT)
    before = contents(still)
    again = await apply(still, DOCUMENT)
    assert (again.changes, again.unchanged) == ([], 5)
    assert contents(still) == before


async def test_a_dry_run_says_what_applying_does_and_changes_nothing(still: House) -> None:
    before = contents(still)
    dry = await apply(still, DOCUMENT, dry_run=True)
    assert contents(still) == before
    assert not still.engine.seal.path.exists()
    applied = await apply(still, DOCUMENT)
    assert (dry.dry_run, dry.changes) == (True, applied.changes)
    changed = {"processes": {"backup": {"default_deadline": "1h"}}, "channels": {"pager": {"enabled": False}}}
    dry = await apply(still, changed, dry_run=True)
    assert [each.members for each in dry.changes] == [{"default_deadline": ("30m", "1h")}, {"enabled": (True, False)}]
    assert dry.changes == (await apply(still, changed)).changes


async def test_members_that_are_absent_keep_their_value_unless_they_are_pruned(still: House) -> None:
    await apply(still, DOCUMENT)
    shorter = {"processes": {"backup": {"department": "ops"}, "report": {}}}
    assert (await apply(still, shorter)).changes == []
    (change,) = (await apply(still, shorter, prune=True)).changes
    assert change.members == {"default_deadline": ("30m", None)}


async def test_what_the_document_does_not_hold_goes_when_asked(still: House) -> None:
    await apply(still, DOCUMENT)
    await still.start("backup")
    await apply(still, {"departments": {"new": {}}, "processes": {"report": {}}, "channels": {}})
    pruned = await apply(still, {"departments": {}, "processes": {}, "rules": {}, "channels": {}}, prune=True)
    assert told(pruned) == [
        "channel pager removed",
        "rule slow removed",
        "process backup changed",
        "process report removed",
        "department new removed",
        "department ops removed",
    ]
    assert still.values("SELECT id FROM departments") == ["default"]
    assert still.rows("SELECT name, total FROM processes") == [{"name": "backup", "total": 1}]


async def test_kinds_that_the_document_does_not_name_are_left_alone(still: House) -> None:
    await apply(still, DOCUMENT)
    assert (await apply(still, {"processes": DOCUMENT["processes"]}, prune=True)).changes == []


async def test_all_that_is_wrong_is_named_and_nothing_is_applied(still: House) -> None:
    said = await refusal(
        still,
        {
            "departments": {"ops": {}},
            "processes": {"a": {"department": "opps"}, "b": {"department": "ops"}},
            "channels": {"x": {"min_severity": "HIGH"}, "y": {"url": HOOK, "kinds": ["test"]}},
        },
    )
    assert set(said) == {"processes.a.department", "channels.x.url", "channels.y.kinds"}
    assert said["processes.a.department"] == "expected a department that exists (default, ops), not 'opps'"


async def test_a_rule_is_changed_pruned_and_checked_as_everywhere(still: House) -> None:
    await apply(still, DOCUMENT)
    changed = {"rules": {"slow": {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 200, "for": "2m"}}}
    (change,) = (await apply(still, changed, prune=True)).changes
    assert change.members == {"threshold": (150, 200), "for": (None, "2m"), "department": ("ops", None)}
    wrong = {"rules": {"slow": {"window": "5m"}, "new": {"operator": ">", "threshold": 1}}}
    assert set(await refusal(still, wrong)) == {"rules.slow.aggregate", "rules.new.metric_type"}


async def test_urls_that_will_not_do_are_named_and_not_repeated(still: House) -> None:
    said = await refusal(still, {"channels": {"x": {"url": "no-such://s3cret"}, "y": {"url": "file:///s3cret"}}})
    assert set(said) == {"channels.x.url", "channels.y.url"}
    assert "s3cret" not in str(said)


async def test_a_department_in_use_is_not_pruned_and_everything_stays(still: House) -> None:
    await apply(still, DOCUMENT)
    said = await refusal(still, {"departments": {}}, prune=True)
    assert "is used by process backup" in said["departments.ops"]


async def test_a_new_url_and_secret_are_set_and_shown_to_nobody(still: House) -> None:
    await apply(still, DOCUMENT)
    other = {
        "channels": {
            "pager": {"url": "webhook+https://other.example.org/a-path-of-its-own", "secret": "another secret"}
        }
    }
    for flags in ({"dry_run": True}, {}):
        (change,) = (await apply(still, other, **flags)).changes
        assert change.members == {
            "url": ("webhook+https://hooks.example.org/…", "webhook+https://other.example.org/…"),
            "secret": ("set", "set anew"),
        }
    assert (await apply(still, other)).changes == []
    text = str(contents(still))
    assert not any(secret in text for secret in ("s3cret", "a-path-of-its-own", "signed with", "another secret"))


async def test_a_channel_may_be_made_switched_off(still: House) -> None:
    document = {"channels": {"pager": {"url": HOOK, "enabled": False}}}
    await apply(still, document)
    assert still.values("SELECT enabled FROM channels") == [0]
    assert (await apply(still, document)).changes == []


async def test_a_channel_may_be_made_with_a_window_to_gather_in(still: House) -> None:
    document = {"channels": {"pager": {"url": HOOK, "group_window": "5m"}}}
    await apply(still, document)
    assert still.values("SELECT group_window FROM channels") == [300_000_000]
    assert (await apply(still, document)).changes == []


async def test_private_addresses_are_for_admins_as_everywhere(still: House) -> None:
    local = {"channels": {"lan": {"url": "webhook+http://192.168.1.5/hook"}}}
    assert set(await refusal(still, local)) == {"channels.lan.url"}
    assert told(await apply(still, local, caller=ADMIN)) == ["channel lan made"]
    assert still.values("SELECT trusted FROM channels") == [1]


async def test_a_grace_that_does_not_fit_its_schedule_is_named(still: House) -> None:
    said = await refusal(still, {"processes": {"sync": {"schedule": {"every": "5m"}, "grace": "10m"}}})
    assert set(said) == {"processes.sync.grace"}


async def test_what_follows_from_a_change_is_no_change_of_the_document(house: House) -> None:
    await apply(house, {"processes": {"sync": {"schedule": {"every": "5m"}}}})
    await house.pass_time(3600)
    assert [each["origin"] for each in house.incidents()] == ["missing"]
    (change,) = (await apply(house, {"processes": {"sync": {"schedule": None}}})).changes
    assert list(change.members) == ["schedule"]
    assert [each["status"] for each in house.incidents()] == ["CLOSED"]


async def test_a_lost_seal_key_is_said_and_nothing_is_applied(still: House) -> None:
    await apply(still, DOCUMENT)
    still.engine.seal.path.unlink()
    still.engine.seal = Seal(still.engine.seal.path)
    before = contents(still)
    with pytest.raises(Conflict) as caught:
        await apply(still, DOCUMENT | {"departments": {"ops": {"name": "Other"}}})
    assert caught.value.code == "seal_lost"
    assert contents(still) == before


async def test_ten_thousand_processes_are_applied_at_once(still: House) -> None:
    document = {"processes": {f"p{number}": {"default_deadline": "5m"} for number in range(10_000)}}
    assert len((await apply(still, document)).changes) == 10_000
    assert (await apply(still, document)).unchanged == 10_000


async def test_a_process_is_paused_and_resumed_with_all_else_that_the_document_says(still: House) -> None:
    paused = {"processes": {"dump": {"schedule": {"every": "1h"}, "paused": True, "pause_reason": "moving"}}}
    assert told(await apply(still, paused)) == ["process dump made"]
    assert still.rows("SELECT pause_reason, next_due_at FROM processes") == [
        {"pause_reason": "moving", "next_due_at": None}
    ]
    assert told(await apply(still, paused)) == []
    assert still.journal("processes").count("paused") == 1

    (change,) = (await apply(still, {"processes": {"dump": {"paused": False}}})).changes
    assert (change.action, change.members) == ("changed", {"paused": (True, False)})
    assert still.values("SELECT next_due_at FROM processes") != [None]


async def test_a_pause_stands_and_falls_with_the_rest(still: House) -> None:
    await apply(still, {"processes": {"dump": {}}})
    refused = await refusal(still, {"processes": {"dump": {"paused": True}, "load": {"pause_reason": "moving"}}})
    assert refused == {"processes.load.pause_reason": "expected paused: true beside it"}
    assert still.values("SELECT paused_at FROM processes") == [None]


async def test_pruning_resumes_nothing(still: House) -> None:
    await apply(still, {"processes": {"dump": {"paused": True}}})
    assert told(await apply(still, {"processes": {"dump": {}}}, prune=True)) == []
