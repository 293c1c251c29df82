"""What the groups of calls have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from trackdesk.domain.run import RunAddress

if TYPE_CHECKING:
    from trackdesk.client.client import Client

Address: TypeAlias = "RunAddress | str"
"""A run: a `RunAddress`, or its uid."""


class Group:
    """Calls that share the first half of their name."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._call = client.call


def address_path(address: Address) -> dict[str, str | int]:
    """The path parameters of a run."""
    if isinstance(address, str):
        return {"uid": address}
    if address.uid is not None:
        return {"uid": address.uid}
    return {"process": address.process, "id": address.id}


def attempt_query(address: Address) -> dict[str, int]:
    """The attempt that an address picks, as a query."""
    attempt = address.attempt if isinstance(address, RunAddress) else None
    return {} if attempt is None else {"attempt": attempt}
