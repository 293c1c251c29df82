"""The call that takes many lines at once."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import MEBIBYTE, Endpoint
from trackdesk.domain.identity import Permission
from trackdesk.domain.ingest import Ingested

INGEST: Final = Endpoint[Ingested](
    "ingest.send",
    (("POST", "/v1/ingest"),),
    Permission.INGEST,
    "Take many lines at once, each for itself: starts, changes, ends and log lines of runs, and samples",
    Ingested,
    idempotent=True,
    max_body=32 * MEBIBYTE,
    takes="application/x-ndjson",
)
