"""What goes over a channel and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

DETAIL_LENGTH = 500
"""Characters of an outcome's detail that are kept."""


@dataclass(frozen=True, slots=True)
class Message:
    """One notification, worded for people (`title`, `body`) and for programs (`payload`, which becomes JSON).

    `delivery_id` stays the same over all attempts, so that a receiver can tell a repeat from a new message.
    """

    delivery_id: str
    kind: str
    severity: str | None
    title: str
    body: str
    payload: dict[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to.

    `permanent`: trying again is useless. `retry_after`: what the receiver asked to wait, in µs. `status`: the answer's
    number (`200`, `429`, `550`) or one of `sent`, `timeout`, `refused`, `blocked` (by the address policy), `busy`,
    `dns`, `tls`, `broken`, `failed`, `closed`. `detail`: at most DETAIL_LENGTH characters, free of secrets. `took`: µs.
    """

    ok: bool
    permanent: bool
    retry_after: int | None
    status: str
    detail: str
    took: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome before it is timed and before its detail is cleaned of secrets."""

    ok: bool
    status: str
    detail: str = ""
    permanent: bool = False
    retry_after: int | None = None

    def outcome(self, detail: str, took: int) -> Outcome:
        """`detail` replaces the verdict's own, which may hold secrets; `took` in µs."""
        return Outcome(self.ok, self.permanent, self.retry_after, self.status, detail[:DETAIL_LENGTH], took)
