"""Who is calling, and whether they may."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from multidict import istr

from trackdesk.domain.errors import Forbidden, Invalid, NotFound, Unauthorized
from trackdesk.domain.identity import ALLOWED, Permission
from trackdesk.server.limits import Buckets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from trackdesk.domain.clock import Clock
    from trackdesk.domain.identity import Caller

X_API_KEY: Final = istr("X-API-Key")
AUTHORIZATION: Final = istr("Authorization")
X_NAMESPACE: Final = istr("X-Namespace")
X_ACTOR: Final = istr("X-Actor")
MAX_ACTOR = 200


class Keys(Protocol):
    """The keys as `engine.keys.KeyRing` holds them."""

    def find(self, secret: str) -> tuple[Caller, int | None, int | None] | None:
        """The caller behind a secret, its requests a second, and when it expires (µs UTC)."""
        ...

    def touch(self, key_id: int, now: int) -> None:
        """Note that a key was used."""
        ...


class Door:
    """Turns headers into a caller; `namespace_id` finds a namespace by name, for the owner."""

    def __init__(self, keys: Keys, clock: Clock, namespace_id: Callable[[str], Awaitable[int | None]]) -> None:
        self._keys = keys
        self._clock = clock
        self._namespace_id = namespace_id
        self._buckets = Buckets()

    def enter(self, headers: Mapping[str, str], permission: Permission) -> Caller:
        """The caller in its own namespace. Raises Unauthorized, Forbidden, RateLimited, Invalid."""
        caller, rate, now = self._known(headers)
        if permission not in ALLOWED[caller.role]:
            raise Forbidden(_who_may(caller, permission))
        if caller.key_id is not None:
            if rate is not None:
                self._buckets.take(caller.key_id, rate, self._clock.monotonic())
            self._keys.touch(caller.key_id, now)
        actor = headers.get(X_ACTOR)
        return caller if actor is None else replace(caller, declared=_checked_actor(actor))

    def enter_by_path(self, secret: str) -> Caller:
        """The caller behind a key that stands in an address. Raises NotFound for one that is unknown, has expired or
        may do more than an address may carry; RateLimited."""
        found, now = self._keys.find(secret), self._clock.now()
        if found is None:
            raise NotFound("not found")
        caller, rate, expires_at = found
        if Permission.PING not in ALLOWED[caller.role] or (expires_at is not None and now >= expires_at):
            raise NotFound("not found")
        if caller.key_id is not None:
            if rate is not None:
                self._buckets.take(caller.key_id, rate, self._clock.monotonic())
            self._keys.touch(caller.key_id, now)
        return caller

    def still_valid(self, headers: Mapping[str, str], permission: Permission) -> bool:
        """Whether a stream that was opened with these headers may go on; counts as no request."""
        try:
            caller, _, _ = self._known(headers)
        except Unauthorized:
            return False
        return permission in ALLOWED[caller.role]

    async def in_namespace(self, caller: Caller, name: str) -> Caller:
        """The caller in the namespace that `X-Namespace` names. Raises Forbidden, NotFound."""
        if name == caller.namespace:
            return caller
        if not caller.owner:
            raise Forbidden(f"This key belongs to namespace {caller.namespace}; only the owner key may name another.")
        namespace_id = await self._namespace_id(name) if name.isprintable() else None
        if namespace_id is None:
            raise NotFound(f"There is no namespace {name!r:.110}.")
        return replace(caller, namespace_id=namespace_id, namespace=name)

    def _known(self, headers: Mapping[str, str]) -> tuple[Caller, int | None, int]:
        secret = headers.get(X_API_KEY)
        if secret is None:
            secret = _bearer(headers.get(AUTHORIZATION))
        found = self._keys.find(secret) if secret.isascii() else None
        if found is None:
            raise Unauthorized("This key is not known.")
        caller, rate, expires_at = found
        now = self._clock.now()
        if expires_at is not None and now >= expires_at:
            raise Unauthorized("This key has expired.")
        return caller, rate, now


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        raise Unauthorized("A key is needed: X-API-Key: KEY, or Authorization: Bearer KEY.")
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthorized("Expected Authorization: Bearer KEY.")
    return secret.strip()


def _checked_actor(actor: str) -> str:
    if not 1 <= len(actor) <= MAX_ACTOR or not actor.isprintable():
        raise Invalid("X-Actor", f"expected 1 to {MAX_ACTOR} printable characters", actor)
    return actor


def _who_may(caller: Caller, permission: Permission) -> str:
    roles = [role.value for role, permissions in ALLOWED.items() if permission in permissions]
    return f"The role {caller.role} may not do this; it takes {' or '.join(roles)}."
