"""`POST /v1/apply` as anybody's script sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.server.stand import open_stand
from trackdesk.domain.identity import Role

if TYPE_CHECKING:
    from pathlib import Path

BODY = {"departments": {"ops": {"name": "Operations"}}, "processes": {"backup": {"department": "ops"}}}


async def test_a_document_is_applied_once_and_shown_with_what_it_changed(tmp_path: Path) -> None:
    async with open_stand(tmp_path) as stand:
        key = await stand.key(Role.MAINTAINER)
        made = await stand.ask("POST", "/v1/apply", BODY, key=key)
        assert made.status == 200
        assert made.json == {
            "dry_run": False,
            "changes": [
                {"kind": "department", "name": "ops", "action": "made", "members": {"name": [None, "Operations"]}},
                {"kind": "process", "name": "backup", "action": "made", "members": {"department": [None, "ops"]}},
            ],
            "unchanged": 0,
        }
        again = await stand.ask("POST", "/v1/apply", BODY | {"dry_run": True}, key=key)
        assert again.json == {"dry_run": True, "changes": [], "unchanged": 2}


async def test_keys_that_may_not_set_up_may_not_apply(tmp_path: Path) -> None:
    async with open_stand(tmp_path) as stand:
        for role in (Role.INGEST, Role.REPORTER):
            assert (await stand.ask("POST", "/v1/apply", BODY, key=await stand.key(role))).status == 403


async def test_every_member_that_will_not_do_is_named(tmp_path: Path) -> None:
    async with open_stand(tmp_path) as stand:
        body = {"processes": {"a": {"department": "x"}, "b": {"department": "y"}}}
        refused = await stand.ask("POST", "/v1/apply", body)
        assert refused.status == 400
        assert [each["field"] for each in refused.json["errors"]] == [
            "processes.a.department",
            "processes.b.department",
        ]
        typed = await stand.ask("POST", "/v1/apply", {"processes": {"a": {"departement": "x"}}, "rulez": {}})
        assert {each["field"] for each in typed.json["errors"]} == {"processes.a.departement", "rulez"}
