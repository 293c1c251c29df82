"""Ids, secrets, and who may do what."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from trackdesk.domain.identity import ALLOWED, Caller, Permission, Role, new_secret, new_uid, new_uids, short_id
from trackdesk.domain.instant import LATEST
from trackdesk.domain.model import NAME_PATTERN


@given(st.integers(0, LATEST), st.integers(0, LATEST))
def test_uids_and_short_ids_sort_by_time(first: int, second: int) -> None:
    early, late = new_uid(min(first, second)), new_uid(max(first, second))

    assert len(early) == 26
    assert early[:10] <= late[:10]
    assert short_id(early)[:10] == early[:10]
    assert re.fullmatch(NAME_PATTERN, short_id(early))


def test_ids_made_in_one_instant_differ() -> None:
    assert len({new_uid(0) for _ in range(10_000)}) == 10_000


def test_uids_that_are_made_together_come_in_their_order() -> None:
    made = new_uids(1_790_000_000_000_000, 100)
    assert made == sorted(set(made))


def test_secrets_are_long_recognisable_and_never_the_same() -> None:
    made = {new_secret() for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(r"tdk_[0-9a-z]{52}", secret) for secret in made)


def test_roles_grow_from_reporter_to_admin_and_ingest_only_sends() -> None:
    assert ALLOWED[Role.REPORTER] < ALLOWED[Role.MAINTAINER] < ALLOWED[Role.ADMIN]
    assert ALLOWED[Role.ADMIN] == set(Permission) - {Permission.PING}
    assert ALLOWED[Role.INGEST] == {Permission.OPEN, Permission.ANY, Permission.INGEST, Permission.PING}
    assert Permission.INGEST not in ALLOWED[Role.REPORTER]


def test_a_declared_person_is_recorded_beside_the_key() -> None:
    caller = Caller(1, "default", Role.ADMIN, 7, "desk", declared="alice@host")

    assert caller.actor == "alice@host (via desk)"
    assert Caller(1, "default", Role.ADMIN, 7, "desk").actor == "desk"


def test_read_marks_belong_to_a_key_and_the_person_behind_it() -> None:
    by_key = Caller(1, "default", Role.ADMIN, 7, "desk")
    renamed = Caller(1, "default", Role.ADMIN, 7, "front desk")
    person = Caller(1, "default", Role.ADMIN, 7, "desk", declared="alice")
    owner = Caller(1, "default", Role.ADMIN, None, "owner")

    assert by_key.reader == renamed.reader
    assert len({by_key.reader, person.reader, owner.reader}) == 3
    assert owner.owner
    assert not by_key.owner
