"""Who calls, what they may, and the ids that things get."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from pydantic import Field

from trackdesk.domain.instant import Instant
from trackdesk.domain.model import Input, Label, Title, Value

_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
_DIGITS = bytes(ord(_BASE32[byte % 32]) for byte in range(256))
_PAIRS = [one + other for one in _BASE32 for other in _BASE32]


class Role(StrEnum):
    ADMIN = "ADMIN"
    MAINTAINER = "MAINTAINER"
    REPORTER = "REPORTER"
    INGEST = "INGEST"


class Permission(StrEnum):
    """What an endpoint asks for; `ALLOWED` says which roles have it."""

    OPEN = "open"
    ANY = "any"
    """Any key will do."""
    INGEST = "ingest"
    """Send runs, logs and progress."""
    PING = "ping"
    """Call an address that carries its secret with it: such addresses are written down, so no higher key may be one."""
    READ = "read"
    REPORT = "report"
    """Read, and file incidents, comment, mark notifications read."""
    OPERATE = "operate"
    """Change incidents, processes, departments, channels and runs."""
    ADMIN = "admin"
    """Keys, and what may lose data."""


ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.INGEST: frozenset({Permission.OPEN, Permission.ANY, Permission.INGEST, Permission.PING}),
    Role.REPORTER: frozenset({Permission.OPEN, Permission.ANY, Permission.READ, Permission.REPORT}),
    Role.MAINTAINER: frozenset(set(Permission) - {Permission.ADMIN, Permission.PING}),
    Role.ADMIN: frozenset(set(Permission) - {Permission.PING}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The key behind a request, and the person it declares."""

    namespace_id: int
    namespace: str
    role: Role
    key_id: int | None
    """None for the owner key, which is in no table."""
    key_name: str
    departments: tuple[str, ...] = ()
    """Empty: all of the namespace."""
    declared: str | None = None
    """`X-Actor`, taken on trust and marked so."""

    @property
    def owner(self) -> bool:
        return self.key_id is None

    @property
    def actor(self) -> str:
        """How the journal names the caller: the key, and who it says stands behind it."""
        return f"{self.declared} (via {self.key_name})" if self.declared else self.key_name

    @property
    def reader(self) -> str:
        """Whose read marks these are; stable over a renamed key."""
        return f"{self.key_id or 'owner'}:{self.declared or ''}"

    @property
    def sender(self) -> str:
        """Whose Idempotency-Keys these are: of the key, in its namespace."""
        return f"{self.namespace_id}:{self.key_id or 'owner'}"

    def may(self, permission: Permission) -> bool:
        return permission in ALLOWED[self.role]


class NewKey(Input):
    name: Title
    role: Role
    departments: list[Label] = Field(default=[], max_length=50)
    expires_at: Instant | None = None
    rate_limit: int | None = Field(default=None, ge=1, le=1_000_000)
    """Requests a second."""


class ChangeKey(Input):
    name: Title | None = None
    role: Role | None = None
    departments: list[Label] | None = Field(default=None, max_length=50)
    expires_at: Instant | None = None
    rate_limit: int | None = Field(default=None, ge=1, le=1_000_000)


class Key(Value):
    id: int
    name: str
    role: Role
    departments: list[str] = []
    expires_at: Instant | None = None
    rate_limit: int | None = None
    created_at: Instant
    last_used_at: Instant | None = None


class MadeKey(Key):
    key: str
    """The secret, shown this once."""


class Whoami(Value):
    namespace: str
    name: str
    role: Role
    owner: bool
    departments: list[str] = []
    permissions: list[Permission]
    version: str


class Worker(Value):
    name: str
    ok: bool
    detail: str


class Readiness(Value):
    ready: bool
    workers: list[Worker]


def _base32(number: int, length: int) -> str:
    """Two digits at a time; `length` is even."""
    text = ""
    for _ in range(length // 2):
        text = _PAIRS[number & 1023] + text
        number >>= 10
    return text


@lru_cache(maxsize=1)
def _time_part(milliseconds: int) -> str:
    return _base32(milliseconds & (2**48 - 1), 10)  # many are made in one millisecond


def new_uid(now: int) -> str:
    """26 characters that sort by time: 48 bits of ms and 80 random bits in Crockford's base 32 (the ULID layout)."""
    return new_uids(now, 1)[0]


def new_uids(now: int, count: int) -> list[str]:
    """As many at once: asking the system for randomness is most of what one costs. They come in their order, so that
    an index of them grows at its end."""
    time, digits = _time_part(now // 1000), secrets.token_bytes(16 * count).translate(_DIGITS).decode()
    return sorted([time + digits[at : at + 16] for at in range(0, 16 * count, 16)])


def short_id(uid: str) -> str:
    """A run id for people made of a uid: its time and 20 of its random bits, 14 characters that sort by time."""
    return uid[:10] + uid[-4:]


def new_secret() -> str:
    """256 random bits as a key that is recognised at sight (and by scanners of leaked secrets)."""
    return "tdk_" + _base32(secrets.randbits(256), 52)
