"""Keys. Their secrets are stored as SHA-256 digests only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from trackdesk.domain.errors import NotFound
from trackdesk.domain.identity import Caller, Key, Role
from trackdesk.store.rows import KEY_COLUMNS, key_from

if TYPE_CHECKING:
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx


class StoredKey(NamedTuple):
    """A key as the ring holds it."""

    digest: str
    """SHA-256 of the secret, hex."""
    caller: Caller
    expires_at: int | None
    rate_limit: int | None


_STORED = (
    "SELECT k.id, k.name, k.role, k.departments, k.expires_at, k.rate_limit, k.digest, n.id, n.name "
    "FROM keys k JOIN namespaces n ON n.id = k.namespace_id"
)


def _stored(row: Any) -> StoredKey:
    caller = Caller(
        namespace_id=row[7],
        namespace=row[8],
        role=Role(row[2]),
        key_id=row[0],
        key_name=row[1],
        departments=tuple(orjson.loads(row[3])),
    )
    return StoredKey(row[6], caller, row[4], row[5])


async def read_all(readers: Readers) -> list[StoredKey]:
    """Of every namespace."""
    return [_stored(row) for row in await readers.all(_STORED)]


def stored(tx: Tx, key_id: int) -> StoredKey:
    row = tx.one(f"{_STORED} WHERE k.id = ?", (key_id,))
    assert row is not None, "it was written in this transaction"
    return _stored(row)


def get(tx: Tx, namespace_id: int, key_id: int) -> Key:
    """Raises NotFound."""
    row = tx.one(f"SELECT {KEY_COLUMNS} FROM keys WHERE id = ? AND namespace_id = ?", (key_id, namespace_id))
    if row is None:
        raise no_key(key_id)
    return key_from(row)


def no_key(key_id: int) -> NotFound:
    return NotFound(f"There is no key {key_id}.")


def named(tx: Tx, namespace_id: int, name: str) -> int | None:
    """The id of the key of that name."""
    row = tx.one("SELECT id FROM keys WHERE namespace_id = ? AND name = ?", (namespace_id, name))
    return None if row is None else int(row[0])


def insert(tx: Tx, namespace_id: int, digest: str, values: dict[str, Any]) -> Key:
    """`values`: the columns that come from a person, `departments` as a list."""
    columns = {"namespace_id": namespace_id, "digest": digest, "created_at": tx.now, **_encoded(values)}
    row = tx.one(
        f"INSERT INTO keys ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) RETURNING {KEY_COLUMNS}",
        tuple(columns.values()),
    )
    return key_from(row)


def update(tx: Tx, key_id: int, values: dict[str, Any]) -> Key:
    encoded = _encoded(values)
    names = ", ".join(f"{name} = ?" for name in encoded)
    row = tx.one(f"UPDATE keys SET {names} WHERE id = ? RETURNING {KEY_COLUMNS}", (*encoded.values(), key_id))
    return key_from(row)


def delete(tx: Tx, namespace_id: int, key_id: int) -> str:
    """Gives its name. Raises NotFound."""
    row = tx.one("DELETE FROM keys WHERE id = ? AND namespace_id = ? RETURNING name", (key_id, namespace_id))
    if row is None:
        raise no_key(key_id)
    return str(row[0])


def touch(tx: Tx, used: dict[int, int]) -> None:
    """`used`: by key, when it was last used; keys that are gone are passed over."""
    tx.executemany(
        "UPDATE keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?",
        [(at, key_id) for key_id, at in used.items()],
    )


def _encoded(values: dict[str, Any]) -> dict[str, Any]:
    if "departments" not in values:
        return values
    return {**values, "departments": orjson.dumps(values["departments"]).decode()}
