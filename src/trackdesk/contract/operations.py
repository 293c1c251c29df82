"""Calls about keys, the journal, the live stream and trackdesk itself."""

from __future__ import annotations

from typing import Any, Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import filters, identity, incident
from trackdesk.domain.identity import Permission
from trackdesk.domain.page import Page

KEY_LIST: Final = Endpoint[Page[identity.Key]](
    "keys.list",
    (("GET", "/v1/keys"),),
    Permission.ADMIN,
    "List keys",
    Page[identity.Key],
    query=filters.KeyFilter,
)
KEY_ADD: Final = Endpoint[identity.MadeKey](
    "keys.add",
    (("POST", "/v1/keys"),),
    Permission.ADMIN,
    "Make a key; its secret is shown this once",
    identity.MadeKey,
    status=201,
    body=identity.NewKey,
    errors=(409,),
)
KEY_PATCH: Final = Endpoint[identity.Key](
    "keys.patch",
    (("PATCH", "/v1/keys/{key}"),),
    Permission.ADMIN,
    "Change a key",
    identity.Key,
    body=identity.ChangeKey,
    errors=(409,),
)
KEY_DELETE: Final = Endpoint[None](
    "keys.delete", (("DELETE", "/v1/keys/{key}"),), Permission.ADMIN, "Revoke a key at once", status=204
)
WHOAMI: Final = Endpoint[identity.Whoami](
    "keys.whoami",
    (("GET", "/v1/whoami"),),
    Permission.ANY,
    "Whose key this is and what it may do",
    identity.Whoami,
)

JOURNAL_LIST: Final = Endpoint[Page[incident.JournalEntry]](
    "journal.list",
    (("GET", "/v1/journal"),),
    Permission.READ,
    "Who changed what and when, newest first",
    Page[incident.JournalEntry],
    query=filters.JournalFilter,
)
STREAM: Final = Endpoint[None](
    "live.stream",
    (("GET", "/v1/stream"),),
    Permission.READ,
    "Server-sent events of every change; Last-Event-ID resumes without a gap",
    query=filters.StreamFilter,
    media="text/event-stream",
)

HEALTHZ: Final = Endpoint[dict[str, str]](
    "operations.healthz", (("GET", "/healthz"),), Permission.OPEN, "Is the process alive", dict[str, str]
)
READYZ: Final = Endpoint[identity.Readiness](
    "operations.readyz",
    (("GET", "/readyz"),),
    Permission.OPEN,
    "Is every worker well; 503 with the names of those that are not",
    identity.Readiness,
    errors=(503,),
)
METRICS: Final = Endpoint[None](
    "operations.metrics",
    (("GET", "/metrics"),),
    Permission.READ,
    "Figures about trackdesk itself in Prometheus' text format",
    media="text/plain",
)
OPENAPI: Final = Endpoint[dict[str, Any]](
    "operations.openapi", (("GET", "/openapi.json"),), Permission.OPEN, "This document", dict[str, Any]
)
DOCS: Final = Endpoint[None](
    "operations.docs", (("GET", "/docs"),), Permission.OPEN, "This document as a page", media="text/html"
)
