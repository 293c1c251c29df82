"""Operations on keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.identity import Key, MadeKey, new_secret
from trackdesk.domain.instant import format_instant
from trackdesk.engine.causes import SELF
from trackdesk.engine.edits import check_department, given
from trackdesk.engine.keyring import OWNER_NAME, KeyRing, Opened, digest, owner_key
from trackdesk.store import inbox_marks, keys

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller, ChangeKey, NewKey
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

__all__ = ["KeyRing", "Opened", "add", "delete", "owner_key", "patch"]

_RESERVED = frozenset({OWNER_NAME, SELF})
"""Names the journal uses for others."""


async def add(engine: Engine, caller: Caller, body: NewKey) -> MadeKey:
    """Raises Invalid; Conflict `exists`."""
    secret = new_secret()
    made = await engine.writer.run(lambda tx: _add(tx, engine.keys, caller, body, digest(secret)))
    return MadeKey.model_construct(**made.model_dump(), key=secret)


def _add(tx: Tx, ring: KeyRing, caller: Caller, body: NewKey, secret_digest: str) -> Key:
    values = {name: getattr(body, name) for name in type(body).model_fields}
    _check(tx, caller.namespace_id, values, None)
    made = keys.insert(tx, caller.namespace_id, secret_digest, values)
    tx.after_commit(partial(ring.put, keys.stored(tx, made.id)))
    facts = {"name": made.name, "role": made.role, "departments": made.departments}
    tx.journal(caller.namespace_id, "keys", "made", str(made.id), caller.actor, facts)
    return made


async def patch(engine: Engine, caller: Caller, key_id: int, body: ChangeKey) -> Key:
    """In force for the next request. Raises NotFound, Invalid; Conflict `exists`."""
    return await engine.writer.run(lambda tx: _patch(tx, engine.keys, caller, key_id, body))


def _patch(tx: Tx, ring: KeyRing, caller: Caller, key_id: int, body: ChangeKey) -> Key:
    before = keys.get(tx, caller.namespace_id, key_id)
    values = given(body)
    for name in ("name", "role"):
        if name in values and values[name] is None:
            raise Invalid(name, "expected a value, not null")
    if "departments" in values:
        values["departments"] = values["departments"] or []
    changed = {name: value for name, value in values.items() if getattr(before, name) != value}
    if not changed:
        return before
    _check(tx, caller.namespace_id, changed, key_id)
    after = keys.update(tx, key_id, changed)
    tx.after_commit(partial(ring.put, keys.stored(tx, key_id)))
    facts = {name: [_shown(name, getattr(before, name)), _shown(name, value)] for name, value in changed.items()}
    tx.journal(caller.namespace_id, "keys", "changed", str(key_id), caller.actor, facts)
    return after


async def delete(engine: Engine, caller: Caller, key_id: int) -> None:
    """Raises NotFound."""
    await engine.writer.run(lambda tx: _delete(tx, engine.keys, caller, key_id))


def _delete(tx: Tx, ring: KeyRing, caller: Caller, key_id: int) -> None:
    name = keys.delete(tx, caller.namespace_id, key_id)
    inbox_marks.forget_key(tx, key_id)
    tx.after_commit(partial(ring.drop, key_id))
    tx.journal(caller.namespace_id, "keys", "deleted", str(key_id), caller.actor, {"name": name})


def _check(tx: Tx, namespace_id: int, values: dict[str, Any], key_id: int | None) -> None:
    """Whether the given members may be written to the key, None: a new one."""
    name = values.get("name")
    if name in _RESERVED:
        raise Invalid("name", f"expected a name other than {' and '.join(sorted(_RESERVED))}", name)
    if name is not None and keys.named(tx, namespace_id, name) not in {None, key_id}:
        raise Conflict(f"There is a key named {name!r} already.", code="exists")
    expires_at = values.get("expires_at")
    if expires_at is not None and expires_at <= tx.now:
        raise Invalid("expires_at", "expected a time in the future", format_instant(expires_at))
    for department in values.get("departments", []):
        check_department(tx, namespace_id, department)


def _shown(name: str, value: Any) -> Any:
    return format_instant(value) if name == "expires_at" and value is not None else value
