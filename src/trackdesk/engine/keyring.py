"""The keys in memory: who is behind a secret, answered without a look into the database."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from trackdesk.domain.clock import MINUTE
from trackdesk.domain.errors import Invalid
from trackdesk.domain.identity import Caller, Role, new_secret
from trackdesk.engine import keyfile
from trackdesk.store import keys as store
from trackdesk.store.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.domain.clock import Clock
    from trackdesk.store.keys import StoredKey
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Writer

log = logging.getLogger(__name__)

OWNER_NAME = "owner"
TOUCH_EVERY = MINUTE
"""µs between two writings of when keys were last used."""
_OWNER_KEY = re.compile(r"[A-Za-z0-9_.-]{16,200}", re.ASCII)
_LONGEST_REMEMBERED = 200
"""Characters of a secret whose digest is remembered: anybody may send long ones."""


class Opened(NamedTuple):
    """What a secret opens; `rate_limit` in requests a second, `expires_at` in µs, None: never."""

    caller: Caller
    rate_limit: int | None
    expires_at: int | None


class KeyRing:
    """Changed on the writer's thread after commits, read on the event loop. `owner_key` opens the namespace default."""

    def __init__(self, owner_key: str, *, clock: Clock, writer: Writer) -> None:
        self._clock = clock
        self._writer = writer
        self._owner_digest = digest(owner_key)
        self._owner = Opened(Caller(1, "default", Role.ADMIN, None, OWNER_NAME), None, None)
        self._by_digest: dict[str, Opened] = {}
        self._digest_of: dict[int, str] = {}
        self._used: dict[int, int] = {}
        self._write_at = clock.monotonic() + TOUCH_EVERY
        self._writing: asyncio.Task[None] | None = None

    async def load(self, readers: Readers) -> None:
        """Take up the stored keys, before the first request."""
        for key in await store.read_all(readers):
            self.put(key)

    def find(self, secret: str) -> Opened | None:
        """None for an unknown secret. One past its `expires_at` is found, so that its user can be told why it fails."""
        given = digest(secret)
        found = self._by_digest.get(given)
        if found is not None:
            return found
        return self._owner if hmac.compare_digest(given, self._owner_digest) else None

    def put(self, key: StoredKey) -> None:
        """Add a key, or replace what it said before."""
        key_id = key.caller.key_id
        assert key_id is not None, "the owner key is not stored"
        self._by_digest[key.digest] = Opened(key.caller, key.rate_limit, key.expires_at)
        self._digest_of[key_id] = key.digest

    def drop(self, key_id: int) -> None:
        """The key opens nothing any more."""
        known = self._digest_of.pop(key_id, None)
        if known is not None:
            self._by_digest.pop(known, None)

    def touch(self, key_id: int | None, now: int) -> None:
        """The key was used at `now` (µs); written at most once a minute for all keys together. None: the owner key."""
        if key_id is None:
            return
        self._used[key_id] = now
        if self._writing is None and self._clock.monotonic() >= self._write_at:
            self._write_at = self._clock.monotonic() + TOUCH_EVERY
            self._writing = asyncio.create_task(self._write(), name="last use of keys")

    async def close(self) -> None:
        """Write what is not written yet; the writer must still run."""
        if self._writing is not None:
            await self._writing
        await self._write()

    async def _write(self) -> None:
        used, self._used = self._used, {}
        try:
            if used:
                await self._writer.run(lambda tx: store.touch(tx, used))
        except StoreError as error:
            log.warning("when keys were last used could not be stored yet: %s", error)
            self._used = used | self._used
        finally:
            self._writing = None


def digest(secret: str) -> str:
    """SHA-256, hex; any text that a header can carry has one. Those of the last secrets are remembered, good and bad
    ones alike: whoever sends one again learns no more than that it was sent before."""
    return _remembered(secret) if len(secret) <= _LONGEST_REMEMBERED else _sha256(secret)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_remembered = lru_cache(maxsize=1024)(_sha256)


def owner_key(path: Path, given: str | None) -> str:
    """The owner key: `given`, which isn't stored, else the one in `path`, made at the first start.

    Raises Invalid, without the key in it, and OSError.
    """
    if given is not None:
        return _checked(given, "TRACKDESK_OWNER_KEY")
    text = keyfile.read_or_make(path, lambda: new_secret().encode() + b"\n").decode("ascii", "replace").strip()
    return _checked(text, str(path))


def _checked(key: str, place: str) -> str:
    if not _OWNER_KEY.fullmatch(key):
        raise Invalid(place, f"expected 16 to 200 of A-Z a-z 0-9 _ . -, not the {len(key)} characters there")
    return key
